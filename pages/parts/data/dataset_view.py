"""A dataset, looked at: its figures, its split, its pictures, its bad files."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from core import escape
from core.data.dataset import Dataset
from core.data.splits import dividing
from core.errors import DataError, GraftError
from core.recipe.fields import DataSettings
from pages.parts.widgets import charts, errors, fields, gallery, wording

if TYPE_CHECKING:
    import pandas as pd

PER_PAGE = 24


@st.cache_data(max_entries=4, show_spinner=False)
def _split(path: str, fingerprint: str, classes: tuple[str, ...], settings: str) -> pd.DataFrame:
    from pathlib import Path

    return dividing.divided(Dataset.load(Path(path)), DataSettings.model_validate_json(settings))


def split(dataset: Dataset, settings: DataSettings) -> pd.DataFrame:
    """The images with the split that these settings give them. Raises DataError when they cannot be split so."""
    return _split(str(dataset.path), dataset.fingerprint, tuple(dataset.classes), settings.model_dump_json())


def split_or_reason(dataset: Dataset, settings: DataSettings) -> pd.DataFrame:
    """As `split`; where that fails the reason is shown, and the folders' own split stands in."""
    try:
        return split(dataset, settings)
    except DataError as error:
        errors.show(error)
        table = dataset.usable()
        return table.assign(split=table["split"].replace("", "train"))


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
        fields.draw("data.seed")
        fields.draw("data.subset", options=[None, 0.1, 0.25, 0.5], empty="all pictures")
        fields.draw("data.group_by")
        fields.draw_dependents("data.group_by")


def pictures(dataset: Dataset, table: pd.DataFrame) -> None:
    """The gallery by class, a page at a time."""
    st.subheader("Pictures", anchor=False)
    st.fragment(_pictures)(dataset, table)


@errors.guarded
def _pictures(dataset: Dataset, table: pd.DataFrame) -> None:
    chosen = _class_choice(dataset)
    rows = table if chosen is None else table[table["class"] == chosen]
    if rows.empty:
        st.caption("No pictures of this class were readable.")
        return
    gallery.paged(len(rows), PER_PAGE, f"gallery-{dataset.id}-{chosen}",
                  lambda start, end: [tile(dataset, row) for row in rows.iloc[start:end].itertuples()])


def tile(dataset: Dataset, row: object, strong: str = "", text: str | None = None) -> gallery.Tile:
    """The tile of one row of a manifest, split or prediction table."""
    name = str(row.path).rsplit("/", 1)[-1]  # type: ignore[attr-defined]
    try:
        image = dataset.thumbnail(row.file)  # type: ignore[attr-defined]
    except (GraftError, OSError):
        image = b""
    return gallery.Tile(image, strong, name if text is None else text, str(row.path))  # type: ignore[attr-defined]


def _class_choice(dataset: Dataset) -> str | None:
    if len(dataset.classes) <= 12:
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
