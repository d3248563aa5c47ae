"""How a dataset's folders were read, in one line, with the way to read them differently and to mend their own split."""

from __future__ import annotations

import streamlit as st

from core import escape
from core.data.dataset import Dataset
from core.data.layouts import gaps, rereading
from core.data.layouts.reading import TITLES, Reading
from pages.parts.data import reading_preview
from pages.parts.session import state
from pages.parts.widgets import errors, wording

_OPEN = "reading-differently"
"""The dataset whose other readings are in view."""


def draw(dataset: Dataset) -> None:
    """The line, its button, and what the dataset's own split lacks."""
    if dataset.layout["text"]:
        with st.container(horizontal=True, vertical_alignment="center"):
            st.caption(f"Read as {escape.markdown(dataset.layout['text'])}")
            if st.button("Read it differently", type="tertiary", key=f"read-differently-{dataset.id}"):
                state.put(_OPEN, dataset.id)
    with errors.shown():
        if state.get(_OPEN) == dataset.id:
            with st.container(border=True):
                _differently(dataset)
        _mend(dataset)


def _differently(dataset: Dataset) -> None:
    """The other readings, in the page: they need the room, and the figures above change with them."""
    others = [one for one in rereading.readings(dataset) if one.id != dataset.layout["reading"]]
    if not others:
        st.markdown("There is no other way to read these folders.")
        state.put(_OPEN, None)
        return
    st.caption("What was done to single images stays, by file. Classes that were renamed are renamed again where the "
               "other reading has them, too.")
    chosen = reading_preview.choice(others, _images(dataset), dataset.path, f"other-reading-{dataset.id}",
                                    max_pixels=dataset.max_pixels)
    with st.container(horizontal=True):
        if st.button("Read it so", key=f"read-so-{dataset.id}") and chosen is not None:
            _take(dataset, chosen)
        if st.button("Keep it as it is", key=f"keep-reading-{dataset.id}"):
            state.put(_OPEN, None)
            st.rerun()


def _mend(dataset: Dataset) -> None:
    """Offers for classes that training or validation lacks; without them it could not be trained on."""
    table = dataset.usable()
    if not (table["split"] != "").any():
        return
    present = set(zip(table["class"], table["split"], strict=True))
    splits = {split for _, split in present}
    lacking = [(label, split) for split in ("train", "validation") if split in splits
               for label in dataset.classes if (label, split) not in present]
    reading = rereading.current(dataset) if lacking else None
    offers = gaps.mended(reading, table["path"].tolist()) if reading else []
    if not offers:
        return
    said = ", ".join(f"{label} in {TITLES[split]}" for label, split in lacking[:6])
    more = f" and {len(lacking) - 6:,} more" if len(lacking) > 6 else ""
    st.warning(f"No images of {escape.markdown(said)}{more}.", title="The folders' own split lacks classes",
               icon=":material/rule:")
    with st.container(horizontal=True):
        for offer in offers:
            label = {"rest": "Use the rest", "moved": "Move some", "anew": "Split anew"}[offer.id.rpartition("+")[2]]
            if st.button(label, key=f"mend-{offer.id}", help=escape.markdown(offer.text)):
                _take(dataset, offer)


def _images(dataset: Dataset) -> list[tuple[str, str]]:
    table = dataset.manifest
    good = table[table["file"] != ""]
    return list(zip(good["path"], good["file"], strict=True))


def _take(dataset: Dataset, reading: Reading) -> None:
    rereading.read_as(dataset, reading)
    state.put(_OPEN, None)
    after = Dataset.open(state.workspace(), dataset.id)
    images, classes = wording.count(after.images, "image"), wording.count(len(after.classes), "class", "classes")
    st.toast(f"Now {images} in {classes}.")
    st.rerun()
