"""A page server on a free port and a real browser to drive it with."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from tests import browser as browser_of_tests

PROJECT = Path(__file__).resolve().parents[2]
BROWSER_ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-dev-shm-usage"]
expect.set_options(timeout=30_000)


class Server:
    """`streamlit run app.py` on a workspace; can be stopped and started again on the same port."""

    def __init__(self, workspace: Path, project: Path = PROJECT, **environment: str) -> None:
        self.workspace = workspace
        self.project = project
        self.environment = environment
        with socket.socket() as listener:
            listener.bind(("127.0.0.1", 0))
            self.port = listener.getsockname()[1]
        self.url = f"http://localhost:{self.port}"
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> float:
        """Start; returns the seconds until the server answers."""
        began = time.perf_counter()
        with open(self.workspace.parent / "server.log", "ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "streamlit", "run", "app.py", "--server.port", str(self.port),
                 "--server.headless", "true"],
                cwd=self.project, stdout=log, stderr=log,
                env={**os.environ, "GRAFT_WORKSPACE": str(self.workspace), **self.environment},
            )
        while time.perf_counter() - began < 30:
            try:
                urllib.request.urlopen(f"{self.url}/_stcore/health", timeout=1).close()
                return time.perf_counter() - began
            except OSError:
                time.sleep(0.05)
        raise TimeoutError(f"the page server does not answer: {self.log()}")

    def stop(self) -> None:
        """Stop, as Ctrl+C in the terminal does."""
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
            try:
                self.process.wait(10)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()

    def log(self) -> str:
        """What the server printed."""
        return (self.workspace.parent / "server.log").read_text("utf-8", "replace")


@pytest.fixture(scope="session")
def launch() -> Iterator[Callable[..., Browser]]:
    """Starts browsers: `launch(*arguments)`, with arguments beside the usual ones."""
    path = browser_of_tests.find()
    if path is None and not browser_of_tests.required():
        pytest.skip("no Chromium or Chrome on this machine")
    assert path, "no Chromium or Chrome on this machine"
    with sync_playwright() as playwright:
        yield lambda *more: playwright.chromium.launch(executable_path=path, args=[*BROWSER_ARGUMENTS, *more])


@pytest.fixture(scope="session")
def browser(launch: Callable[..., Browser]) -> Iterator[Browser]:
    launched = launch()
    yield launched
    launched.close()


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    empty = tmp_path / "no-weights"
    empty.mkdir()
    running = Server(tmp_path / "workspace", GRAFT_WEIGHTS_DIR=str(empty))
    running.start()
    yield running
    running.stop()


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    context = browser.new_context(viewport={"width": 1440, "height": 900}, accept_downloads=True)
    context.set_default_timeout(30_000)
    yield context.new_page()
    context.close()
