"""What the browser's tab says: where the run stands, also while another window is in front."""

from __future__ import annotations

import streamlit as st

from core.runs.status import Status
from pages.parts.session import runs
from pages.parts.widgets import wording

NAME = "Graft"


def set_title() -> None:
    """Bring the title up to date. Streamlit sends it from a fragment as well, so that polling is enough."""
    st.set_page_config(page_title=text())


def text() -> str:
    """`▶ 42 % · Graft` while a run on the open dataset trains, `✓ 91.2 % · Graft` when there is a score."""
    run, _ = runs.followed()
    status = run.status() if run else None
    if status is not None and status.active:
        return f"{'▶' if status.state == 'running' else '⏳'} {100 * progress(status):.0f} % · {NAME}"
    if status is not None and status.state == "failed":
        return f"✗ failed · {NAME}"
    shown = run if run and run.has_model else runs.result_here()
    accuracy = runs.validation_accuracy(shown) if shown else -1.0
    return f"✓ {wording.percent(accuracy)} · {NAME}" if accuracy >= 0 else NAME


def progress(status: Status) -> float:
    """Share of the epochs that is behind, 0..1; the one that is being worked on counts by its steps."""
    if not status.epochs or not status.epoch:
        return 0.0
    part = status.step / status.steps if status.steps else 1.0
    return min(max((status.epoch - 1 + min(part, 1.0)) / status.epochs, 0.0), 1.0)
