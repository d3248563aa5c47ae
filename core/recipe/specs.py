"""Every field of the recipe as pages, command line and docs need it, read off `core.recipe.fields`."""

from __future__ import annotations

import types
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel

from core.errors import RecipeError
from core.recipe.fields import Recipe
from core.recipe.supported import SUPPORTED


@dataclass(frozen=True)
class FieldSpec:
    """What pages, command line and docs need to know of one field of the recipe."""

    path: str
    title: str
    help: str
    default: Any
    kind: Literal["int", "float", "bool", "text", "choice", "list"]
    optional: bool
    minimum: float | None = None
    maximum: float | None = None
    choices: tuple[Any, ...] = ()
    """For a choice: the values that work in this version."""


def field_specs(model: type[BaseModel] = Recipe, prefix: str = "") -> Iterator[FieldSpec]:
    """Every field of the recipe, depth first. Items of a list stand under its path: `train.phases.epochs`."""
    for name, info in model.model_fields.items():
        path = f"{prefix}{name}"
        if path == "schema_version":
            continue
        nested = _nested_model(info.annotation)
        if nested is None or get_origin(info.annotation) is tuple:
            yield _spec(path, info)
        if nested is not None:
            yield from field_specs(nested, f"{path}.")


def field_spec(path: str) -> FieldSpec:
    """The description of one field, by its dotted path (`train.phases.epochs`). Raises RecipeError."""
    for spec in field_specs():
        if spec.path == path:
            return spec
    raise RecipeError(f"There is no setting '{path}'.", "See docs/settings.md for every field.")


def _spec(path: str, info: Any) -> FieldSpec:
    options = [option for option in _flatten_union(info.annotation) if option is not types.NoneType]
    bounds = [*info.metadata, *(bound for option in options for bound in _annotated_bounds(option))]
    options = [get_args(option)[0] if get_origin(option) is Annotated else option for option in options]
    limits = {key: getattr(item, key) for item in bounds for key in ("ge", "gt", "le") if hasattr(item, key)}
    choices = tuple(value for option in options if get_origin(option) is Literal for value in get_args(option))
    choices = tuple(value for value in choices if value in SUPPORTED.get(path, choices))
    default = info.get_default(call_default_factory=True)
    return FieldSpec(
        path=path, title=info.title or path, help=info.description or "", default=default, kind=_kind(options),
        optional=types.NoneType in _flatten_union(info.annotation), choices=choices,
        minimum=limits.get("ge", limits.get("gt")), maximum=limits.get("le"),
    )


def _annotated_bounds(option: Any) -> list[Any]:
    """The constraints inside `Annotated[int, Field(ge=1)]`."""
    if get_origin(option) is not Annotated:
        return []
    return [bound for info in get_args(option)[1:] for bound in info.metadata]


def _kind(options: list[Any]) -> Any:
    for python_type, kind in ((bool, "bool"), (int, "int"), (float, "float"), (str, "text")):
        if python_type in options:
            return kind
    return "choice" if any(get_origin(option) is Literal for option in options) else "list"


def _flatten_union(annotation: Any) -> list[Any]:
    if get_origin(annotation) in (Union, types.UnionType):
        return [leaf for option in get_args(annotation) for leaf in _flatten_union(option)]
    return [annotation]


def _nested_model(annotation: Any) -> type[BaseModel] | None:
    candidate = get_args(annotation)[0] if get_origin(annotation) is tuple else annotation
    return candidate if isinstance(candidate, type) and issubclass(candidate, BaseModel) else None
