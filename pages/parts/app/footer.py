"""The footer of every page: the five steps, what is chosen, and the one way on.

It stands in `st.bottom`, which Streamlit keeps at the lower edge of the window and leaves room for.
"""

from __future__ import annotations

from typing import NoReturn

import streamlit as st

from core import escape
from core.runs.run import Run
from pages.parts.app import sidebar
from pages.parts.session import runs, state
from pages.parts.widgets import errors, wording

_STYLE = """<style>
[data-testid="stBottomBlockContainer"]{padding-top:.5rem;padding-bottom:.6rem}
[data-testid="stBottom"]>div{border-top:1px solid rgba(128,145,136,.35)}
.graft-steps{display:flex;gap:.3rem 1rem;font-size:.8rem;line-height:1.2rem;white-space:nowrap}
.graft-steps span{opacity:.72}
.graft-steps .open{opacity:1;font-weight:650;border-bottom:2px solid #10916B}
.graft-chosen{font-size:.8rem;line-height:1.2rem;opacity:.8;overflow:hidden;white-space:nowrap;text-overflow:ellipsis}
@media (max-width:640px){.graft-steps{gap:.3rem .8rem}.graft-steps span:not(.open) b{display:none}}
.graft-steps b{font-weight:inherit}
</style>"""


def draw(here: str, label: str = "", *, to: int | None = None, run: Run | None = None, ready: bool = True,
         icon: str = "arrow_forward") -> bool:
    """The footer, once a page.

    Args:
        here: Name of the step that is open.
        label: What the green button says; "" draws none.
        to: The step, counted from 0, to which the button leads.
        run: Is opened there.
        ready: False shows the button without letting it be clicked.

    Returns:
        True when the button was clicked; with `to` the other page is opened instead.
    """
    with st.bottom, st.container(horizontal=True, vertical_alignment="center", key="footer", gap="small"):
        with st.container(gap=None, width="stretch"):
            st.fragment(_where, run_every=2.0 if runs.active() else None)(here)
        clicked = bool(label) and st.button(
            label, type="primary", disabled=not ready, key="next", icon=f":material/{icon}:",
            icon_position="right", width="content")
    if clicked and to is not None:
        st.switch_page(sidebar.STEPS[to].page, query_params={"run": run.id} if run else None)
    return clicked


def empty(here: str, text: str, step: int, label: str) -> NoReturn:
    """An empty state: what is missing, and in the footer the way to it. Ends the page."""
    with st.container(border=True):
        st.markdown(text)
    draw(here, label, to=step)
    st.stop()


@errors.guarded
def _where(here: str) -> None:
    names = [step.name for step in sidebar.STEPS]
    done = _done(names.index(here))
    steps = "".join(
        f'<span class="{"open" if name == here else ""}"{" aria-current=step" if name == here else ""}>'
        f'{index + 1}{"✓" if done[index] and name != here else ""} <b>{sidebar.STEPS[index].title}</b></span>'
        for index, name in enumerate(names))
    chosen = escape.html(_chosen())
    st.html(f'{_STYLE}<div class="graft-steps">{steps}</div><div class="graft-chosen" title="{chosen}">{chosen}</div>')


def _done(here: int) -> list[bool]:
    """Per step, whether nothing is left to do there: pictures are here, a model was chosen, a run has a model."""
    dataset, result = state.dataset() is not None, runs.result_here() is not None
    return [dataset, dataset and (here > 1 or result), result, result and here > 3, False]


def _chosen() -> str:
    """`hymenoptera · MobileNetV2 · running, epoch 3 of 20`."""
    dataset, recipe = state.dataset(), state.recipe()
    if dataset is None:
        return "No pictures yet"
    model = wording.backbone(recipe) if recipe else ""
    stands = sidebar.STEPS[2].chosen() or sidebar.STEPS[3].chosen() or "not trained yet"
    return " · ".join(filter(None, [escape.visible(dataset.name), model, stands]))
