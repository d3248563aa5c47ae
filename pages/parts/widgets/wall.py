"""Pictures in tiles that can be opened by a click or by the keyboard, and several of them selected."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import streamlit as st

from core import escape


@dataclass(frozen=True)
class Tile:
    """One picture."""

    image: bytes
    """A small JPEG; empty where there is none."""
    strong: str = ""
    """In bold, in front of the text below the picture."""
    text: str = ""
    tooltip: str = ""
    """What a pointer over it reads."""
    id: str = ""
    """What it is told by when it is opened or selected; "" for one with which nothing can be done."""
    mark: str = ""
    """A word on the picture."""
    faded: bool = False


@dataclass(frozen=True)
class Clicked:
    """What was done to the tiles that are shown."""

    opened: str | None = None
    """The one that was clicked just now."""
    selected: tuple[str, ...] = ()
    """All that are selected now, in the order that they are shown in."""


_beside = Path(__file__)
_component = st.components.v2.component(
    "graft_wall", html='<div class="wall" role="group"></div>', css=_beside.with_suffix(".css").read_text("utf-8"),
    js=_beside.with_suffix(".js").read_text("utf-8"))


def draw(tiles: Sequence[Tile], key: str, selected: Sequence[str] | None = None, label: str = "Pictures") -> Clicked:
    """Draw tiles; as many columns as there is room for.

    Args:
        key: Another one for other tiles.
        selected: The ids that are selected at first. None: nothing can be selected.
    """
    ids = {tile.id for tile in tiles}
    at_first = [one for one in selected or () if one in ids]
    data = {"tiles": [_plain(tile) for tile in tiles], "selected": at_first, "selectable": selected is not None,
            "label": label}
    result = _component(key=key, data=data, default={"selected": at_first},
                        on_opened_change=_nothing, on_selected_change=_nothing)
    return Clicked(_one_of(result.opened, ids), tuple(_all_of(result.selected, ids)))


def _plain(tile: Tile) -> dict[str, Any]:
    return {
        "id": tile.id, "image": base64.b64encode(tile.image).decode(), "strong": escape.visible(tile.strong),
        "text": escape.visible(tile.text), "tooltip": escape.visible(tile.tooltip or tile.text),
        "mark": escape.visible(tile.mark), "faded": tile.faded}


def _one_of(told: Any, ids: set[str]) -> str | None:
    """What a browser says is checked: anybody can send anything."""
    return told if isinstance(told, str) and told in ids else None


def _all_of(told: Any, ids: set[str]) -> list[str]:
    return [one for one in told if isinstance(one, str) and one in ids] if isinstance(told, list) else []


def _nothing() -> None:
    """The page is drawn after it anyway."""
