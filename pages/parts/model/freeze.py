"""How much of the backbone is trained: the slider over its blocks, and a picture of them."""

from __future__ import annotations

import math

import streamlit as st

from core import escape
from core.backbones.catalogue import Variant
from core.backbones.freezing import resolve_freeze
from core.backbones.graph import Block
from core.plan import plan
from core.recipe import proposals
from core.recipe.fields import Recipe
from pages.parts.session import state
from pages.parts.widgets import fields, wording
from pages.parts.widgets.keys import key_for

_PATH = "train.phases.0.freeze"
_STYLE = """<style>
.graft-net{display:flex;align-items:flex-end;gap:3px;height:92px;margin-top:2px}
.graft-net div{flex:1 1 0;min-width:3px;border-radius:4px 4px 2px 2px}
.graft-net .ice{background:linear-gradient(#A9CDEB,#7FB0DA)}
.graft-net .warm{background:linear-gradient(#23B184,#10916B)}
.graft-net .head{flex:1.6 0 40px;border-radius:4px;background:#10916B;height:92px;display:flex;align-items:center;
  justify-content:center;color:#fff;font-size:.74rem;font-weight:600;margin-left:6px}
.graft-ends{display:flex;flex-wrap:wrap;gap:2px 14px;justify-content:space-between;
  font-size:.78rem;opacity:.75;margin-top:5px}
.graft-key{display:inline-block;width:.7em;height:.7em;border-radius:3px;margin:0 .35em 0 0}
</style>"""


def slider(variant: Variant, recipe: Recipe) -> None:
    """A slider that snaps to the blocks of the backbone."""
    options = ["none", *(block.name for block in variant.blocks[:-1]), "all"]
    current = options[resolve_freeze(variant, recipe.train.phases[0].freeze)]
    key = key_for("freeze", current)
    st.select_slider(
        "Frozen up to and including", options, current, key=key, on_change=fields.commit, args=(_PATH, key),
        format_func=lambda name: {"none": "nothing", "all": "everything"}.get(name, name.replace("_", " ")),
        help="Frozen blocks keep what they learned in pretraining. Few pictures: freeze everything, only the new head "
             "learns. Many pictures, or pictures unlike photos: let the last blocks learn too.")


def picture(variant: Variant, recipe: Recipe) -> None:
    """The blocks from input to head: frozen ones in ice blue, trained ones in green, as high as they have weights."""
    frozen = resolve_freeze(variant, recipe.train.phases[0].freeze)
    tallest = max(math.log10(block.parameters + 10) for block in variant.blocks)
    bars = "".join(_bar(block, index < frozen, tallest) for index, block in enumerate(variant.blocks))
    key = '<span><span class="graft-key" style="background:{}"></span>{}</span>'
    trained = len(variant.blocks) - frozen
    learns = f"{wording.count(trained, 'trained block')} and the head" if trained else "the head learns"
    ends = (
        "<span>picture in</span>"
        + key.format("#8DB9DF", wording.count(frozen, "frozen block"))
        + key.format("#10916B", learns)
        + "<span>classes out</span>"
    )
    st.html(f'{_STYLE}<div class="graft-net">{bars}<div class="head" title="the new head, always trained">head</div>'
            f'</div><div class="graft-ends">{ends}</div>')


def figures(recipe: Recipe, classes: int) -> None:
    """How many weights will be trained, and what that costs."""
    found = plan(recipe, classes, 0, 0)
    first, trained, total = found.phases[0], found.trained, found.parameters
    whole = first.trunk_mult_adds + first.tail_mult_adds
    with st.grid(2, min_column_width=150):
        st.metric("Trained parameters", wording.amount(trained), f"{wording.percent(trained / total)} of all",
                  delta_color="off", delta_arrow="off", border=True,
                  help=f"The weights that change while training: {trained:,} of {total:,}.")
        st.metric("Work per epoch", f"{100 * first.tail_mult_adds / max(whole, 1):.0f} %", "of the backbone",
                  delta_color="off", delta_arrow="off", border=True,
                  help="Share of the backbone that every epoch runs through. Frozen blocks are run once per picture "
                       "and their output is kept.")


def random_and_frozen(recipe: Recipe) -> None:
    """Say so when blocks with random weights would be frozen: they would never learn."""
    if recipe.model.weights == "none" and recipe.train.phases[0].freeze != "none":
        st.warning("Frozen blocks with random weights never learn anything.", icon=":material/ac_unit:")
        if st.button("Train everything"):
            state.set_recipe(proposals.with_weights(recipe, "none"))
            st.rerun()


def _bar(block: Block, frozen: bool, tallest: float) -> str:
    height = 18 + 82 * math.log10(block.parameters + 10) / tallest
    side = "×".join(str(length) for length in block.shape)
    title = f"{block.name}: {block.parameters:,} parameters, output {side}, {'frozen' if frozen else 'trained'}"
    kind = "ice" if frozen else "warm"
    return f'<div class="{kind}" style="height:{height:.0f}%" title="{escape.html(title)}"></div>'
