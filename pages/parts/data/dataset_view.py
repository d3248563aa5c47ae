"""A dataset, looked at: its figures, its split, its pictures, its bad files."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import streamlit as st

from core import escape
from core.data.checks import features
from core.data.dataset import Dataset
from pages.parts.data import changing, picture_charts, picture_map, selection, viewer
from pages.parts.data.tile import tile
from pages.parts.widgets import charts, errors, fields, gallery, wording

if TYPE_CHECKING:
    import pandas as pd

PER_PAGE, MOST_PILLS = 24, 12
_ORDERS: dict[str, tuple[str | None, bool]] = {
    "In order": (None, True), "By name": ("path", True), "Largest file first": ("bytes", False),
    "Smallest file first": ("bytes", True), "Widest first": ("width", False), "Narrowest first": ("width", True),
}


def facts(dataset: Dataset) -> None:
    """The dataset in four figures."""
    usable = dataset.usable()
    smaller = usable[["width", "height"]].min(axis=1)
    with st.grid(4, min_column_width=150):
        st.metric("Images", f"{len(usable):,}", border=True)
        st.metric("Classes", f"{len(dataset.classes):,}", border=True)
        st.metric("Typical size", f"{usable['width'].median():.0f} × {usable['height'].median():.0f}", border=True,
                  help=f"Median width and height in pixels. The shorter side goes from {smaller.min()} to "
                       f"{smaller.max()} px; together the files take {wording.size(usable['bytes'].sum())}.")
        st.metric("Unreadable files", f"{dataset.bad:,}", border=True,
                  help="Files that are not pictures Graft can read. They are left out and listed below.")


def split_settings(dataset: Dataset, table: pd.DataFrame) -> None:
    """How many images are in which split, and the settings that decide it."""
    counts = table["split"].value_counts()
    parts = [f"**{counts[name]:,}** {charts.NAMES[name]}" for name in charts.COLORS if name in counts]
    st.markdown(" · ".join(parts))
    own = set(dataset.usable()["split"]) - {""}
    if own:
        st.caption(f"The archive has its own folders for {' and '.join(charts.NAMES[name] for name in sorted(own))}; "
                   "they are used as they are.")
    if "validation" not in own:
        fields.draw("data.validation")
    if "test" not in own:
        fields.draw("data.test")
    with st.expander("Advanced", icon=":material/tune:"):
        if own:
            fields.draw("data.folders")
        fields.draw("data.seed")
        fields.draw("data.folds")
        fields.draw("data.fold")
        fields.draw("data.stratified")
        fields.draw("data.keep_together")
        fields.draw("data.subset", options=[None, 0.1, 0.25, 0.5], empty="all pictures")
        fields.draw("data.group_by")
        fields.draw_dependents("data.group_by")


def pictures(dataset: Dataset, table: pd.DataFrame) -> None:
    """The gallery by class, a page at a time, charts, or the map of what the backbone finds alike."""
    st.subheader("Pictures", anchor=False)
    ways = {"Gallery": _pictures, "Charts": picture_charts.draw}
    if features.read(dataset) is not None:
        ways["Map"] = picture_map.draw
    shown = st.segmented_control("Pictures as", list(ways), default="Gallery", required=True,
                                 label_visibility="collapsed", key=f"pictures-as-{dataset.id}")
    st.fragment(ways[str(shown)])(dataset, table)


@errors.guarded
def _pictures(dataset: Dataset, table: pd.DataFrame) -> None:
    changing.redraw_if_edited(dataset)
    chosen = _class_choice(dataset)
    rows = _arranged(dataset, table if chosen is None else table[table["class"] == chosen])
    chosen_ones = f"pictures-{dataset.id}"
    if rows.empty:
        st.caption("No pictures of this kind.")
        return
    opened = gallery.paged(len(rows), PER_PAGE, f"gallery-{dataset.id}-{dataset.fingerprint}-{chosen}-{len(rows)}",
                           lambda start, end: [tile(dataset, row) for row in rows.iloc[start:end].itertuples()],
                           chosen_ones)
    selection.bar(dataset, chosen_ones, set(table["path"]))
    if opened is not None:
        paths = rows["path"].tolist()
        viewer.open_at(dataset, paths, paths.index(opened))


def _arranged(dataset: Dataset, rows: pd.DataFrame) -> pd.DataFrame:
    """Filtered by split and sorted as the line of controls says."""
    splits = [name for name in charts.NAMES if name in set(rows["split"])]
    with st.container(horizontal=True, vertical_alignment="center", gap="medium"):
        if len(splits) > 1:
            split = st.segmented_control("Split", ["", *splits], default="", required=True,
                                         key=f"split-of-{dataset.id}", label_visibility="collapsed",
                                         format_func=lambda name: charts.NAMES.get(name, "all splits").capitalize())
            rows = rows[rows["split"] == split] if split else rows
        order = st.selectbox("Sort", list(_ORDERS), label_visibility="collapsed", width=190,
                             key=f"order-of-{dataset.id}")
        st.caption("A click opens a picture; its box selects it, with Shift all from the last one on.", width="content")
    column, ascending = _ORDERS[order]
    return rows if column is None else rows.sort_values(column, ascending=ascending, kind="stable")


def shower(dataset: Dataset) -> Callable[[Any], None]:
    """What shows the pictures of a class by its number, as a click on its bar asks for. What a browser says may be
    anything."""
    def show(number: Any) -> None:
        number = number[0] if isinstance(number, list) and number else number
        if isinstance(number, int) and 0 <= number < len(dataset.classes):
            few = len(dataset.classes) <= MOST_PILLS
            st.session_state[f"class-{'pills' if few else 'box'}-{dataset.id}"] = dataset.classes[number]

    return show


def _class_choice(dataset: Dataset) -> str | None:
    if len(dataset.classes) <= MOST_PILLS:
        chosen = st.pills("Class", ["", *dataset.classes], default="", required=True, label_visibility="collapsed",
                          format_func=lambda name: escape.markdown(name) or "All", key=f"class-pills-{dataset.id}")
        return chosen or None
    return st.selectbox("Class", dataset.classes, index=None, placeholder="All classes", width=320,
                        format_func=escape.visible,
                        key=f"class-box-{dataset.id}")


def problems(dataset: Dataset) -> None:
    """The unreadable files with their reasons, and what was passed over while reading the archive."""
    bad = dataset.manifest[dataset.manifest["status"] == "bad"]
    if not bad.empty:
        with st.expander(f"{wording.count(len(bad), 'unreadable file')}, left out", icon=":material/broken_image:"):
            st.dataframe(_shown(bad[["path", "class", "bytes", "reason"]]), hide_index=True, column_config={
                "path": "File", "class": "Class", "reason": "Why",
                "bytes": st.column_config.NumberColumn("Size", format="bytes"),
            })
    if dataset.notes:
        title = wording.count(len(dataset.notes), "note") + " from reading the archive"
        with st.expander(title, icon=":material/info:"):
            for note in dataset.notes[:100]:
                st.text(escape.visible(note))


def _shown(table: pd.DataFrame) -> pd.DataFrame:
    return table.map(lambda value: escape.visible(value) if isinstance(value, str) else value)
