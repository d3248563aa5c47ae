"""Every field of the recipe as pages, command line and docs need it, read off `core.recipe.fields`."""

from __future__ import annotations

import functools
import types
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel

from core.errors import RecipeError
from core.recipe.annotations import Available, Condition, Empty, OneOf, Steps, When
from core.recipe.fields import Recipe
from core.recipe.paths import values_at, without_index

Kind = Literal["int", "float", "bool", "text", "choice", "list"]


@dataclass(frozen=True)
class FieldSpec:
    """What pages, command line and docs need to know of one field of the recipe."""

    path: str
    title: str
    help: str
    default: Any
    kind: Kind
    optional: bool
    minimum: float | None = None
    maximum: float | None = None
    choices: tuple[Any, ...] = ()
    """For a choice: the values that work in this version."""
    available: tuple[Any, ...] | None = None
    """The values that work in this version; None: all that the field takes."""
    step: float = 1.0
    """By how much a number is changed by hand."""
    scale: str = "linear"
    """log: values of very different sizes are all usual."""
    empty: str = "off"
    """What no value means, in a word."""
    conditions: tuple[Condition, ...] = ()
    """The field has an effect while all of them hold, among the settings beside it."""

    @property
    def section(self) -> str:
        """The path of the settings that it stands among."""
        return self.path.rpartition(".")[0]

    @property
    def fixed(self) -> bool:
        """True when this version can carry out one value alone."""
        return self.available is not None and len(self.available) == 1

    def applies(self, recipe: Recipe, index: int = 0) -> bool:
        """Whether the field has an effect in a recipe.

        Args:
            index: Of which phase or hidden layer, for a field of those.
        """
        beside = list(values_at(recipe, self.section.split(".")))
        return index < len(beside) and all(condition.holds(beside[index]) for condition in self.conditions)


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
    """The description of one field, by its dotted path with or without an index (`train.phases.0.epochs`).

    Raises RecipeError.
    """
    general, _ = without_index(path)
    try:
        return _by_path()[general]
    except KeyError:
        raise RecipeError(f"There is no setting '{path}'.", "See docs/settings.md for every field.") from None


def dependents(path: str) -> list[FieldSpec]:
    """The fields beside a choice that apply with some of its values only: momentum, beside the optimizer."""
    chosen = field_spec(path)
    name = chosen.path.rpartition(".")[2]
    return [spec for spec in _by_path().values() if spec.section == chosen.section
            and any(isinstance(condition, When) and condition.field == name for condition in spec.conditions)]


def without_effect(recipe: Recipe, path: str) -> str:
    """Why a field changes nothing in a recipe as it is, in a sentence; empty when it has an effect."""
    general, index = without_index(path)
    spec = _by_path().get(general)
    if spec is None or spec.applies(recipe, index):
        return ""
    return f"{path} has no effect here. It applies when {' and '.join(map(str, spec.conditions))}."


@functools.cache
def _by_path() -> dict[str, FieldSpec]:
    return {spec.path: spec for spec in field_specs()}


def require_available(recipe: Recipe) -> None:
    """Raise RecipeError when a field holds a valid value that this version cannot carry out yet."""
    for spec in _by_path().values():
        if spec.available is None:
            continue
        for value in values_at(recipe, spec.path.split(".")):
            if value not in spec.available:
                usable = ", ".join("empty" if item is None else str(item).lower() for item in spec.available)
                given = str(value).lower() if isinstance(value, bool) else value
                raise RecipeError(f"{spec.path}={given} is not available in this version.", f"Use one of: {usable}.")


def _spec(path: str, info: Any) -> FieldSpec:
    options = [option for option in _flatten_union(info.annotation) if option is not types.NoneType]
    bounds = [*info.metadata, *(bound for option in options for bound in _annotated_bounds(option))]
    options = [get_args(option)[0] if get_origin(option) is Annotated else option for option in options]
    limits = {key: getattr(item, key) for item in bounds for key in ("ge", "gt", "le") if hasattr(item, key)}
    said = {type(item): item for item in info.metadata}
    table, available, steps = said.get(OneOf), said.get(Available), said.get(Steps)
    choices = tuple(table.table) if table else tuple(
        value for option in options if get_origin(option) is Literal for value in get_args(option))
    works = table.available if table else available.values if available else None
    kind: Kind = "choice" if table else _kind(options)
    return FieldSpec(
        path=path, title=info.title or path, help=info.description or "",
        default=info.get_default(call_default_factory=True), kind=kind,
        optional=types.NoneType in _flatten_union(info.annotation),
        minimum=limits.get("ge", limits.get("gt")), maximum=limits.get("le"),
        choices=tuple(value for value in choices if works is None or value in works), available=works,
        step=steps.by if steps else 0.05 if kind == "float" else 1.0, scale=steps.scale if steps else "linear",
        empty=said[Empty].word if Empty in said else "off",
        conditions=tuple(item for item in info.metadata if isinstance(item, Condition)),
    )


def _annotated_bounds(option: Any) -> list[Any]:
    """The constraints inside `Annotated[int, Field(ge=1)]`."""
    if get_origin(option) is not Annotated:
        return []
    return [bound for info in get_args(option)[1:] for bound in info.metadata]


def _kind(options: list[Any]) -> Kind:
    kinds: dict[type, Kind] = {bool: "bool", int: "int", float: "float", str: "text"}
    for python_type, kind in kinds.items():
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
