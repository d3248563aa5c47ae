"""The HTTP service: a real server, a real prediction process."""

from __future__ import annotations

import json
import socket
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
import uvicorn

from core import serving
from core.data import fetching
from core.runs.run import Run
from core.serving import application, description
from core.store.limits import Limits
from core.store.workspace import Workspace


@pytest.fixture
def workspace(tmp_path) -> Workspace:
    return Workspace(tmp_path / "serving", Limits.demo())


@pytest.fixture
def url(trained, workspace) -> Iterator[str]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    server = uvicorn.Server(uvicorn.Config(application(trained, workspace), port=port, log_level="error"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.02)
    yield f"http://127.0.0.1:{port}"
    server.should_exit = True
    thread.join(10)


def ask(url: str, data: bytes | None = None, kind: str = "image/png") -> tuple[int, Any]:
    request = urllib.request.Request(url, data, {"Content-Type": kind} if data is not None else {})
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(request, timeout=60) as answer:
            body = answer.read()
            return answer.status, json.loads(body) if body[:1] in b"{[" else body.decode()
    except urllib.error.HTTPError as error:
        return error.code, json.loads(error.read())


def picture(run: Run) -> bytes:
    return next(run.dataset_path.glob("images/*")).read_bytes()


def form(*files: bytes) -> tuple[bytes, str]:
    head = b'--x\r\nContent-Disposition: form-data; name="file"; filename="p%d.png"\r\n\r\n%b\r\n'
    parts = b"".join(head % (index, data) for index, data in enumerate(files))
    return parts + b"--x--\r\n", "multipart/form-data; boundary=x"


def test_one_several_and_what_is_no_picture(url, trained, workspace):
    assert ask(f"{url}/healthz")[1]["classes"] == trained.classes
    status, found = ask(f"{url}/predict?top_k=2", picture(trained))
    (one,) = found["predictions"]
    assert status == 200 and one["label"] in trained.classes and len(one["top"]) == 2 and one["error"] is None
    status, found = ask(f"{url}/predict", *form(picture(trained), b"nothing"))
    good, bad = found["predictions"]
    assert (good["name"], good["label"]) == ("p0.png", one["label"]) and bad["name"] == "p1.png" and bad["error"]
    assert not list(workspace.incoming.iterdir())


def test_a_link_is_fetched_and_leaves_nothing(url, trained, workspace, monkeypatch):
    monkeypatch.setattr(fetching, "_require_public", lambda address, url: None)  # the picture lies on this machine
    folder = trained.dataset_path / "images"
    handler = partial(SimpleHTTPRequestHandler, directory=str(folder))
    web = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=web.serve_forever, daemon=True).start()
    link = f"http://127.0.0.1:{web.server_address[1]}/{next(folder.iterdir()).name}"
    with ThreadPoolExecutor(4) as pool:  # the same one at a time by several
        found = list(pool.map(lambda _: ask(f"{url}/predict", json.dumps({"url": link}).encode(), "application/json"),
                              range(8)))
    web.shutdown()
    assert {status for status, _ in found} == {200} and found[0][1]["predictions"][0]["label"] in trained.classes
    assert not list(workspace.incoming.iterdir())


def test_what_is_refused_says_why_and_leaves_nothing(url, trained, workspace, monkeypatch):
    assert ask(f"{url}/predict", b"")[0] == 400
    assert ask(f"{url}/predict?top_k=many", picture(trained))[0] == 400
    assert ask(f"{url}/predict", b"{", "application/json")[0] == 400
    assert ask(f"{url}/predict", b'{"url": "file:///etc/passwd"}', "application/json")[0] == 400
    status, found = ask(f"{url}/predict", json.dumps({"url": f"{url}/healthz"}).encode(), "application/json")
    assert status == 400 and "not on the public internet" in found["error"]["message"]
    assert ask(f"{url}/predict", *form(*[b"x"] * (serving.PICTURES + 1)))[0] == 413
    monkeypatch.setattr(serving, "PICTURE_BYTES", 100)
    status, found = ask(f"{url}/predict", picture(trained))
    assert status == 413 and "too large" in found["error"]["message"]
    assert not list(workspace.incoming.iterdir())


def test_sixteen_at_once_get_all_their_answers(url, trained):
    data = picture(trained)
    with ThreadPoolExecutor(16) as pool:
        found = list(pool.map(lambda _: ask(f"{url}/predict", data), range(48)))
    assert {status for status, _ in found} == {200}
    assert len({answer["predictions"][0]["probability"] for _, answer in found}) == 1


def test_one_too_many_is_told_to_come_again(url, trained, monkeypatch):
    monkeypatch.setattr(serving, "WAITING", 0)
    status, found = ask(f"{url}/predict", picture(trained))
    assert status == 503 and "Try again" in found["error"]["hint"]


def test_it_describes_itself(url, trained):
    assert ask(f"{url}/openapi.json")[1] == json.loads(json.dumps(description(trained)))
    assert ", ".join(trained.classes) in ask(f"{url}/")[1]
