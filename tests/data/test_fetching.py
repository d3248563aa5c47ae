"""Archives from the web, from a server on this machine that behaves as some do."""

from __future__ import annotations

import hashlib
import re
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from core.data import fetching, samples
from core.data.fetching import fetch
from core.data.library import ingest_link, ingest_sample, resolve_dataset
from core.errors import ArchiveError, DataError
from core.store.limits import Limits
from core.store.workspace import Workspace
from tests.tiny import coloured_folder


class Cancelled(Exception):
    """Somebody pressed Cancel."""


@dataclass
class Web:
    """What the server has, how it behaves, and what it was asked for."""

    files: dict[str, bytes] = field(default_factory=dict)
    moved: dict[str, str] = field(default_factory=dict)
    breaks: int = 0
    """So many answers break off in the middle."""
    ranges: bool = True
    asked: list[tuple[str, str]] = field(default_factory=list)
    port: int = 0

    def url(self, path: str) -> str:
        return f"http://127.0.0.1:{self.port}{path}"


@pytest.fixture
def web() -> Iterator[Web]:
    seen = Web()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            wanted = self.headers.get("Range", "")
            seen.asked.append((self.path, wanted))
            if self.path in seen.moved:
                self.send_response(302)
                self.send_header("Location", seen.moved[self.path])
                return self.end_headers()
            if (content := seen.files.get(self.path)) is None:
                return self.send_error(404)
            start = int(re.findall(r"\d+", wanted)[0]) if wanted and seen.ranges else 0
            if start and start >= len(content):
                self.send_response(416)
                self.send_header("Content-Range", f"bytes */{len(content)}")
                return self.end_headers()
            self.send_response(206 if start else 200)
            self.send_header("Content-Length", str(len(content) - start))
            self.end_headers()
            rest = content[start:]
            if seen.breaks:
                seen.breaks -= 1
                rest = rest[:len(rest) // 2]
            self.wfile.write(rest)
            self.close_connection = True

        def log_message(self, *_: object) -> None: ...

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    seen.port = server.server_address[1]
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield seen
    server.shutdown()
    server.server_close()


@pytest.fixture(autouse=True)
def quick(monkeypatch) -> None:
    monkeypatch.setattr(fetching, "_WAIT_SECONDS", 0.0)


@pytest.fixture
def archive(tmp_path, make_zip) -> bytes:
    folder = coloured_folder(tmp_path / "pictures", 4)
    return make_zip({f"photos/{path.relative_to(folder)}": path.read_bytes()
                     for path in sorted(folder.rglob("*.png"))}).read_bytes()


def test_an_archive_becomes_a_dataset_and_is_known_again(web, workspace, archive):
    web.files["/some/photos.zip"] = archive
    told: list[tuple[str, float]] = []
    dataset = ingest_link(web.url("/some/photos.zip"), workspace, progress=lambda *what: told.append(what))
    assert dataset.classes == ["blue", "green", "red"] and dataset.name == "photos"
    assert told[0][0].startswith("Downloading photos.zip: ") and [share for _, share in told] == sorted(
        share for _, share in told)
    assert list(workspace.incoming.iterdir()) == []
    first = resolve_dataset(web.url("/some/photos.zip"), workspace)
    assert resolve_dataset(web.url("/some/photos.zip"), workspace).id == first.id and len(web.asked) == 2


def test_what_breaks_off_is_gone_on_with(web, workspace, archive):
    web.files["/photos.zip"], web.breaks = archive, 2
    path = fetch(web.url("/photos.zip"), workspace)
    assert path.read_bytes() == archive
    assert [wanted for _, wanted in web.asked] == ["", f"bytes={len(archive) // 2}-", web.asked[2][1]]


def test_a_server_that_knows_no_ranges_sends_all_again(web, workspace, archive):
    web.files["/photos.zip"], web.breaks, web.ranges = archive, 1, False
    assert fetch(web.url("/photos.zip"), workspace).read_bytes() == archive


def test_a_later_try_goes_on_where_the_one_before_gave_up(web, workspace, archive):
    web.files["/photos.zip"], web.breaks = archive, fetching.TRIES
    with pytest.raises(DataError, match="could not be downloaded") as error:
        fetch(web.url("/photos.zip"), workspace)
    assert "goes on where it broke off" in error.value.hint
    assert fetch(web.url("/photos.zip"), workspace).read_bytes() == archive
    assert int(re.findall(r"\d+", web.asked[-1][1])[0]) > len(archive) // 2


def test_cancelling_leaves_nothing(web, workspace, archive):
    web.files["/photos.zip"] = archive

    def cancel(*_: object) -> None:
        raise Cancelled

    with pytest.raises(Cancelled):
        ingest_link(web.url("/photos.zip"), workspace, progress=cancel)
    assert list(workspace.incoming.iterdir()) == []


@pytest.mark.parametrize(("path", "says"), [("/none.zip", "404"), ("/page.zip", "not a zip")])
def test_what_is_not_there_or_no_archive_is_said_and_nothing_stays(web, workspace, path, says):
    web.files["/page.zip"] = b"<html>log in</html>" * 40
    with pytest.raises(DataError, match=says):
        ingest_link(web.url(path), workspace)
    assert len(web.asked) == 1 and not [left for left in workspace.incoming.iterdir() if left.suffix == ".part"]


def test_a_name_that_there_is_not(workspace):
    with pytest.raises(DataError, match="is there a network"):
        fetch("https://nowhere.invalid/photos.zip", workspace)


def test_the_limit_holds_whatever_the_server_says(web, tmp_path, archive):
    web.files["/photos.zip"] = archive
    small = Workspace(tmp_path / "small", replace(Limits(), upload_bytes=len(archive) - 1))
    with pytest.raises(ArchiveError, match="larger than"):
        fetch(web.url("/photos.zip"), small)
    assert list(small.incoming.iterdir()) == []


def test_a_demo_reaches_no_private_address_not_even_by_a_detour(web, tmp_path, archive):
    web.files["/photos.zip"] = archive
    demo = Workspace(tmp_path / "demo", Limits.demo())
    for url in (web.url("/photos.zip"), web.url("/photos.zip").replace("127.0.0.1", "localhost"),
                "http://10.0.0.1/x.zip", "http://[::1]/x.zip", "http://169.254.169.254/latest/meta-data"):
        with pytest.raises(DataError, match="not on the public internet"):
            fetch(url, demo)
    assert web.asked == []
    detour = fetching._opened(web.url("/away.zip"), 0, Workspace(tmp_path / "own"))
    web.moved["/away.zip"] = "file:///etc/passwd"
    with pytest.raises(DataError, match="not an address on the web"):
        detour.__enter__()


def test_moved_is_followed_but_not_for_ever(web, workspace, archive):
    web.files["/photos.zip"], web.moved["/old.zip"], web.moved["/round"] = archive, "/photos.zip", "/round"
    assert fetch(web.url("/old.zip"), workspace).read_bytes() == archive
    with pytest.raises(DataError, match="from address to address"):
        fetch(web.url("/round"), workspace)


@pytest.mark.parametrize("text", ["ftp://example.org/x.zip", "file:///etc/passwd", "https://"])
def test_what_is_no_address_on_the_web(workspace, text):
    with pytest.raises(DataError, match="not an address"):
        fetch(text, workspace)


def test_a_sample_is_fetched_checked_and_read_by_its_own_names(web, workspace, monkeypatch, tmp_path, make_zip):
    folder = coloured_folder(tmp_path / "flowers", 1, 24)
    picture = next(folder.rglob("*.png")).read_bytes()
    numbers = (1, 2, 80, 81, 1360)
    content = make_zip({f"jpg/image_{number:04d}.jpg": picture + bytes([index])
                        for index, number in enumerate(numbers)}).read_bytes()
    web.files["/17.zip"] = content
    sample = samples.SAMPLES["flowers-17"]
    there = replace(sample.download, url=web.url("/17.zip"), md5=hashlib.md5(content).hexdigest())
    monkeypatch.setitem(samples.SAMPLES, "flowers-17", replace(sample, download=there))
    dataset = ingest_sample("flowers-17", workspace)
    assert dataset.usable()["class"].value_counts().to_dict() == {"daffodil": 3, "snowdrop": 1, "pansy": 1}
    assert resolve_dataset("flowers-17", workspace).id == dataset.id
    monkeypatch.setitem(samples.SAMPLES, "flowers-17", replace(sample, download=replace(there, md5="0" * 32)))
    with pytest.raises(DataError, match="not the file that was expected"):
        ingest_sample("flowers-17", workspace)
