"""What is set on the Train page: the training itself, augmentation, and the rest under Advanced."""

from __future__ import annotations

import streamlit as st

from core.data.datasets import Dataset
from core.estimates import estimate
from core.settings import Recipe
from pages.parts import charts, dataset_view, errors, fields, state, wording

_VIEWS = [1, 2, 4, 8, 16, "fresh"]


def settings(recipe: Recipe) -> None:
    """The settings most people touch, in two columns."""
    left, right = st.columns(2, gap="large")
    with left:
        st.subheader("Training", anchor=False)
        _training()
    with right:
        st.subheader("Augmentation", anchor=False, help="Random changes to the training pictures, so that the network "
                     "learns what matters and not the pictures by heart.")
        _augmentation(recipe)
    with st.expander("Advanced", icon=":material/tune:"):
        _advanced()


def summary(dataset: Dataset, recipe: Recipe) -> None:
    """One line on what Start would do."""
    counts = dataset_view.split(dataset, recipe.data)["split"].value_counts()
    cost = estimate(recipe, int(counts.sum()), int(counts["train"]), state.workspace())
    images = ", ".join(f"{counts[name]:,} {charts.NAMES[name]}" for name in charts.COLORS if name in counts)
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.badge(wording.model(recipe), icon=":material/account_tree:", color="primary")
        st.badge(errors.plain(f"{dataset.name}: {images} images"),
                 icon=":material/photo_library:", color="gray")
        kept = f" {wording.size(cost.cache_bytes)} of what they give is kept." if cost.cache_bytes else ""
        st.badge(f"about {wording.duration(cost.total_s)}", icon=":material/schedule:", color="gray",
                 help=f"A rough guess: {wording.duration(cost.prepare_s)} to run the frozen layers once and "
                      f"{wording.duration(cost.epoch_s)} an epoch, if nothing was prepared before.{kept}")


def _training() -> None:
    with st.grid(2, min_column_width=140):
        fields.draw("train.phases.0.epochs")
        fields.draw("train.batch_size", options=[8, 16, 32, 64, 128, 256])
        fields.draw("train.phases.0.optimizer")
        fields.draw("train.phases.0.learning_rate")


def _augmentation(recipe: Recipe) -> None:
    fields.draw("augment.preset", label="How much")
    if recipe.augment.preset == "custom":
        fields.draw("augment.flip")
        with st.grid(3, min_column_width=125):
            for name in ("rotation", "zoom", "shift"):
                fields.draw(f"augment.{name}")
    if not recipe.augment.active:
        st.caption("Pictures are used as they are.")
        return
    with st.container(width=200):
        fields.draw("augment.views", options=_VIEWS)
    st.caption("Frozen layers run once per view and their output is kept, so a few views train quickly; *fresh* "
               "changes the pictures anew every epoch and runs the whole network each time.")


def _advanced() -> None:
    columns = st.columns(3, gap="large")
    groups = (
        ("train.phases.0.schedule", "train.phases.0.warmup", "train.phases.0.patience", "train.monitor"),
        ("train.phases.0.weight_decay", "train.phases.0.clip_norm", "train.phases.0.clip_value", "train.seed"),
        ("train.class_weights", "train.label_smoothing"),
    )
    for column, paths in zip(columns, groups, strict=True):
        with column:
            for path in paths:
                fields.draw(path)

