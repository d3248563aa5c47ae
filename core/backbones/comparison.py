"""What a weights file would give a backbone, asked of a process of its own: keras stays out of this one.

The answer is kept in the machine's cache under the file's content, the backbone and the cut.
"""

from __future__ import annotations

import contextlib
import json
import logging
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from core import errors, escape
from core.errors import GraftError, WeightsError
from core.jobs.backends import PROJECT, worker_environment
from core.recipe.fields import Recipe
from core.store.cache import cache_key
from core.store.documents import Format
from core.store.files import digest
from core.store.machine import Machine

log = logging.getLogger("graft.backbones")
FORMAT = Format("comparison of weights")
MATCHING = 2
"""Version of how layers are matched; to be counted up when another answer may come out."""
SECONDS = 180.0
"""The largest backbones take half a minute to be built."""
Progress = Callable[[str], None]


@dataclass(frozen=True)
class Found:
    """What a file gives a backbone in one way of matching layers: numbers of layers."""

    loaded: int
    missing: int
    mismatched: int
    unused: int
    table: list[dict[str, str]]
    """As `core.backbones.weight_match.Match.table` gives it."""

    @property
    def complete(self) -> bool:
        """True when every layer of the backbone gets its weights."""
        return bool(self.loaded) and not self.missing and not self.mismatched

    @property
    def partly(self) -> bool:
        """True when the layers that fit may be used, and the others start from random weights."""
        return bool(self.loaded) and not self.mismatched


@dataclass(frozen=True)
class Comparison:
    """What a file gives a backbone."""

    by_name: Found
    by_order: Found


def compare(recipe: Recipe, path: Path, machine: Machine, progress: Progress | None = None,
            seconds: float = SECONDS) -> Comparison:
    """Compare a weights file with the backbone of a recipe, cut where the recipe cuts it.

    Args:
        path: The file, or the model of a run.
        progress: Told what is being done.
        seconds: How long it may take.

    Raises:
        WeightsError: the file cannot be read, is made to do harm, or the comparison takes too long.
        RecipeError: the backbone has no such layer to be cut off at.
    """
    tell = progress or (lambda text: None)
    tell("Reading the file")
    kept = _place(recipe, path, machine)
    with contextlib.suppress(OSError, ValueError, KeyError, TypeError, GraftError):  # made anew where it is no use
        return _comparison(FORMAT.read(kept))
    tell(f"Building {recipe.model.backbone} to compare its layers with those of the file")
    document = _asked(recipe, path, seconds)
    found = _comparison(document)
    with contextlib.suppress(OSError):
        kept.parent.mkdir(parents=True, exist_ok=True)
        FORMAT.write(kept, document)
    return found


def _place(recipe: Recipe, path: Path, machine: Machine) -> Path:
    model = recipe.model
    try:
        found = path.stat()
        content = _content(path.absolute(), found.st_size, found.st_mtime_ns)
    except OSError as error:
        raise WeightsError(f"There is no weights file {path.name}.", "Upload it again, or check the path.") from error
    key = cache_key(matching=MATCHING, file=content, backbone=model.backbone, alpha=model.alpha, cut=model.cut_layer)
    return machine.cache / "comparisons" / key / "layers.json"


@lru_cache(maxsize=64)
def _content(path: Path, size: int, changed_ns: int) -> str:
    """The file's hash, made anew when its size or its time has changed: a page asks for it at every click."""
    return digest(path)


def _asked(recipe: Recipe, path: Path, seconds: float) -> dict[str, Any]:
    """The answer of the process. Its memory and its time are its own: a hostile file ends it, not the asker."""
    with tempfile.TemporaryDirectory(prefix="graft-compare-") as folder:
        document = Path(folder) / "recipe.json"
        document.write_text(recipe.model_dump_json(), "utf-8")
        try:
            answer = subprocess.run(
                [sys.executable, "-m", "core.engine.model.compare_weights", str(document), str(path.absolute())],
                cwd=PROJECT, env={**worker_environment(), "CUDA_VISIBLE_DEVICES": "-1"}, stdin=subprocess.DEVNULL,
                capture_output=True, timeout=seconds, text=True, encoding="utf-8", errors="replace")
        except subprocess.TimeoutExpired as error:
            raise WeightsError(f"Comparing {path.name} with {recipe.model.backbone} took more than {seconds:.0f} s.",
                               "Try again when the machine is less busy, or use another file.") from error
    try:
        found: dict[str, Any] = json.loads(answer.stdout.splitlines()[-1])
    except (ValueError, IndexError):
        log.error("Comparing %s with %s: the process ended with %s and wrote:\n%s", escape.terminal(path.name),
                  recipe.model.backbone, answer.returncode, escape.terminal_lines(answer.stderr))
        raise WeightsError(f"{path.name} cannot be compared with {recipe.model.backbone}: the process that reads it "
                           f"ended with {answer.returncode}; the log has what it said.", "Use another file.") from None
    if "error" in found:
        raise _as_error(found["error"])
    return found


def _comparison(document: dict[str, Any]) -> Comparison:
    return Comparison(Found(**document["name"]), Found(**document["order"]))


def _as_error(document: dict[str, str]) -> GraftError:
    kind = getattr(errors, document["kind"], WeightsError)
    found: GraftError = kind(document["message"], document["hint"])
    return found
