"""How much of the backbone is kept, trained again or dropped: the picture that sets it, and plain widgets beside it."""

from __future__ import annotations

import math

import streamlit as st

from core.backbones.catalogue import Variant
from core.backbones.freezing import cut, cut_behind, cut_layers, frozen_blocks, frozen_layers
from core.backbones.graph import Graph
from core.data.dataset import Dataset
from core.errors import DataError
from core.plan import Plan, PlannedPhase, estimate
from core.recipe import proposals
from core.recipe.fields import Recipe
from core.recipe.specs import field_spec
from core.summary import SummaryLayer, summary_layers
from pages.parts.data import splits
from pages.parts.model import network_picture
from pages.parts.session import state
from pages.parts.widgets import phases, refusals, wording
from pages.parts.widgets.keys import key_for

_CUT = "model.cut_layer"
_PLACE = "network"
_STATES = {"kept": "kept as it was pretrained", "retrained": "trained again", "dropped": "dropped, not built"}


def slider(variant: Variant, recipe: Recipe) -> None:
    """A slider that snaps to the blocks of the backbone, up to its cut."""
    graph = cut(variant.graph, recipe.model.cut_layer)
    options = ["none", *(name for name, _ in graph.ends[:-1]), "all"]
    current = options[_frozen(graph, recipe)]
    key = key_for("freeze", current)
    st.select_slider(
        "Frozen up to and including", options, current, key=key, on_change=_take,
        args=(phases.path(recipe, "freeze"), key),
        format_func=lambda name: {"none": "nothing", "all": "everything"}.get(name, _readable(name)),
        help="Frozen blocks keep what they learned in pretraining. Few pictures: freeze everything, only the new head "
             "learns. Many pictures, or pictures unlike photos: let the last blocks learn too.")


def picture(variant: Variant, recipe: Recipe, dataset: Dataset) -> None:
    """The network from the picture to the classes; a click on a block freezes up to it, the scissors cut behind it."""
    found = _estimate(recipe, dataset)
    graph = cut(variant.graph, recipe.model.cut_layer)
    frozen, phase = _frozen(graph, recipe), found.phases[phases.chosen(recipe)]
    head = _head(recipe, len(dataset.classes))
    tallest = math.log10(max([block.parameters for block in variant.blocks]
                             + [layer.parameters for layers in head.values() for layer in layers]) + 10)
    points = ["none", *(name for name, _ in graph.ends[:-1]), "all"]
    bars = [_bar(variant, index, points, frozen, phase.states[index], recipe, tallest)
            for index in range(len(variant.blocks))]
    parts = [_part(name, layers, tallest) for name, layers in head.items()]
    freeze = phases.path(recipe, "freeze")
    network_picture.draw(bars, parts, _keys(phase), frozen == 0, "network",
                         lambda point: _set(freeze, point), lambda layer: _set(_CUT, layer or None))
    st.caption("Click a block to freeze up to it, once more to let it learn. The scissors cut the network off "
               "behind a block.")
    refusals.show(_PLACE)


def figures(recipe: Recipe, dataset: Dataset) -> None:
    """What is kept, trained and dropped, and what that costs: all of one plan."""
    found = _estimate(recipe, dataset)
    phase = found.phases[phases.chosen(recipe)]
    with st.grid(2, min_column_width=140):
        _metric("Trained", wording.amount(phase.trained),
                f"{wording.percent(phase.trained / found.parameters)} of all",
                f"The weights that change while training, the head's included: {phase.trained:,} of "
                f"{found.parameters:,}.")
        _metric("Kept", wording.amount(found.parameters - phase.trained), "as they are",
                "Weights that stay as they were pretrained.")
        if found.dropped:
            _metric("Dropped", wording.amount(found.dropped), "behind the cut",
                    "Weights of the backbone behind the cut: they are not built.")
        _metric("Kept on disk", wording.size(found.cache_bytes), "frozen output",
                "Frozen blocks run once per picture. Their output is kept, so that no epoch runs them again.")
        _metric("Memory", wording.size(phase.memory_bytes), "while training",
                "Weights, gradients, what the optimizer keeps, and the layers' output for one batch. TensorFlow itself "
                "takes about 0.5 GB more.")
        _metric("Work per epoch", _work(phase), _seconds(phase.epoch_s),
                "Share of the backbone that every epoch runs through, and what that takes on this machine.")
        _metric("Whole training", wording.duration(found.total_s), "estimated",
                "Loading, one pass through the frozen blocks, and every epoch of every phase.")


def advanced(variant: Variant, recipe: Recipe) -> None:
    """Freeze point and cut at any layer, by name."""
    names = cut(variant.graph, recipe.model.cut_layer).names
    freeze = recipe.train.phases[phases.chosen(recipe)].freeze
    points = ["none", "all", *([freeze] if freeze not in ("none", "all", *names) else []), *names]
    key = key_for("freeze-layer", freeze)
    st.selectbox("Frozen up to and including the layer", points, points.index(freeze), key=key, on_change=_take,
                 args=(phases.path(recipe, "freeze"), key),
                 help="Any layer of the backbone, by its name in Keras. Batch normalisation in frozen layers never "
                      "changes.")
    cuts = [None, *cut_layers(variant.graph)]
    key = key_for("cut-layer", recipe.model.cut_layer)
    st.selectbox("Cut off behind the layer", cuts, cuts.index(recipe.model.cut_layer), key=key, on_change=_take,
                 args=(_CUT, key), format_func=lambda name: name or "not cut", help=field_spec(_CUT).help)


def random_and_frozen(recipe: Recipe) -> None:
    """Say so when blocks with random weights would be frozen: they would never learn."""
    if recipe.model.weights == "none" and any(phase.freeze != "none" for phase in recipe.train.phases):
        st.warning("Frozen blocks with random weights never learn anything.", icon=":material/ac_unit:")
        if st.button("Train everything"):
            state.set_recipe(proposals.all_trained(recipe))
            st.rerun()


def _estimate(recipe: Recipe, dataset: Dataset) -> Plan:
    try:
        counts = splits.split(dataset, recipe.data)["split"].value_counts()
        images, training = int(counts.sum()), int(counts["train"])
    except (DataError, KeyError):  # a split that cannot be had is explained on the Data page
        images = training = len(dataset.usable())
    return estimate(recipe, images, training, state.workspace(), len(dataset.classes))


def _frozen(graph: Graph, recipe: Recipe) -> int:
    """Number of wholly frozen blocks in the chosen phase."""
    return frozen_blocks(graph, frozen_layers(graph, recipe.train.phases[phases.chosen(recipe)].freeze))


def _take(path: str, key: str) -> None:
    _set(path, st.session_state[key])


def _set(path: str, value: str | None) -> None:
    """A change that the recipe takes; what it refuses is explained beside the picture, and nothing is changed."""
    refusals.attempt(_PLACE, lambda: state.change(path, value))


def _bar(variant: Variant, index: int, points: list[str], frozen: int, kind: str, recipe: Recipe, tallest: float
         ) -> network_picture.Bar:
    """A block, and where clicks on it lead: freeze up to it, or let it learn where it is the last frozen one already.

    Args:
        points: The freeze points up to the cut, `none` first.
        frozen: Number of frozen blocks.
    """
    block, edge = variant.blocks[index], index == frozen - 1
    side = "×".join(str(length) for length in block.shape)
    layer = cut_behind(variant.graph, block.name)
    is_cut, is_last = layer == recipe.model.cut_layer, index == len(variant.blocks) - 1
    place = index if edge else index + 1
    behind = f"behind {_readable(block.name)}, at {layer}"
    return network_picture.Bar(
        name=block.name, state=kind, height=_height(block.parameters, tallest),
        label=f"{_readable(block.name)}: {wording.count(block.layers, 'layer')}, "
              f"{wording.amount(block.parameters)} parameters, output {side}, {_STATES[kind]}."
              f" Click: {'let it learn' if edge else 'freeze up to it'}",
        cut_label=f"Remove the cut {behind}" if is_cut else f"Cut the network off {behind}",
        freeze_to=points[place] if place < len(points) else block.name,  # beyond the cut: refused, and why is told
        cut_to="" if is_cut or is_last else layer, edge=edge, cut=is_cut)


def _head(recipe: Recipe, classes: int) -> dict[str, list[SummaryLayer]]:
    """The head's layers by the part that they belong to."""
    parts: dict[str, list[SummaryLayer]] = {}
    units = 2 if recipe.model.output == "sigmoid" else classes  # what does not fit is told beside the head's settings
    for layer in summary_layers(recipe, units):
        first, _, rest = layer.name.partition("_")
        if first == "hidden":
            parts.setdefault(f"hidden {int(rest.partition('_')[0]) + 1}", []).append(layer)
        elif layer.name in ("head_average", "head_max", "head_pool"):
            parts.setdefault(recipe.model.pooling, []).append(layer)
        elif layer.name == "head_norm":
            parts.setdefault("norm", []).append(layer)
        elif layer.name == "predictions":
            parts.setdefault("classes", []).append(layer)
    return parts


def _part(name: str, layers: list[SummaryLayer], tallest: float) -> network_picture.HeadBar:
    weights = sum(layer.parameters for layer in layers)
    kinds = " + ".join(layer.type for layer in layers)
    width = layers[-1].output_shape[0]
    return network_picture.HeadBar(
        name, _height(weights, tallest),
        f"Head, {name}: {kinds}, {wording.count(width, 'number')} out, {wording.amount(weights)} parameters, trained")


def _height(parameters: int, tallest: float) -> float:
    return round(10 + 90 * max(math.log10(parameters + 10) - 1, 0) / (tallest - 1), 1)


def _keys(phase: PlannedPhase) -> list[tuple[str, str]]:
    numbers = {kind: phase.states.count(kind) for kind in _STATES}
    trained = numbers["retrained"]
    keys = [("kept", f"kept: {wording.count(numbers['kept'], 'block')}"),
            ("retrained", f"trained: {wording.count(trained, 'block') + ' and the head' if trained else 'the head'}")]
    if numbers["dropped"]:
        keys.append(("dropped", f"dropped: {wording.count(numbers['dropped'], 'block')}"))
    return [*keys, ("point", "freeze point")]


def _seconds(epoch: float) -> str:
    return "< 1 s an epoch" if epoch < 1 else f"{wording.duration(epoch)} an epoch"


def _work(phase: PlannedPhase) -> str:
    whole = phase.trunk_mult_adds + phase.tail_mult_adds
    return f"{100 * phase.tail_mult_adds / max(whole, 1):.0f} %"


def _metric(label: str, value: str, beside: str, text: str) -> None:
    st.metric(label, value, beside, delta_color="off", delta_arrow="off", border=True, help=text)


def _readable(name: str) -> str:
    return name.replace("_", " ")
