"""Images that are smaller than what a backbone was trained on: what happens to them, and two ways to enlarge them."""

from __future__ import annotations

import streamlit as st

from core.backbones.catalogue import get
from core.data.dataset import Dataset
from core.recipe import enlarging
from core.recipe.fields import Recipe
from pages.parts.session import state
from pages.parts.widgets import refusals

_PLACE = "small-images"


def notice(recipe: Recipe, dataset: Dataset) -> None:
    """One line on small images, with the other way of enlarging them; nothing where they are large enough."""
    backbone, _ = get(recipe.model.backbone, recipe.model.alpha)
    refusals.show(_PLACE)
    side = enlarging.typical_side(dataset)
    usual = backbone.default_size
    now = recipe.data.image_size or usual
    if recipe.model.upsample:
        seen = now * recipe.model.upsample
        st.info(f"Pictures enter at {now} px and are enlarged ×{recipe.model.upsample} inside the model, to {seen} px, "
                f"because {backbone.title} was trained at {usual} px. What is kept of a picture stays small.",
                icon=":material/zoom_in:")
        st.button("Resize on reading instead", key="resize-on-reading", on_click=_set, args=(None, None),
                  help=f"Every picture is resized to {usual} px as it is read.")
    elif 0 < side < usual and side < now:
        read_at = enlarging.reading_side(side)
        factor = enlarging.factor(read_at, backbone)
        st.info(f"Your pictures are about {side} px, and {backbone.title} was trained at {usual} px: they are resized "
                f"to {now} px as they are read, because objects of another size than in training are harder to tell.",
                icon=":material/zoom_in:")
        if factor is not None:
            st.button(f"Enlarge ×{factor} in the model instead", key="enlarge", on_click=_set, args=(read_at, factor),
                      help=f"Pictures are read at {read_at} px, and the model's first layer makes them "
                           f"{read_at * factor} px: less to keep and to send, and the exported model takes small "
                           "pictures.")


def _set(side: int | None, factor: int | None) -> None:
    recipe = state.recipe() or Recipe()
    refusals.attempt(_PLACE, lambda: state.set_recipe(enlarging.enlarged(recipe, side, factor)))
