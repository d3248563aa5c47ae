"""The text that builds a backbone of Graft's own: the engine's constructor, with all of `core` that it stands on.

It is read and never imported: importing it would import Keras.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

CORE = Path(__file__).resolve().parent.parent
GIVEN = frozenset({"keras", "layers"})
"""What the code that is shown has imported already."""


@cache
def source_text(module: str) -> tuple[list[str], str]:
    """A module of `core` by its dotted name as text that stands alone.

    Returns:
        Its imports, and its constants, classes and functions: before them what it takes from other modules of `core`,
        without what is not used.
    """
    imports: dict[str, str] = {}
    parts = list(_needed(module, None, imports))
    lines = {statement for name, statement in imports.items() if name not in GIVEN}
    return sorted(lines), "\n\n\n".join(dict.fromkeys(parts))


def _needed(module: str, wanted: set[str] | None, imports: dict[str, str]) -> Iterator[str]:
    """The definitions of some names (None: of all) and of whatever these use, in the order in which they can be run."""
    text = CORE.parent.joinpath(*module.split(".")).with_suffix(".py").read_text("utf-8")
    tree, lines = ast.parse(text), text.splitlines()
    defined = {name: node for node in tree.body for name in _defines(node)}
    waiting, used = list(defined if wanted is None else wanted), set[str]()
    while waiting:
        name = waiting.pop()
        if name not in used:
            used.add(name)
            waiting += [part.id for part in ast.walk(defined[name]) if isinstance(part, ast.Name)] \
                if name in defined else []
    for node in tree.body:
        yield from _imported(node, used, imports)
    for node in tree.body:
        if used & set(_defines(node)):
            first = min([node.lineno, *(mark.lineno for mark in getattr(node, "decorator_list", []))])
            yield "\n".join(lines[first - 1:node.end_lineno])


def _imported(node: ast.stmt, used: set[str], imports: dict[str, str]) -> Iterator[str]:
    """The definitions behind an import from `core`; other imports are noted as they stand."""
    if not isinstance(node, (ast.Import, ast.ImportFrom)):
        return
    names = {alias.asname or alias.name for alias in node.names} & used
    if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("core."):
        if names:
            yield from _needed(str(node.module), names, imports)
        return
    for name in sorted(names):
        imports[name] = (f"import {name}" if isinstance(node, ast.Import) else f"from {node.module} import {name}")


def _defines(node: ast.stmt) -> list[str]:
    if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
        return [node.name]
    targets = node.targets if isinstance(node, ast.Assign) else []
    return [part.id for target in targets for part in ast.walk(target) if isinstance(part, ast.Name)]
