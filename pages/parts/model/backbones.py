"""Choosing the backbone: the table to search and compare, and the choice."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pandas as pd
import streamlit as st

from core import escape
from core.backbones import weights
from core.backbones.catalogue import BACKBONES, Backbone, Variant, get
from core.backbones.speeds import Speed, estimated, known, subject
from core.data.dataset import Dataset
from core.estimates import FORWARD, measured, pass_seconds
from core.recipe import proposals
from core.recipe.fields import Recipe
from pages.parts.app import connection
from pages.parts.model import measuring
from pages.parts.session import state
from pages.parts.widgets import charts, wording
from pages.parts.widgets.keys import key_for

PHONE_MB = 25.0
"""Networks up to this size are usual in apps."""
FEW = 10
"""How many the filters name that go by rank."""
_ROWS = 12
"""So many are seen at once."""
_WIDTHS = "backbone-widths"
_COLUMNS = {
    "title": st.column_config.TextColumn("Backbone", pinned=True, help="The pretrained network."),
    "alpha": st.column_config.NumberColumn(
        "Width", format="%g", width=58, help="The width (alpha) that the figures of the row are of."),
    "top1": st.column_config.NumberColumn(
        "Top-1", format="%.1f %%",
        help="How often its first guess is right among ImageNet's 1,000 classes. Higher: better features. A dash: "
             "Keras's documentation gives none."),
    "top5": st.column_config.NumberColumn(
        "Top-5", format="%.1f %%", help="How often the right class is among its first five guesses."),
    "size": st.column_config.NumberColumn("Size", format="%.0f MB", help="Size of the weights file."),
    "speed": st.column_config.NumberColumn(
        "Speed here", format="%.3g img/s",
        help="Pictures a second through the frozen network on this machine, at its usual image size."),
    "by": st.column_config.TextColumn(
        "Speed by", help="Measured: timed on this machine. Estimate: from its number of multiplications, often a third "
                         "off, for some networks more. The button below measures."),
    "seconds": st.column_config.NumberColumn(
        "One pass", format="%.0f s", help="One pass over your pictures on this machine at that speed, decoding them "
                                          "included. Trained frozen, it needs one pass."),
    "weights": st.column_config.TextColumn(
        "Weights", help="Whether the pretrained weights are on this machine, at which widths."),
    "parameters": st.column_config.NumberColumn("Parameters", format="%.1f M", help="Weights of the network."),
    "depth": st.column_config.NumberColumn("Depth", help="Layers with weights, as Keras's documentation counts them."),
    "input": st.column_config.NumberColumn("Input", format="%d px", help="Image size it was trained at."),
}
_FILTERS: dict[str, Callable[[pd.DataFrame], pd.Series]] = {
    "All": lambda frame: pd.Series(True, frame.index),
    "Fits a phone": lambda frame: frame["size"] <= PHONE_MB,
    "Most accurate": lambda frame: frame["top1"].rank(ascending=False, method="min") <= FEW,
    "Here now": lambda frame: frame["here"],
    "Quick here": lambda frame: frame["seconds"].rank(method="min") <= FEW,
}
"""Which rows each leaves."""


def table(recipe: Recipe, dataset: Dataset) -> None:
    """All backbones, small ones first, at their usual width or at every one; the mark of a row chooses."""
    widths = bool(st.session_state.get(_WIDTHS))
    everything = _frame(dataset, widths)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        kept = st.pills("Show", list(_FILTERS), default="All", key="backbone-filter", required=True, wrap=True,
                        help=f"Fits a phone: at most {PHONE_MB:.0f} MB. Most accurate, quick here: the first {FEW}. "
                             "Here now: the pretrained weights are on this machine.")
        wanted = st.text_input("Search", key="backbone-search", placeholder="Name", width=150)
        st.toggle("Every width", key=_WIDTHS, help="A row for each width (alpha) with published weights: narrower "
                  "networks are smaller, faster and less exact.")
        several = st.toggle("Compare", key="backbone-compare", help="Mark two or more to see them side by side.")
    frame = everything[_FILTERS[kept or "All"](everything)]
    frame = frame[frame["title"].str.contains(wanted.strip(), case=False, regex=False)].reset_index(drop=True)
    if frame.empty:
        st.caption("No backbone is like that.")
        return
    if several:
        _side_by_side(frame, f"{kept}-{wanted}-{widths}")
    else:
        _choosing(frame, recipe, f"{kept}-{wanted}-{widths}", widths)
    chosen = get(recipe.model.backbone, recipe.model.alpha)
    measuring.panel(chosen[1], wording.backbone(recipe), [get(*_split(row))[1] for row in frame["id"]],
                    known(state.workspace().machine))
    _chart(everything, recipe, widths)


def _choosing(frame: pd.DataFrame, recipe: Recipe, part: str, widths: bool) -> None:
    chosen, names = _id_of(recipe, widths), frame["id"].tolist()
    here = chosen if chosen in names else None
    key = key_for(f"backbones-{part}", here, read=lambda held: _marked(held, names))
    # Rows are marked, and marked only by their box: walking through the cells with the keyboard changes nothing.
    _grid(frame, key, "single-row", [names.index(here)] if here else [], lambda: _choose_marked(key, names))


def _side_by_side(frame: pd.DataFrame, part: str) -> None:
    """Rows to mark, and what is marked in a table of their own: a column a backbone."""
    key = f"backbones-compared-{part}"
    held = _grid(frame, key, "multi-row", [], "rerun")
    marked = frame.iloc[held["selection"]["rows"]]
    if len(marked) < 2:
        st.caption("Mark two or more backbones.")
        return
    blocks = [len(get(*_split(row))[1].graph.ends) for row in marked["id"]]
    rows = {str(column["label"]): [_written(name, value) for value in marked[name]]
            for name, column in _COLUMNS.items() if name != "title"}
    rows["Blocks"] = [str(number) for number in blocks]
    titles = [f"{title} {_written('alpha', alpha)}" if marked["title"].duplicated(keep=False).any() and alpha == alpha
              else title for title, alpha in zip(marked["title"], marked["alpha"], strict=True)]
    st.table(pd.DataFrame(rows, index=titles).T)
    with st.container(horizontal=True):
        for row, title in zip(marked["id"], titles, strict=True):
            st.button(f"Use {title}", key=f"use-{row}", on_click=_choose_id, args=(row,))


def _written(column: str, value: Any) -> str:
    """A figure as the table writes it."""
    if value is None or value != value:
        return "–"
    if column == "speed":
        return f"{float(f'{value:.3g}'):,g} img/s"
    forms = {"top1": "{:.1f} %", "top5": "{:.1f} %", "size": "{:.0f} MB", "seconds": "{:.0f} s",
             "parameters": "{:.1f} M", "depth": "{:.0f}", "input": "{:.0f} px", "alpha": "{:g}"}
    return forms.get(column, "{}").format(value)


def _grid(frame: pd.DataFrame, key: str, mode: Any, marked: list[int], on_select: Any) -> Any:
    return st.dataframe(
        frame, hide_index=True, selection_mode=mode, key=key, on_select=on_select,
        selection_default={"selection": {"rows": marked}}, column_order=list(_COLUMNS), placeholder="–",
        height=35 * (min(len(frame), _ROWS) + 1) + 3, column_config=_COLUMNS)


def _marked(held: Any, names: list[str]) -> str | None:
    rows = held["selection"]["rows"]
    return names[rows[0]] if rows and rows[0] < len(names) else None


def _choose_marked(key: str, names: list[str]) -> None:
    if (name := _marked(st.session_state[key], names)) is not None:  # the chosen one cannot be unmarked
        _choose_id(name)


def _chart(frame: pd.DataFrame, recipe: Recipe, widths: bool) -> None:
    """Accuracy against what it costs: the size of the file, or the speed on this machine."""
    chosen, _ = get(recipe.model.backbone, recipe.model.alpha)
    with st.expander("Accuracy against size and speed", icon=":material/scatter_plot:"):
        against = st.segmented_control("Accuracy against", ["size", "speed"], default="size", required=True,
                                       key="backbone-chart",
                                       format_func={"size": "size", "speed": "speed here"}.__getitem__) or "size"
        title = {"size": "size (MB)", "speed": "pictures a second on this machine"}[against]
        row = _id_of(recipe, widths)
        charts.show(charts.accuracy_against(frame, against, title, row), f"accuracy-chart-{against}-{row}",
                    f"ImageNet accuracy of the backbones against {title}; {chosen.title} is marked", _choose_id)
        st.caption("A click on a point chooses the backbone." + (
            " Filled: measured here. Hollow: an estimate from multiplications." if against == "speed" else ""))


def choice(recipe: Recipe) -> None:
    """The chosen backbone: which, and how wide."""
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
    side = recipe.data.image_size or backbone.default_size
    top1 = "" if variant.top1 is None or recipe.model.weights == "none" else f" · {wording.percent(variant.top1)} top-1"
    st.markdown(f"{wording.amount(variant.parameters)} parameters · {variant.size_mb:.0f} MB · {side} px{top1}")
    if (paper := backbone.paper) is not None:
        link = f"[{escape.markdown(paper.title)}](https://arxiv.org/abs/{paper.arxiv})"
        st.caption(f"{link}, {paper.authors}, {paper.year}. "
                   f"Licence of the weights: {backbone.licence}.")


def _frame(dataset: Dataset, widths: bool) -> pd.DataFrame:
    """A row a backbone, or one a width of each, small ones first: the order never changes."""
    images, workspace = len(dataset.usable()), state.workspace()
    speeds, timed = measured(workspace), known(workspace.machine)
    frame = pd.DataFrame([
        _row(backbone, variant, images, speeds, timed, widths) for backbone in BACKBONES.values()
        for variant in (backbone.variants if widths else [get(backbone.name)[1]])])
    return frame.sort_values("parameters", kind="stable").reset_index(drop=True)


def _row(backbone: Backbone, variant: Variant, images: int, speeds: dict[str, float], timed: dict[str, Speed],
         alone: bool) -> dict[str, object]:
    """`alone`: the row speaks of this width only, else of all the backbone's."""
    here = [item for item in ([variant] if alone else backbone.variants) if weights.find(backbone, item)]
    widths = "" if alone else ", ".join(f"{item.alpha:g}" for item in here if item.alpha is not None)
    found = timed.get(subject(variant).key)
    speed = found.images_per_second if found else estimated(variant, speeds)
    there = "download" if connection.can_download() else "not here"
    if not variant.pretrained:
        there = "random"
    return {
        "id": _id(backbone, variant, alone), "title": backbone.title, "alpha": variant.alpha,
        "weights": f"here ({widths})" if widths else "here" if here else there,
        "here": bool(here) or not variant.pretrained,
        "parameters": variant.parameters / 1e6, "size": variant.size_mb, "depth": backbone.depth,
        "top1": _percent(variant.top1), "top5": _percent(variant.top5), "input": backbone.default_size,
        "speed": speed, "by": "measured" if found else "estimate",
        "seconds": pass_seconds(speeds[FORWARD] / speed, images, speeds),
    }


def _id(backbone: Backbone, variant: Variant, width: bool) -> str:
    return backbone.name if not width or variant.alpha is None else f"{backbone.name} {variant.alpha:g}"


def _id_of(recipe: Recipe, widths: bool) -> str:
    """The row that is chosen."""
    return _id(*get(recipe.model.backbone, recipe.model.alpha), widths)


def _split(row: str) -> tuple[str, float | None]:
    """Backbone and width of a row; without a width: the usual one, or the one whose weights are here."""
    name, _, alpha = row.partition(" ")
    return name, float(alpha) if alpha else None


def _choose_id(row: str) -> None:
    _choose(*_split(row))


def _percent(share: float | None) -> float | None:
    return None if share is None else 100 * share


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
