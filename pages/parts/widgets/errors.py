"""The one place where a page turns an exception into something a person can read."""

from __future__ import annotations

import copy
import logging
import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from typing import Any

import streamlit as st

from core import escape
from core.errors import GraftError

log = logging.getLogger("graft.pages")


def show(error: GraftError) -> None:
    """Draw an error that the user can act on: what is wrong, and below it what to do."""
    message, hint = escape.markdown(error.message), escape.markdown(error.hint, links=True)
    st.error(hint or message, title=message if hint else None, icon=":material/error:")


def show_bug(error: Exception) -> None:
    """Log an exception that nobody expected, and draw a short reference to find it in the log."""
    reference = secrets.token_hex(3)
    log.error("bug %s\n%s", reference, escape.trace(error))
    st.error(
        f"The terminal in which Graft runs has the details under the reference **{reference}**. Your data and your "
        "runs are safe; reloading the page usually helps.",
        title="Something went wrong inside Graft.", icon=":material/bug_report:",
    )


def renamed(error: GraftError, spooled: str, name: str) -> GraftError:
    """The same error with the name of a file as its owner knows it, in place of the name it was kept under."""
    message, hint = (text.replace(spooled, name) for text in (error.message, error.hint))
    other = copy.copy(error)
    other.message, other.hint = message if name in message else f"{name}: {message}", hint
    return other


@contextmanager
def shown() -> Iterator[None]:
    """Show whatever the block raises, instead of Streamlit's own page for it."""
    try:
        yield
    except GraftError as error:
        show(error)
    except Exception as error:  # the boundary: logged with its traceback, shown with a reference
        show_bug(error)


def guarded(function: Callable[..., Any]) -> Callable[..., Any]:
    """`shown` for what runs on its own: fragments and dialogs."""

    @wraps(function)
    def inner(*args: Any, **kwargs: Any) -> None:
        with shown():
            function(*args, **kwargs)

    return inner
