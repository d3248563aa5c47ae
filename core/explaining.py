"""Where in images a run's model finds what speaks for a class, as files."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from core.data.sources.names import unused
from core.errors import GraftError
from core.runs.run import Run
from core.store.limits import Limits


def explain(
    run: Run, images: Sequence[Path], out: Path, *, label: str | None = None,
    progress: Callable[[str, float], None] | None = None, limits: Limits | None = None,
) -> list[dict[str, Any]]:
    """Write where a run's model finds what speaks for a class: `NAME.png`, the model's square of the image with the
    heat laid over it, and `NAME.npy`, float32 [size, size] from 0 to 1 (Grad-CAM).

    Args:
        run: One that has a model: see `core.api.require_model`.
        out: The folder; made when it is missing.
        label: The class. None: the one that each image is given.
        limits: Of the workspace that asks: larger images are refused. Default: those of one person's own machine.

    Returns:
        `[{image, overlay, heat, error}]`, the paths of what was written.

    Raises:
        InferenceError: no such class, or no answer.
        GraftError: the folder cannot be written.
    """
    import numpy as np

    from core.inference import shared_predictor

    def tell(done: int, total: int) -> None:
        if progress is not None:
            progress("Looking", done / max(total, 1))

    found = shared_predictor().heatmaps(run.path, list(images), label, progress=tell,
                                        max_pixels=limits.image_pixels if limits else None)
    rows: list[dict[str, Any]] = []
    taken: set[str] = set()
    try:
        out.mkdir(parents=True, exist_ok=True)
        for path, one in zip(images, found, strict=True):
            row = {"image": str(path), "overlay": None, "heat": None, "error": one.error}
            if one.heat is not None and one.overlay is not None:
                name = unused(path.stem, taken)
                taken.add(name)
                (out / f"{name}.png").write_bytes(one.overlay)
                np.save(out / f"{name}.npy", one.heat)
                row.update(overlay=str(out / f"{name}.png"), heat=str(out / f"{name}.npy"), error=None)
            rows.append(row)
    except OSError as error:
        raise GraftError(f"Cannot write {out}: {error.strerror or error}.", "Choose another folder.") from error
    return rows
