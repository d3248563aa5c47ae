"""One sentence on a run's curves, with a button that acts on it."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

from core import escape
from core.recipe import phases
from core.recipe.fields import Recipe
from core.runs import resuming
from core.runs.run import Run
from core.runs.status import Status
from core.runs.verdict import AUGMENT, FINE_TUNE, LONGER, SLOWER, verdict
from pages.parts.session import state
from pages.parts.train import going_on

_ICONS = {"solved": "task_alt", "by heart": "psychology", "too fast": "speed", "improving": "trending_up",
          "settled": "task_alt"}


def draw(run: Run, status: Status, set_up: Callable[[Recipe], None]) -> None:
    """Say what the curves of a run that has ended tell.

    Args:
        set_up: Makes a recipe that of the next run.
    """
    if status.state not in ("completed", "stopped"):
        return
    found = verdict(run.history(), run.recipe)
    if found is None or (found.kind == "solved" and status.state == "stopped"):
        return
    with st.container(horizontal=True, vertical_alignment="center", key=f"verdict-{run.id}"):
        st.markdown(f":material/{_ICONS[found.kind]}: {escape.markdown(found.text)}", width="stretch")
        if found.action == LONGER:
            if resuming.can_be_longer(run, status):
                going_on.longer(run, f"verdict-longer-{run.id}")
            return
        chosen = state.dataset()
        if not found.action or chosen is None or chosen.id != run.dataset["id"]:
            return
        label, icon, change = {
            AUGMENT: ("Try augmentation", "auto_fix_high", lambda: run.recipe.override(["augment.preset=medium"])),
            SLOWER: ("Try a tenth of the rate", "speed", lambda: _slower(run.recipe)),
            FINE_TUNE: ("Add a phase", "add", lambda: phases.added(run.recipe, len(run.recipe.train.phases) - 1)),
        }[found.action]
        if st.button(label, icon=f":material/{icon}:", key=f"verdict-{found.action}-{run.id}",
                     help="Sets the next run up so; nothing starts yet."):
            set_up(change())


def _slower(recipe: Recipe) -> Recipe:
    last = len(recipe.train.phases) - 1
    return recipe.override([f"train.phases.{last}.learning_rate={recipe.train.phases[last].learning_rate / 10!r}"])
