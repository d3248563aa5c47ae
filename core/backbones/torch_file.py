"""Reading PyTorch's old kind of weights file (before 1.6: pickles, then raw numbers) without PyTorch.

A pickle can call anything. Here only the four names that such a file needs are known, every other one ends the reading,
and what the numbers are said to look like is compared with how many there are.
"""

from __future__ import annotations

import io
import math
import pickle
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from core.errors import WeightsError

MAGIC = 0x1950A86A20F9469CFC6C
"""`MAGIC_NUMBER` and `PROTOCOL_VERSION` of torch/serialization.py."""
PROTOCOL = 1001
_HINT = "Install the package again that it came with."


@dataclass(frozen=True)
class _Storage:
    """A run of numbers that stands further down in the file."""

    key: str
    dtype: np.dtype[Any]
    count: int


@dataclass(frozen=True)
class _Tensor:
    """A view of a storage."""

    storage: _Storage
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]

    def values(self, numbers: np.ndarray) -> np.ndarray:
        """The tensor as an array of its own. Raises ValueError when it reaches beyond its storage."""
        whole = (self.offset, *self.shape, *self.strides)
        if len(self.shape) != len(self.strides) or any(type(value) is not int or value < 0 for value in whole):
            raise ValueError("a tensor without a usable shape")
        last = self.offset + sum((side - 1) * step for side, step in zip(self.shape, self.strides, strict=True))
        if 0 in self.shape or last >= len(numbers) or math.prod(self.shape) > len(numbers):
            raise ValueError("a tensor that reaches beyond its numbers")
        steps = [step * numbers.itemsize for step in self.strides]
        return np.lib.stride_tricks.as_strided(numbers[self.offset:], self.shape, steps).copy()


def _rebuild_tensor(storage: Any, offset: Any, shape: Any, strides: Any, *_: Any) -> _Tensor:
    if not isinstance(storage, _Storage):
        raise pickle.UnpicklingError("a tensor without numbers")
    return _Tensor(storage, offset, tuple(shape), tuple(strides))


_KNOWN: dict[tuple[str, str], Callable[..., Any] | np.dtype[Any]] = {
    ("collections", "OrderedDict"): OrderedDict,
    ("torch._utils", "_rebuild_tensor_v2"): _rebuild_tensor,
    ("torch", "FloatStorage"): np.dtype("<f4"),
    ("torch", "LongStorage"): np.dtype("<i8"),
}


class _Unpickler(pickle.Unpickler):
    """Knows the names of a state dict and refuses all others."""

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) not in _KNOWN:
            raise pickle.UnpicklingError(f"it asks for {module}.{name}"[:200])
        return _KNOWN[module, name]

    def persistent_load(self, pid: Any) -> _Storage:
        kind, dtype, key, _, count, view = pid
        if kind != "storage" or view is not None or not isinstance(dtype, np.dtype) or type(count) is not int:
            raise pickle.UnpicklingError("an unknown kind of storage")
        return _Storage(key, dtype, count)


def read_state_dict(data: bytes, name: str) -> dict[str, np.ndarray]:
    """The tensors of a file by their names, each an array of its own.

    Args:
        data: The whole file.
        name: What to call it in a message.

    Raises:
        WeightsError: it is damaged, of another kind, or asks for anything that a state dict does not need.
    """
    try:
        return _read(io.BytesIO(data))
    except Exception as error:  # a damaged or hostile pickle raises anything
        raise WeightsError(f"{name} is not a weights file that can be read: {str(error)[:200]}.", _HINT) from error


def _read(file: io.BytesIO) -> dict[str, np.ndarray]:
    head = [_Unpickler(file).load() for _ in range(3)]
    if head[:2] != [MAGIC, PROTOCOL] or not head[2]["little_endian"]:
        raise ValueError("it does not begin as one")
    tensors = _Unpickler(file).load()
    keys = _Unpickler(file).load()
    needed = {tensor.storage.key: tensor.storage for tensor in tensors.values()}
    if sorted(keys) != sorted(needed):
        raise ValueError("its tensors and its numbers do not belong together")
    numbers = {key: _numbers(file, needed[key]) for key in keys}
    return {name: tensor.values(numbers[tensor.storage.key]) for name, tensor in tensors.items()}


def _numbers(file: io.BytesIO, storage: _Storage) -> np.ndarray:
    count = int.from_bytes(file.read(8), "little")
    raw = file.read(count * storage.dtype.itemsize) if count == storage.count else b""
    if len(raw) != storage.count * storage.dtype.itemsize:
        raise ValueError("it is cut short")
    return np.frombuffer(raw, storage.dtype)
