"""Mending a dataset from the pages: what a button does, and how it is undone."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import wraps
from typing import Any

import streamlit as st

from core import escape
from core.data import mending
from core.data.checks.report import Mend
from core.data.dataset import Dataset
from core.errors import GraftError
from pages.parts.session import state
from pages.parts.widgets import errors, wording

SET = "set"
"""The kind of a mend that changes settings and no image."""
_NEWS = "change-news"


def _in_callback(function: Callable[..., tuple[str, str]]) -> Callable[..., None]:
    """For what a button does before the page is drawn: what it says, or what went wrong, is shown by `news`, as nothing
    can be drawn yet.

    Args:
        function: Gives a sentence and an icon.
    """
    @wraps(function)
    def call(*args: Any, **values: Any) -> None:
        try:
            state.put(_NEWS, function(*args, **values))
        except GraftError as error:
            state.put(_NEWS, error)

    return call


def redraw_if_edited(dataset: Dataset) -> None:
    """For fragments, which are drawn alone: figures and findings around them follow an edit as well."""
    if len(Dataset.open(state.workspace(), dataset.id).edits) != len(dataset.edits):
        st.rerun()


def news() -> None:
    """Say what the last change came to; once."""
    said = state.get(_NEWS)
    state.put(_NEWS, None)
    if isinstance(said, GraftError):
        errors.show(said)
    elif said is not None:
        st.toast(said[0], icon=said[1])


@_in_callback
def carry_out(dataset_id: str, mend: Mend) -> tuple[str, str]:
    """Do what a finding offers."""
    if mend.kind == SET:
        for path, value in mend.values.items():
            state.change(path, value)
        return "The settings were changed.", ":material/tune:"
    return _edited(dataset_id, mend.kind, **mend.values)


@_in_callback
def edit(dataset_id: str, kind: str, **values: Any) -> tuple[str, str]:
    """Make one edit: a function of `core.data.mending` by its name."""
    return _edited(dataset_id, kind, **values)


def _edited(dataset_id: str, kind: str, **values: Any) -> tuple[str, str]:
    done = mending.history(getattr(mending, kind)(state.workspace(), dataset_id, **values)).done
    return f"{escape.markdown(mending.describe(done[-1]))}. *Undo* takes it back.", ":material/check:"


@_in_callback
def undo(dataset_id: str) -> tuple[str, str]:
    """Take the last edit back."""
    last = mending.history(Dataset.open(state.workspace(), dataset_id)).done
    mending.undo(state.workspace(), dataset_id)
    return f"Taken back: {escape.markdown(mending.describe(last[-1]))}.", ":material/undo:"


@_in_callback
def redo(dataset_id: str) -> tuple[str, str]:
    """Make the edit again that was undone last."""
    dataset = mending.redo(state.workspace(), dataset_id)
    return f"Done again: {escape.markdown(mending.describe(mending.history(dataset).done[-1]))}.", ":material/redo:"


def bar(dataset: Dataset, key: str = "bar") -> None:
    """Undo, redo, and the list of what was changed; nothing where nothing was.

    Args:
        key: Another one for each place.
    """
    history = mending.history(dataset)
    if not history.done and not history.undone:
        return
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        with st.popover(wording.count(len(history.done), "change"), icon=":material/history:"):
            st.caption("The newest first. Your files are as they were: changes are a list beside them.")
            for one in reversed(history.done[-50:]):
                st.markdown(f"- {escape.markdown(mending.describe(one))}")
            if not history.done:
                st.markdown("Nothing is changed now.")
        buttons(dataset, key)


def buttons(dataset: Dataset, key: str, shortcuts: bool = False) -> None:
    """Undo and redo.

    Args:
        shortcuts: Of the keyboard. On one place of a page only.
    """
    history = mending.history(dataset)
    _button("Undo", ":material/undo:", f"{key}-undo", not history.done, undo, (dataset.id,),
            "Ctrl+Z" if shortcuts else None)
    _button("Redo", ":material/redo:", f"{key}-redo", not history.undone, redo, (dataset.id,), None)


def _button(label: str, icon: str, key: str, disabled: bool, do: Callable[..., None], args: Sequence[Any],
            shortcut: str | None) -> None:
    st.button(label, icon=icon, key=f"change-{key}", type="tertiary", disabled=disabled, on_click=do, args=tuple(args),
              shortcut=shortcut)
