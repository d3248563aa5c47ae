"""Weights files of strangers: what they declare is judged before any number is read."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

import h5py
import numpy as np
import pytest

from core.backbones.weight_files import opened
from core.errors import WeightsError


def legacy(path: Path, layers: dict[str, dict[str, np.ndarray]], root: str = "") -> Path:
    """A legacy file: `{group: {weight name: values}}`."""
    with h5py.File(path, "w") as file:
        top = file.create_group(root) if root else file
        top.attrs["layer_names"] = [name.encode() for name in layers]
        for name, weights in layers.items():
            group = top.create_group(name)
            group.attrs["weight_names"] = [weight.encode() for weight in weights]
            for weight, values in weights.items():
                group[weight] = values
    return path


KERNEL, BIAS = np.ones((3, 3, 3, 8), np.float32), np.zeros(8, np.float32)


def names(path: Path) -> list[tuple[str, tuple[tuple[int, ...], ...]]]:
    with opened(path) as file:
        return [(layer.name, layer.shapes) for layer in file.layers]


@pytest.mark.parametrize("root", ["", "model_weights"])
def test_a_flat_legacy_file(tmp_path, root):
    path = legacy(tmp_path / "a.h5", {"conv1": {"conv1/kernel:0": KERNEL, "conv1/bias:0": BIAS},
                                      "pool1": {}, "fc": {"fc/kernel:0": np.ones((8, 2))}}, root)
    assert names(path) == [("conv1", ((3, 3, 3, 8), (8,))), ("fc", ((8, 2),))]


def test_the_oldest_files_name_weights_without_their_layer(tmp_path):
    path = legacy(tmp_path / "a.h5", {"conv1": {"conv1_W": KERNEL, "conv1_b": BIAS}})
    assert names(path) == [("conv1", ((3, 3, 3, 8), (8,)))]


def test_a_model_inside_a_model_is_looked_through(tmp_path):
    path = legacy(tmp_path / "keras_model.h5", {
        "sequential_1": {"Conv1/kernel:0": KERNEL, "bn_Conv1/gamma:0": BIAS, "bn_Conv1/beta:0": BIAS},
        "sequential_3": {"dense/kernel:0": np.ones((8, 2)), "out/kernel:0": np.ones((2, 2))}}, "model_weights")
    assert names(path) == [("Conv1", ((3, 3, 3, 8),)), ("bn_Conv1", ((8,), (8,))), ("dense", ((8, 2),)),
                           ("out", ((2, 2),))]


def test_values_come_as_float32_whatever_they_are_stored_as(tmp_path):
    path = legacy(tmp_path / "a.h5", {"conv1": {"conv1/kernel:0": KERNEL.astype(np.float64)}})
    with opened(path) as file:
        values = file.values(file.layers[0])
    assert values[0].dtype == np.float32 and (values[0] == 1).all()


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_weights_that_are_not_finite_are_refused(tmp_path, bad):
    path = legacy(tmp_path / "a.h5", {"conv1": {"conv1/kernel:0": np.full((2, 2), bad, np.float32)}})
    with opened(path) as file, pytest.raises(WeightsError, match=r"conv1.*not finite.*blown up"):
        file.values(file.layers[0])


def test_whole_numbers_are_no_weights(tmp_path):
    path = legacy(tmp_path / "a.h5", {"conv1": {"conv1/kernel:0": np.ones((2, 2), np.int64)}})
    with opened(path) as file, pytest.raises(WeightsError, match="int64"):
        file.values(file.layers[0])


def _soft(file: h5py.File) -> None:
    file["layers/conv2d/vars/0"] = h5py.SoftLink("/elsewhere")


def _external(file: h5py.File) -> None:
    file["layers/conv2d/vars/0"] = h5py.ExternalLink("/etc/passwd", "/")


def _storage(file: h5py.File) -> None:
    group = file.create_group("layers/conv2d/vars")
    group.create_dataset("0", (100,), "f4", external=[("/etc/passwd", 0, 400)])


def _virtual(file: h5py.File) -> None:
    layout = h5py.VirtualLayout((4,), "f4")
    layout[:] = h5py.VirtualSource("/etc/passwd", "x", (4,))
    file.create_group("layers/conv2d/vars").create_virtual_dataset("0", layout)


@pytest.mark.parametrize("make", [_soft, _external, _storage, _virtual])
def test_links_and_storage_outside_the_file_are_refused(tmp_path, make):
    with h5py.File(tmp_path / "a.weights.h5", "w") as file:
        make(file)
    with pytest.raises(WeightsError, match=r"outside itself|another file"), opened(tmp_path / "a.weights.h5"):
        pass


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="the peak is read from Linux's /proc")
def test_a_shape_bomb_is_refused_before_anything_is_allocated(tmp_path):
    """Twenty kilobytes that declare three gigabytes; the reading process may take no more than 400 MB."""
    with h5py.File(tmp_path / "a.weights.h5", "w") as file:
        group = file.create_group("layers/conv2d/vars")
        group.create_dataset("0", (28_000, 28_000), "f4", chunks=(1024, 1024), compression="gzip", fillvalue=1.0)
    assert (tmp_path / "a.weights.h5").stat().st_size < 50_000
    code = ("import re, sys; from pathlib import Path; from core.backbones.weight_files import opened\n"
            "from core.errors import WeightsError\n"
            "try:\n  with opened(Path(sys.argv[1])) as file: file.values(file.layers[0])\n"
            "except WeightsError as error: print(error)\n"
            "print(int(re.search(r'VmHWM:\\s+(\\d+)', Path('/proc/self/status').read_text())[1]) // 1024)")
    done = subprocess.run([sys.executable, "-c", code, str(tmp_path / "a.weights.h5")], capture_output=True, text=True,
                          check=True)
    message, peak = done.stdout.strip().split("\n")
    assert "says that it holds 2,991 MB" in message and int(peak) < 400


def test_an_archive_that_unpacks_to_far_more_than_it_is_is_refused(tmp_path):
    with zipfile.ZipFile(tmp_path / "a.keras", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("config.json", "{" * 10)
        archive.writestr("model.weights.h5", bytes(100 * 2**20))
    with pytest.raises(WeightsError, match="unpack to 100 MB"), opened(tmp_path / "a.keras"):
        pass


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 no zip", b"%PDF-1.4", b"\x89HDF\r\n\x1a\n" + b"\0" * 200])
def test_what_is_no_weights_file_is_said_to_be_none(tmp_path, content):
    (tmp_path / "a.h5").write_bytes(content)
    with pytest.raises(WeightsError, match=r"a\.h5 .*\.weights\.h5"), opened(tmp_path / "a.h5"):
        pass


def test_a_file_that_is_not_there(tmp_path):
    with pytest.raises(WeightsError, match="There is no weights file"), opened(tmp_path / "a.h5"):
        pass


def test_an_archive_without_weights_is_said_to_have_none(tmp_path):
    with zipfile.ZipFile(tmp_path / "a.keras", "w") as archive:
        archive.writestr("config.json", "{}")
    with pytest.raises(WeightsError, match=r"no model\.weights\.h5"), opened(tmp_path / "a.keras"):
        pass


def test_a_file_cut_short_anywhere_gives_one_kind_of_error(tmp_path):
    whole = legacy(tmp_path / "a.h5", {"conv1": {"conv1/kernel:0": KERNEL, "conv1/bias:0": BIAS}}).read_bytes()
    for length in range(0, len(whole), max(1, len(whole) // 40)):
        (tmp_path / "b.h5").write_bytes(whole[:length])
        with pytest.raises(WeightsError), opened(tmp_path / "b.h5") as file:
            file.values(file.layers[0])


def test_a_mistake_of_who_reads_is_not_blamed_on_the_file(tmp_path):
    path = legacy(tmp_path / "a.h5", {"conv1": {"conv1/kernel:0": KERNEL}})
    with pytest.raises(ZeroDivisionError), opened(path):
        _ = 1 / 0
