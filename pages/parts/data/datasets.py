"""What the Data page does with datasets: taking archives in, and the dialogs to rename and delete."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

from core import escape
from core.api import delete_dataset
from core.data.dataset import Dataset
from core.data.library import rename_dataset, unreadable_datasets
from core.data.sources import names
from core.data.sources.members import MAKE_A_ZIP
from core.data.uploads import save_upload
from core.errors import DataError
from core.recipe.fields import DataSettings
from pages.parts.app import downloads, memory
from pages.parts.data import classes, ingestion
from pages.parts.session import state
from pages.parts.widgets import errors, wording
from pages.parts.widgets.keys import key_for


def uploader() -> None:
    """The uploader of archives; `take_in` takes what it brings."""
    st.file_uploader(
        "Upload a zip, 7z or tar archive", accept_multiple_files=True, key=_uploader(),
        help="One folder per class inside. Folders called train, val (or validation) and test are used as such. "
             "Several archives become a dataset each.",
    )


def unreadable() -> None:
    """A line for each dataset that this version cannot read; it stays where it is."""
    for identifier, why in unreadable_datasets(state.workspace()):
        st.caption(f":material/block: **{escape.markdown(identifier)}**: {escape.markdown(why)}")


def take_in() -> bool:
    """Take what was uploaded, whatever the page shows now: another archive may be read by then, from another window.
    True when one is on its way."""
    uploads = st.session_state.get(_uploader()) or []
    if not uploads:
        return False
    taken = False
    state.put("uploads", state.get("uploads", 0) + 1)  # a new key: an empty uploader
    archives = [upload for upload in uploads if names.suffix(upload.name) in names.ARCHIVE_SUFFIXES]
    others = [upload.name for upload in uploads if upload not in archives]
    for upload in archives:
        with errors.shown():  # one that is refused keeps no other from being read
            path = save_upload(upload, upload.name, state.workspace())
            ingestion.from_upload(path, names.stem(upload.name), state.workspace())
            taken = True
    memory.release(*uploads)
    if others:
        listed = ", ".join(others[:5]) + (f" and {len(others) - 5:,} more" if len(others) > 5 else "")
        errors.show(DataError(
            f"Not read, as no zip, 7z or tar archive: {listed}.",
            f"{MAKE_A_ZIP} Loose pictures go into a class of their own under *Class by class*."))
    return taken


def _uploader() -> str:
    return f"upload-{state.get('uploads', 0)}"


def choice(dataset: Dataset, known: dict[str, Dataset]) -> None:
    """The open dataset among all."""
    key = key_for("dataset", dataset.id)
    st.selectbox("Dataset", list(known), list(known).index(dataset.id), key=key, width=420,
                 on_change=lambda: state.choose_dataset(st.session_state[key]),
                 format_func=lambda item: wording.dataset_option(known[item], list(known.values())))


def menu(dataset: Dataset) -> None:
    """The dataset's menu."""
    actions: dict[str, Callable[[Dataset], object]] = {
        "Classes": classes.dialog, "Download as a zip": take_along, "Rename": rename, "Delete": delete}
    chosen = st.menu_button("Edit", list(actions), icon=":material/more_horiz:", key="dataset-menu")
    if chosen:
        actions[chosen](dataset)


@st.dialog("Rename the dataset")
@errors.guarded
def rename(dataset: Dataset) -> None:
    """Ask for the dataset's new name."""
    name = st.text_input("Name", dataset.name, max_chars=80, key="new-name")
    if st.button("Rename", type="primary", disabled=not name.strip()):
        rename_dataset(state.workspace(), dataset.id, name.strip())
        st.rerun()


@st.dialog("Take the dataset along")
@errors.guarded
def take_along(dataset: Dataset) -> None:
    """The dataset as it is now, as a zip."""
    st.markdown("A zip of class folders with the pictures as they are labelled now, without those that were left out; "
                "the split and the list of changes lie beside them.")
    folders = st.toggle("Folders for training, validation and test", key="zip-split-folders",
                        help="Around the class folders, so that other programs use the same split.")
    recipe = state.recipe()
    downloads.dataset_link("Download the zip", dataset, recipe.data if recipe else DataSettings(), folders)


@st.dialog("Delete the dataset?")
@errors.guarded
def delete(dataset: Dataset) -> None:
    """Delete after a confirmation."""
    st.markdown(
        f"**{escape.markdown(dataset.name)}** with {wording.count(len(dataset.manifest), 'file')} is removed from the "
        "workspace. Trained models stay; your own archive is not touched."
    )
    with st.container(horizontal=True):
        if st.button("Delete", icon=":material/delete:"):
            delete_dataset(state.workspace(), dataset.id)
            state.forget_dataset(dataset.id)
            st.rerun()
        if st.button("Keep it", type="primary"):
            st.rerun()
