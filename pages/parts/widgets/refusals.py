"""Changes that the recipe refuses: nothing is changed, and why is told once, where the page has a place for it."""

from __future__ import annotations

from collections.abc import Callable

from core.errors import RecipeError
from pages.parts.session import state
from pages.parts.widgets import errors


def attempt(place: str, change: Callable[[], None]) -> None:
    """Carry a change out; where it is refused, keep why for `show` of the same place."""
    try:
        change()
    except RecipeError as error:
        state.put(f"refused-{place}", (error.message, error.hint))


def show(place: str) -> None:
    """Why the last change was refused; nothing when it was not, or was told already."""
    if (refused := state.get(f"refused-{place}")) is not None:
        state.put(f"refused-{place}", None)
        errors.show(RecipeError(*refused))
