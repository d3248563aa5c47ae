"""Weights files of the user's: what is in them, read without trusting them.

Keras writes weights in three ways: the legacy HDF5 file (`.h5`: a group a layer, names in attributes), the newer one
(`.weights.h5`: a group `vars` a layer, at the layer's place in the model), and the `.keras` archive, a zip that holds
such a file beside a configuration. Only numbers are taken from them. The configuration is never read: building a model
from one runs what its author put into it, and allocates what he says.

Everything that a file declares is judged before any of its numbers is read: links and storage outside the file,
types, and sizes that the file cannot hold.
"""

from __future__ import annotations

import shutil
import tempfile
import zipfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from core.errors import GraftError, WeightsError

if TYPE_CHECKING:
    import h5py
    import numpy as np

SUFFIXES = (".h5", ".hdf5", ".keras")
MOST_OBJECTS = 50_000
"""Groups and arrays that a file may hold. NASNetLarge, the largest backbone, has about 1,500 weights."""
HOLLOW = 4.0
"""An array may declare this many times the bytes that the file has: float16 read as float32, and compression. Beyond
that its numbers are not in the file."""
_PIECE = 2**20
_KEPT_IN_ARCHIVE = "model.weights.h5"
_NOT_WEIGHTS = ("optimizer", "optimizer_weights", "_metrics", "metrics", "seed_generator", "loss_tracker")
_HINT = "Use a weights file that Keras has saved: .h5, .weights.h5 or .keras."


@dataclass(frozen=True)
class StoredLayer:
    """One layer with weights, as a file has it."""

    name: str
    shapes: tuple[tuple[int, ...], ...]
    """Shape of each of its weights, in Keras's order: trained ones first."""
    places: tuple[str, ...]
    """Where each stands inside the file."""
    kind: str = ""
    """The layer's class in snake case, where the file tells it: `conv2d`."""
    named: bool = True
    """False: the file has no name for it, and `name` is its place there: it says nothing of what the layer is."""


class WeightsFile:
    """An open weights file: its layers in stored order, and their numbers."""

    def __init__(self, file: h5py.File, name: str) -> None:
        self._file, self.name = file, name
        self.layers: list[StoredLayer] = _legacy_layers(file) or _layers(file)
        if not self.layers:
            raise WeightsError(f"There are no layers with weights in {name}.", _HINT)

    def values(self, layer: StoredLayer) -> list[np.ndarray]:
        """The weights of a layer, float32. Raises WeightsError when they are no finite numbers."""
        with _readable(self.name):
            return [self._value(layer, place) for place in layer.places]

    def _value(self, layer: StoredLayer, place: str) -> np.ndarray:
        import numpy as np

        stored = self._file[place]
        if stored.dtype.kind not in "f" and stored.shape != ():
            raise WeightsError(f"The layer '{layer.name}' in {self.name} holds {stored.dtype}, not numbers with a "
                               "fraction.", _HINT)
        values = np.asarray(stored[()], np.float32)
        if not np.isfinite(values).all():
            raise WeightsError(f"The layer '{layer.name}' in {self.name} has weights that are not finite numbers.",
                               "That model has blown up while it was trained. Use another file.")
        return values


@contextmanager
def opened(path: Path) -> Iterator[WeightsFile]:
    """A weights file for reading.

    Raises:
        WeightsError: it is none, or it declares what it does not hold or may not refer to.
    """
    import h5py

    with ExitStack() as held:
        with _readable(path.name, path):
            plain = held.enter_context(_plain_hdf5(path))
            file = held.enter_context(h5py.File(plain, "r", locking=False))
            _judge(file, path.name, plain.stat().st_size)
            found = WeightsFile(file, path.name)
        yield found


@contextmanager
def _readable(name: str, path: Path | None = None) -> Iterator[None]:
    """Whatever goes wrong while a file is read is the file's fault, and a WeightsError."""
    try:
        yield
    except GraftError:
        raise
    except FileNotFoundError as error:
        raise WeightsError(f"There is no weights file {path or name}.", "Check the path.") from error
    except Exception as error:  # a hostile file makes h5py and zipfile raise anything
        raise WeightsError(f"{name} cannot be read as a weights file: {str(error)[:120] or type(error).__name__}.",
                           _HINT) from error


@contextmanager
def _plain_hdf5(path: Path) -> Iterator[Path]:
    """The HDF5 file itself, or the one inside a `.keras` archive, unpacked into a temporary file."""
    with open(path, "rb") as handle:
        if handle.read(4) != b"PK\x03\x04":
            yield path
            return
    with zipfile.ZipFile(path) as archive, tempfile.TemporaryDirectory(prefix="graft-weights-") as folder:
        try:
            member = archive.getinfo(_KEPT_IN_ARCHIVE)
        except KeyError:
            raise WeightsError(f"There is no {_KEPT_IN_ARCHIVE} in {path.name}.", _HINT) from None
        if member.file_size > HOLLOW * path.stat().st_size + _PIECE:
            raise WeightsError(f"The weights in {path.name} unpack to {member.file_size / 2**20:,.0f} MB from "
                               f"{path.stat().st_size / 2**20:,.0f} MB.", "The file is damaged, or made to fill disks.")
        target = Path(folder) / _KEPT_IN_ARCHIVE
        with archive.open(member) as packed, open(target, "wb") as plain:
            shutil.copyfileobj(packed, plain, _PIECE)
        yield target


def _judge(file: h5py.File, name: str, size: int) -> None:
    """Look at every object of the file without following a link out of it or reading a number. Raises WeightsError."""
    import h5py

    declared, count = 0, 0
    waiting: list[Any] = [file]
    while waiting:
        group = waiting.pop()
        for key in group:
            count += 1
            if count > MOST_OBJECTS:
                raise WeightsError(f"{name} holds more than {MOST_OBJECTS:,} objects.", _HINT)
            if not isinstance(group.get(key, getlink=True), h5py.HardLink):
                raise WeightsError(f"{name} refers to something outside itself at '{group.name}/{key}'.", _HINT)
            found = group[key]
            if isinstance(found, h5py.Group):
                waiting.append(found)
            elif isinstance(found, h5py.Dataset):
                declared += _declared_bytes(found, name)
    if declared > HOLLOW * size + _PIECE:
        raise WeightsError(f"{name} says that it holds {declared / 2**20:,.0f} MB, and has {size / 2**20:,.1f} MB.",
                           "The file is damaged, or made to fill the memory.")


def _declared_bytes(array: h5py.Dataset, name: str) -> int:
    if array.external or array.is_virtual:
        raise WeightsError(f"{name} keeps the numbers of '{array.name}' in another file.", _HINT)
    count = 1
    for length in array.shape or ():
        count *= int(length)
    return count * int(array.dtype.itemsize)


def _legacy_layers(file: h5py.File) -> list[StoredLayer]:
    """Layers of a legacy file, those of models inside the model among them; empty when it is none."""
    root = file["model_weights"] if "model_weights" in file else file
    found: list[StoredLayer] = []
    for layer in _names(root, "layer_names"):
        group = root.get(layer)
        if group is not None:
            found.extend(_layers_of_group(layer, group))
    return found


def _layers_of_group(outer: str, group: Any) -> Iterator[StoredLayer]:
    """A group holds one layer; or a whole model, whose weights are then named `layer/weight`."""
    weights = _names(group, "weight_names")
    owners = [_owner(weight) or outer for weight in weights]
    nested = len(set(owners)) > 1
    chosen = owners if nested else [outer] * len(weights)
    for owner in dict.fromkeys(chosen):
        own = [weight for weight, name in zip(weights, chosen, strict=True) if name == owner]
        arrays = [group[weight] for weight in own]
        yield StoredLayer(owner, tuple(tuple(array.shape) for array in arrays), tuple(array.name for array in arrays))


def _owner(weight: str) -> str:
    """The layer in a weight's name: `block1/conv1/kernel:0` → `conv1`; "" where there is none."""
    parts = weight.split("/")
    return parts[-2] if len(parts) > 1 else ""


def _names(group: Any, attribute: str) -> list[str]:
    """A list of names from an attribute; Keras spreads long ones over `name0`, `name1` …"""
    pieces = [group.attrs[attribute]] if attribute in group.attrs else []
    while f"{attribute}{len(pieces)}" in group.attrs:
        pieces.append(group.attrs[f"{attribute}{len(pieces)}"])
    return [_text(item) for part in pieces for item in part]


def _text(value: Any) -> str:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)


def _layers(file: h5py.File) -> list[StoredLayer]:
    """Layers of a file of Keras 3: every group `vars`, named as its layer; older files have only its place."""
    import h5py

    found: list[StoredLayer] = []

    def look(group: Any, path: tuple[str, ...]) -> None:
        for key in _in_order(group):
            child = group[key]
            if key in _NOT_WEIGHTS or not isinstance(child, h5py.Group):
                continue
            if key == "vars":
                arrays = [child[name] for name in sorted(child, key=int) if isinstance(child[name], h5py.Dataset)]
                if arrays:
                    place = path[-1] if path else ""
                    found.append(StoredLayer(
                        _text(child.attrs.get("name", place)), tuple(tuple(array.shape) for array in arrays),
                        tuple(array.name for array in arrays), numbered(place)[0], "name" in child.attrs))
            else:
                look(child, (*path, key))

    look(file, ())
    return found


def _in_order(group: Any) -> list[str]:
    """Keys as Keras numbered them: `conv2d`, `conv2d_1`, `conv2d_2`, … `conv2d_10`."""
    return sorted(group, key=numbered)


def numbered(name: str) -> tuple[str, int]:
    """A name of Keras's making in its two parts: `conv2d_10` is the class `conv2d` and the number 10."""
    stem, _, number = name.rpartition("_")
    return (stem, int(number)) if stem and number.isdecimal() else (name, 0)
