"""Classes typed in the page, and loose pictures dropped into each, until a dataset is made of them."""

from __future__ import annotations

import streamlit as st

from core import escape
from core.data.sources.captures import Captures, Gathered
from pages.parts.app import memory
from pages.parts.data import ingestion, strip, webcam
from pages.parts.session import state
from pages.parts.widgets import errors, wording

_TOLD = "captures-told"
"""What was left out of what was dropped last, by class."""
_WEBCAM = "webcam-of"
"""Whose camera is on: one at a time."""
NAME = "My pictures"


def tile() -> None:
    """What class by class is, and the field to begin a class with."""
    st.subheader("Class by class", anchor=False)
    st.caption("Name two classes or more, then drop pictures into each or take them with the webcam.")
    begin(Captures(state.workspace()))
    gathered = Captures(state.workspace()).classes()
    if gathered:
        st.caption(f"{wording.count(len(gathered), 'class', 'classes')} so far; see below.")
    else:
        st.caption("The pictures are kept here at once, also when the page is reloaded, and become a dataset when you "
                   "say so.")


def begin(captures: Captures) -> None:
    """The field that begins a class."""
    with st.form("new-class", border=False, clear_on_submit=True):
        with st.container(horizontal=True, vertical_alignment="bottom"):
            label = st.text_input("New class", placeholder="cats", max_chars=200, key="new-class-label")
            asked = st.form_submit_button("Add class")
    if asked and label.strip():
        with errors.shown():
            captures.begin(label)
            st.rerun()


def draw() -> None:
    """The classes that were begun, each with its pictures, and the way to the dataset."""
    captures = Captures(state.workspace())
    with errors.shown():
        if captures.classes():
            st.subheader("Your classes", anchor=False)
            st.fragment(_panel)(captures)


@errors.guarded
def _panel(captures: Captures) -> None:
    """A fragment: pictures of a camera come once a second."""
    gathered = captures.classes()
    cards(captures, gathered)
    _make(captures, gathered)


def cards(captures: Captures, gathered: list[Gathered]) -> None:
    """A card for each class, in which pictures are dropped."""
    with st.grid(3, min_column_width=270, gap="medium"):
        for one in gathered:
            with st.container(border=True, height="stretch"), errors.shown():
                _card(captures, one)


def _card(captures: Captures, one: Gathered) -> None:
    with st.container(horizontal=True, wrap=False, vertical_alignment="center"):
        st.markdown(f"**{escape.markdown(one.label)}**", width="stretch")
        _menu(captures, one)
    st.caption(wording.count(len(one.pictures), "picture"))
    _drop_zone(captures, one)
    _webcam(captures, one)
    for sentence in state.get(_TOLD, {}).get(_name(captures, one), ()):
        st.caption(f":material/info: {escape.markdown(sentence)}")
    if one.pictures:
        strip.show([(captures.thumbnail(picture.file), picture.name) for picture in one.pictures[:-strip.MOST - 1:-1]])


def _name(captures: Captures, one: Gathered) -> str:
    """What widgets of a class are called: two places of the page may gather for classes of one label."""
    return f"{captures.folder.name}/{one.label}"


def _drop_zone(captures: Captures, one: Gathered) -> None:
    drops = state.get("captures-drops", 0)
    uploads = st.file_uploader(f"Pictures of {escape.markdown(one.label)}", accept_multiple_files=True,
                               key=f"{_name(captures, one)}-{drops}", label_visibility="collapsed")
    if not uploads:
        return
    with st.spinner(f"Checking {wording.count(len(uploads), 'file')}"):
        taken = captures.add(one.label, ((upload.name, upload) for upload in uploads))
    memory.release(*uploads)
    state.put("captures-drops", drops + 1)  # new keys: empty uploaders
    state.put(_TOLD, {_name(captures, one): taken.left_out})
    st.rerun()


def _webcam(captures: Captures, one: Gathered) -> None:
    is_on = state.get(_WEBCAM) == _name(captures, one)
    label, icon = ("Close the webcam", "videocam_off") if is_on else ("Webcam", "videocam")
    st.button(label, icon=f":material/{icon}:", key=f"{_name(captures, one)}-webcam", type="tertiary",
              on_click=lambda: state.put(_WEBCAM, None if is_on else _name(captures, one)))
    if is_on:
        webcam.draw(captures, one)


def _menu(captures: Captures, one: Gathered) -> None:
    actions = {"Rename": _rename, "Remove its pictures": _empty, "Remove the class": _remove}
    chosen = st.menu_button("", list(actions), icon=":material/more_horiz:", key=f"{_name(captures, one)}-menu",
                            type="tertiary", help="Rename or remove")
    if chosen:
        actions[chosen](captures, one)


def _empty(captures: Captures, one: Gathered) -> None:
    captures.empty(one.label)
    st.rerun()


def _remove(captures: Captures, one: Gathered) -> None:
    captures.remove(one.label)
    if not captures.classes():
        captures.discard()
    st.rerun()


@st.dialog("Rename the class")
@errors.guarded
def _rename(captures: Captures, one: Gathered) -> None:
    new = st.text_input("Name", one.label, max_chars=200, key=f"{_name(captures, one)}-rename")
    if st.button("Rename", type="primary", disabled=not new.strip()):
        captures.rename(one.label, new)
        st.rerun()


def _make(captures: Captures, gathered: list[Gathered]) -> None:
    ready = [one for one in gathered if one.pictures]
    empty = [one.label for one in gathered if not one.pictures]
    with st.container(horizontal=True, vertical_alignment="bottom"):
        name = st.text_input("Name of the dataset", NAME, max_chars=200, key="captures-name", width=280)
        if st.button("Make the dataset", icon=":material/check:", disabled=len(ready) < 2 or not name.strip()):
            ingestion.from_captures(captures, name.strip(), state.workspace())
            st.rerun()
        if st.button("Start over", type="tertiary", key="captures-start-over"):
            start_over(captures)
    if len(ready) < 2:
        st.caption("Two classes with pictures make a dataset. Twenty pictures each are enough for a first try.")
    elif empty:
        st.caption(f"Without pictures so far, and left out: {escape.markdown(', '.join(empty))}.")
    else:
        st.caption("Pictures that nobody uses for a day are cleared away.")


@st.dialog("Start over?")
@errors.guarded
def start_over(captures: Captures) -> None:
    """Let go of what was gathered, after a confirmation."""
    pictures = sum(len(one.pictures) for one in captures.classes())
    st.markdown(f"The classes and the {wording.count(pictures, 'picture')} in them are removed.")
    with st.container(horizontal=True):
        if st.button("Remove them", icon=":material/delete:"):
            captures.discard()
            st.rerun()
        if st.button("Keep them", type="primary"):
            st.rerun()
