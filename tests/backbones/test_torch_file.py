"""PyTorch's old files without PyTorch: what they hold, and that nothing in them is ever called."""

from __future__ import annotations

import io
import os
import pickle
from collections import OrderedDict
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from core.backbones.torch_file import MAGIC, PROTOCOL, read_state_dict
from core.errors import WeightsError


class _Name:
    """Pickled as a name of PyTorch's, which need not be installed."""

    def __init__(self, module: str, name: str) -> None:
        self.module, self.name = module, name


class _Call:
    """Pickled as the call of a function."""

    def __init__(self, function: Any, *arguments: Any) -> None:
        self.function, self.arguments = function, arguments


class _Pickler(pickle._Pickler):  # the one in Python: names can be written that do not exist
    def persistent_id(self, value: Any) -> Any:
        return value[1:] if isinstance(value, tuple) and value[:1] == ("persistent",) else None

    def save(self, value: Any, save_persistent_id: bool = True) -> None:
        if isinstance(value, _Name):
            self.write(b"c" + f"{value.module}\n{value.name}\n".encode())
        elif isinstance(value, _Call):
            self.save(value.function)
            self.save(value.arguments)
            self.write(pickle.REDUCE)
        else:
            super().save(value, save_persistent_id)


REBUILD = _Name("torch._utils", "_rebuild_tensor_v2")
FLOATS = _Name("torch", "FloatStorage")


def tensor(key: str, count: int, shape: tuple[int, ...], strides: tuple[int, ...], offset: int = 0,
           kind: Any = FLOATS) -> _Call:
    storage = ("persistent", "storage", kind, key, "cpu", count, None)
    return _Call(REBUILD, storage, offset, shape, strides, False, OrderedDict())


def written(state: Any, storages: dict[str, np.ndarray], magic: int = MAGIC) -> bytes:
    """A file as `torch.save` of PyTorch before 1.6 wrote it."""
    file = io.BytesIO()
    system = {"protocol_version": PROTOCOL, "little_endian": True, "type_sizes": {"short": 2, "int": 4, "long": 4}}
    for part in (magic, PROTOCOL, system, state, sorted(storages)):
        _Pickler(file, 2).dump(part)
    for key in sorted(storages):
        file.write(len(storages[key]).to_bytes(8, "little") + storages[key].tobytes())
    return file.getvalue()


NUMBERS = np.arange(6, dtype="<f4")
STATE = {"whole": tensor("7", 6, (2, 3), (3, 1)), "turned": tensor("7", 6, (3, 2), (1, 3)),
         "part": tensor("7", 6, (2,), (2,), offset=1),
         "steps": tensor("8", 1, (), (), kind=_Name("torch", "LongStorage"))}
STORAGES = {"7": NUMBERS, "8": np.array([5], "<i8")}


def test_tensors_are_views_of_storages():
    found = read_state_dict(written(STATE, STORAGES), "w.pth")
    np.testing.assert_array_equal(found["whole"], [[0, 1, 2], [3, 4, 5]])
    np.testing.assert_array_equal(found["turned"], [[0, 3], [1, 4], [2, 5]])
    np.testing.assert_array_equal(found["part"], [1, 3])
    assert found["steps"].shape == () and found["steps"] == 5 and found["whole"].dtype == np.float32


@pytest.mark.parametrize("call", [
    _Call(_Name("os", "system"), "touch {}"), _Call(_Name("posix", "system"), "touch {}"),
    _Call(_Name("builtins", "eval"), "open('{}', 'w')"), _Call(_Name("builtins", "exec"), "open('{}', 'w')"),
    _Call(_Name("subprocess", "Popen"), ("touch", "{}")), _Call(_Name("torch.storage", "_load_from_bytes"), b""),
    _Call(_Call(_Name("builtins", "getattr"), _Name("collections", "OrderedDict"), "fromkeys"), ()),
    _Name("numpy", "load"),
], ids=["os.system", "posix.system", "eval", "exec", "Popen", "nested pickle", "getattr", "a mere name"])
@pytest.mark.parametrize("place", ["a tensor", "instead of the first number", "in a storage"])
def test_a_pickle_that_calls_anything_is_refused(tmp_path, call, place):
    mark = tmp_path / "called"
    if isinstance(call, _Call):
        call = _Call(call.function, *(item.format(mark) if isinstance(item, str) else
                                      tuple(part.format(mark) for part in item) if isinstance(item, tuple) else item
                                      for item in call.arguments))
    if place == "a tensor":
        data = written({**STATE, "more": call}, STORAGES)
    elif place == "in a storage":
        data = written({"w": tensor("7", 6, (6,), (1,), kind=call)}, {"7": NUMBERS})
    else:
        file = io.BytesIO()
        _Pickler(file, 2).dump(call)
        data = file.getvalue()
    with pytest.raises(WeightsError, match="asks for"):
        read_state_dict(data, "w.pth")
    assert not mark.exists()


def test_the_hostile_file_of_these_tests_does_call_when_read_carelessly(tmp_path):
    """Else the refusals above would mean nothing."""
    mark = tmp_path / "called"
    file = io.BytesIO()
    _Pickler(file, 2).dump(_Call(_Name("os", "system"), f"touch {mark}"))
    assert pickle.loads(file.getvalue()) == 0 and mark.exists()
    assert os.name == "posix"


def test_cut_short_anywhere_it_is_refused():
    data = written(STATE, STORAGES)
    for length in range(0, len(data) - 1, 7):
        with pytest.raises(WeightsError, match="w.pth"):
            read_state_dict(data[:length], "w.pth")


@pytest.mark.parametrize("state", [
    {"w": tensor("7", 6, (7,), (1,))}, {"w": tensor("7", 6, (2, 3), (4, 1))}, {"w": tensor("7", 6, (3,), (1,), 4)},
    {"w": tensor("7", 6, (3,), (-1,), 4)}, {"w": tensor("7", 6, (3,), (1,), -4)},
    {"w": tensor("7", 6, (10**12,), (0,))}, {"w": tensor("7", 6, (2,), ())}, {"w": tensor("7", 600, (6,), (1,))},
    {"w": tensor("9", 6, (6,), (1,))}, {"w": 5}, {"w": _Call(REBUILD, 1, 0, (1,), (1,))}, ["w"], 5,
    {"w": tensor("7", 6, ("6",), (1,))}, {"w": tensor("7", 6, (6.0,), (1,))},
])
def test_shapes_that_do_not_fit_their_numbers_are_refused(state):
    with pytest.raises(WeightsError):
        read_state_dict(written(state, {"7": NUMBERS}), "w.pth")


@pytest.mark.parametrize("data", [
    b"", b"PK\x03\x04 a newer file", b"\x80\x02K\x01.", written(STATE, STORAGES, magic=1),
])
def test_other_files_are_refused(data):
    with pytest.raises(WeightsError, match="w.pth"):
        read_state_dict(data, "w.pth")


def test_every_byte_flipped_in_turn_gives_an_error_or_numbers(tmp_path, monkeypatch):
    """Never anything else: no other exception, no call."""
    monkeypatch.chdir(tmp_path)
    data = written(STATE, STORAGES)
    for place in range(len(data)):
        changed = data[:place] + bytes([data[place] ^ 0x15]) + data[place + 1:]
        try:
            assert all(isinstance(value, np.ndarray) for value in read_state_dict(changed, "w.pth").values())
        except WeightsError:
            pass
    assert not list(Path(tmp_path).iterdir())
