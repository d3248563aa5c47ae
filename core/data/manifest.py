"""The manifest: one row per image as it was ingested, kept as Parquet in the dataset's folder and never rewritten."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from core.data.sources.names import natural
from core.errors import DataError
from core.store.files import replacing

if TYPE_CHECKING:
    import pandas as pd

FILE = "manifest.parquet"
TEXT = ("path", "class", "split", "group", "hash", "status", "reason", "file")
NUMBERS = ("width", "height", "bytes")
COLUMNS = ("path", "class", "split", "group", "width", "height", "bytes", "hash", "status", "reason", "file")

EXCLUDED = "excluded"
"""Status of good images that were left out by an edit."""
OUTSIDE = "outside"
"""Status of images that a reading leaves out of every class; they keep their files for another one."""
WHY_OUTSIDE = "outside the class folders"


def build(rows: Iterable[Mapping[str, Any]]) -> pd.DataFrame:
    """A manifest from rows, sorted by class, split and path in natural order."""
    import pandas as pd

    ordered = sorted(rows, key=lambda row: (natural(row["class"]), row["split"], natural(row["path"]), row["hash"]))
    table = pd.DataFrame([{name: row[name] for name in COLUMNS} for row in ordered], columns=list(COLUMNS))
    return table.astype({**dict.fromkeys(TEXT, "str"), **dict.fromkeys(NUMBERS, "int64")})


def by_class(table: pd.DataFrame) -> pd.DataFrame:
    """A manifest whose classes have changed, in the order of `build` again; the rows of a class stay in theirs."""
    rank = {label: place for place, label in enumerate(sorted(table["class"].unique(), key=natural))}
    return table.sort_values("class", key=lambda labels: labels.map(rank), kind="stable", ignore_index=True)


def write(table: pd.DataFrame, folder: Path, file: str = FILE) -> None:
    """Put the manifest into a dataset's folder, atomically."""
    with replacing(folder / file) as temporary:
        table.to_parquet(temporary, index=False)


def read(folder: Path, file: str = FILE) -> pd.DataFrame:
    """The manifest in a dataset's folder. Raises DataError."""
    import pyarrow.parquet as parquet

    try:  # in one thread: a small table, and a pool of threads costs the page process 5 MB
        table = parquet.ParquetFile(folder / file).read(use_threads=False).to_pandas(use_threads=False)
        return table[list(COLUMNS)]
    except Exception as error:  # pyarrow raises OSError, ValueError, KeyError, NotImplementedError ...
        raise DataError(f"The manifest of the dataset in {folder.name} cannot be read: {error}.",
                        "Upload the archive again, or put the file back from a copy.") from error


def usable(table: pd.DataFrame) -> pd.DataFrame:
    """The rows of images that can be used."""
    return table[table["status"] == "ok"].reset_index(drop=True)


def classes(table: pd.DataFrame) -> list[str]:
    """The labels of the images that can be used, in natural order."""
    return sorted(usable(table)["class"].unique().tolist(), key=natural)


def fingerprint(table: pd.DataFrame) -> str:
    """SHA-256 over the sorted (content, class, split) of the good images: equal for equal data, however packed."""
    good = table[table["status"] == "ok"]
    rows = sorted(zip(good["hash"], good["class"], good["split"], strict=True))
    return hashlib.sha256("\n".join("\t".join(row) for row in rows).encode()).hexdigest()
