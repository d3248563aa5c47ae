"""The sidebar: the job's five steps, where one is, and what is chosen at each."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import streamlit as st

from core import escape
from pages.parts.app import title
from pages.parts.session import runs, state
from pages.parts.widgets import errors, wording

_CHOSEN = ("font-size:.8rem;line-height:1.2rem;padding:.15rem 0 .5rem 2rem;opacity:.72;overflow:hidden;"
           "white-space:nowrap;text-overflow:ellipsis")
_STYLE = """<style>
[class*="st-key-step-"] a:not(:hover){background:transparent!important}
[class*="st-key-here-"] a{background:rgba(152,179,166,.2)!important}
[class*="st-key-step-"] a:focus-visible,[class*="st-key-here-"] a:focus-visible{outline:2px solid #10916B!important;
  outline-offset:-2px}
</style>"""
"""A link that has the focus is not to look like the page that is open."""


def _data() -> str:
    dataset = state.dataset()
    return f"{dataset.name} · {wording.count(len(dataset.classes), 'class', 'classes')}" if dataset else ""


def _model() -> str:
    recipe = state.recipe()
    return wording.model(recipe) if recipe and state.dataset() else ""


def _train() -> str:
    run, waiting = runs.followed()
    if run is None:
        return ""
    status = run.status()
    progress = f"epoch {status.epoch} of {status.epochs}" if status.epoch else "preparing"
    doing = f"running · {progress}" if status.state == "running" else status.state
    return doing + (f" · {waiting} waiting" if waiting else "")


def _results() -> str:
    run = runs.result_here()
    metrics = run.metrics() if run else None
    return wording.score(metrics) if metrics else ""


def _predict() -> str:
    run = runs.result_here()
    return f"with {wording.run_name(run)}" if run else ""


@dataclass(frozen=True)
class Step:
    """One step of the job: its page, and what to say of it."""

    name: str
    title: str
    icon: str
    chosen: Callable[[], str]

    @property
    def page(self) -> st.Page:
        """The page, made anew for each visit: Streamlit notes in it which visit may call it."""
        return st.Page(f"pages/{self.name}.py", title=self.title, icon=f":material/{self.icon}:",
                       default=self is STEPS[0])


STEPS = (
    Step("data", "Data", "photo_library", _data),
    Step("model", "Model", "account_tree", _model),
    Step("train", "Train", "model_training", _train),
    Step("results", "Results", "monitoring", _results),
    Step("predict", "Predict", "image_search", _predict),
)


def draw(here: str) -> None:
    """The steps with what is chosen at each; follows a run that is training. `here`: title of the page that is open."""
    polling = 2.0 if runs.active() else None
    with st.sidebar:
        st.html(_STYLE)
        st.fragment(_steps, run_every=polling)(here)


@errors.guarded
def _steps(here: str) -> None:
    title.set_title()
    for step in STEPS:
        chosen = escape.html(step.chosen())
        with st.container(gap=None, key=f"{'here' if step.title == here else 'step'}-{step.name}"):
            st.page_link(step.page, width="stretch")
            st.html(f'<div style="{_CHOSEN}" title="{chosen}">{chosen or "&nbsp;"}</div>')
