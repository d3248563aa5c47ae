"""Choosing the backbone: the table to compare, the choice, and what to do when its weights are missing."""

from __future__ import annotations

from typing import Any

import pandas as pd
import streamlit as st

from core.backbones import weights
from core.backbones.catalogue import BACKBONES, Backbone, Variant, get
from core.data.dataset import Dataset
from core.recipe import proposals
from core.recipe.fields import Recipe
from pages.parts.app import connection
from pages.parts.model.proposals import reason
from pages.parts.session import state
from pages.parts.widgets import wording
from pages.parts.widgets.keys import key_for

ROWS = 14
"""How many are seen at once."""
_COLUMNS = {
    "title": st.column_config.TextColumn("Backbone", width=136, help="The pretrained network. Mark a row to choose."),
    "alpha": st.column_config.NumberColumn(
        "Width", format="%g", width=52, help="The width (alpha) that the figures of the row are of: the usual one."),
    "parameters": st.column_config.NumberColumn("Weights", format="%.1f M", width=66, help="Its parameters."),
    "size": st.column_config.NumberColumn("Size", format="%.0f MB", width=64, help="Size of the weights file."),
    "top1": st.column_config.NumberColumn(
        "Top-1", format="%.1f %%", width=60,
        help="How often its first guess is right among ImageNet's 1,000 classes. Higher: better features."),
    "input": st.column_config.NumberColumn("Input", format="%d px", width=58, help="Image size it was trained at."),
    "weights": st.column_config.TextColumn(
        "Pretrained", width=84, help="Whether the pretrained weights are on this machine, at which widths."),
}


def table(recipe: Recipe) -> None:
    """All backbones, small ones first, with the figures of their usual width; the mark of a row chooses."""
    chosen, _ = get(recipe.model.backbone, recipe.model.alpha)
    frame = pd.DataFrame([_row(backbone) for backbone in BACKBONES.values()])
    frame = frame.sort_values("parameters", kind="stable").reset_index(drop=True)
    names = frame.pop("name").tolist()
    frame["parameters"] /= 1e6
    frame["top1"] *= 100
    key = key_for("backbones", chosen.name, read=lambda held: _marked(held, names))
    # Rows are marked, and marked only by their box: walking through the cells with the keyboard changes nothing.
    st.dataframe(
        frame, hide_index=True, selection_mode="single-row-required", key=key,
        on_select=lambda: _choose(_marked(st.session_state[key], names)),
        selection_default={"selection": {"rows": [names.index(chosen.name)]}},
        height=35 * (min(len(frame), ROWS) + 1) + 3, placeholder="–", column_config=_COLUMNS,
    )


def _marked(held: Any, names: list[str]) -> str:
    return names[held["selection"]["rows"][0]]


def choice(recipe: Recipe) -> None:
    """The chosen backbone: which, how wide, from which weights."""
    backbone, variant = get(recipe.model.backbone, recipe.model.alpha)
    names = list(BACKBONES)
    key = key_for("backbone", backbone.name)
    st.selectbox("Backbone", names, names.index(backbone.name), key=key, on_change=_choose_held, args=(key,),
                 format_func=lambda name: BACKBONES[name].title,
                 help="The pretrained network that turns a picture into features.")
    st.caption(backbone.description)
    if len(backbone.alphas) > 1:
        key = key_for("alpha", variant.alpha)
        st.segmented_control(
            "Width (alpha)", backbone.alphas, default=variant.alpha, key=key, required=True,
            format_func=lambda alpha: f"{alpha:g}", on_change=_choose_width, args=(backbone.name, key),
            help="Smaller is faster and less exact.")
    key = key_for("weights", recipe.model.weights)
    st.segmented_control(
        "Starting weights", ["imagenet", "none"] if variant.pretrained else ["none"], default=recipe.model.weights,
        key=key, required=True, on_change=_choose_weights, args=(key,),
        format_func={"imagenet": "Pretrained (ImageNet)", "none": "Random"}.__getitem__,
        help="Pretrained: learned on 1.3 million photos, nearly always better. Random: learns from your pictures "
             "alone; everything is trained.")
    side = recipe.data.image_size or backbone.default_size
    top1 = "" if variant.top1 is None or recipe.model.weights == "none" else f" · {wording.percent(variant.top1)} top-1"
    st.markdown(f"{wording.amount(variant.parameters)} parameters · {variant.size_mb:.0f} MB · {side} px{top1}")


def weights_notice(recipe: Recipe, dataset: Dataset) -> None:
    """Where the starting weights come from; when they cannot be had, the ways out."""
    backbone, variant = get(recipe.model.backbone, recipe.model.alpha)
    if recipe.model.weights == "none":
        st.badge("random weights", icon=":material/casino:", color="orange")
        _why_random(recipe, dataset)
        return
    if weights.find(backbone, variant):
        st.badge("weights on this machine", icon=":material/check:", color="green")
        return
    if connection.can_download():
        st.badge(f"weights are downloaded at the start ({variant.size_mb:.0f} MB)", icon=":material/download:")
        return
    _missing(backbone, variant, recipe, dataset)


def _why_random(recipe: Recipe, dataset: Dataset) -> None:
    """Where pretrained weights cannot be had: say so, and what would help."""
    here = proposals.weights_here()
    if not (text := reason(recipe, dataset)):
        return
    _, variant = get(Recipe().model.backbone, Recipe().model.alpha)
    st.info(f"{text}\n\nTo have them, connect this machine to the internet, or place the file `{variant.weights_file}` "
            "into `~/.keras/models` or the folder named by `GRAFT_WEIGHTS_DIR`.", icon=":material/cloud_off:")
    if here is not None and st.button(f"Use {_named(*here)}, which is here"):
        state.set_recipe(proposals.with_backbone(proposals.without_small_network(recipe), *here))
        st.rerun()


def _missing(backbone: Backbone, variant: Variant, recipe: Recipe, dataset: Dataset) -> None:
    here = proposals.weights_here()
    body = (f"Connect this machine to the internet, or place the file `{variant.weights_file}` into "
            "`~/.keras/models` or the folder named by `GRAFT_WEIGHTS_DIR`, or go on without it:")
    st.warning(body, title=f"The pretrained weights of {_named(backbone, variant)} are not here",
               icon=":material/cloud_off:")
    with st.container(horizontal=True):
        if here is not None:
            if st.button(f"Use {_named(*here)}, which is here", type="primary"):
                state.set_recipe(proposals.with_backbone(recipe, *here))
                st.rerun()
        if st.button("Use the small network", type="secondary" if here else "primary",
                     help="A small backbone with random weights, everything trained. Needs no download."):
            state.set_recipe(proposals.small_network(dataset, recipe))
            st.rerun()


def _named(backbone: Backbone, variant: Variant) -> str:
    """With the width where there are several: the weights of one may be here, those of another not."""
    return backbone.title if variant.alpha is None else f"{backbone.title} {variant.alpha:g}"


def _row(backbone: Backbone) -> dict[str, object]:
    variant = get(backbone.name)[1]
    here = [item for item in backbone.variants if weights.find(backbone, item)]
    widths = ", ".join(f"{item.alpha:g}" for item in here if item.alpha is not None)
    there = "download" if connection.can_download() else "not here"
    if not variant.pretrained:
        there = "random"
    return {
        "name": backbone.name, "title": backbone.title, "alpha": variant.alpha,
        "weights": f"here ({widths})" if widths else "here" if here else there,
        "parameters": variant.parameters, "top1": variant.top1, "size": variant.size_mb,
        "input": backbone.default_size,
    }


def _choose_held(key: str) -> None:
    _choose(st.session_state[key])


def _choose_width(name: str, key: str) -> None:
    _choose(name, st.session_state[key])


def _choose(name: str, alpha: float | None = None) -> None:
    recipe = state.recipe() or Recipe()
    backbone, variant = get(name, alpha)
    if alpha is None and recipe.model.weights == "imagenet" and not weights.find(backbone, variant):
        variant = next((item for item in reversed(backbone.variants) if weights.find(backbone, item)), variant)
    never, before = not variant.pretrained, get(recipe.model.backbone, recipe.model.alpha)[1]
    if not (never or before.pretrained):  # what suits a network without pretraining does not suit one with it
        recipe = proposals.without_small_network(recipe)
    recipe = proposals.with_backbone(recipe, backbone, variant)
    if never:
        recipe = proposals.with_weights(recipe.override(["data.image_size=null"]), "none")
    state.set_recipe(recipe)


def _choose_weights(key: str) -> None:
    recipe = state.recipe() or Recipe()
    state.set_recipe(proposals.with_weights(recipe, st.session_state[key]))
