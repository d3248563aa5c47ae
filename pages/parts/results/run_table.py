"""All runs of a dataset in a table; those that are ticked, side by side."""

from __future__ import annotations

from typing import Any

import pandas as pd
import streamlit as st

from core import escape
from core.data.dataset import Dataset
from core.errors import GraftError
from core.runs import comparing
from core.runs.run import Run
from pages.parts.data import viewer
from pages.parts.data.tile import tile
from pages.parts.session import runs
from pages.parts.widgets import charts, errors, gallery, wording

PER_PAGE = 12
_MOST_SETTINGS = 30


def draw(run: Run) -> None:
    """The table, and what the ticked runs come to; nothing where there is one run only."""
    others = [other for other in runs.with_model() if runs.dataset_of(other) == run.dataset["id"]]
    if len(others) < 2:
        return
    st.subheader("All runs on these pictures", anchor=False, help="Tick two or more to see them side by side.")
    st.fragment(_table)([other.path for other in others])


@errors.guarded
def _table(paths: list[Any]) -> None:
    found = [Run.open(path) for path in paths if path.is_dir()]
    rows = [row for run in found if (row := _row(run)) is not None]
    table = pd.DataFrame([row for _, row in rows])
    picked = st.dataframe(
        table, hide_index=True, on_select="rerun", selection_mode="multi-row", key="run-table",
        height=min(35 * len(table) + 38, 360), column_config={
            "run": "Run", "accuracy": st.column_config.NumberColumn("Accuracy", format="%.1f %%", help="On validation "
                                                                    "images."),
            "interval": st.column_config.TextColumn("Likely between", help="95 % interval (Wilson)."),
            "depth": st.column_config.TextColumn("Trained", help="What of the network was trained."),
            "epochs": "Epochs", "time": "Time"})
    ticked = [rows[place][0] for place in picked["selection"]["rows"] if place < len(rows)][:comparing.MOST]
    if len(ticked) < 2:
        st.caption("Tick two or more runs to compare them.")
        return
    _side_by_side(ticked, comparing.compare(ticked))


def _row(run: Run) -> tuple[Run, dict[str, Any]] | None:
    try:
        metrics = run.metrics() or {}
    except GraftError:
        return None
    scores = metrics.get("validation")
    if scores is None:
        return None
    low, high = scores["accuracy_interval"]
    last = run.recipe.train.phases[-1].freeze
    return run, {
        "run": escape.visible(wording.run_name(run)), "accuracy": 100 * scores["accuracy"],
        "interval": f"{100 * low:.1f} – {100 * high:.1f} %",
        "depth": {"all": "head", "none": "everything"}.get(last, f"after {last}"),
        "epochs": len(run.history()), "time": wording.duration(metrics.get("seconds")),
    }


def _side_by_side(ticked: list[Run], found: dict[str, Any]) -> None:
    names = [f"{place + 1}: {escape.visible(wording.run_name(run))}" for place, run in enumerate(ticked)]
    for pair in found["pairs"][:6]:
        numbers = [[run.id for run in ticked].index(one) + 1 for one in pair["runs"]]
        st.markdown(f"**{numbers[0]} and {numbers[1]}**: {escape.markdown(comparing.verdict(pair))}")
    left, right = st.columns(2, gap="medium")
    with left:
        st.markdown("**Settings that differ**")
        settings = list(found["differing"].items())
        if settings:
            st.dataframe(pd.DataFrame([[path, *map(_text, values)] for path, values in settings[:_MOST_SETTINGS]],
                                      columns=["setting", *names]), hide_index=True,
                         height=min(35 * len(settings) + 38, 320))
        else:
            st.caption("None: they differ by chance alone, or by the pictures.")
    with right:
        charts.show(charts.several_curves([(name, run.history()) for name, run in zip(names, ticked, strict=True)]),
                    "compared-curves", "Validation accuracy over epochs, a line a run")
    if len(ticked) == 2 and found["pairs"][0]["disagreements"]:
        _disagreements(ticked, found["pairs"][0])


def _text(value: object) -> str:
    return "—" if value is None else escape.visible(str(value))


def _disagreements(ticked: list[Run], pair: dict[str, Any]) -> None:
    """The images on which one alone is right."""
    try:
        dataset = Dataset.load(ticked[0].dataset_path)
    except GraftError:
        return
    st.markdown("**Where one alone is right**")
    st.caption("Below each picture: what the first said, what the second said, and what it is.")
    rows = pd.DataFrame(pair["disagreements"])
    opened = gallery.paged(len(rows), PER_PAGE, f"disagree-{'-'.join(pair['runs'])}", lambda start, end: [
        tile(dataset, row, f"{row.predicted[0]} | {row.predicted[1]}", f"is {row.true}")
        for row in rows.iloc[start:end].itertuples()])
    if opened is not None:
        paths = rows["path"].tolist()
        viewer.open_at(dataset, paths, paths.index(opened))
