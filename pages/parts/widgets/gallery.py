"""Pictures in even tiles with a line of text below each, a page at a time."""

from __future__ import annotations

import base64
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import streamlit as st

from core import escape

_STYLE = """<style>
.graft-tiles{display:grid;grid-template-columns:repeat(auto-fill,minmax(104px,1fr));gap:12px}
.graft-tile{margin:0;min-width:0}
.graft-tile img{width:100%;aspect-ratio:1;object-fit:cover;border-radius:8px;display:block;
  background:rgba(128,140,134,.12);outline:1px solid rgba(128,140,134,.35);outline-offset:-1px}
.graft-tile figcaption{font-size:.78rem;line-height:1.3;margin-top:4px;opacity:.8;overflow-wrap:anywhere;
  overflow:hidden;display:-webkit-box;-webkit-box-orient:vertical;-webkit-line-clamp:LINES}
.graft-tile figcaption b{font-weight:650}
</style>"""


@dataclass(frozen=True)
class Tile:
    """One picture: JPEG bytes, a line below it (bold part first), and what a pointer over it reads."""

    image: bytes
    strong: str = ""
    text: str = ""
    tooltip: str = ""


def show(tiles: Sequence[Tile]) -> None:
    """Draw the tiles; as many columns as there is room for."""
    lines = "3" if any(tile.strong for tile in tiles) else "1"  # a name may be cut, who was taken for whom may not
    figures = "".join(_figure(tile) for tile in tiles)
    st.html(f'{_STYLE.replace("LINES", lines)}<div class="graft-tiles">{figures}</div>')


def paged(total: int, per_page: int, key: str, tiles: Callable[[int, int], Sequence[Tile]]) -> None:
    """Draw one page of `total` tiles with the buttons to the others; `tiles(start, end)` makes that page's."""
    pages = max(1, -(-total // per_page))
    slot = st.container()
    number = st.pagination(pages, key=key) if pages > 1 else 1
    start = (min(number, pages) - 1) * per_page
    with slot:
        show(tiles(start, min(start + per_page, total)))


def _figure(tile: Tile) -> str:
    source = "data:image/jpeg;base64," + base64.b64encode(tile.image).decode()
    name = escape.html(tile.tooltip or tile.text)
    line = f"<b>{escape.html(tile.strong)}</b> {escape.html(tile.text)}".strip()
    return (f'<figure class="graft-tile" title="{name}"><img src="{source}" alt="{name}" loading="lazy">'
            f"<figcaption>{line}</figcaption></figure>")
