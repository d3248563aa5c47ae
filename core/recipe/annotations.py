"""What a setting says of itself beside title, help, range and default: when it applies, how it steps, what of it works.

These stand in a field's `Annotated[...]`; `core.recipe.specs` reads them for pages, command line and docs.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, ConfigDict, GetCoreSchemaHandler
from pydantic_core import CoreSchema, core_schema


class Settings(BaseModel):
    """Base of every settings model: immutable, and a name that it does not know is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class When:
    """The setting applies while another one beside it has one of these values."""

    def __init__(self, field: str, *values: Any) -> None:
        self.field, self.values = field, values

    def holds(self, beside: BaseModel) -> bool:
        """Whether it does, among these settings."""
        return getattr(beside, self.field) in self.values

    def __str__(self) -> str:
        return f"{self.field} is {_listed(self.values)}"


class Unless(When):
    """The setting applies while another one beside it has none of these values."""

    def holds(self, beside: BaseModel) -> bool:
        """Whether it does, among these settings."""
        return getattr(beside, self.field) not in self.values

    def __str__(self) -> str:
        return f"{self.field} is not {_listed(self.values)}"


class WhenAny:
    """The setting applies while any of the numbers beside it is not zero."""

    def __init__(self, *fields: str) -> None:
        self.fields = fields

    def holds(self, beside: BaseModel) -> bool:
        """Whether it does, among these settings."""
        return any(getattr(beside, field) for field in self.fields)

    def __str__(self) -> str:
        return f"{' or '.join(self.fields)} is not 0"


class WhenStarts:
    """The setting applies while the text beside it begins like this."""

    def __init__(self, field: str, start: str) -> None:
        self.field, self.start = field, start

    def holds(self, beside: BaseModel) -> bool:
        """Whether it does, among these settings."""
        return str(getattr(beside, self.field)).startswith(self.start)

    def __str__(self) -> str:
        return f"{self.field} is one of the {self.start}s"


class NotWith:
    """The setting has no effect with these values of another one beside it, which it does not belong to otherwise."""

    def __init__(self, field: str, *values: Any) -> None:
        self.field, self.values = field, values

    def holds(self, beside: BaseModel) -> bool:
        """Whether it has an effect, among these settings."""
        return getattr(beside, self.field) not in self.values

    def __str__(self) -> str:
        return f"{self.field} is not {_listed(self.values)}"


Condition = When | WhenAny | WhenStarts | NotWith


@dataclass(frozen=True)
class Steps:
    """How a number is changed by hand."""

    by: float = 1.0
    scale: str = "linear"
    """log: values of very different sizes are all usual, such as 0.001 and 0.1; shown in short."""


@dataclass(frozen=True)
class Empty:
    """What no value means, in a word."""

    word: str


class Available:
    """The values that this version can carry out, of all that belong to the format."""

    def __init__(self, *values: Any) -> None:
        self.values = values


@dataclass(frozen=True)
class Option:
    """A row of a table: one value of a choice."""

    title: str
    help: str
    """One sentence, to follow the name and a colon."""
    fields: tuple[str, ...] = ()
    """The settings beside the choice that belong to this value; others may be shared or belong to other values."""
    available: bool = True
    """False: the value belongs to the format, but this version cannot carry it out."""


@dataclass(frozen=True)
class OneOf:
    """A choice among the names of a table's rows."""

    table: Mapping[str, Option]

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.literal_schema(list(self.table))

    @property
    def available(self) -> tuple[str, ...]:
        """The names that this version can carry out."""
        return tuple(name for name, option in self.table.items() if option.available)


def belongs_to(choice: str, table: Mapping[str, Option], field: str) -> When:
    """The condition of a setting that the usable rows of a table name as theirs."""
    return When(choice, *(name for name, option in table.items() if option.available and field in option.fields))


def used_by(table: Mapping[str, Option], field: str) -> WhenAny:
    """The condition of a setting that rows name as theirs, in a table whose rows are numbers beside it."""
    return WhenAny(*(name for name, option in table.items() if option.available and field in option.fields))


def explained(table: Mapping[str, Option]) -> str:
    """What every usable row of a table does, to end a description with."""
    return " ".join(f"{name}: {option.help}" for name, option in table.items() if option.available)


def _listed(values: tuple[Any, ...]) -> str:
    return " or ".join("empty" if value is None else str(value).lower() for value in values)
