"""A run while it trains, and how it ended: state, figures, curves, log. Reads the run's folder, nothing else."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import streamlit as st

from core import escape
from core.errors import GraftError
from core.jobs import queue as jobs
from core.recipe.fields import Recipe
from core.runs.index import list_runs, unreadable_runs
from core.runs.run import Run
from core.runs.status import Status
from core.scoring.measures import MEASURES
from pages.parts.session import state
from pages.parts.train import going_on, verdict
from pages.parts.widgets import charts, errors, run_deletion, wording

if TYPE_CHECKING:
    import pandas as pd
    from streamlit.delta_generator import DeltaGenerator

POINTS = 600
PER_PAGE = 10
_ANOTHER = "another-run"
BESIDE_TRAINING = ("prepare", "score", "save")
"""Stages whose time left says nothing of the rest of the run."""


@errors.guarded
def follow(run_id: str) -> None:
    """The run's panel; called again and again while the run is active, and once more when it has ended."""
    run = Run.find(state.workspace(), run_id)
    jobs.tick(state.workspace().machine)
    status = run.status()
    was_active = state.get("followed") == run_id
    state.put("followed", run_id if status.active else None)
    if was_active and not status.active:
        st.rerun()
    with st.container(border=True):
        _header(run, status)
        _trouble(run, status)
        _now(run, status)
        verdict.draw(run, status, _set_up)
        _figures(run, status)
        _curves(run, status)
        _log(run, status)


def panel(run: Run) -> None:
    """Draw a run; keeps itself up to date while the run is active."""
    polling = 1.0 if run.status().active else None
    st.fragment(follow, run_every=polling)(run.id)


def others(runs: list[Run]) -> None:
    """Runs that train or wait while another one is looked at."""
    for run in runs:
        with st.container(horizontal=True, vertical_alignment="center", border=True):
            status = run.status()
            _title(run, status)
            _watch(run)
            label = "Take out" if status.state == "queued" else "Stop"
            if st.button(label, key=f"dequeue-{run.id}", icon=":material/close:", disabled=run.stop_requested):
                run.request_stop()
                st.rerun()


def another() -> DeltaGenerator:
    """The box in which the next run is set up, closed until somebody opens it."""
    return st.expander("Set up another run", icon=":material/add:", key=_ANOTHER, on_change="rerun")


def earlier(looked_at: Run | None) -> None:
    """All runs that have ended, in whatever way, to open or delete."""
    unreadable()
    other = [run for run in list_runs(state.workspace()) if looked_at is None or run.id != looked_at.id]
    if all(run.status().active for run in other):  # looks no further than the first that has ended
        return
    with st.expander("Earlier runs", icon=":material/history:", key="earlier", on_change="rerun") as box:
        if not box.open:
            return
        ended = [run for run in other if not run.status().active]
        pages = -(-len(ended) // PER_PAGE)
        number = st.pagination(pages, key="earlier-page") if pages > 1 else 1
        for run in ended[(number - 1) * PER_PAGE:number * PER_PAGE]:
            with st.container(horizontal=True, vertical_alignment="center", border=True):
                _title(run, run.status())
                _watch(run)
                run_deletion.button(run)


def unreadable() -> None:
    """A line for each run that this version cannot show."""
    for name, trouble in unreadable_runs(state.workspace()):
        st.caption(escape.markdown(f"Not shown: {name}. {trouble}"))


def _title(run: Run, status: Status) -> None:
    st.badge(**wording.status_badge(status))
    st.markdown(escape.markdown(wording.run_option(run)), width="stretch")


def _watch(run: Run) -> None:
    if st.button("Open", key=f"open-{run.id}", icon=":material/open_in_full:", help="Look at this run above."):
        state.open_run(run.id)
        st.rerun()


def _header(run: Run, status: Status) -> None:
    with st.container(horizontal=True, vertical_alignment="center"):
        with st.container(horizontal=True, vertical_alignment="center", gap="small", width="stretch"):
            st.markdown(f"**{escape.markdown(wording.run_option(run))}**", width="content")
            st.badge(**wording.status_badge(status))
            if run.recipe.model.weights == "none":
                st.badge("random weights", icon=":material/casino:", color="orange",
                         help="The network started without pretraining.")
        with st.container(horizontal=True, gap="small", width="content"):  # one piece: on a phone it wraps as a whole
            if status.active and st.button(
                "Stopping" if run.stop_requested else "Stop", icon=":material/stop_circle:", key=f"stop-{run.id}",
                disabled=run.stop_requested, help="Ends after the current step. The best model so far is kept.",
            ):
                run.request_stop()
                st.rerun()
            going_on.buttons(run, status)
            if not status.active:
                _again(run)
                run_deletion.button(run)


def _again(run: Run) -> None:
    """A button that takes the run's settings over for the next one."""
    chosen = state.dataset()
    if chosen is None or chosen.id != run.dataset["id"]:
        return
    if st.button("Use its settings", key=f"again-{run.id}", icon=":material/replay:",
                 help="Makes the settings of this run those of the next one."):
        _set_up(run.recipe)


def _set_up(recipe: Recipe) -> None:
    """Open the box of the next run with these settings."""
    state.set_recipe(recipe)
    st.session_state[_ANOTHER] = True
    st.toast("The next run has these settings: see below.")
    st.rerun()


def _trouble(run: Run, status: Status) -> None:
    if status.state == "failed":
        error = status.error or {}
        errors.show(GraftError(error.get("message") or "The training failed.", error.get("hint", "")))
        going_on.mend(run, status)
    elif status.state == "interrupted":
        st.warning("The computer or the process was shut down. *Go on* continues after the last whole epoch; the last "
                   "lines of its log are below.", title="The training process is gone.", icon=":material/power_off:")
    elif status.state == "paused":
        st.info(f"{escape.markdown(status.message) or 'Paused.'} *Go on* continues there.",
                icon=":material/pause_circle:")
    elif status.state == "stopped":
        kept = "The best model so far was kept." if run.has_model else "It had no model yet."
        when = f"in epoch {status.epoch} of {status.epochs}" if status.epoch else "before the first epoch"
        st.info(f"Stopped {when}. {kept}", icon=":material/stop_circle:")


def _now(run: Run, status: Status) -> None:
    """What goes on before and between the epochs: loading, preparing features, scoring."""
    if status.state == "queued":
        st.caption("Waits until the run before it has ended.")
    elif status.state == "running":
        inside = min(status.step / status.steps, 1.0) if status.steps else 0.0
        if status.epoch and status.stage == "train":
            done = (status.epoch - 1 + inside) / max(status.epochs, 1)
            st.progress(min(done, 1.0), text=f"Epoch {status.epoch}, step {status.step} of {status.steps}")
        else:
            doing = escape.markdown(status.message) or "Starting"
            if not status.steps and status.started:  # loading has no steps to count: the seconds show that it goes on
                doing += f" · {wording.duration(max(time.time() - status.started, 1.0))}"
            st.progress(inside, text=doing)
            if not status.epoch:
                st.caption(_ahead(run))


def _ahead(run: Run) -> str:
    """What comes before the first epoch, so that nobody thinks it hangs."""
    recipe = run.recipe
    if recipe.train.phases[0].freeze == "none" or (recipe.augment.active and recipe.augment.views == "fresh"):
        return "The network is loaded first, which takes some seconds. The curves appear with the first step."
    return ("The network is loaded first, which takes some seconds. Its frozen layers then run once over every "
            "picture, and what they see is kept: this step is the long one, and is skipped next time. The curves "
            "appear with the first epoch.")


def _figures(run: Run, status: Status) -> None:
    history = run.history()
    best = _best(run, history)
    speed = status.images_per_second
    with st.grid(4, min_column_width=130):
        reached = f"{status.epoch}" if status.state == "completed" else f"{status.epoch} of {status.epochs}"
        st.metric("Epoch", reached, help="One epoch is one pass over the training images.")
        if status.active:
            label = "Left in this step" if status.stage in BESIDE_TRAINING else "Time left"
            st.metric(label, wording.duration(status.eta_s))
        else:
            took = history["seconds"].sum() if not history.empty else None
            st.metric("Time in epochs", wording.duration(took),
                      help="Without loading the network and running its frozen layers once.")
        st.metric("Images per second", f"{speed:,.0f}" if speed else "—",
                  help="How many training images pass through per second.")
        st.metric("Best accuracy", "—" if best is None else wording.percent(best),
                  help="Validation accuracy of the epoch that is kept: on pictures the network does not learn from.")


def _best(run: Run, history: pd.DataFrame) -> float | None:
    """Validation accuracy of the model that is kept, by the recipe's measure."""
    scores = (run.metrics() or {}).get("validation")
    if scores:
        return float(scores["accuracy"])
    monitor = run.recipe.train.monitor
    measured = history.dropna(subset=[monitor, "val_accuracy"])
    if measured.empty:
        return None
    row = measured[monitor].idxmax() if MEASURES[monitor].larger else measured[monitor].idxmin()
    return float(measured.loc[row, "val_accuracy"])


def _curves(run: Run, status: Status) -> None:
    history, batches = run.history(), _thinned(run.batches())
    if history.empty and batches.empty:
        return
    columns = st.columns(2, gap="medium")
    for column, measure in zip(columns, ("loss", "accuracy"), strict=True):
        with column:
            end = status.epoch if status.state == "completed" else status.epochs
            charts.show(charts.curves(history, batches, measure, end), f"{measure}-{run.id}",
                        f"{measure} of training and validation over the epochs")


def _log(run: Run, status: Status) -> None:
    notes = run.notes()
    if notes:
        with st.expander("Technical notes", icon=":material/info:"):
            for note in notes:
                st.text(escape.visible(note))
    if status.state in ("failed", "interrupted"):
        with st.expander("Log of the training process", icon=":material/terminal:", expanded=False):
            st.code(escape.terminal_lines(run.log_tail(60)) or "The log is empty.", language=None)


def _thinned(batches: pd.DataFrame) -> pd.DataFrame:
    return batches.iloc[:: max(1, len(batches) // POINTS)]
