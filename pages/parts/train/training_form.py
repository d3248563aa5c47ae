"""What is set on the Train page: the training itself, augmentation, and the rest under Advanced."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

import streamlit as st

from core import escape
from core.backbones.catalogue import get
from core.backbones.freezing import resolve_freeze
from core.data.dataset import Dataset
from core.errors import DataError
from core.plan import Plan, estimate
from core.recipe.fields import OPERATIONS, Recipe
from core.recipe.optimizers import EXACT
from core.recipe.specs import field_spec
from pages.parts.data import splits
from pages.parts.session import state
from pages.parts.train import augment_preview, phase_editor
from pages.parts.widgets import charts, fields, phases, wording

if TYPE_CHECKING:
    import pandas as pd

_VIEWS = (1, 2, 4, 8, 16)


def settings(dataset: Dataset, recipe: Recipe) -> None:
    """The settings most people touch, in two columns."""
    left, right = st.columns(2, gap="large")
    with left:
        st.subheader("Training", anchor=False)
        _training(recipe)
        with contextlib.suppress(DataError):
            counts = splits.split(dataset, recipe.data)["split"].value_counts()
            phase_editor.picture(recipe, _cost(recipe, dataset, counts))
    with right:
        st.subheader("Augmentation", anchor=False, help="Random changes to the training pictures, so that the network "
                     "learns what matters and not the pictures by heart.")
        _augmentation(dataset, recipe)
    with st.expander("Advanced", icon=":material/tune:"):
        _advanced(recipe)


def summary(dataset: Dataset, recipe: Recipe) -> None:
    """One line on what Start would do."""
    counts = splits.split(dataset, recipe.data)["split"].value_counts()
    cost = _cost(recipe, dataset, counts)
    images = ", ".join(f"{counts[name]:,} {charts.NAMES[name]}" for name in charts.COLORS if name in counts)
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.badge(wording.model(recipe), icon=":material/account_tree:", color="primary")
        st.badge(escape.badge(f"{dataset.name}: {images} images"),
                 icon=":material/photo_library:", color="gray")
        st.badge(f"about {wording.duration(cost.total_s)}", icon=":material/schedule:", color="gray",
                 help=f"A rough guess: {wording.duration(cost.prepare_s)} to run the frozen layers once and "
                      f"{_epochs(cost)}, if nothing was prepared before.")
        if cost.cache_bytes:
            st.badge(f"keeps {wording.size(cost.cache_bytes)} on disk", icon=":material/database:", color="gray",
                     help="What the frozen layers give for every picture, and decoded pictures where they are read "
                          "again and again. Later runs use it, too; it is removed when its place is needed.")


def _training(recipe: Recipe) -> None:
    phase_editor.draw(recipe)
    exact = recipe.train.phases[phases.chosen(recipe)].optimizer == EXACT
    with st.grid(2, min_column_width=140):
        if not exact:
            fields.draw(phases.path(recipe, "epochs"))
        if any(phase.optimizer != EXACT for phase in recipe.train.phases):
            fields.draw("train.batch_size", options=[8, 16, 32, 64, 128, 256])
        fields.draw(phases.path(recipe, "optimizer"))
        fields.draw(phases.path(recipe, "learning_rate"))
    if exact:
        st.caption("The head is solved exactly on what the frozen backbone gives, as simple as the training pictures "
                   "ask for: there is nothing else to set. Choose another optimizer to train it step by step.")


def _augmentation(dataset: Dataset, recipe: Recipe) -> None:
    fields.draw("augment.preset", label="How much")
    if recipe.augment.preset == "custom":
        fields.draw("augment.flip")
        with st.grid(3, min_column_width=125):
            for name in OPERATIONS:
                if name != "flip" and not field_spec(f"augment.{name}").fixed:
                    fields.draw(f"augment.{name}")
        for name in ("fill", "rand_magnitude"):
            if field_spec(f"augment.{name}").applies(recipe):
                fields.draw(f"augment.{name}")
    if not recipe.augment.active:
        st.caption("Pictures are used as they are.")
        return
    augment_preview.draw(dataset, recipe)
    _, variant = get(recipe.model.backbone, recipe.model.alpha)
    if not any(resolve_freeze(variant, phase.freeze) for phase in recipe.train.phases):
        st.caption("Nothing is frozen, so the pictures are changed anew every epoch.")
        return
    with st.container(width=200):
        fewest = field_spec("augment.views").minimum or 1
        fields.draw("augment.views", options=[*(views for views in _VIEWS if views >= fewest), "fresh"])
    st.caption("Frozen layers run once per view and their output is kept, so a few views train quickly; *fresh* "
               "changes the pictures anew every epoch and runs the whole network each time.")
    with contextlib.suppress(DataError):  # a split that cannot be had is explained by the summary
        st.caption(_both_times(dataset, recipe))


def _both_times(dataset: Dataset, recipe: Recipe) -> str:
    """How long the run takes with a few views, and with fresh changes every epoch."""
    counts = splits.split(dataset, recipe.data)["split"].value_counts()
    views = recipe.augment.views if isinstance(recipe.augment.views, int) else field_spec("augment.views").default
    few, fresh = (wording.duration(_cost(recipe.override([f"augment.views={choice}"]), dataset, counts).total_s)
                  for choice in (views, "fresh"))
    return f"This run takes about **{few}** with {wording.count(views, 'view')}, about **{fresh}** with *fresh*."


def _epochs(cost: Plan) -> str:
    """What an epoch takes, in each phase."""
    each = [f"{wording.duration(phase.epoch_s)} an epoch" for phase in cost.phases]
    return each[0] if len(each) == 1 else ", ".join(
        f"{text} in the phase {escape.markdown(phase.name)}" for text, phase in zip(each, cost.phases, strict=True))


def _cost(recipe: Recipe, dataset: Dataset, counts: pd.Series) -> Plan:
    return estimate(recipe, int(counts.sum()), int(counts["train"]), state.workspace(), len(dataset.classes))


def _advanced(recipe: Recipe) -> None:
    left, middle, right = st.columns(3, gap="large")
    with left:
        if len(recipe.train.phases) > 1:
            fields.draw(phases.path(recipe, "name"), label="Name of the phase")
        fields.draw(phases.path(recipe, "schedule"))
        fields.draw_dependents(phases.path(recipe, "schedule"))
        fields.draw(phases.path(recipe, "patience"))
        fields.draw("train.monitor")
    with middle:
        fields.draw_dependents(phases.path(recipe, "optimizer"))
        for name in ("weight_decay", "clip_norm", "clip_value", "clip_global_norm", "block_rate"):
            fields.draw(phases.path(recipe, name))
        fields.draw("train.seed")
    with right:
        fields.draw("train.class_weights")
        fields.draw("train.label_smoothing")
        if any(phase.optimizer != EXACT for phase in recipe.train.phases):  # else there are no steps
            fields.draw("train.mix")
            fields.draw_dependents("train.mix")
            fields.draw("train.average")
            fields.draw("train.accumulate")
