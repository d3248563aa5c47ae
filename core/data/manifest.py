"""The manifest: one row per image, kept as Parquet in the dataset's folder."""

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


def build(rows: Iterable[Mapping[str, Any]]) -> pd.DataFrame:
    """A manifest from rows, sorted by class, split and path in natural order."""
    import pandas as pd

    ordered = sorted(rows, key=lambda row: (natural(row["class"]), row["split"], natural(row["path"]), row["hash"]))
    table = pd.DataFrame([{name: row[name] for name in COLUMNS} for row in ordered], columns=list(COLUMNS))
    return table.astype({**dict.fromkeys(TEXT, "str"), **dict.fromkeys(NUMBERS, "int64")})


def write(table: pd.DataFrame, folder: Path) -> None:
    """Replace the manifest in a dataset's folder atomically."""
    with replacing(folder / FILE) as temporary:
        table.to_parquet(temporary, index=False)


def read(folder: Path) -> pd.DataFrame:
    """The manifest in a dataset's folder. Raises DataError."""
    import pyarrow.parquet as parquet

    try:  # in one thread: a small table, and a pool of threads costs the page process 5 MB
        table = parquet.ParquetFile(folder / FILE).read(use_threads=False).to_pandas(use_threads=False)
    except (OSError, ValueError) as error:
        raise DataError(f"The manifest of the dataset in {folder.name} cannot be read: {error}.",
                        "Delete the dataset and upload it again.") from error
    return table[list(COLUMNS)]


def fingerprint(table: pd.DataFrame) -> str:
    """SHA-256 over the sorted (content, class, split) of the good images: equal for equal data, however packed."""
    good = table[table["status"] == "ok"]
    rows = sorted(zip(good["hash"], good["class"], good["split"], strict=True))
    return hashlib.sha256("\n".join("\t".join(row) for row in rows).encode()).hexdigest()
