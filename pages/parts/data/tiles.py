"""The three ways to bring pictures in, side by side: an archive or a folder, class by class, a sample."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from core.data import fetching
from core.data.images import formats
from core.data.samples import SAMPLES
from core.errors import DataError
from pages.parts.data import by_class, datasets, ingestion
from pages.parts.session import state
from pages.parts.widgets import errors, wording

LAYOUT = """
photos.zip
├── ants/     one folder per class,
│   ├── 1.jpg    named for the class
│   └── 2.jpg
└── bees/
    ├── 1.jpg
    └── 2.jpg
"""
_OPEN = "adding-a-dataset"
_HERE = ("localhost", "127.0.0.1", "::1")
_STYLE = "<style>.st-key-tile-archive{border-color:rgba(16,145,107,.6)!important}</style>"
"""The usual way stands out a little."""
_MIN_WIDTH = 270
"""Pixels; narrower tiles stand below each other."""


def draw() -> None:
    """The tiles, and below them the classes that were begun."""
    st.html(_STYLE)
    with st.grid(3, min_column_width=_MIN_WIDTH, gap="medium"):
        with st.container(border=True, height="stretch", key="tile-archive"):
            _archive()
        with st.container(border=True, height="stretch", key="tile-classes"):
            by_class.tile()
        with st.container(border=True, height="stretch", key="tile-sample"):
            _sample()
    by_class.draw()


def opener() -> None:
    """The button that shows the tiles where there are datasets already."""
    is_open = state.get(_OPEN, False)
    label, icon = ("Close", "close") if is_open else ("Add a dataset", "add")
    if st.button(label, icon=f":material/{icon}:", key="add-a-dataset"):
        state.put(_OPEN, not is_open)
        st.rerun()


def beside_datasets() -> None:
    """The tiles, when they were asked for."""
    if state.get(_OPEN, False):
        draw()
        st.space("medium")


def close() -> None:
    """What was asked for is on its way."""
    state.put(_OPEN, False)


def _archive() -> None:
    st.subheader("Zip or folder", anchor=False)
    st.caption("One folder of pictures per class, in one archive. The usual way.")
    datasets.uploader()
    most = min(state.workspace().limits.upload_bytes, st.get_option("server.maxUploadSize") * 2**20)
    st.caption(f"zip, 7z, tar, tar.gz, tar.bz2 or tar.xz, up to {wording.size(most)} each. JPEG, PNG, HEIC, "
               "WebP, TIFF and other pictures.",
               help=f"All of them: {', '.join(kind.title for kind in formats.FORMATS.values())}.")
    _elsewhere(_on_this_machine())
    with st.popover("How to lay it out", type="tertiary", icon=":material/account_tree:"):
        st.code(LAYOUT.strip("\n"), language=None)
        st.caption("Twenty pictures per class are enough for a first try. Folders named train, val and test are used "
                   "as they are; without them Graft holds some pictures back by itself.")


def _elsewhere(here: bool) -> None:
    """A link, or where whoever looks may read this machine's files a path."""
    label, hint = "Or a link to an archive", "https://example.org/photos.zip"
    explained = "The address of an archive on the web. A download that breaks off is gone on with."
    if here:
        label, hint = "Or a path, or a link", "/home/me/photos"
        explained = f"A folder or an archive on this machine; it is read where it is and stays as it is. {explained}"
    with st.form("path", border=False, clear_on_submit=True, enter_to_submit=True):
        with st.container(horizontal=True, vertical_alignment="bottom"):
            text = st.text_input(label, placeholder=hint, key="path-here", help=explained).strip()
            asked = st.form_submit_button("Read it")
    if not asked or not text:
        return
    if fetching.is_link(text):
        ingestion.from_link(text, state.workspace())
    elif here:
        ingestion.from_path(Path(text).expanduser().absolute(), state.workspace())
    else:
        errors.show(DataError("That is not a link.", "It begins with https:// or http://."))
        return
    close()
    st.rerun()


def _on_this_machine() -> bool:
    """True where whoever opens the page may read this machine's files anyway."""
    return state.workspace().limits.server_paths and st.get_option("server.address") in _HERE


def _sample() -> None:
    st.subheader("Try a sample", anchor=False)
    st.caption("No pictures at hand? One click brings some.")
    for name, sample in SAMPLES.items():
        if sample.download is None:
            st.markdown(f"**{sample.title}**")
            st.caption(sample.description)
            if st.button(f"Start with {sample.title.lower()}", key=f"sample-{name}", icon=":material/draw:"):
                _begin(name)
    chosen = st.selectbox("Or one from the web", [name for name, sample in SAMPLES.items() if sample.download],
                          index=None, placeholder="Photos to download…", format_func=_option, key="sample-web")
    if chosen is not None and (download := (sample := SAMPLES[chosen]).download) is not None:
        st.caption(f"{sample.description} {download.images:,} pictures, {download.classes} classes, about "
                   f"{download.mb} MB. Licence: {download.licence}. [Where it is from]({download.source})")
        if st.button(f"Download {sample.title.lower()}", key=f"sample-{chosen}", icon=":material/download:"):
            _begin(chosen)


def _option(name: str) -> str:
    sample = SAMPLES[name]
    return f"{sample.title} · {sample.download.mb} MB" if sample.download else sample.title


def _begin(name: str) -> None:
    ingestion.from_sample(name, state.workspace())
    close()
    st.rerun()
