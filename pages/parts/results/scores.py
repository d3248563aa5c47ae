"""A run's score on one split: accuracy, per class, confusion matrix, mistakes."""

from __future__ import annotations

from typing import Any

import pandas as pd
import streamlit as st

from core import escape
from core.data.dataset import Dataset
from core.errors import GraftError
from core.runs.run import Run
from core.scoring.metrics import worst_mistakes
from pages.parts.data import viewer
from pages.parts.data.tile import tile
from pages.parts.widgets import charts, errors, gallery, wording

PER_PAGE = 24
TOP = 5
MEANING = {
    "validation": "Validation images were never learned from, but they decided which epoch was kept, so this number "
                  "is a little flattering. Test images, held back on the Data page, give the fully honest one.",
    "test": "Test images were neither learned from nor used to choose anything: this is the honest number.",
}


def headline(scores: dict[str, Any], split: str) -> None:
    """Accuracy with its interval, and what it means."""
    low, high = (f"{100 * end:.1f}".replace("100.0", "100") for end in scores["accuracy_interval"])  # fits on a phone
    present = [row for row in scores["per_class"] if row["support"]]
    worst = min(present, key=lambda row: row["recall"])
    wrong = scores["images"] - round(scores["accuracy"] * scores["images"])
    with st.grid(4, min_column_width=170):
        st.metric("Accuracy", wording.percent(scores["accuracy"]), border=True,
                  help="Share of the images that got the right class.")
        st.metric("Likely between", f"{low} – {high} %", border=True,
                  help=f"95 % interval (Wilson): how far chance goes with {scores['images']:,} images. More images, "
                       "a narrower interval.")
        st.metric("Mistakes", f"{wrong:,} of {scores['images']:,}", border=True)
        st.metric("Hardest class", escape.markdown(worst["class"]) if wrong else "—", border=True,
                  help=f"{wording.percent(worst['recall'])} of its images were recognised.")
    st.caption(MEANING[split])


def per_class(scores: dict[str, Any]) -> None:
    """Precision, recall and F1 of every class."""
    def share(title: str, text: str) -> Any:
        return st.column_config.NumberColumn(title, help=text, format="%.1f %%", width=72)

    frame = pd.DataFrame(scores["per_class"])
    frame["class"] = frame["class"].map(escape.visible)
    frame[["precision", "recall", "f1"]] *= 100
    frame.loc[frame["support"] == 0, ["precision", "recall", "f1"]] = None  # nothing to measure
    height = min(35 * (len(frame) + 1) + 3, 560)
    st.dataframe(frame, hide_index=True, height=height, placeholder="–", column_config={
        "class": st.column_config.TextColumn("Class", width=80, pinned=True),
        "precision": share("Precision", "Of the images called this class, how many are."),
        "recall": share("Recall", "Of the images of this class, how many were found."),
        "f1": share("F1", "Precision and recall in one: their harmonic mean."),
        "support": st.column_config.NumberColumn("Images", width=58, help="Images of this class in the split."),
    })


def confusion(scores: dict[str, Any], classes: list[str], split: str) -> None:
    """The confusion matrix."""
    charts.show(charts.confusion(scores["confusion"], classes), f"confusion-{split}",
                "Confusion matrix: a row per true class, a column per predicted class")


def mistakes(run: Run, split: str) -> None:
    """The misclassified images, the surest mistakes first."""
    st.subheader("Mistakes, the surest first", anchor=False, help="Often a mislabelled picture, or one that shows "
                 "both classes: worth a look.")
    st.fragment(_mistakes)(run, split)


@errors.guarded
def _mistakes(run: Run, split: str) -> None:
    table = run.predictions()
    if table is None:
        st.info("The list of predictions is missing from the run's folder.", icon=":material/hide_image:")
        return
    wrong = worst_mistakes(table, split, len(table))
    if wrong.empty:
        st.success("Every image got the right class.", icon=":material/check_circle:")
        return
    try:
        dataset = Dataset.load(run.dataset_path)
    except GraftError:
        st.info("The dataset was deleted, so its pictures cannot be shown.", icon=":material/hide_image:")
        return
    st.caption("Below each picture: what the network saw and how sure it was, then what it is.")
    opened = gallery.paged(len(wrong), PER_PAGE, f"mistakes-{run.id}-{split}", lambda start, end: [
        tile(dataset, row, str(row.predicted), f"{row.probability:.0%} · is {row.true}")
        for row in wrong.iloc[start:end].itertuples()
    ])
    if opened is not None:
        paths = wrong["path"].tolist()
        viewer.open_at(dataset, paths, paths.index(opened), lambda path: _bars(run, wrong, path))


def _bars(run: Run, table: pd.DataFrame, path: str) -> None:
    """What the network took the picture for, the likeliest classes first."""
    row = table[table["path"] == path].iloc[0]
    shares = sorted(((float(row[f"p{index}"]), label) for index, label in enumerate(run.dataset["classes"])),
                    reverse=True)
    for share, label in shares[:TOP]:
        st.progress(min(max(share, 0.0), 1.0), text=f"{escape.markdown(label)} · {share:.0%}")
