"""Settings by their dotted paths, such as `train.phases.0.epochs`: reading, setting, and telling what is wrong."""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Iterator
from typing import Any

from pydantic import ValidationError

from core.errors import RecipeError


def without_index(path: str) -> tuple[str, int]:
    """`train.phases.2.epochs` as `train.phases.epochs` and 2; a path without an index has 0."""
    indices = re.findall(r"(?<=\.)\d+(?=\.|$)", path)
    return re.sub(r"\.\d+(?=\.|$)", "", path), int(indices[0]) if indices else 0


def values_at(node: Any, parts: list[str]) -> Iterator[Any]:
    """The values of a model's field, one for each phase or layer on the way to it."""
    if isinstance(node, tuple):
        for item in node:
            yield from values_at(item, parts)
    elif not parts:
        yield node
    else:
        yield from values_at(getattr(node, parts[0]), parts[1:])


def assign(document: Any, path: str, value: Any) -> None:
    """Set one value of a plain document in place. Raises RecipeError when there is no such place."""
    *parents, last = path.split(".")
    node = document
    try:
        for part in parents:
            node = node[int(part)] if isinstance(node, list) else node[part]
        key: Any = int(last) if isinstance(node, list) else last
        node[key] = value
    except (KeyError, IndexError, ValueError, TypeError) as error:
        raise RecipeError(f"There is no setting '{path}'.", "Phases and hidden layers are counted from 0, "
                          "as in train.phases.0.epochs; docs/settings.md lists every field.") from error


def json_or_text(text: str) -> Any:
    """JSON where it is JSON, else the text."""
    try:
        return json.loads(text)
    except ValueError:
        return text


def without_unknown(document: Any, error: ValidationError) -> Any:
    """A copy of a document without the names that validation said are no settings."""
    known = copy.deepcopy(document)
    for problem in error.errors():
        if problem["type"] == "extra_forbidden":
            *parents, name = problem["loc"]
            node = known
            for part in parents:
                node = node[part]
            del node[name]
    return known


def explain(error: ValidationError) -> str:
    """What is wrong with a document, field by field, in one line."""
    lines = []
    problems = error.errors()
    for problem in problems:
        place = problem["loc"]
        if any(other["loc"][:len(place)] == place != other["loc"] for other in problems):
            continue  # a list with a bad item is said to be too short as well
        path = ".".join(
            str(part) for part in place if not str(part).startswith(("literal[", "constrained-int", "int"))
        )
        if problem["type"] == "extra_forbidden":
            lines.append(f"There is no setting '{path}'")
        else:
            received = "" if isinstance(problem["input"], dict) else f" (got {problem['input']!r})"
            lines.append(f"{path or 'recipe'}: {problem['msg'].removeprefix('Value error, ')}{received}")
    return "; ".join(lines) + "."
