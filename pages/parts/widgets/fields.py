"""Widgets for the recipe's fields, drawn from what `core.recipe.fields` says of them.

The recipe is the only source: a widget shows its value, and a change goes into the recipe before the page is drawn
again. A value that the recipe refuses is explained, and the widget goes back.
"""

from __future__ import annotations

import re
from typing import Any

import streamlit as st

from core.errors import RecipeError
from core.recipe.fields import Recipe
from core.recipe.specs import FieldSpec, field_spec
from pages.parts.session import state
from pages.parts.widgets import errors

_PROBLEM = "field-problem"
_SEGMENTS = 5
FORMATS = {"train.phases.learning_rate": "%g", "train.phases.weight_decay": "%g", "model.hidden.l2": "%g"}
PLACEHOLDERS = {"data.image_size": "automatic"}
STEPS = {"train.phases.learning_rate": 1e-4, "train.phases.weight_decay": 1e-4, "model.hidden.l2": 1e-4,
         "augment.rotation": 5.0, "data.image_size": 32}


def draw(
    path: str, *, options: list[Any] | None = None, label: str | None = None, disabled: str | None = None,
    empty: str = "automatic",
) -> None:
    """Draw the widget of one field (`train.phases.0.epochs`).

    Args:
        options: Offers these values instead of free input.
        label: Instead of the field's title.
        disabled: Why the field cannot be set now; said in its help.
        empty: What no value means, among `options`.
    """
    spec = field_spec(re.sub(r"\.\d+(?=\.|$)", "", path))
    value = read(state.recipe() or Recipe(), path)
    key = f"field:{path}"
    common: dict[str, Any] = {
        "label": label or spec.title, "help": disabled or spec.help, "disabled": disabled is not None, "key": key,
        "on_change": commit, "args": (path, key),
    }
    offered = list(options or spec.choices)
    if offered and value not in offered:
        offered.insert(0, value)
    if st.session_state.get(key, _Missing) != value:
        st.session_state[key] = value
    _widget(spec, offered, common, empty)


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
        st.slider(min_value=float(spec.minimum or 0.0), max_value=float(spec.maximum or 1.0), step=0.05, **common)
    else:
        number = float if spec.kind == "float" else int
        if spec.optional:  # an emptied box is then empty, where it would otherwise jump to the smallest number
            common["value"] = None
        st.number_input(
            min_value=number(spec.minimum) if spec.minimum is not None else None,
            max_value=number(spec.maximum) if spec.maximum is not None else None,
            step=number(STEPS.get(spec.path, 1)), format=FORMATS.get(spec.path),
            placeholder=PLACEHOLDERS.get(spec.path, "off") if spec.optional else None, **common,
        )


def _is_share(spec: FieldSpec) -> bool:
    return not spec.optional and spec.maximum is not None and spec.maximum <= 1.0 and spec.path not in FORMATS


def _readable(value: Any) -> str:
    return str(value).replace("_", " ")


def commit(path: str, key: str) -> None:
    """Take a widget's value into the recipe."""
    value = st.session_state[key]
    try:
        state.change(path, None if value == "" else value)
    except RecipeError as error:
        state.put(_PROBLEM, error.message)
