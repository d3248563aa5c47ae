"""Pictures a page at a time; what is selected stays so on the other pages."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import streamlit as st

from pages.parts.session import state
from pages.parts.widgets import wall


def paged(total: int, per_page: int, key: str, tiles: Callable[[int, int], Sequence[wall.Tile]],
          selection: str | None = None) -> str | None:
    """Draw one page of `total` tiles with the buttons to the others; `tiles(start, end)` makes that page's.

    Args:
        key: Another one for another list of pictures.
        selection: The name under which `selected` has the ids; None: nothing can be selected.

    Returns:
        The id of the tile that was clicked just now.
    """
    pages = max(1, -(-total // per_page))
    slot = st.container()
    number = st.pagination(pages, key=key) if pages > 1 else 1
    start = (min(number, pages) - 1) * per_page
    with slot:
        shown = tiles(start, min(start + per_page, total))
        if selection is None:
            return wall.draw(shown, f"{key}-tiles-{start}").opened
        return _selectable(shown, f"{key}-tiles-{start}", selection)


def selected(selection: str) -> list[str]:
    """The ids that are selected, in the order in which they were."""
    return list(state.get(_selected(selection), ()))


def select(selection: str, ids: Sequence[str]) -> None:
    """Select these and no others; the tiles follow when they are drawn next."""
    state.put(_selected(selection), list(dict.fromkeys(ids)))
    state.put(_drawn(selection), None)
    state.put(_times(selection), state.get(_times(selection), 0) + 1)


def _selectable(shown: Sequence[wall.Tile], key: str, selection: str) -> str | None:
    """The browser keeps what is selected on the page that it shows: until another is shown, it is sent the same."""
    drawn = state.get(_drawn(selection))
    if drawn is None or drawn[0] != key:
        drawn = (key, selected(selection))
        state.put(_drawn(selection), drawn)
    clicked = wall.draw(shown, f"{key}-{state.get(_times(selection), 0)}", drawn[1])
    here = {tile.id for tile in shown}
    others = [one for one in selected(selection) if one not in here]
    state.put(_selected(selection), [*others, *clicked.selected])
    return clicked.opened


def _selected(selection: str) -> str:
    return f"selected-{selection}"


def _drawn(selection: str) -> str:
    return f"selection-drawn-{selection}"


def _times(selection: str) -> str:
    return f"selection-set-{selection}"
