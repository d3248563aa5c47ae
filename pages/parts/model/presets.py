"""The gallery of presets: complete recipes from the literature, and the best that can be proposed here."""

from __future__ import annotations

import json

import streamlit as st

from core import escape
from core.backbones import weights
from core.backbones.catalogue import get
from core.data.dataset import Dataset
from core.errors import RecipeError
from core.plan import check_output
from core.recipe.choices import SPLIT, Choice
from core.recipe.fields import Recipe
from core.recipe.presets import PRESETS, Preset
from core.recipe.specs import require_available
from pages.parts.app import connection
from pages.parts.model import cards
from pages.parts.widgets import errors


def button(dataset: Dataset, recipe: Recipe, proposed: list[Choice]) -> None:
    """What opens the gallery."""
    if st.button("Presets", key="presets", icon=":material/collections_bookmark:",
                 help="Complete settings from courses and papers, to use as they are or to begin with."):
        gallery(dataset, recipe, proposed)


@st.dialog("Presets", width="large")
@errors.guarded
def gallery(dataset: Dataset, recipe: Recipe, proposed: list[Choice]) -> None:
    """A card each."""
    for choice in proposed:
        with st.container(border=True, gap="small"):
            takes = cards.duration(dataset, choice.recipe)
            st.markdown(f"**Graft: {escape.markdown(choice.title)}**" + (f" · :gray[{takes}]" if takes else ""))
            st.caption(choice.why)
            _use(choice.id, dataset, choice.recipe)
    for preset in PRESETS.values():
        with st.container(border=True, gap="small"):
            _card(preset, dataset, recipe)


def taken_over(preset: Preset, recipe: Recipe) -> Recipe:
    """The preset's whole recipe; of the split everything stays as it was drawn that the preset does not set itself."""
    kept = {name: value for name, value in recipe.data.model_dump(mode="json").items()
            if name in SPLIT and name not in preset.settings.get("data", {})}
    return preset.recipe.override([f"data.{name}={json.dumps(value)}" for name, value in kept.items()])


def reason(preset: Preset, classes: int) -> str:
    """Why a preset cannot be used here as it is; "" where it can."""
    try:
        require_available(preset.recipe)
        check_output(preset.recipe.model, classes)
    except RecipeError as error:
        return error.message
    return ""


def _card(preset: Preset, dataset: Dataset, recipe: Recipe) -> None:
    taken = taken_over(preset, recipe)
    takes = cards.duration(dataset, taken)
    st.markdown(f"**{escape.markdown(preset.title)}**" + (f" · :gray[{takes}]" if takes else ""))
    st.markdown(preset.about)
    st.caption(f"From: {escape.markdown(preset.source)}.  \nFor: {preset.needs}  \nWeights: {_weights(taken)}."
               + (f"  \n{preset.differs}" if preset.differs else ""))
    if why := reason(preset, len(dataset.classes)):
        st.caption(f":orange[Not possible here: {why}]")
    else:
        _use(preset.id, dataset, taken)


def _use(name: str, dataset: Dataset, recipe: Recipe) -> None:
    if st.button("Use this", key=f"preset-{name}", icon=":material/check:", on_click=cards.choose,
                 args=(dataset.id, recipe)):
        st.rerun()


def _weights(recipe: Recipe) -> str:
    backbone, variant = get(recipe.model.backbone, recipe.model.alpha)
    if recipe.model.own_weights:
        return "from your file, " + ("here" if weights.find_own(recipe.model.weights) else "not here yet")
    if weights.find(backbone, variant):
        return "on this machine"
    return f"a download of {variant.size_mb:.0f} MB" if connection.can_download() else "not here"
