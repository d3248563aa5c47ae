"""Widgets for the recipe's fields, drawn from what `core.recipe.fields` says of them.

The recipe is the only source: a widget shows its value, and a change goes into the recipe before the page is drawn
again. A value that the recipe refuses is explained, and the widget goes back.
"""

from __future__ import annotations

from typing import Any

import streamlit as st

from core.errors import RecipeError
from core.recipe.fields import Recipe
from core.recipe.paths import without_index
from core.recipe.specs import FieldSpec, dependents, field_spec
from pages.parts.session import state
from pages.parts.widgets import errors

_PROBLEM = "field-problem"
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
    key = f"field:{path}"
    common: dict[str, Any] = {
        "label": label or spec.title, "help": disabled or spec.help, "disabled": disabled is not None, "key": key,
        "on_change": commit, "args": (path, key),
    }
    offered = list(options or spec.choices or (() if spec.fixed else spec.available or ()))
    if offered and value not in offered:
        offered.insert(0, value)
    if st.session_state.get(key, _Missing) != value:
        st.session_state[key] = value
    _widget(spec, offered, common, empty)


def draw_dependents(path: str) -> None:
    """Draw the fields that belong to the value which a choice has now: momentum, beside the optimizer."""
    for spec in dependents(path):
        if not spec.fixed:
            draw(f"{path.rpartition('.')[0]}.{spec.path.rpartition('.')[2]}")


def problem() -> None:
    """Show why the last change was refused, once."""
    if (text := state.get(_PROBLEM)) is not None:
        state.put(_PROBLEM, None)
        errors.show(RecipeError(text))


def read(recipe: Recipe, path: str) -> Any:
    """The value of a field by its dotted path."""
    node: Any = recipe
    for part in path.split("."):
        node = node[int(part)] if part.isdigit() else getattr(node, part)
    return node


class _Missing:
    """Stands for: the widget was not drawn yet."""


def _widget(spec: FieldSpec, offered: list[Any], common: dict[str, Any], empty: str) -> None:
    if offered and all(isinstance(item, str) for item in offered) and len(offered) <= _SEGMENTS:
        st.segmented_control(options=offered, required=True, wrap=True, format_func=_readable, **common)
    elif offered:
        st.selectbox(options=offered, format_func=lambda value: empty if value is None else _readable(value), **common)
    elif spec.kind == "bool":
        st.toggle(**common)
    elif spec.kind == "text":
        st.text_input(**common)
    elif spec.kind == "float" and _is_share(spec):
        st.slider(min_value=float(spec.minimum or 0.0), max_value=float(spec.maximum or 1.0), step=spec.step, **common)
    else:
        number = float if spec.kind == "float" else int
        if spec.optional:  # an emptied box is then empty, where it would otherwise jump to the smallest number
            common["value"] = None
        st.number_input(
            min_value=number(spec.minimum) if spec.minimum is not None else None,
            max_value=number(spec.maximum) if spec.maximum is not None else None,
            step=number(spec.step), format="%g" if number is float else None,
            placeholder=spec.empty if spec.optional else None, **common,
        )


def _is_share(spec: FieldSpec) -> bool:
    return not spec.optional and spec.maximum is not None and spec.maximum <= 1.0 and spec.scale == "linear"


def _readable(value: Any) -> str:
    return str(value).replace("_", " ")


def commit(path: str, key: str) -> None:
    """Take a widget's value into the recipe."""
    value = st.session_state[key]
    try:
        state.change(path, None if value == "" else value)
    except RecipeError as error:
        state.put(_PROBLEM, error.message)
