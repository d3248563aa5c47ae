"""What was picked out of a chart of pictures: shown as tiles, to be looked at and changed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from core.data.dataset import Dataset
from pages.parts.data import selection, viewer
from pages.parts.data.tile import tile
from pages.parts.session import state
from pages.parts.widgets import gallery

if TYPE_CHECKING:
    import pandas as pd

PER_PAGE = 24


def marks(chart: Any) -> list[Any]:
    """What the points carry that were picked in a chart. A browser may say anything."""
    return [point["customdata"] for point in chart["selection"]["points"] if "customdata" in point]


def paths(chart: Any, table: pd.DataFrame) -> list[str]:
    """The pictures whose points were picked, those of the table."""
    there = set(table["path"])
    given = (one[0] if isinstance(one, list) and one else one for one in marks(chart))
    return [path for path in given if isinstance(path, str) and path in there]


def draw(dataset: Dataset, table: pd.DataFrame, chosen: list[str], name: str) -> None:
    """Show what was picked, all of it selected; nothing where nothing was.

    Args:
        name: Of the chart.
    """
    if not chosen:
        return
    mark = f"{dataset.fingerprint}-{len(chosen)}-{hash(tuple(chosen)):x}"
    selected, by_path = f"{name}-{dataset.id}", table.set_index("path", drop=False)
    if state.get(f"picked-{name}") != mark:
        state.put(f"picked-{name}", mark)
        gallery.select(selected, chosen)
    opened = gallery.paged(len(chosen), PER_PAGE, f"{name}-tiles-{mark}", lambda start, end: [
        tile(dataset, by_path.loc[path], str(by_path.loc[path]["class"]), "") for path in chosen[start:end]], selected)
    selection.bar(dataset, selected, set(chosen))
    if opened is not None:
        viewer.open_at(dataset, chosen, chosen.index(opened))
