"""A reading of a dataset's folders, shown before it is taken: images by class and split, and a few of each class."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import streamlit as st

from core import escape
from core.data.images import thumbnails
from core.data.images.reading import MAX_PIXELS
from core.data.layouts.reading import SPLITS, TITLES, Reading, counts
from core.errors import GraftError
from pages.parts.widgets import wall

CLASSES = 6
"""Shown with pictures."""
EACH = 3

Images = Sequence[tuple[str, str]]
"""(path in the source, file) of good images."""


def choice(readings: Sequence[Reading], images: Images, folder: Path, key: str, chosen: int | None = 0,
           max_pixels: int = MAX_PIXELS) -> Reading | None:
    """Let one of the readings be chosen, with a preview of it.

    Args:
        folder: Of the dataset, or of what was read of it so far.
        chosen: Which one is chosen at first; None: none is.
    """
    place = st.radio("Read as", range(len(readings)), index=chosen, key=key, label_visibility="collapsed",
                     format_func=lambda index: escape.markdown(readings[index].text))
    if place is None:
        return None
    _preview(readings[place], images, folder, f"{key}-{place}-tiles", max_pixels)
    return readings[place]


def _preview(reading: Reading, images: Images, folder: Path, key: str, max_pixels: int) -> None:
    found = counts(reading, (path for path, _ in images))
    splits = [split for split in ("", *SPLITS) if any(split in of_class for of_class in found.values())]
    inside = sum(sum(of_class.values()) for of_class in found.values())
    st.dataframe({
        "Class": [escape.visible(label) for label in found],
        **{TITLES.get(split, "images").capitalize(): [of_class.get(split, 0) for of_class in found.values()]
           for split in splits}}, hide_index=True, height="content" if len(found) <= 8 else 320)
    if outside := len(images) - inside:
        st.caption(f"{outside:,} of {len(images):,} images are left outside; they are kept for another reading.")
    samples = _samples(reading, images, list(found)[:CLASSES])
    wall.draw([wall.Tile(_thumbnail(folder, file, max_pixels), text=label, tooltip=path)
               for label, path, file in samples], key)
    if len(found) > CLASSES:
        st.caption(f"Pictures of the first {CLASSES} of {len(found):,} classes.")


def _samples(reading: Reading, images: Images, classes: Sequence[str]) -> list[tuple[str, str, str]]:
    """(class, path, file) of the first images of each class."""
    samples: dict[str, list[tuple[str, str, str]]] = {label: [] for label in classes}
    for path, file in images:
        place = reading.class_of(path)
        if place and len(samples.get(place[0], "x" * EACH)) < EACH:
            samples[place[0]].append((place[0], path, file))
    return [sample for of_class in samples.values() for sample in of_class]


def _thumbnail(folder: Path, file: str, max_pixels: int) -> bytes:
    try:
        return thumbnails.thumbnail(folder, file, max_pixels=max_pixels)
    except (GraftError, OSError):
        return b""
