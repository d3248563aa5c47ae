"""Several pictures at once: another class, or left out."""

from __future__ import annotations

from typing import Any

import streamlit as st

from core import escape
from core.data.dataset import Dataset
from pages.parts.data import changing
from pages.parts.widgets import gallery, wording


def bar(dataset: Dataset, name: str, there: set[str]) -> None:
    """What can be done with the pictures that are selected; nothing where none is.

    Args:
        name: Of the selection: see `gallery.paged`.
        there: The paths that can be in it.
    """
    paths = [path for path in gallery.selected(name) if path in there]
    if not paths:
        return
    with st.container(border=True, horizontal=True, vertical_alignment="center"):
        st.markdown(f"**{wording.count(len(paths), 'picture')}** selected", width="content")
        label = st.selectbox("Move to class", dataset.classes, index=None, placeholder="Move to class…", width=220,
                             accept_new_options=True, label_visibility="collapsed", format_func=escape.visible,
                             key=f"move-to-{dataset.fingerprint}")
        st.button("Move", key="selected-move", disabled=not label, icon=":material/drive_file_move:",
                  on_click=_change_selected, args=(dataset.id, name, "relabel"),
                  kwargs={"paths": paths, "label": label})
        st.button("Leave out", key="selected-leave-out", icon=":material/delete:", on_click=_change_selected,
                  args=(dataset.id, name, "exclude"), kwargs={"paths": paths})
        st.button("Select none", key="selected-none", type="tertiary", on_click=gallery.select, args=(name, ()))


def _change_selected(dataset_id: str, name: str, kind: str, **values: Any) -> None:
    changing.edit(dataset_id, kind, **values)
    gallery.select(name, ())
