"""What is in a dataset, in numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from core.data.dataset import Dataset
from core.data.layouts.reading import SPLITS
from core.data.splits.dividing import divided as split_of
from core.errors import DataError
from core.recipe.fields import DataSettings

if TYPE_CHECKING:
    import pandas as pd


def overview(dataset: Dataset, settings: DataSettings | None = None) -> dict[str, Any]:
    """What `inspect --json` prints. Plain numbers, text, lists and dicts:

    - `id`, `name`, `fingerprint`, `classes` (in order)
    - `images`: usable images; `bad`: files that cannot be used; `bytes`: size of the usable images
    - `per_class`: `{class: {total, train, validation, test, bad}}`, split as `settings` say (default: a new recipe's).
      `total` counts usable images. The splits are 0 where the data cannot be split, and `notes` says why
    - `sizes`: `{min, median, max}`, each `{width, height}` in pixels
    - `bad_files`: `[{path, reason}]`; `notes`: what was left out while ingesting
    - `has_own_split`: the data came with train / val / test folders
    """
    table, good = dataset.manifest, dataset.usable()
    bad = table[table["status"] == "bad"]
    notes = list(dataset.notes)
    try:
        divided = split_of(dataset, settings or DataSettings())
    except DataError as error:
        divided = good[:0]
        notes.append(str(error))
    return {
        "id": dataset.id, "name": dataset.name, "fingerprint": dataset.fingerprint, "classes": list(dataset.classes),
        "images": len(good), "bad": len(bad), "bytes": int(good["bytes"].sum()),
        "per_class": {label: _of_class(label, good, divided, bad) for label in dataset.classes},
        "sizes": {
            name: {side: int(good[side].agg(name)) for side in ("width", "height")} for name in ("min", "median", "max")
        },
        "bad_files": [{"path": str(row.path), "reason": str(row.reason)} for row in bad.itertuples()],
        "notes": notes,
        "has_own_split": bool((good["split"] != "").any()),
    }


def _of_class(label: str, good: pd.DataFrame, divided: pd.DataFrame, bad: pd.DataFrame) -> dict[str, int]:
    in_split = divided.loc[divided["class"] == label, "split"]
    return {
        "total": int((good["class"] == label).sum()),
        **{name: int((in_split == name).sum()) for name in SPLITS},
        "bad": int((bad["class"] == label).sum()),
    }
