"""The ways in which data sets are laid out. Another one is a function in a module of its own, and a row here."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from core.data.layouts.class_folders import class_folders
from core.data.layouts.file_names import file_names
from core.data.layouts.inner_splits import inner_splits
from core.data.layouts.label_tables import boxes, coco, label_tables
from core.data.layouts.reading import Reading
from core.data.layouts.source import Contents
from core.data.layouts.split_folders import split_folders

Strategy = Callable[[Contents], Iterator[Reading]]
"""From what lies in a source to the readings that it allows, the likeliest first."""

STRATEGIES: dict[str, Strategy] = {
    "coco": coco,
    "boxes": boxes,
    "split folders": split_folders,
    "splits in class folders": inner_splits,
    "tables of labels": label_tables,
    "class folders": class_folders,
    "file names": file_names,
}
"""Where several are certain, the first is taken, as long as the others do not contradict it."""
