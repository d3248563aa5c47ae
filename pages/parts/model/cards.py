"""The top of the Model page: a few models to choose from, and one's own."""

from __future__ import annotations

import streamlit as st

from core import escape
from core.data.dataset import Dataset
from core.errors import GraftError
from core.plan import estimate
from core.recipe import choices
from core.recipe.fields import Recipe
from pages.parts.app import connection
from pages.parts.data import splits
from pages.parts.model import weights_panel
from pages.parts.session import state
from pages.parts.widgets import wording

CUSTOM = "custom"
SHOWN = (choices.QUICK, choices.BALANCED)
_STYLE = '<style>[class*="st-key-ticked-"]{border:2px solid #10916B!important}</style>'


def found(dataset: Dataset, recipe: Recipe) -> list[choices.Choice]:
    """What is proposed for a dataset on this machine."""
    return choices.choices(dataset, recipe, lambda: connection.can_download(wait=2.0))


def draw(dataset: Dataset, recipe: Recipe, proposed: list[choices.Choice]) -> bool:
    """The cards, the one that the recipe is ticked; True when the settings are somebody's own."""
    match = choices.matching(recipe, proposed)
    ticked = CUSTOM if state.get(CUSTOM) == dataset.id or match not in SHOWN else match
    st.html(_STYLE)
    with st.grid(3, min_column_width=240, gap="small"):
        for choice in proposed:
            if choice.id in SHOWN:
                advice = f"recommended for your {wording.count(len(dataset.usable()), 'picture')}"
                _card(choice.id, escape.markdown(choice.title), choice.why, duration(dataset, choice.recipe), ticked,
                      advice if choice.id == choices.QUICK else "", dataset, choice.recipe)
        _card(CUSTOM, "Custom", "Every setting of the network is yours to change, below.",
              duration(dataset, recipe), ticked, "", dataset, None)
    return ticked == CUSTOM


def duration(dataset: Dataset, recipe: Recipe) -> str:
    """`about 40 s here`; "" where the recipe's split cannot be had, which the Data page explains."""
    try:
        counts = splits.split(dataset, recipe.data)["split"].value_counts()
        plan = estimate(recipe, int(counts.sum()), int(counts["train"]), state.workspace(), len(dataset.classes))
    except (GraftError, KeyError):
        return ""
    return f"about {wording.duration(plan.total_s)} here"


def _card(name: str, title: str, why: str, takes: str, ticked: str, advice: str, dataset: Dataset,
          recipe: Recipe | None) -> None:
    chosen = name == ticked
    key = f"{'ticked' if chosen else 'card'}-{name}"
    with st.container(border=True, key=key, gap="small", height="stretch"):
        st.markdown(f"**{title}**" + (f" · :gray[{takes}]" if takes else ""))
        st.caption(why)
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            st.button("Chosen" if chosen else f"Choose {title}", key=f"choose-{name}", disabled=chosen,
                      icon=":material/check:" if chosen else None, on_click=choose, args=(dataset.id, recipe))
            if advice:
                st.badge(advice, color="green", icon=":material/thumb_up:")


def choose(dataset_id: str, recipe: Recipe | None) -> None:
    """Take a proposed recipe; None keeps the present one, for its settings to be changed."""
    state.put(CUSTOM, dataset_id if recipe is None else None)
    if recipe is not None:
        weights_panel.follow_recipe()
        state.set_recipe(recipe)
