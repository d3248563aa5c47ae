"""Which layers of a weights file belong to which layers of a backbone."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher

from core.backbones.weight_files import StoredLayer, numbered

Shapes = tuple[tuple[int, ...], ...]


@dataclass(frozen=True)
class WantedLayer:
    """A layer of the backbone that has weights."""

    name: str
    shapes: Shapes
    kind: str = ""
    """Its class in snake case, as Keras names the groups of its files: `conv2d`."""


@dataclass(frozen=True)
class Match:
    """What a file gives a backbone. Layers in the backbone's order, then the file's."""

    loaded: list[tuple[WantedLayer, StoredLayer]]
    missing: list[WantedLayer]
    mismatched: list[tuple[WantedLayer, StoredLayer]]
    """Same name, other shapes."""
    unused: list[StoredLayer]

    @property
    def complete(self) -> bool:
        """True when every layer of the backbone gets its weights."""
        return not self.missing and not self.mismatched

    @property
    def sentence(self) -> str:
        """How many layers of the backbone got their weights."""
        wanted = len(self.loaded) + len(self.missing) + len(self.mismatched)
        left = f"; {len(self.missing)} start from random weights" if self.missing else ""
        return f"{len(self.loaded)} of {wanted} layers of the backbone start from the file's weights{left}."

    def table(self) -> list[dict[str, str]]:
        """A row a layer: `{layer, result, in_file, wanted, found}`; result is loaded, missing, mismatched or unused."""
        rows = [_row(wanted.name, "loaded", stored, wanted) for wanted, stored in self.loaded]
        rows += [_row(wanted.name, "mismatched", stored, wanted) for wanted, stored in self.mismatched]
        rows += [_row(wanted.name, "missing", None, wanted) for wanted in self.missing]
        return rows + [_row("", "unused", stored, None) for stored in self.unused]


def by_name(stored: Sequence[StoredLayer], wanted: Iterable[WantedLayer]) -> Match:
    """Layers of equal name. Where a file has a name twice, as with a model inside a model, equal shapes decide. What a
    file has no name for is found by none."""
    named: dict[str, list[StoredLayer]] = {}
    for one in stored:
        if one.named:
            named.setdefault(one.name, []).append(one)
    loaded: list[tuple[WantedLayer, StoredLayer]] = []
    missing: list[WantedLayer] = []
    mismatched: list[tuple[WantedLayer, StoredLayer]] = []
    for layer in wanted:
        candidates = named.get(layer.name, [])
        fitting = next((other for other in candidates if other.shapes == layer.shapes), None)
        if fitting is not None:
            loaded.append((layer, fitting))
        elif candidates:
            mismatched.append((layer, candidates[0]))
        else:
            missing.append(layer)
    return Match(loaded, missing, mismatched, _rest(stored, [*loaded, *mismatched]))


def by_order(stored: Sequence[StoredLayer], wanted: Sequence[WantedLayer]) -> Match:
    """Layers by their place in the order and their shapes, whatever they are called, when every layer gets one so.

    Names are asked only where the order leaves gaps, and only those that somebody gave: Keras numbers the others by
    what the same process built before, so that `conv2d_5` of one file is `conv2d_4` of another.
    """
    pairs = _in_order(stored, wanted)
    if len(pairs) < len(wanted):
        named = by_name(stored, wanted)
        given = [pair for pair in named.loaded if named.complete or not _automatic(pair[0])]
        known, taken = {id(layer) for layer, _ in given}, {id(one) for _, one in given}
        pairs = given + _in_order([one for one in stored if id(one) not in taken],
                                  [layer for layer in wanted if id(layer) not in known])
    place = {id(layer): index for index, layer in enumerate(wanted)}
    pairs.sort(key=lambda pair: place[id(pair[0])])
    found = {id(layer) for layer, _ in pairs}
    return Match(pairs, [layer for layer in wanted if id(layer) not in found], [], _rest(stored, pairs))


def _automatic(layer: WantedLayer) -> bool:
    """True for a name that Keras made up: the class, and a number from the second one on."""
    return numbered(layer.name)[0] == layer.kind


def _in_order(stored: Sequence[StoredLayer], wanted: Sequence[WantedLayer]) -> list[tuple[WantedLayer, StoredLayer]]:
    """Pairs by order and shape. Files of Keras 3 sort layers by class; then each class is gone through by itself."""
    kinds = {one.kind for one in stored} if all(one.kind for one in stored) else {""}
    return [pair for kind in sorted(kinds)
            for pair in _aligned([one for one in stored if one.kind == kind or not kind],
                                 [layer for layer in wanted if layer.kind == kind or not kind])]


def _aligned(stored: list[StoredLayer], wanted: list[WantedLayer]) -> list[tuple[WantedLayer, StoredLayer]]:
    """The longest runs of equal shapes in both orders."""
    blocks = SequenceMatcher(None, [layer.shapes for layer in wanted], [layer.shapes for layer in stored],
                             autojunk=False).get_matching_blocks()
    return [(wanted[block.a + step], stored[block.b + step]) for block in blocks for step in range(block.size)]


def _rest(stored: Sequence[StoredLayer], pairs: Iterable[tuple[WantedLayer, StoredLayer]]) -> list[StoredLayer]:
    used = {id(one) for _, one in pairs}
    return [one for one in stored if id(one) not in used]


def _row(name: str, result: str, stored: StoredLayer | None, wanted: WantedLayer | None) -> dict[str, str]:
    return {"layer": name, "result": result, "in_file": stored.name if stored else "",
            "wanted": shown(wanted.shapes) if wanted else "", "found": shown(stored.shapes) if stored else ""}


def shown(shapes: Shapes) -> str:
    """Shapes for people: `3×3×3×32, 32`."""
    return ", ".join("×".join(map(str, shape)) or "1" for shape in shapes)
