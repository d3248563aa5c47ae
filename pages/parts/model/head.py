"""The head: pooling, normalised features, hidden layers, dropout, output."""

from __future__ import annotations

import json

import streamlit as st

from core.data.dataset import Dataset
from core.recipe.fields import HiddenLayer, Recipe
from core.recipe.specs import field_spec
from pages.parts.session import state
from pages.parts.widgets import fields
from pages.parts.widgets.keys import key_for

MOST_LAYERS = 8
"""As many as `model.hidden` takes."""
_ABOVE = ("units", "activation", "dropout")
_BELOW = ("batch_norm", "initializer", "l2")


def settings(recipe: Recipe, dataset: Dataset) -> None:
    """The head's widgets."""
    left, middle, right = st.columns(3, gap="medium")
    with left:
        fields.draw("model.pooling")
    with middle:
        fields.draw("model.dropout")
    with right:
        fields.draw("model.norm_features")
        _output(recipe, len(dataset.classes))
    count = len(recipe.model.hidden)
    key = key_for("hidden-count", count)
    st.segmented_control("Hidden layers", list(range(MOST_LAYERS + 1)), default=count, key=key, required=True,
                         wrap=True, on_change=_resize, args=(key,), help=field_spec("model.hidden").help)
    for index in range(count):
        _layer(index)


def _output(recipe: Recipe, classes: int) -> None:
    """One sigmoid unit is a choice for two classes alone; a recipe that has it for more is told, and led back."""
    if classes == 2:
        fields.draw("model.output")
        if recipe.model.output == "sigmoid":
            st.caption("One unit says how much it is the second class; the exported model still names both.")
    elif recipe.model.output == "sigmoid":
        fields.draw("model.output")
        st.warning(f"One sigmoid unit tells two classes apart, and there are {classes}: choose softmax.",
                   icon=":material/warning:")
    else:
        st.caption(f"Output: softmax, one share for each of the {classes} classes. A single sigmoid unit is for two "
                   "classes.")


def _layer(index: int) -> None:
    path = f"model.hidden.{index}"
    with st.container(border=True):
        st.markdown(f"**Hidden layer {index + 1}**")
        for names in (_ABOVE, _BELOW):
            for column, name in zip(st.columns([1, 2, 1] if names is _ABOVE else [2, 2, 1], gap="medium"), names,
                                    strict=True):
                with column:
                    fields.draw(f"{path}.{name}")


def _resize(key: str) -> None:
    recipe, count = state.recipe() or Recipe(), st.session_state[key]
    layers = list(recipe.model.hidden)[:count]
    layers += [HiddenLayer()] * (count - len(layers))
    document = json.dumps([layer.model_dump(mode="json") for layer in layers])
    state.take([f"model.hidden={document}"])
