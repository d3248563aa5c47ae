"""The head: pooling, hidden layers, dropout."""

from __future__ import annotations

import json

import streamlit as st

from core.recipe.fields import HiddenLayer, Recipe
from pages.parts.session import state
from pages.parts.widgets import fields
from pages.parts.widgets.keys import key_for

MOST_LAYERS = 4


def settings(recipe: Recipe) -> None:
    """The head's widgets."""
    left, middle, right = st.columns(3, gap="medium")
    with left:
        fields.draw("model.pooling")
    with middle:
        fields.draw("model.dropout")
    with right:
        count = len(recipe.model.hidden)
        key = key_for("hidden-count", count)
        st.segmented_control("Hidden layers", list(range(max(MOST_LAYERS, count) + 1)), default=count, key=key,
                             required=True, on_change=_resize, args=(key,),
                             help="Fully connected layers between the features and the classifier. Often none is best.")
    for index in range(len(recipe.model.hidden)):
        _layer(index)


def _layer(index: int) -> None:
    path = f"model.hidden.{index}"
    with st.container(border=True):
        st.markdown(f"**Hidden layer {index + 1}**")
        units, activation, dropout = st.columns([1, 2, 1], gap="medium")
        with units:
            fields.draw(f"{path}.units")
        with activation:
            fields.draw(f"{path}.activation")
        with dropout:
            fields.draw(f"{path}.dropout")
        left, right = st.columns([1, 3], gap="medium", vertical_alignment="bottom")
        with left:
            fields.draw(f"{path}.l2")
        with right:
            fields.draw(f"{path}.batch_norm")


def _resize(key: str) -> None:
    recipe, count = state.recipe() or Recipe(), st.session_state[key]
    layers = list(recipe.model.hidden)[:count]
    layers += [HiddenLayer()] * (count - len(layers))
    document = json.dumps([layer.model_dump(mode="json") for layer in layers])
    state.set_recipe(recipe.override([f"model.hidden={document}"]))
