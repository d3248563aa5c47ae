"""Writes `docs/settings.md`, the reference of every field of the recipe, from the fields themselves.

    python -m core.recipe.reference
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from core.recipe.fields import OPERATIONS, PRESETS
from core.recipe.specs import FieldSpec, field_specs
from core.store.files import write_text

REFERENCE_FILE = Path(__file__).resolve().parents[2] / "docs" / "settings.md"
_INTRODUCTION = """# Settings

Every field of a recipe. Written from `core/recipe/` by `make docs`; do not edit by hand.

A recipe is one JSON document; a field stands under its dotted path. Items of a list are counted from 0:
`train.phases.0.epochs`, `model.hidden.1.units`. On the command line: `--set model.dropout=0.4`, or
`--recipe recipe.json` for a whole document, in which what is left out has its default.
"""


def render() -> str:
    """The page's text (Markdown)."""
    parts = [_INTRODUCTION]
    sections: dict[str, list[FieldSpec]] = {}
    for spec in field_specs():
        sections.setdefault(spec.path.rpartition(".")[0], []).append(spec)
    for section, specs in sections.items():
        parts.append(f"\n## `{section}`\n\n| field | default | values | what it does |\n|---|---|---|---|\n")
        parts.extend(_row(spec) for spec in specs)
    parts.append("\n## Augmentation presets\n\n" + "".join(_presets()))
    return "".join(parts)


def _row(spec: FieldSpec) -> str:
    name = spec.path.rpartition(".")[2]
    applies = f" Applies when {' and '.join(map(str, spec.conditions))}." if spec.conditions else ""
    return f"| `{name}` | {_default(spec)} | {_values(spec)} | **{spec.title}.** {_cell(spec.help + applies)} |\n"


def _default(spec: FieldSpec) -> str:
    if spec.kind == "list":
        return "one, with its defaults" if spec.default else "none"
    if spec.default is None:
        return "empty"
    return f"`{str(spec.default).lower()}`" if spec.kind == "bool" else f"`{spec.default}`"


def _values(spec: FieldSpec) -> str:
    kinds = {"int": "whole number", "float": "number", "bool": "`true`, `false`", "text": "text", "list": "list"}
    values = [] if spec.kind == "choice" else [kinds[spec.kind]]
    if None not in (spec.minimum, spec.maximum):
        values[-1] += f" from {spec.minimum:.12g} to {spec.maximum:.12g}"
    values += [f"`{choice}`" for choice in spec.choices]
    only = spec.available
    if only and spec.kind != "choice":
        if len(only) == 1:
            return f"{'empty' if only[0] is None else f'`{str(only[0]).lower()}`'} (others not in this version)"
        values = [f"`{str(value).lower()}`" for value in only]
    return ", ".join(values + ["or empty"] * spec.optional)


def _presets() -> Iterator[str]:
    operations = [name for name, off in OPERATIONS.items() if any(row[name] != off for row in PRESETS.values())]
    yield f"| preset | {' | '.join(operations)} |\n|---|{'---|' * len(operations)}\n"
    for name, values in PRESETS.items():
        yield f"| `{name}` | {' | '.join(str(values[operation]) for operation in operations)} |\n"


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


if __name__ == "__main__":
    write_text(REFERENCE_FILE, render())
