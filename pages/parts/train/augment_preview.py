"""What augmentation does to a picture of one's own: the picture, and six changed copies as training sees them."""

from __future__ import annotations

import numpy as np
import streamlit as st

from core import escape
from core.augment.augmenter import Augmenter
from core.backbones import catalogue
from core.data.dataset import Dataset
from core.data.images.decode import decode
from core.data.images.thumbnails import PREVIEW_EDGE, thumbnail
from core.errors import GraftError
from core.recipe.fields import Recipe
from pages.parts.session import state

COPIES = 6
_SHOWN, _WIDTH = "augment-preview", 104


def draw(dataset: Dataset, recipe: Recipe) -> None:
    """Nothing where pictures are used as they are."""
    if not recipe.augment.active:
        return
    rows = dataset.usable()
    place = state.get(_SHOWN, 0) % max(len(rows), 1)
    row = rows.iloc[place * 7919 % len(rows)]  # a prime: the next one is of another class, mostly
    backbone, _ = catalogue.get(recipe.model.backbone, recipe.model.alpha)
    size = recipe.data.image_size or backbone.default_size
    try:
        image = decode(thumbnail(dataset, row["file"], PREVIEW_EDGE, dataset.max_pixels), size, recipe.data.resize)
    except (GraftError, OSError):
        return
    augmenter = Augmenter(recipe.augment, size, recipe.train.seed)
    copies = [augmenter(np.array([image]), [row["hash"]], view)[0] for view in range(1, COPIES + 1)]
    with st.container(horizontal=True, gap="small"):
        for number, picture in enumerate([image, *copies]):
            st.image(picture, width=_WIDTH, caption="as it is" if number == 0 else None)
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        name = escape.markdown(row["path"].rsplit("/", 1)[-1])
        st.caption(f"{COPIES} of the copies that training makes of **{name}**", width="content")
        st.button("Another picture", key="augment-another", type="tertiary", icon=":material/shuffle:",
                  on_click=state.put, args=(_SHOWN, place + 1))
