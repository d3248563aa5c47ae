"""Weights: found on disk, fetched from a real local server, or refused with the ways out."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from core.backbones import weights
from core.backbones.catalogue import get
from core.errors import WeightsError, WeightsNotFoundError
from core.recipe import proposals
from core.recipe.presets import PRESETS

CONTENT = b"\x89HDF\r\n\x1a\n" + bytes(range(256)) * 4000
LOGIN_PAGE = b"<html>Please log in to the hotel's network</html>"


class Handler(BaseHTTPRequestHandler):
    """Serves a whole file, half of one, or a login page, by its name."""

    def do_GET(self) -> None:
        if "missing" in self.path:
            self.send_error(404)
            return
        body = LOGIN_PAGE if "login" in self.path else CONTENT
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body[: len(body) // 2] if "torn" in self.path else body)

    do_HEAD = do_GET

    def log_message(self, *arguments: object) -> None:
        pass


@pytest.fixture
def server() -> Iterator[str]:
    running = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=running.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{running.server_port}/"
    running.shutdown()
    running.server_close()


@pytest.fixture(autouse=True)
def folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Path, Path]:
    """The user's folder and Keras's cache, both empty."""
    own, cache = tmp_path / "own", tmp_path / "keras" / "models"
    own.mkdir()
    cache.mkdir(parents=True)
    monkeypatch.setenv("GRAFT_WEIGHTS_DIR", str(own))
    monkeypatch.setenv("KERAS_HOME", str(cache.parent))
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    return own, cache


def served(server: str, file: str, md5: str | None = None):
    backbone, variant = get("ResNet50")
    return backbone, replace(variant, weights_file=file, weights_url=server + file, weights_hash=md5)


def test_the_users_folder_comes_before_the_cache(folders):
    backbone, variant = get("MobileNetV2", 0.35)
    assert weights.find(backbone, variant) is None
    own, cache = (folder / variant.weights_file for folder in folders)
    cache.write_bytes(b"cache")
    assert weights.find(backbone, variant) == cache
    own.write_bytes(b"own")
    assert weights.find(backbone, variant) == own
    assert weights.ensure(backbone, variant) == own


def test_random_weights_need_no_file():
    assert weights.ensure(*get("VGG16"), weights="none") is None


def test_a_file_of_ones_own_has_to_be_there():
    with pytest.raises(WeightsNotFoundError, match="my.h5"):
        weights.ensure(*get("VGG16"), weights="my.h5")


def test_a_download_lands_in_the_cache_with_progress(server, folders):
    backbone, variant = served(server, "whole.h5", hashlib.md5(CONTENT).hexdigest())
    seen: list[tuple[str, float]] = []
    path = weights.ensure(backbone, variant, progress=lambda what, fraction: seen.append((what, fraction)))
    assert path == folders[1] / "whole.h5"
    assert path.read_bytes() == CONTENT
    assert list(folders[1].iterdir()) == [path]
    fractions = [fraction for _, fraction in seen]
    assert fractions == sorted(fractions) and fractions[-1] == 1.0 and len(fractions) > 1
    assert "whole.h5" in seen[0][0]


@pytest.mark.parametrize("file", ["missing.h5", "torn.h5"])
def test_a_failed_download_leaves_nothing_and_names_the_ways_out(server, folders, file):
    backbone, variant = served(server, file)
    with pytest.raises(WeightsNotFoundError) as caught:
        weights.ensure(backbone, variant)
    assert not list(folders[1].iterdir())
    text = str(caught.value)
    for part in (file, str(folders[0]), str(folders[1]), "connect", "place the file", "model.weights=none"):
        assert part in text
    assert "\n" not in text


@pytest.mark.parametrize(("file", "md5"), [("login.h5", None), ("whole.h5", "0" * 32)])
def test_something_else_than_the_file_is_refused(server, folders, file, md5):
    with pytest.raises(WeightsError, match="not the expected"):
        weights.ensure(*served(server, file, md5))
    assert not list(folders[1].iterdir())


def test_a_closed_network_is_noticed_quickly():
    backbone, variant = served("http://127.0.0.1:9/", "any.h5")
    with pytest.raises(WeightsNotFoundError, match="could not be downloaded"):
        weights.ensure(backbone, variant)


def test_reachability_is_asked_of_the_server(server):
    assert weights._answers(server + "whole.h5")
    assert not weights._answers(server + "missing.h5")
    assert not weights._answers("http://127.0.0.1:9/any.h5")


def test_a_file_of_ones_own_is_found_by_its_bare_name_where_weights_lie(folders):
    """As the preset of a course names Keras's own file."""
    name = PRESETS["cifar10-resnet50-weights-file"].recipe.model.weights
    with pytest.raises(WeightsNotFoundError) as error:
        weights.own_file(name)
    assert str(folders[0]) in error.value.hint
    for folder in reversed(folders):
        (folder / name).write_bytes(CONTENT)
        assert weights.own_file(name) == folder / name
    assert weights.find_own(f"elsewhere/{name}") is None
    assert proposals.obtainable(PRESETS["cifar10-resnet50-weights-file"].recipe, lambda: False)
