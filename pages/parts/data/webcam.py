"""The webcam of whoever looks at the page: while a button is held, pictures go into a class."""

from __future__ import annotations

import base64
import binascii
import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import streamlit as st

from core.data.sources.captures import Captures, Gathered
from core.errors import GraftError
from pages.parts.session import state
from pages.parts.widgets import errors

_FRAMES = 64
"""Pictures taken from one batch at most; the browser sends eight."""
_FRAME_BYTES = 2 * 2**20
_RECEIVED = "webcam-received"
_PROBLEM = "webcam-problem"
_HTML = """<div class="webcam">
<div class="trouble" hidden><p class="why" role="status"></p>
<button type="button" class="again">Try again</button></div>
<div class="live"><video class="video" autoplay playsinline muted aria-label="What the camera sees"></video>
<div class="row"><button type="button" class="hold" disabled>Hold to take pictures</button>
<span class="count" aria-live="polite"></span></div></div></div>"""
_beside = Path(__file__)
_component = st.components.v2.component("graft_webcam", html=_HTML, css=_beside.with_suffix(".css").read_text("utf-8"),
                                        js=_beside.with_suffix(".js").read_text("utf-8"))


def draw(captures: Captures, one: Gathered) -> None:
    """What the camera sees, and the button to hold. Pictures are kept as they come, about eight a second."""
    key = f"webcam-{captures.folder.name}/{one.label}"
    problem = state.get(_PROBLEM)
    _component(key=key, data={"received": state.get(_RECEIVED)}, on_batch_change=lambda: receive(
        captures, one.label, st.session_state[key].get("batch")))
    if problem is not None:
        errors.show(problem)


def receive(captures: Captures, label: str, batch: Any) -> None:
    """Keep a batch that the browser sent, once, however often it was sent.

    Args:
        batch: `{session, number, frames}` of a browser, so anything: frames are JPEGs in base64, batches of a session
            are numbered from 1.
    """
    if not isinstance(batch, dict) or not isinstance(batch.get("number"), int):
        return
    this, before = [str(batch.get("session"))[:80], batch["number"]], state.get(_RECEIVED)
    if before is None or before[0] != this[0] or before[1] < this[1]:
        state.put(_PROBLEM, None)
        try:
            captures.add(label, _named(captures, label, batch.get("frames")))
        except GraftError as error:  # told beside the camera; what cannot be kept is not asked for again
            state.put(_PROBLEM, error)
    state.put(_RECEIVED, this)


def _named(captures: Captures, label: str, frames: Any) -> Iterator[tuple[str, io.BytesIO]]:
    """The pictures of a batch, each with a name."""
    number = next((len(one.pictures) for one in captures.classes() if one.label == label), 0)
    for frame in frames[:_FRAMES] if isinstance(frames, list) else ():
        if isinstance(frame, str) and len(frame) < _FRAME_BYTES * 4 // 3:
            try:
                content = base64.b64decode(frame, validate=True)
            except (binascii.Error, ValueError):
                continue
            number += 1
            yield f"webcam {number:04d}.jpg", io.BytesIO(content)
