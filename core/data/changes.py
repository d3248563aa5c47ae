"""What each kind of edit makes of a manifest: a table. Another kind is another row, here and in `core.data.mending`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from core.data import parts
from core.data.layouts.reading import Reading
from core.data.manifest import EXCLUDED, OUTSIDE, WHY_OUTSIDE

if TYPE_CHECKING:
    import pandas as pd

WHY_EXCLUDED = "left out by hand"


@dataclass(frozen=True)
class Kind:
    """What one kind of edit needs to know, and what it makes of a manifest."""

    values: tuple[str, ...]
    apply: Callable[[pd.DataFrame, Mapping[str, Any], Path], pd.DataFrame]
    """Gets a manifest, which it leaves as it is, the values, and the dataset's folder. The order of rows is not its
    concern."""
    ground: bool = False
    """Applied before all others, whenever it was made: they stand on it."""


def _add(table: pd.DataFrame, values: Mapping[str, Any], folder: Path) -> pd.DataFrame:
    return parts.together(table, parts.read(folder, values["part"]))


def _take_back(table: pd.DataFrame, values: Mapping[str, Any], folder: Path) -> pd.DataFrame:
    return parts.without(table, parts.read(folder, values["part"]))


def _read_as(table: pd.DataFrame, values: Mapping[str, Any], folder: Path) -> pd.DataFrame:
    """The rows as another reading has them. Edits of images are kept by path, and classes that this reading has, too,
    are renamed again: see `Kind.ground`."""
    reading = Reading.from_dict(values["reading"])
    places = [reading.class_of(path) for path in table["path"]]
    inside = [place is not None for place in places]
    had = table["file"].where(table["file"] == "", "ok").replace("", "bad")
    reason = table["reason"].where(table["reason"] != WHY_OUTSIDE, "")
    return table.assign(**{
        "class": [place[0] if place else "" for place in places],
        "split": [place[1] if place else "" for place in places],
        "status": had.where(inside, OUTSIDE),
        "reason": reason.where([inner or bool(why) for inner, why in zip(inside, reason, strict=True)], WHY_OUTSIDE)})


def _labelled(table: pd.DataFrame, chosen: pd.Series, label: str) -> pd.DataFrame:
    return table.assign(**{"class": table["class"].mask(chosen, label)})


def _rename_class(table: pd.DataFrame, values: Mapping[str, Any], folder: Path) -> pd.DataFrame:
    return _labelled(table, table["class"] == values["old"], values["new"])


def _merge_classes(table: pd.DataFrame, values: Mapping[str, Any], folder: Path) -> pd.DataFrame:
    return _labelled(table, table["class"].isin(values["old"]), values["new"])


def _relabel(table: pd.DataFrame, values: Mapping[str, Any], folder: Path) -> pd.DataFrame:
    """Images that a reading had left outside come in by it."""
    chosen = table["path"].isin(values["paths"])
    coming = chosen & (table["status"] == OUTSIDE) & (table["file"] != "")
    table = _labelled(table, chosen, values["class"])
    return _stated(table, coming, "ok", "") if coming.any() else table


def _stated(table: pd.DataFrame, chosen: pd.Series, status: str, reason: str) -> pd.DataFrame:
    return table.assign(status=table["status"].mask(chosen, status), reason=table["reason"].mask(chosen, reason))


def _exclude(table: pd.DataFrame, values: Mapping[str, Any], folder: Path) -> pd.DataFrame:
    chosen = table["path"].isin(values["paths"]) & (table["status"] == "ok")
    return _stated(table, chosen, EXCLUDED, values.get("reason") or WHY_EXCLUDED)


def _exclude_class(table: pd.DataFrame, values: Mapping[str, Any], folder: Path) -> pd.DataFrame:
    chosen = (table["class"] == values["class"]) & (table["status"] == "ok")
    return _stated(table, chosen, EXCLUDED, "its class is left out")


def _restore(table: pd.DataFrame, values: Mapping[str, Any], folder: Path) -> pd.DataFrame:
    return _stated(table, table["path"].isin(values["paths"]) & (table["status"] == EXCLUDED), "ok", "")


KINDS: dict[str, Kind] = {
    "add": Kind(("part",), _add),
    "take_back": Kind(("part",), _take_back),
    "read_as": Kind(("reading",), _read_as, ground=True),
    "rename_class": Kind(("old", "new"), _rename_class),
    "merge_classes": Kind(("old", "new"), _merge_classes),
    "exclude_class": Kind(("class",), _exclude_class),
    "relabel": Kind(("paths", "class"), _relabel),
    "exclude": Kind(("paths",), _exclude),
    "restore": Kind(("paths",), _restore),
}
