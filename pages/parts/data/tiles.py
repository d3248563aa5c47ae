"""The three ways to bring pictures in, side by side: an archive or a folder, class by class, a sample."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from core.data.images import formats
from core.data.samples import SAMPLES
from pages.parts.data import by_class, datasets, reading
from pages.parts.session import state
from pages.parts.widgets import wording

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
    st.caption(f"zip, tar, tar.gz, tar.bz2 or tar.xz, up to {wording.size(most)} each. Pictures are JPEG, PNG, HEIC, "
               "WebP, TIFF and others.",
               help=f"All of them: {', '.join(kind.title for kind in formats.FORMATS.values())}.")
    if _on_this_machine():
        _path()
    with st.popover("How to lay it out", type="tertiary", icon=":material/account_tree:"):
        st.code(LAYOUT.strip("\n"), language=None)
        st.caption("Twenty pictures per class are enough for a first try. Folders named train, val and test are used "
                   "as they are; without them Graft holds some pictures back by itself.")


def _path() -> None:
    with st.form("path", border=False, clear_on_submit=True, enter_to_submit=True):
        with st.container(horizontal=True, vertical_alignment="bottom"):
            path = st.text_input("Or a path on this machine", placeholder="/home/me/photos", key="path-here",
                                 help="A folder or an archive. It is read where it is and stays as it is.")
            asked = st.form_submit_button("Read it")
    if asked and path.strip():
        reading.from_path(Path(path.strip()).expanduser().absolute(), state.workspace())
        close()
        st.rerun()


def _on_this_machine() -> bool:
    """True where whoever opens the page may read this machine's files anyway."""
    return state.workspace().limits.server_paths and st.get_option("server.address") in _HERE


def _sample() -> None:
    st.subheader("Try a sample", anchor=False)
    st.caption("No pictures at hand? One click brings some.")
    for name, sample in SAMPLES.items():
        st.markdown(f"**{sample.title}**")
        st.caption(sample.description)
        if st.button(f"Start with {sample.title.lower()}", key=f"sample-{name}", icon=":material/draw:"):
            reading.from_sample(name, state.workspace())
            close()
            st.rerun()
