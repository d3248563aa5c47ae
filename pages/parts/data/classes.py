"""The classes of a dataset: other labels, several made one, left out."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from core import escape
from core.data.dataset import Dataset
from pages.parts.data import changing
from pages.parts.session import state
from pages.parts.widgets import errors


@st.dialog("Classes", width="medium", on_dismiss="rerun")
@errors.guarded
def dialog(dataset: Dataset) -> None:
    """A table of the classes, and what can be done with those that are ticked."""
    changing.news()
    dataset = Dataset.open(state.workspace(), dataset.id)
    counts = dataset.usable()["class"].value_counts()
    table = pd.DataFrame({"class": [escape.visible(label) for label in dataset.classes],
                          "images": [int(counts.get(label, 0)) for label in dataset.classes]})
    st.caption("Tick a class to rename it or to leave it out, several to make one of them.")
    picked = st.dataframe(
        table, hide_index=True, on_select="rerun", selection_mode="multi-row", height=min(35 * len(table) + 38, 360),
        key=f"classes-{dataset.fingerprint}", column_config={
            "class": "Class", "images": st.column_config.ProgressColumn(
                "Images", format="%d", min_value=0, max_value=max(int(table["images"].max()), 1))})
    ticked = [dataset.classes[row] for row in picked["selection"]["rows"] if row < len(dataset.classes)]
    if ticked:
        _actions(dataset, ticked)
    changing.bar(dataset, "classes")


def _actions(dataset: Dataset, ticked: list[str]) -> None:
    one, left = len(ticked) == 1, len(dataset.classes) - len(ticked)
    label = "New name" if one else f"Make one class of these {len(ticked)}, called"
    name = st.text_input(label, ticked[0], max_chars=100, key=f"class-name-{'-'.join(ticked)}"[:200])
    renaming = one and name.strip() not in dataset.classes
    with st.container(horizontal=True):
        if one:
            st.button("Rename", type="primary", disabled=not name.strip() or not renaming, key="class-rename",
                      on_click=changing.edit, args=(dataset.id, "rename_class"),
                      kwargs={"old": ticked[0], "new": name})
        else:
            st.button("Make one", type="primary", disabled=not name.strip() or left < 1, key="class-merge",
                      help=None if left else "A classifier needs two classes.", on_click=changing.edit,
                      args=(dataset.id, "merge_classes"), kwargs={"old": ticked, "new": name})
        if one:
            st.button("Leave out", icon=":material/delete:", disabled=left < 2, key="class-leave-out",
                      help=None if left > 1 else "A classifier needs two classes.", on_click=changing.edit,
                      args=(dataset.id, "exclude_class"), kwargs={"label": ticked[0]})
