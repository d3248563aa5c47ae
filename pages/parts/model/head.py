"""The head: pooling, hidden layers, dropout."""

from __future__ import annotations

import json

import streamlit as st

from core.recipe.fields import HiddenLayer, Recipe
from pages.parts.session import state
from pages.parts.widgets import fields

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
        if st.session_state.get("hidden-count") != count:
            st.session_state["hidden-count"] = count
        st.segmented_control("Hidden layers", list(range(max(MOST_LAYERS, count) + 1)), key="hidden-count",
                             required=True, on_change=_resize,
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


def _resize() -> None:
    recipe = state.recipe() or Recipe()
    layers = list(recipe.model.hidden)[: st.session_state["hidden-count"]]
    layers += [HiddenLayer()] * (st.session_state["hidden-count"] - len(layers))
    document = json.dumps([layer.model_dump(mode="json") for layer in layers])
    state.set_recipe(recipe.override([f"model.hidden={document}"]))
