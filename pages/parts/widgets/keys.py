"""Keys of widgets that show a value which is kept elsewhere: in the recipe, mostly.

A browser keeps what a widget held under its key. A widget that is drawn anew under an old key may come up with
something else (its smallest number, an answer from before), and that is sent with the next click, wherever it is made.
So a widget gets a new key, and with it a fresh start from the value it is given, whenever it does not hold that value
already.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import streamlit as st

from pages.parts.session import state


def key_for(name: str, value: Any, read: Callable[[Any], Any] = lambda held: held) -> str:
    """The key under which the widget called `name` shows `value`; draw it with `value` as its default.

    It stays while the widget is on the page and nobody but its user changes the value. What the user does is to be kept
    by the widget's callback: by the time it is drawn again, the value is to be what it holds.

    Args:
        read: Gets the value out of what the widget holds, where that is more than the value.
    """
    drawn = state.get(_record(name))
    key = _key(name, drawn or 0)
    if drawn is not None and (key not in st.session_state or not _same(read(st.session_state[key]), value)):
        key = _key(name, drawn + 1)
        state.put(_record(name), drawn + 1)
    elif drawn is None:
        state.put(_record(name), 0)
    return key


def _record(name: str) -> str:
    return f"drawn-{name}"


def _key(name: str, drawn: int) -> str:
    return f"{name}-{drawn}" if drawn else name


def _same(held: Any, value: Any) -> bool:
    """An empty text stands for no value."""
    return bool(held == value) or (held in ("", None) and value in ("", None))
