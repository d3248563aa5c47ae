"""The pictures in charts: their sizes, their light, their types, and what those of a class have in common."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import streamlit as st

from core import escape
from core.data.checks import features, means
from core.data.dataset import Dataset
from pages.parts.data import changing, picked
from pages.parts.widgets import charts, errors, wording

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

MOST_POINTS = 5000
"""Of more pictures so many are drawn."""
MOST_MEANS = 24
"""Classes whose mean picture is shown, the largest ones."""
_SIZE, _LIGHT, _SHARPNESS, _TYPE, _MEAN = "Size", "Light", "Sharpness", "File type", "Mean picture"


@errors.guarded
def draw(dataset: Dataset, table: pd.DataFrame) -> None:
    """One chart at a time; what is encircled or clicked in it is shown below."""
    changing.redraw_if_edited(dataset)
    known = features.read(dataset)
    light = known is not None and known.light is not None
    offered = [_SIZE, *([_LIGHT, _SHARPNESS] if light else []), _TYPE, _MEAN]
    what = st.pills("Chart", offered, default=_SIZE, required=True, label_visibility="collapsed",
                    key=f"chart-of-{dataset.id}-{light}")
    if what == _MEAN:
        _means(dataset, table)
    elif what == _TYPE:
        _types(dataset, table)
    else:
        _points(dataset, table, known, str(what))
    if not light:
        st.caption("*Check thoroughly*, above, measures how bright and how sharp the pictures are; then there are "
                   "charts of that, too.")


def _points(dataset: Dataset, table: pd.DataFrame, known: features.Features | None, what: str) -> None:
    if what == _SIZE or known is None or known.light is None:
        shown = table.assign(x=table["width"], y=table["height"])
        axes, said = ("width, pixels", "height, pixels"), "A point is a picture, coloured by its class."
    else:
        rows = known.of(table["path"].tolist())
        light = known.light[rows[rows >= 0]]
        shown = table[rows >= 0].assign(x=light[:, 0] if what == _LIGHT else light[:, 1],
                                        y=light[:, 1] if what == _LIGHT else light[:, 2])
        axes, said = {
            _LIGHT: (("brightness, black to white", "contrast"),
                     "Far left is dark, far right bright; near the bottom little can be told apart."),
            _SHARPNESS: (("contrast", "sharpness"), "Near the bottom are blurred pictures, and smooth ones."),
        }[what]
    if len(shown) > MOST_POINTS:
        shown = shown.sample(MOST_POINTS, random_state=0).sort_index()
        said += f" {MOST_POINTS:,} of {len(table):,} are drawn."
    st.caption(f"{said} Draw around points to see their pictures below.")
    chart = st.plotly_chart(charts.scatter(shown, dataset.classes, axes), key=f"chart-{what}-{dataset.fingerprint}",
                            on_select="rerun", selection_mode=("points", "box", "lasso"),
                            config={"displayModeBar": False}, alt=f"Pictures by {axes[0]} and {axes[1]}")
    picked.draw(dataset, table, picked.paths(chart, table), f"chart-{what}")


def _types(dataset: Dataset, table: pd.DataFrame) -> None:
    shown = table.assign(kind=table["file"].str.rpartition(".")[2].str.upper())
    st.caption("A click on a bar shows its pictures below. Where the type of the file tells the class, a model may "
               "learn that instead of what the pictures show.")
    chart = st.plotly_chart(charts.kinds(shown, dataset.classes), key=f"chart-types-{dataset.fingerprint}",
                            on_select="rerun", selection_mode=("points",), config={"displayModeBar": False},
                            alt="Pictures by file type and class")
    clicked = [one for one in picked.marks(chart) if isinstance(one, list) and len(one) == 2]
    paths = [path for label, kind in clicked
             for path in shown.loc[(shown["class"] == label) & (shown["kind"] == kind), "path"]]
    picked.draw(dataset, table, paths, "chart-types")


@st.cache_data(max_entries=4, show_spinner="Laying the pictures over one another")
def _mean_pictures(path: str, fingerprint: str) -> list[tuple[str, int, Any]]:
    from pathlib import Path

    dataset = Dataset.load(Path(path))
    files = dataset.usable().groupby("class")["file"].agg(list)
    largest = sorted(files.index, key=lambda label: -len(files[label]))[:MOST_MEANS]
    return [(label, len(files[label]), means.mean_picture(dataset, files[label]))
            for label in dataset.classes if label in largest]


def _means(dataset: Dataset, table: pd.DataFrame) -> None:
    """The mean picture of each class."""
    st.caption("All pictures of a class laid over one another. Where something stands out, such as a border or a "
               "background, a model can tell the class by that alone.")
    found: list[tuple[str, int, np.ndarray | None]] = _mean_pictures(str(dataset.path), dataset.fingerprint)
    with st.container(horizontal=True, gap="medium"):
        for label, count, picture in found:
            if picture is not None:
                with st.container(width=150):
                    st.image(picture, width=150)
                    st.caption(f"**{escape.markdown(label)}** · {wording.count(count, 'picture')}")
    if len(dataset.classes) > MOST_MEANS:
        st.caption(f"The {MOST_MEANS} largest classes.")
