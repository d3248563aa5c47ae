"""Downloads: a link to a route that writes the file when asked, sends it in pieces and removes it."""

from __future__ import annotations

import io
import socket
import threading
import time
import urllib.error
import urllib.request
import zipfile
from collections.abc import Iterator
from email.message import Message

import psutil
import pytest
import streamlit as st
import uvicorn
from starlette.applications import Starlette

from core import exporting
from core.store.files import write_json
from pages.parts.app import downloads
from pages.parts.session import state


@pytest.fixture
def server() -> Iterator[str]:
    """The route on a real server, in a thread."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        serving = uvicorn.Server(uvicorn.Config(Starlette(routes=[downloads.route()]), log_level="error"))
        thread = threading.Thread(target=serving.run, args=([listener],))
        thread.start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        serving.should_exit = True
        thread.join(30)


def fetch(url: str) -> tuple[int, bytes, Message]:
    """Status, body and headers. Not through a proxy."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(url, timeout=30) as answer:
            return answer.status, answer.read(), answer.headers
    except urllib.error.HTTPError as error:
        return error.code, error.read(), error.headers


@pytest.fixture
def url(trained, workspace, monkeypatch, server) -> str:
    links: list[str] = []
    monkeypatch.setattr(state, "workspace", lambda: workspace)
    (trained.path / exporting.FOLDER).mkdir()
    with zipfile.ZipFile(exporting.kept(trained, "keras"), "w") as archive:
        for name in ("model.keras", "labels.txt"):
            archive.write(trained.path / name, name)
    write_json(exporting.about(trained, "keras"), {"model": exporting.stamp(trained)})
    monkeypatch.setattr(st, "link_button", lambda label, url, **_: links.append(url))
    downloads.link("Download the model", trained, "keras", "colours-model")
    downloads.link("Download the model", trained, "keras", "colours-model")
    assert links[0] == links[1]  # drawing the page again makes no further link
    return f"{server}/{links[0]}"


def emptied(folder) -> bool:
    """The file goes after its last byte was sent, which may be a moment after it arrived."""
    deadline = time.monotonic() + 10
    while list(folder.iterdir()) and time.monotonic() < deadline:
        time.sleep(0.02)
    return not list(folder.iterdir())


def test_the_model_comes_under_its_name_and_leaves_nothing(url, trained, workspace):
    status, body, headers = fetch(url)
    assert status == 200 and headers["content-type"] == "application/zip"
    assert 'filename="colours-model.zip"' in headers["content-disposition"]
    with zipfile.ZipFile(io.BytesIO(body)) as archive:
        assert archive.read("labels.txt").decode().split() == trained.classes
        assert archive.read("model.keras") == (trained.path / "model.keras").read_bytes()
    assert emptied(workspace.incoming)


def test_a_large_model_is_never_whole_in_memory(url, trained, workspace):
    size = 300 * 2**20
    with open(exporting.kept(trained, "keras"), "r+b") as file:
        file.truncate(size)
    process, received = psutil.Process(), 0
    before = highest = process.memory_info().rss
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(url, timeout=60) as answer:
        while piece := answer.read(2**20):
            received += len(piece)
            highest = max(highest, process.memory_info().rss)
    assert received == size
    assert highest - before < 60 * 2**20
    assert emptied(workspace.incoming)


def test_who_leaves_in_the_middle_leaves_nothing_either(url, trained, workspace):
    with open(exporting.kept(trained, "keras"), "r+b") as file:
        file.truncate(100 * 2**20)
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(url, timeout=60) as answer:
        answer.read(1000)
    assert emptied(workspace.incoming)


def test_a_link_that_nobody_was_given_leads_nowhere(server, url):
    status, body, _ = fetch(f"{server}/{downloads.PATH}/{'0' * 32}")
    assert status == 404 and b"anew" in body


def test_a_model_that_is_gone_is_said(url, trained, workspace):
    exporting.kept(trained, "keras").unlink()
    status, body, _ = fetch(url)
    assert status == 409 and b"Make it again" in body
    assert list(workspace.incoming.iterdir()) == []
