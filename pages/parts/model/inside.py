"""What exactly the settings build: the table of layers, and the Keras code."""

from __future__ import annotations

import streamlit as st

from core.exports.model_code import model_code
from core.recipe.fields import Recipe
from core.summary import frozen_in, summary_layers
from pages.parts.widgets import errors


def draw(recipe: Recipe, classes: int) -> None:
    """Two boxes, filled when they are opened."""
    with st.expander("Every layer", icon=":material/table_rows:", key="summary", on_change="rerun") as box:
        if box.open:
            with errors.shown():
                _summary(recipe, classes)
    with st.expander("The Keras code of this model", icon=":material/code:", key="code", on_change="rerun") as box:
        if box.open:
            with errors.shown():
                st.code(model_code(recipe, classes), language="python", height=480)


def _summary(recipe: Recipe, classes: int) -> None:
    import pandas as pd

    layers, names = summary_layers(recipe, classes), [phase.name for phase in recipe.train.phases]
    frame = pd.DataFrame({
        "Layer": [layer.name for layer in layers], "Type": [layer.type for layer in layers],
        "Output": ["×".join(map(str, layer.output_shape)) for layer in layers],
        "Parameters": [layer.parameters for layer in layers],
        "Frozen in": [frozen_in(layer, names) for layer in layers],
    })
    st.dataframe(frame, hide_index=True, height=420, column_config={
        "Parameters": st.column_config.NumberColumn(format="localized"),
        "Frozen in": st.column_config.TextColumn(help="The phases of the training in which the layer stays as it is."),
    })
