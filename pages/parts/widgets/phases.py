"""Which phase of the training the widgets of a page speak of, where there are several."""

from __future__ import annotations

import streamlit as st

from core import escape
from core.recipe.fields import Recipe
from pages.parts.session import state
from pages.parts.widgets.keys import key_for

_CHOSEN = "phase"


def chosen(recipe: Recipe) -> int:
    """Its index; the first one when the recipe has no such phase (any more)."""
    index: int = state.get(_CHOSEN, 0)
    return index if index < len(recipe.train.phases) else 0


def choice(recipe: Recipe, page: str) -> None:
    """Draw the choice of the phase, where there are several. One choice for all pages.

    Args:
        page: Where it stands.
    """
    phases, index = recipe.train.phases, chosen(recipe)
    if len(phases) == 1:
        return
    key = key_for(f"phase-{page}", index)
    st.segmented_control(
        "Phase", range(len(phases)), default=index, required=True, key=key, on_change=_take, args=(key,),
        format_func=lambda number: f"{number + 1} · {escape.markdown(phases[number].name)}",
        help="This training has several parts, one after the other. Each has its own frozen layers, epochs and "
             "learning rate; the figures and settings are those of the part that is chosen here.")


def choose(index: int) -> None:
    """Speak of another phase from now on."""
    state.put(_CHOSEN, index)


def path(recipe: Recipe, field: str) -> str:
    """The dotted path of a field of the chosen phase."""
    return f"train.phases.{chosen(recipe)}.{field}"


def _take(key: str) -> None:
    state.put(_CHOSEN, st.session_state[key])
