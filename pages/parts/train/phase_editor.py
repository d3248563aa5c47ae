"""The phases of the training: which one is set, one more, one less, their order, and a picture of what learns when."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import streamlit as st

from core import escape
from core.plan import Plan
from core.recipe import phases as editing
from core.recipe.fields import Phase, Recipe
from core.recipe.optimizers import EXACT, OPTIMIZERS
from pages.parts.session import state
from pages.parts.widgets import phases, refusals, wording

PLACE = "field"
_ADD, _REMOVE, _EARLIER, _LATER = "Add a phase after it", "Remove it", "Earlier", "Later"
_STYLE = """<style>
.graft-phases{display:flex;gap:6px;align-items:stretch;font-size:.8rem;line-height:1.25;
  --kept:#A6C8EA;--retrained:#0B6E50}
.graft-phases.dark{--kept:#BCD9F5;--retrained:#168C67}
.graft-phases>div{flex:1 1 0;min-width:74px}
.graft-phases .stack{display:flex;gap:1px;height:22px;border-radius:5px;overflow:hidden}
.graft-phases i{flex:1;background:var(--kept)}
.graft-phases i.retrained{background:var(--retrained)}
.graft-phases i.dropped{background:repeating-linear-gradient(135deg,transparent 0 4px,rgba(128,140,134,.35) 4px 5px)}
.graft-phases i.head{flex:0 0 12px;margin-left:3px;background:var(--retrained)}
.graft-phases .name{font-weight:600;margin-top:4px;overflow:hidden;text-overflow:ellipsis;white-space:nowrap}
.graft-phases .about{opacity:.75}
.graft-phases .chosen .name{text-decoration:underline;text-underline-offset:3px}
</style>"""


def draw(recipe: Recipe) -> None:
    """The choice of the phase that is set, and what can be done with it."""
    index, count = phases.chosen(recipe), len(recipe.train.phases)
    with st.container(horizontal=True, vertical_alignment="bottom", horizontal_alignment="distribute"):
        phases.choice(recipe, "train")
        ways: dict[str, Callable[[], tuple[Recipe, int]]] = {
            _ADD: lambda: (editing.added(recipe, index), index + 1)}
        if count > 1:
            ways[_REMOVE] = lambda: (editing.removed(recipe, index), max(index - 1, 0))
        if index > 0:
            ways[_EARLIER] = lambda: (editing.moved(recipe, index, index - 1), index - 1)
        if index < count - 1:
            ways[_LATER] = lambda: (editing.moved(recipe, index, index + 1), index + 1)
        if count == 1:
            st.button("Add a phase", key="phase-add", icon=":material/add:", type="tertiary",
                      on_click=_carry_out, args=(ways[_ADD],),
                      help="After the head has learned, a further phase goes on with more of the backbone, in small "
                           "steps.")
        else:
            chosen = st.menu_button("Phase", list(ways), key="phase-menu", icon=":material/segment:", type="tertiary")
            if chosen:
                _carry_out(ways[chosen])
                st.rerun()


def picture(recipe: Recipe, plan: Plan) -> None:
    """What learns when: a stripe a phase with the backbone's blocks, from the picture to the head."""
    if len(recipe.train.phases) == 1:
        return
    dark = " dark" if st.context.theme.type == "dark" else ""
    index, parts = phases.chosen(recipe), []
    for number, (phase, planned) in enumerate(zip(recipe.train.phases, plan.phases, strict=True)):
        blocks = "".join(f'<i class="{state}"></i>' for state in planned.states)
        learning = sum(one == "retrained" for one in planned.states)
        said = f"{wording.count(learning, 'block')} and the head" if learning else "the head"
        mark = "chosen" if number == index else ""
        parts.append(f'<div class="{mark}" title="{escape.html(phase.name)}: {said} learn">'
                     f'<div class="stack">{blocks}<i class="head"></i></div>'
                     f'<div class="name">{number + 1} · {escape.html(phase.name)}</div>'
                     f'<div class="about">{escape.html(_about(phase))}<br>{said}</div></div>')
    st.html(f'{_STYLE}<div class="graft-phases{dark}">{"".join(parts)}</div>')
    st.caption("From left to right: what is frozen (blue) and what learns (green), the head last. The Model page sets "
               "what is frozen in the phase that is chosen.")


def _about(phase: Phase) -> str:
    if phase.optimizer == EXACT:
        return "solved exactly"
    return f"{wording.count(phase.epochs, 'epoch')} · {OPTIMIZERS[phase.optimizer].title} {phase.learning_rate:g}"


def _carry_out(change: Callable[[], tuple[Recipe, int]]) -> None:
    refusals.attempt(PLACE, partial(_take, change))


def _take(change: Callable[[], tuple[Recipe, int]]) -> None:
    recipe, chosen = change()
    state.set_recipe(recipe)
    phases.choose(chosen)
