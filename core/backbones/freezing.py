"""Freeze points and cuts: which layers a word in the recipe means."""

from __future__ import annotations

from typing import TYPE_CHECKING

from core.backbones.graph import Graph, members
from core.backbones.layers import OPERATION
from core.errors import RecipeError

if TYPE_CHECKING:
    from core.backbones.catalogue import Variant


def resolve_freeze(variant: Variant, freeze: str) -> int:
    """Number of wholly frozen blocks for a freeze point: `none`, `all`, a block by its name, or any layer by its name.

    Raises:
        RecipeError: no such block or layer; the blocks are named.
    """
    return frozen_blocks(variant.graph, frozen_layers(variant.graph, freeze))


def frozen_blocks(graph: Graph, frozen: int) -> int:
    """Number of blocks that lie wholly in a set of frozen layers."""
    return sum(mask & ~frozen == 0 for mask in graph.block_masks)


def freeze_layer(variant: Variant, freeze: str) -> str | None:
    """The last frozen layer for a freeze point; None when nothing is frozen. Raises RecipeError as `resolve_freeze`."""
    if freeze == "none":
        return None
    graph = variant.graph
    ends = {name: graph.layers[end].name for name, end in graph.ends}
    layer = list(ends.values())[-1] if freeze == "all" else ends.get(freeze, freeze)
    frozen_layers(graph, layer)
    return layer


def frozen_layers(graph: Graph, freeze: str, whole: Graph | None = None) -> int:
    """The set of frozen layers for a freeze point, as `Graph` counts them.

    Args:
        whole: The backbone before it was cut, to tell a point beyond the cut from one that never was.

    Raises:
        RecipeError: no such block or layer, or it lies beyond the cut.
    """
    if freeze == "none":
        return 0
    if freeze == "all":
        return graph.everything
    for (name, _), mask in zip(graph.ends, graph.block_masks, strict=True):
        if freeze == name:
            return mask
    if freeze in graph.names:
        return graph.frozen_with(freeze)
    names = ", ".join(name for name, _ in graph.ends)
    if whole is not None and (freeze in whole.names or freeze in dict(whole.ends)):
        raise RecipeError(f"The freeze point '{freeze}' lies beyond the cut at '{graph.names[-1]}'.",
                          f"Freeze up to one of: {names}; or cut the backbone later.")
    raise RecipeError(f"The backbone has no block or layer '{freeze}' to freeze up to.",
                      f"Use all, none, the name of a layer, or one of: {names}.")


def cut(graph: Graph, layer: str | None) -> Graph:
    """The graph up to the cut layer of a recipe; None: all of it. Raises RecipeError."""
    return graph if layer is None else graph.cut(layer)


def cut_layers(graph: Graph) -> list[str]:
    """Names of the layers at which a backbone can be cut: those whose output has height and width."""
    sides = graph.sides(64)
    return [layer.name for layer, side in zip(graph.layers, sides, strict=True)
            if layer.kind != OPERATION and side is not None]


def cut_behind(graph: Graph, block: str) -> str:
    """The layer at which a backbone is cut off behind a block: the block's last one whose output has height and width.

    Raises:
        RecipeError: there is no such block, or none of its layers gives a map.
    """
    names = [name for name, _ in graph.ends]
    if block not in names:
        raise RecipeError(f"The backbone has no block '{block}'.", f"Use one of: {', '.join(names)}.")
    index = names.index(block)
    own = graph.block_masks[index] & ~(graph.block_masks[index - 1] if index else 0)
    sides = graph.sides(64)
    end = graph.ends[index][1]
    for position in (end, *reversed(list(members(own)))):
        if sides[position] is not None and graph.layers[position].kind != OPERATION:
            return graph.layers[position].name
    raise RecipeError(f"The backbone cannot be cut off behind '{block}'.", "Cut at a layer by its name.")
