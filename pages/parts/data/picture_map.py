"""The map: pictures as points, near one another where the backbone finds them alike."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from core.data.checks import features
from core.data.dataset import Dataset
from pages.parts.data import changing, picked
from pages.parts.widgets import charts, errors, wording

if TYPE_CHECKING:
    import pandas as pd

MOST_POINTS = 5000
"""Of more pictures so many are drawn."""


@errors.guarded
def draw(dataset: Dataset, table: pd.DataFrame) -> None:
    """Points that are near one another are alike to the backbone; what is encircled can be looked at and changed."""
    changing.redraw_if_edited(dataset)
    known = features.read(dataset)
    if known is None:
        return
    rows = known.of(table["path"].tolist())
    points = table[rows >= 0].assign(x=known.places[rows[rows >= 0], 0], y=known.places[rows[rows >= 0], 1])
    if len(points) > MOST_POINTS:
        points = points.sample(MOST_POINTS, random_state=0).sort_index()
    missing = len(table) - int((rows >= 0).sum())
    st.caption("Pictures that the backbone finds alike are near one another; a point among points of another colour "
               "may have a wrong label. Draw around points to see their pictures below."
               + (f" {wording.count(missing, 'picture')} came since the check." if missing else ""))
    chart = st.plotly_chart(charts.scatter(points, dataset.classes), key=f"map-{dataset.fingerprint}",
                            on_select="rerun", selection_mode=("points", "box", "lasso"),
                            config={"displayModeBar": False}, alt="Pictures as points: near means alike")
    picked.draw(dataset, table, picked.paths(chart, table), "map")
