"""The graph of a backbone as data: its layers, what feeds them, and the shapes that follow from the image's side.

Sets of layers are bit masks (bit i: layer i), since most questions are unions and differences of them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property

from core.backbones.layers import OPERATION, Block, Layer
from core.errors import RecipeError


class Graph:
    """A backbone from the image to its feature map.

    Args:
        layers: Each behind those that feed it; the last one is the output.
        ends: Name of each block and position of its last layer, in order.
    """

    def __init__(self, layers: Sequence[Layer], ends: Sequence[tuple[str, int]]) -> None:
        self.layers, self.ends = tuple(layers), tuple(ends)
        self.positions = {layer.name: index for index, layer in enumerate(self.layers)}
        self.everything = (1 << len(self.layers)) - 1

    @cached_property
    def names(self) -> tuple[str, ...]:
        """Names of the Keras layers, without bare operations."""
        return tuple(layer.name for layer in self.layers if layer.kind != OPERATION)

    @cached_property
    def before(self) -> list[int]:
        """For every layer the set of those that its output depends on, itself included."""
        found: list[int] = []
        for index, layer in enumerate(self.layers):
            mask = 1 << index
            for fed_by in layer.inputs:
                mask |= found[fed_by] if fed_by >= 0 else 0
            found.append(mask)
        return found

    @cached_property
    def block_masks(self) -> list[int]:
        """For every block the set of all layers up to its end."""
        masks, mask = [], 0
        for _, end in self.ends:
            mask = self.with_operations(mask | self.before[end])
            masks.append(mask)
        return masks

    @cached_property
    def split_points(self) -> list[int]:
        """The layers whose output alone carries the graph: no branch passes around them."""
        found, waiting, done = [], 0, 0  # waiting: what has been computed and is still to be read
        image_read = max(index for index, layer in enumerate(self.layers) if -1 in layer.inputs)
        for index, layer in enumerate(self.layers):
            done |= 1 << index
            for fed_by in layer.inputs:
                if fed_by >= 0 and not self.readers[fed_by] & ~done:
                    waiting &= ~(1 << fed_by)
            waiting |= 1 << index
            if waiting == 1 << index and index >= image_read:
                found.append(index)
        return found

    @cached_property
    def readers(self) -> list[int]:
        """For every layer the set of those that read its output."""
        found = [0] * len(self.layers)
        for index, layer in enumerate(self.layers):
            for fed_by in layer.inputs:
                if fed_by >= 0:
                    found[fed_by] |= 1 << index
        return found

    @cached_property
    def operations(self) -> list[tuple[int, int]]:
        """The bare operations, each with the set of what feeds it."""
        return [(index, sum(1 << fed_by for fed_by in set(layer.inputs) if fed_by >= 0))
                for index, layer in enumerate(self.layers) if layer.kind == OPERATION]

    @cached_property
    def block_carriers(self) -> list[tuple[int, ...]]:
        """For every block what passes its end: layers of its own, or some that passed the end before."""
        found: list[tuple[int, ...]] = []
        before = 0
        for mask in self.block_masks:
            passed = sum(1 << index for index in found[-1]) if found else 0
            found.append(self._read_outside(mask, mask & ~before | passed))
            before = mask
        return found

    def with_operations(self, mask: int) -> int:
        """A set with the bare operations that have all they need in it: they have no weights, so they add nothing."""
        if mask:
            for index, needs in self.operations:
                if not needs & ~mask:
                    mask |= 1 << index
        return mask

    def frozen_with(self, layer: str) -> int:
        """What is frozen with a layer: all that it depends on, and every block before its own.

        Raises:
            RecipeError: there is no such layer.
        """
        position = self.position(layer)
        whole = [mask for mask in self.block_masks if not mask >> position & 1]
        return self.with_operations(self.before[position] | (whole[-1] if whole else 0))

    def position(self, layer: str) -> int:
        """Where a Keras layer stands. Raises RecipeError."""
        position = self.positions.get(layer, -1)
        if position < 0 or self.layers[position].kind == OPERATION:
            raise RecipeError(f"The backbone has no layer '{layer}'.", "Use a block, 'all', 'none' or a layer's name.")
        return position

    def carriers(self, mask: int) -> tuple[int, ...]:
        """The layers of a set that are read outside of it."""
        return self._read_outside(mask, mask)

    def named(self, positions: Iterable[int]) -> tuple[str, ...]:
        """Names of layers by their positions."""
        return tuple(self.layers[position].name for position in positions)

    def _read_outside(self, mask: int, candidates: int) -> tuple[int, ...]:
        last = len(self.layers) - 1
        return tuple(index for index in members(candidates) if self.readers[index] & ~mask or index == last)

    def trunk_ends(self, mask: int) -> list[tuple[int, ...]]:
        """Where a trunk may end within a set of frozen layers, the deepest last: behind single layers that carry the
        graph alone, and behind blocks that pass several tensors on."""
        found: set[tuple[int, ...]] = {(point,) for point in self.split_points if mask >> point & 1}
        for block, carriers in zip(self.block_masks, self.block_carriers, strict=True):
            if block & ~mask == 0:
                found.add(carriers)
        return sorted(found, key=lambda end: (self.trunk(end).bit_count(), end))

    def trunk(self, end: tuple[int, ...]) -> int:
        """The layers that give the outputs of an end."""
        mask = 0
        for index in end:
            mask |= self.before[index]
        return mask

    def sides(self, size: int) -> list[int | None]:
        """Height and width of every layer's output for square images of `size` pixels; None where it has none."""
        found: list[int | None] = []
        for layer in self.layers:
            window = layer.window
            if window is not None and window.padding in ("point", "vector"):
                found.append(1 if window.padding == "point" else None)
                continue
            side = size if layer.inputs[0] < 0 else found[layer.inputs[0]]
            for fed_by in layer.inputs[1:]:  # a vector or a single pixel spreads over the map it meets
                other = size if fed_by < 0 else found[fed_by]
                side = other if side is None or other is not None and other > side else side
            found.append(window.side(side) if window is not None and side is not None else side)
        return found

    def shapes(self, size: int) -> list[tuple[int, ...]]:
        """Shape of every layer's output for one square image of `size` pixels."""
        return [(layer.channels,) if side is None else (side, side, layer.channels)
                for layer, side in zip(self.layers, self.sides(size), strict=True)]

    def work(self, size: int) -> list[int]:
        """Multiplications with addition of every layer for one image: output positions times kernel weights."""
        return [layer.kernel * (side or 1) ** 2 for layer, side in zip(self.layers, self.sides(size), strict=True)]

    def mult_adds(self, mask: int, size: int) -> int:
        """Multiplications with addition of a set of layers for one image."""
        work = self.work(size)
        return sum(work[index] for index in members(mask))

    def parameters(self, mask: int) -> int:
        """All weights of a set of layers."""
        return sum(self.layers[index].parameters for index in members(mask))

    def trainable(self, mask: int, batch_norm: bool) -> int:
        """Weights that training changes when a set of layers is trained, with or without batch normalisation."""
        return sum(self.layers[index].trainable for index in members(mask)
                   if batch_norm or not self.layers[index].is_batch_norm)

    def blocks(self, size: int) -> tuple[Block, ...]:
        """The blocks, with shapes and work for images of `size` pixels."""
        shapes, work, found, before = self.shapes(size), self.work(size), [], 0
        for (name, end), mask, carriers in zip(self.ends, self.block_masks, self.block_carriers, strict=True):
            own = mask & ~before
            plain = self.trainable(own, batch_norm=False)
            found.append(Block(
                name, self.layers[end].name, sum(self.layers[index].kind != OPERATION for index in members(own)),
                self.parameters(own), plain, self.trainable(own, batch_norm=True) - plain, shapes[end],
                sum(work[index] for index in members(own)), self.named(carriers)))
            before = mask
        return tuple(found)

    def cut(self, layer: str) -> Graph:
        """The same up to and including a layer; what follows is dropped, and its block ends there.

        Raises:
            RecipeError: there is no such layer, or its output is no map with height and width.
        """
        position = self.position(layer)
        if self.sides(64)[position] is None:
            raise RecipeError(f"The backbone cannot be cut at '{layer}': its output has no height and width.",
                              "Cut at a layer whose output is a map, such as a convolution or the end of a block.")
        keep = self.before[position]
        places = {old: new for new, old in enumerate(members(keep))}
        layers = [self.layers[old]._replace(inputs=tuple(places.get(fed_by, -1) for fed_by in self.layers[old].inputs))
                  for old in members(keep)]
        ends = [(name, places[end]) for name, end in self.ends if keep >> end & 1]
        if not ends or ends[-1][1] != len(layers) - 1:
            ends.append((self.block_of(position), len(layers) - 1))
        return Graph(layers, ends)

    def block_of(self, position: int) -> str:
        """Name of the block that a layer belongs to."""
        return next(name for (name, _), mask in zip(self.ends, self.block_masks, strict=True) if mask >> position & 1)


def members(mask: int) -> Iterator[int]:
    """The positions in a set, in order."""
    while mask:
        lowest = mask & -mask
        yield lowest.bit_length() - 1
        mask ^= lowest
