"""The recipe: everything that decides a result, described once.

Title, help, range and default of a field stand in its `Field(...)`, in the module of its part, and nowhere else; when
it applies, how it steps and what of it works stand beside them. The page widgets, the command line's `--set`,
validation messages and the settings reference are derived from that by `core.recipe.specs`.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, ValidationError, model_validator

from core.errors import RecipeError
from core.recipe.annotations import Settings
from core.recipe.augment import OPERATIONS, PRESETS, AugmentSettings, chosen_anew
from core.recipe.data import DataSettings, implied
from core.recipe.migrations import RECIPE_FORMAT
from core.recipe.model import HiddenLayer, ModelSettings
from core.recipe.optimizers import EXACT
from core.recipe.paths import assign, explain, json_or_text, without_unknown
from core.recipe.train import Phase, TrainSettings

__all__ = ["OPERATIONS", "PRESETS", "AugmentSettings", "DataSettings", "HiddenLayer", "ModelSettings", "Phase",
           "Recipe", "Settings", "TrainSettings"]


class Recipe(Settings):
    """Everything that decides a result, as one JSON document."""

    schema_version: Literal[3] = Field(3, title="Schema version", description="Version of this format.")
    data: DataSettings = Field(default_factory=DataSettings)
    augment: AugmentSettings = Field(default_factory=AugmentSettings)
    model: ModelSettings = Field(default_factory=ModelSettings)
    train: TrainSettings = Field(default_factory=TrainSettings)

    @model_validator(mode="after")
    def _solves_what_can_be_solved(self) -> Recipe:
        for index, phase in enumerate(self.train.phases):
            if phase.optimizer == EXACT and (why := self._not_solvable(phase, index)):
                raise ValueError(f"the optimizer {EXACT} solves a head without hidden layers on frozen features, but "
                                 f"{why}: choose another optimizer, such as adam")
        return self

    def _not_solvable(self, phase: Phase, index: int) -> str:
        """Why the head is no convex problem in a phase, or its features are not kept; "" where it can be solved."""
        if before := [other.name for other in self.train.phases[:index] if other.freeze == "none"]:
            return f"the phase {before[0]} before it trains everything"
        if phase.freeze != "all":
            return f"freeze is {phase.freeze} in the phase {phase.name}"
        if self.model.hidden:
            return "the head has hidden layers"
        return "model.norm_features learns as well" if self.model.norm_features else ""

    @classmethod
    def parse(cls, document: Any, place: str = "the recipe") -> Recipe:
        """Validate what a user wrote: a name that is no setting is an error.

        A document of an older format is migrated; one that names no version is of this one.

        Raises:
            RecipeError: with one line per field that is wrong.
            NewerFormatError: it was written by a newer version of Graft.
        """
        return cls._validated(document, place, strict=True)

    @classmethod
    def parse_stored(cls, document: Any, place: str = "the recipe") -> Recipe:
        """Validate what Graft itself wrote, perhaps another version of it: names that are no settings are passed over.

        Raises as `parse`.
        """
        return cls._validated(document, place, strict=False)

    @classmethod
    def load(cls, path: Path) -> Recipe:
        """Read a user's recipe file; strict as `parse`. Raises RecipeError, NewerFormatError."""
        return cls.parse(_document(path), str(path))

    @classmethod
    def load_stored(cls, path: Path) -> Recipe:
        """Read the recipe of a run; lenient as `parse_stored`. Raises RecipeError, NewerFormatError."""
        return cls.parse_stored(_document(path), str(path))

    @classmethod
    def _validated(cls, document: Any, place: str, strict: bool) -> Recipe:
        if strict and isinstance(document, dict):
            document = {RECIPE_FORMAT.key: RECIPE_FORMAT.version, **document}
        try:
            current = RECIPE_FORMAT.migrated(document, place)
        except ValueError as error:
            raise RecipeError(f"{error}.", "See docs/settings.md for every field and its range.") from error
        try:
            return cls.model_validate(current)
        except ValidationError as error:
            if not strict and any(problem["type"] == "extra_forbidden" for problem in error.errors()):
                return cls._validated(without_unknown(current, error), place, strict=True)
            raise RecipeError(explain(error), "See docs/settings.md for every field and its range.") from error

    def to_json(self) -> str:
        """The complete document, defaults written out."""
        return self.model_dump_json(indent=2) + "\n"

    def override(self, assignments: Iterable[str]) -> Recipe:
        """A copy with `dotted.path=value` assignments applied.

        Values are read as JSON where they are JSON, else as text: `train.phases.0.optimizer=adamw`,
        `model.hidden=[{"units": 64}]`, `data.image_size=null`.

        Raises:
            RecipeError: unknown path, or a value that the field refuses.
        """
        document = self.model_dump(mode="json")
        assignments = list(assignments)
        groups_named = any(assignment.partition("=")[0].strip() == "data.group_by" for assignment in assignments)
        for assignment in assignments:
            path, separator, text = assignment.partition("=")
            if not separator:
                raise RecipeError(f"'{assignment}' is not FIELD=VALUE.", "Example: --set model.dropout=0.4")
            assign(document, path.strip(), json_or_text(text.strip()))
            if path.strip() == "augment.preset":
                document["augment"] = chosen_anew(document["augment"])
            elif path.strip().startswith("data.group_") and document["data"]["group_by"] == "none" and not groups_named:
                document["data"] = implied(document["data"], path.strip().removeprefix("data."))
        return Recipe.parse(document)


def _document(path: Path) -> Any:
    try:
        return json.loads(Path(path).read_text("utf-8"))
    except OSError as error:
        raise RecipeError(f"Cannot read the recipe {path}: {error.strerror}.") from error
    except ValueError as error:
        raise RecipeError(f"The recipe {path} is not valid JSON: {error}.") from error
