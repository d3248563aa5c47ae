"""Widgets for the recipe's fields, drawn from what `core.recipe.fields` says of them.

The recipe is the only source: a widget shows its value, and a change goes into the recipe before the page is drawn
again. A value that the recipe refuses is explained, and the widget goes back.
"""

from __future__ import annotations

from typing import Any

import streamlit as st

from core.recipe.fields import Recipe
from core.recipe.paths import without_index
from core.recipe.specs import FieldSpec, dependents, field_spec
from pages.parts.session import state
from pages.parts.widgets import refusals
from pages.parts.widgets.keys import key_for

_PLACE = "field"
_SEGMENTS = 5
_NOT_YET = "Cannot be changed in this version."


def draw(
    path: str, *, options: list[Any] | None = None, label: str | None = None, disabled: str | None = None,
    empty: str = "automatic",
) -> None:
    """Draw the widget of one field (`train.phases.0.epochs`), if it has an effect in the recipe.

    Args:
        options: Offers these values instead of free input.
        label: Instead of the field's title.
        disabled: Why the field cannot be set now; said in its help. It is drawn even where it has no effect.
        empty: What no value means, among `options`.
    """
    spec, recipe = field_spec(path), state.recipe() or Recipe()
    if disabled is None and not spec.applies(recipe, without_index(path)[1]):
        return
    disabled = _NOT_YET if spec.fixed else disabled
    value = read(recipe, path)
    key = key_for(f"field:{path}", value)
    common: dict[str, Any] = {
        "label": label or spec.title, "help": disabled or spec.help, "disabled": disabled is not None, "key": key,
        "on_change": commit, "args": (path, key),
    }
    offered = list(options or spec.choices or (() if spec.fixed else spec.available or ()))
    if offered and value not in offered:
        offered.insert(0, value)
    _widget(spec, offered, value, common, empty)


def draw_dependents(path: str) -> None:
    """Draw the fields that belong to the value which a choice has now: momentum, beside the optimizer."""
    for spec in dependents(path):
        if not spec.fixed:
            draw(f"{path.rpartition('.')[0]}.{spec.path.rpartition('.')[2]}")


def problem() -> None:
    """Show why the last change was refused, or what it took with it, once."""
    if said := state.news():
        st.toast(said, icon=":material/tune:")
    refusals.show(_PLACE)


def read(recipe: Recipe, path: str) -> Any:
    """The value of a field by its dotted path."""
    node: Any = recipe
    for part in path.split("."):
        node = node[int(part)] if part.isdigit() else getattr(node, part)
    return node


def _widget(spec: FieldSpec, offered: list[Any], value: Any, common: dict[str, Any], empty: str) -> None:
    if offered and all(isinstance(item, str) for item in offered) and len(offered) <= _SEGMENTS:
        st.segmented_control(options=offered, default=value, required=True, wrap=True, format_func=_readable, **common)
    elif offered:
        st.selectbox(options=offered, index=offered.index(value),
                     format_func=lambda item: empty if item is None else _readable(item), **common)
    elif spec.kind == "bool":
        st.toggle(value=value, **common)
    elif spec.kind == "text":
        st.text_input(value=value or "", **common)
    elif spec.kind == "float" and _is_share(spec):
        st.slider(min_value=float(spec.minimum or 0.0), max_value=float(spec.maximum or 1.0), value=float(value),
                  step=spec.step, **common)
    else:
        number = float if spec.kind == "float" else int
        if spec.optional:  # an emptied box sends its default, which has to be nothing
            st.session_state.setdefault(common["key"], None if value is None else number(value))
            value = None
        common |= {
            "value": None if value is None else number(value), "step": number(spec.step),
            "min_value": None if spec.minimum is None else number(spec.minimum),
            "max_value": None if spec.maximum is None else number(spec.maximum),
        }
        st.number_input(format="%g" if number is float else None, placeholder=spec.empty if spec.optional else None,
                        **common)


def _is_share(spec: FieldSpec) -> bool:
    return not spec.optional and spec.maximum is not None and spec.maximum <= 1.0 and spec.scale == "linear"


def _readable(value: Any) -> str:
    return str(value).replace("_", " ")


def commit(path: str, key: str) -> None:
    """Take a widget's value into the recipe."""
    value = st.session_state[key]
    refusals.attempt(_PLACE, lambda: state.change(path, None if value == "" else value))
