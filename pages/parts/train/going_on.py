"""The ways on from where a run stands: pause it, go on with it, train longer, and what mends a failure."""

from __future__ import annotations

import streamlit as st

from core import api
from core.recipe.fields import Recipe
from core.recipe.optimizers import EXACT
from core.runs import resuming
from core.runs.run import Run
from core.runs.status import Status
from core.runs.verdict import LONGER, verdict
from pages.parts.session import state
from pages.parts.widgets import errors

MORE = 10
"""Epochs that a finished run is offered."""


def buttons(run: Run, status: Status) -> None:
    """Those beside the name of a run: pause, go on, more epochs."""
    if status.state == "running":
        if st.button("Pausing" if run.pause_requested else "Pause", icon=":material/pause_circle:",
                     key=f"pause-{run.id}", disabled=run.pause_requested or run.stop_requested,
                     help="Ends the process after the current step and frees the machine. *Go on* continues there."):
            run.request_pause()
            st.rerun()
    elif resuming.possible(run, status):
        if st.button("Go on", icon=":material/resume:", key=f"resume-{run.id}",
                     help="Continues where it ended, to the epochs that were planned."):
            with errors.shown():
                state.look_at(api.resume(run))
                st.rerun()
    elif resuming.can_be_longer(run, status) and not wants_longer(run):  # else the sentence on its curves has it
        longer(run, f"longer-{run.id}")


def wants_longer(run: Run) -> bool:
    """Whether its curves ask for more epochs."""
    found = verdict(run.history(), run.recipe)
    return found is not None and found.action == LONGER


def longer(run: Run, key: str) -> None:
    """The button for more epochs of a run that is complete."""
    if st.button(f"Train {MORE} more epochs", icon=":material/forward_10:", key=key,
                 help="A new run that begins where this one ended. This one stays as it is."):
        _begin(run, resuming.longer(run, MORE))


def mend(run: Run, status: Status) -> None:
    """A button below the reason of a failure that changes what it came from, and goes on."""
    kind, recipe = (status.error or {}).get("kind"), run.recipe
    if kind == "TrainingDivergedError":
        phase = f"train.phases.{status.phase_index}.learning_rate"
        rate = recipe.train.phases[status.phase_index].learning_rate / 10
        if st.button(f"Go on at a rate of {rate:g}", icon=":material/replay:", key=f"slower-{run.id}",
                     help="A new run from the last good epoch, at a tenth of the learning rate."):
            _begin(run, recipe.override([f"{phase}={rate!r}"]))
    elif (kind == "OutOfMemoryError" and recipe.train.batch_size > 1
          and recipe.train.phases[status.phase_index].optimizer != EXACT):
        half = recipe.train.batch_size // 2
        if st.button(f"Go on with batches of {half}", icon=":material/replay:", key=f"smaller-{run.id}",
                     help="A new run from the last whole epoch, with half as many pictures a step."):
            _begin(run, recipe.override([f"train.batch_size={half}"]))


def _begin(run: Run, recipe: Recipe) -> None:
    with errors.shown():
        state.look_at(api.go_on_with(run, recipe, state.workspace()))
        st.rerun()
