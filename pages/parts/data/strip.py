"""A row of small pictures, the newest of a class that is being gathered."""

from __future__ import annotations

import base64
from collections.abc import Sequence

import streamlit as st

from core import escape

MOST = 6
_STYLE = """<style>
.graft-strip{display:grid;grid-template-columns:repeat(6,1fr);gap:6px}
.graft-strip img{width:100%;aspect-ratio:1;object-fit:cover;border-radius:6px;display:block;
  background:rgba(128,140,134,.12)}
</style>"""


def show(pictures: Sequence[tuple[bytes, str]]) -> None:
    """Draw up to six pictures: (JPEG, name)."""
    images = "".join(_image(picture, name) for picture, name in pictures[:MOST])
    st.html(f'{_STYLE}<div class="graft-strip">{images}</div>')


def _image(picture: bytes, name: str) -> str:
    shown = escape.html(name)
    return f'<img src="data:image/jpeg;base64,{base64.b64encode(picture).decode()}" alt="{shown}" title="{shown}">'
