"""A run's score on one split: accuracy, per class, confusion matrix, mistakes."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import streamlit as st

from core import api, escape
from core.data.dataset import Dataset
from core.errors import GraftError
from core.recipe.optimizers import EXACT
from core.runs.run import Run
from core.scoring.metrics import behind_cell, worst_mistakes
from pages.parts.data import changing, selection, viewer
from pages.parts.data.tile import tile
from pages.parts.session import state
from pages.parts.widgets import charts, errors, gallery, wording

PER_PAGE = 24
TOP = 5
_CELL = "confusion-cell"
"""Run, split, true and predicted class of the cell whose pictures are shown."""
MEANING = {
    "validation": "Validation images were never learned from, but they decided which epoch was kept, so this number "
                  "is a little flattering. Test images, held back on the Data page, give the fully honest one.",
    "solved": "Validation images were neither learned from nor used to choose anything in this run. Where several runs "
              "are compared by them the best one's number is a little flattering; test images, held back on the Data "
              "page, give the fully honest one.",
    "test": "Test images were neither learned from nor used to choose anything: this is the honest number.",
}


def headline(run: Run, scores: dict[str, Any], split: str) -> None:
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
    solved = split == "validation" and all(phase.optimizer == EXACT for phase in run.recipe.train.phases)
    st.caption(MEANING["solved" if solved else split])


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


def confusion(run: Run, scores: dict[str, Any], split: str) -> None:
    """The confusion matrix; of many classes those with the most mistakes, and the pairs that are taken for one another.
    A click shows the pictures behind a cell."""
    matrix, classes = np.array(scores["confusion"]), run.classes
    shown = np.arange(len(classes))
    if len(classes) > charts.MOST_LABELLED:
        wrong = matrix - np.diag(np.diag(matrix))
        shown = np.sort(np.argsort(-(wrong.sum(0) + wrong.sum(1)), kind="stable")[:charts.MOST_LABELLED])
        st.caption(f"The {len(shown)} classes of {len(classes):,} with the most mistakes.")

    def clicked(cell: Any) -> None:
        if isinstance(cell, list) and len(cell) == 2 and all(isinstance(one, int) and 0 <= one < len(shown)
                                                              for one in cell):
            state.put(_CELL, [run.id, split, classes[shown[cell[0]]], classes[shown[cell[1]]]])

    charts.show(charts.confusion(matrix[np.ix_(shown, shown)].tolist(), [classes[place] for place in shown]),
                f"confusion-{split}", "Confusion matrix: a row per true class, a column per predicted class",
                on_click=clicked)
    if len(classes) > charts.MOST_LABELLED:
        _pairs(run, matrix, split)


def _pairs(run: Run, matrix: np.ndarray, split: str) -> None:
    """The pairs of classes that are taken for one another, the most frequent first; a tick shows their pictures."""
    wrong = matrix - np.diag(np.diag(matrix))
    pairs = sorted(((int(wrong[row, column]), int(row), int(column)) for row, column in np.argwhere(wrong)),
                   key=lambda pair: (-pair[0], pair[1:]))
    if not pairs:
        return
    table = pd.DataFrame([{"true": escape.visible(run.classes[row]), "predicted": escape.visible(run.classes[column]),
                           "pictures": count} for count, row, column in pairs])
    key = f"pairs-{run.id}-{split}"

    def ticked() -> None:
        rows = [place for place in st.session_state[key]["selection"]["rows"] if place < len(pairs)]
        state.put(_CELL, [run.id, split, *(run.classes[number] for number in pairs[rows[0]][1:])] if rows else None)

    st.dataframe(table, hide_index=True, height=min(35 * len(table) + 38, 320), on_select=ticked,
                 selection_mode="single-row", key=key, column_config={
                     "true": "Is", "predicted": "Was taken for", "pictures": "Pictures"})


def mistakes(run: Run, split: str) -> None:
    """The misclassified images, the surest mistakes first, or the pictures of one cell of the matrix."""
    edits = _changed(run)
    cell = state.get(_CELL)
    chosen = (cell[2], cell[3]) if cell and cell[:2] == [run.id, split] else None
    if chosen is None:
        st.subheader("Mistakes, the surest first", anchor=False, help="Often a mislabelled picture, or one that shows "
                     "both classes: worth a look.")
    else:
        true, predicted = (escape.markdown(label) for label in chosen)
        title = f"{true}, recognised" if true == predicted else f"{true}, taken for {predicted}"
        with st.container(horizontal=True, vertical_alignment="center"):
            st.subheader(title, anchor=False, width="content")
            st.button("All mistakes", key="all-mistakes", type="tertiary", icon=":material/close:",
                      on_click=state.put, args=(_CELL, None))
    st.fragment(_mistakes)(run, split, chosen, edits)


def _changed(run: Run) -> int:
    """Whether the run's pictures have been mended since, and the way to train on them as they are now; gives the number
    of all changes."""
    changing.news()
    try:
        dataset = Dataset.load(run.dataset_path)
    except GraftError:
        return 0
    if dataset.fingerprint == run.dataset["fingerprint"]:
        return len(dataset.edits)
    with st.container(border=True, horizontal=True, vertical_alignment="center"):
        st.markdown(":material/edit_note: The pictures were changed since this run.", width="stretch")
        changing.buttons(dataset, "results")
        if st.button("Train again", key="fit-again", icon=":material/replay:",
                     help="A new run with the settings of this one on the pictures as they are now. Both stand in the "
                          "table below then, to be compared."):
            with errors.shown():
                state.look_at(api.start(dataset, run.recipe, state.workspace()))
                st.switch_page("pages/train.py")
    return len(dataset.edits)


@errors.guarded
def _mistakes(run: Run, split: str, cell: tuple[str, str] | None, edits: int) -> None:
    table = run.predictions()
    if table is None:
        st.info("The list of predictions is missing from the run's folder.", icon=":material/hide_image:")
        return
    wrong = worst_mistakes(table, split, len(table)) if cell is None else behind_cell(table, split, *cell)
    if wrong.empty:
        st.success("Every image got the right class.", icon=":material/check_circle:")
        return
    try:
        dataset = Dataset.load(run.dataset_path)
    except GraftError:
        st.info("The dataset was deleted, so its pictures cannot be shown.", icon=":material/hide_image:")
        return
    if len(dataset.edits) != edits:  # what is said around the pictures follows
        st.rerun()
    st.caption("Below each picture: what the network saw and how sure it was, then its label. A wrong label is put "
               "right in the picture's view, or for several at once by their boxes.")
    known, name = set(dataset.usable()["path"]), f"mistakes-{run.id}"
    opened = gallery.paged(len(wrong), PER_PAGE, f"mistakes-{run.id}-{split}-{cell}", lambda start, end: [
        tile(dataset, row, str(row.predicted), f"{row.probability:.0%} · is {row.true}")
        for row in wrong.iloc[start:end].itertuples()
    ], name)
    selection.bar(dataset, name, known)
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
