"""`data` of the recipe: which pixels the model sees and which images are held back."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import Field, field_validator, model_validator

from core.recipe.annotations import Empty, OneOf, Option, Settings, Steps, Unless, When, belongs_to, explained

GROUPINGS: Mapping[str, Option] = {
    "none": Option("No groups", "every image stands for itself."),
    "pattern": Option("A pattern in the path", "the first bracketed part of a regular expression is equal.",
                      ("group_pattern",)),
    "folder": Option("A folder", "a folder on the way to the image has the same name.", ("group_folder",)),
    "shot": Option("Camera and day", "taken with one camera on one day, as the file's EXIF says."),
    "column": Option("A column of the table", "a column of the table of labels says the same.", ("group_column",)),
}
"""How images belong together. What finds them is a row of `core.data.splits.grouping.RULES` of the same name."""
FOLDERS: Mapping[str, Option] = {
    "use": Option("Use them", "they are taken as they are; what they lack is taken from training."),
    "mend": Option("Mend them", "the same, and a class that training or validation lacks is split anew."),
    "ignore": Option("Ignore them", "all images are split anew."),
}
"""What becomes of the data's own folders for training, validation and test."""


class DataSettings(Settings):
    """Which pixels the model sees and which images are held back."""

    image_size: Annotated[int | None, Steps(32), Empty("automatic")] = Field(
        None, title="Image size", ge=32, le=1024,
        description="Side of the square, in pixels, that every image is brought to. "
        "Empty: the size the backbone was pretrained at.",
    )
    resize: Literal["crop", "pad", "squash"] = Field(
        "crop", title="Fit to square",
        description="crop: cut the longer side evenly. pad: keep everything and add a white border. "
        "squash: keep everything and change the proportions.",
    )
    folders: Annotated[str, OneOf(FOLDERS)] = Field(
        "use", title="Split folders of the data",
        description="Where the data has its own folders for training, validation or test. " + explained(FOLDERS),
    )
    validation: Annotated[float, When("folds", None)] = Field(
        0.2, title="Validation share", ge=0.05, le=0.5,
        description="Share of the images held back to check the model after every epoch. "
        "Not used when the data has its own val folder.",
    )
    test: float = Field(
        0.0, title="Test share", ge=0.0, le=0.5,
        description="Share of the images kept for one last check after training. "
        "Not used when the data has its own test folder.",
    )
    seed: int = Field(
        0, title="Split seed", ge=0, le=2**31 - 1,
        description="The same seed gives the same split. An image keeps its place when others come, go or change.",
    )
    stratified: bool = Field(
        True, title="Equal shares of every class",
        description="The shares are taken of each class. Off: of all images, whatever their class.",
    )
    folds: Annotated[int | None, Empty("no folds")] = Field(
        None, title="Folds", ge=2, le=20,
        description="Divides the images that are not for test into so many equal parts, of which one is for "
        "validation: each image is in one of them. Empty: one split, by the validation share.",
    )
    fold: Annotated[int, Unless("folds", None)] = Field(
        1, title="Fold", ge=1, le=20, description="Which of the folds is for validation, counted from 1.",
    )
    group_by: Annotated[str, OneOf(GROUPINGS)] = Field(
        "none", title="Groups",
        description="Images of one group (the same plant, patient or video) always land in the same split. "
        + explained(GROUPINGS),
    )
    group_pattern: Annotated[str | None, belongs_to("group_by", GROUPINGS, "group_pattern")] = Field(
        None, title="Group pattern",
        description="Regular expression on the file's path; images whose first bracketed part is equal are a group.",
    )
    group_folder: Annotated[int, belongs_to("group_by", GROUPINGS, "group_folder")] = Field(
        1, title="Group folder", ge=1, le=8,
        description="Which folder names the group, counted from the image: 1 is the one that it lies in, 2 the one "
        "around that.",
    )
    group_column: Annotated[str | None, belongs_to("group_by", GROUPINGS, "group_column")] = Field(
        None, title="Group column", description="The column of the table of labels that names the group.",
    )
    keep_together: bool = Field(
        True, title="Keep near-duplicates together",
        description="Images that a check of the data found to show nearly the same never land in different splits. "
        "Exact copies never do.",
    )
    subset: float | None = Field(
        None, title="Use only a part", gt=0.0, le=1.0,
        description="Share of each class's training images to use, for a quick try. Empty: all of them.",
    )

    @field_validator("group_pattern")
    @classmethod
    def _pattern_compiles(cls, value: str | None) -> str | None:
        if value is None:
            return value
        try:
            groups = re.compile(value).groups
        except re.error as error:
            raise ValueError(f"not a regular expression: {error}") from error
        if groups < 1:
            raise ValueError("the pattern needs one bracketed part, for example ^(.*)_\\d+")
        return value

    @model_validator(mode="before")
    @classmethod
    def _what_was_given_is_meant(cls, given: Any) -> Any:
        """A pattern or a column without a word on groups: recipes of before there was another kind, and short ones."""
        return implied(given) if isinstance(given, dict) and "group_by" not in given else given

    @model_validator(mode="after")
    def _leaves_something_to_train_on(self) -> DataSettings:
        if self.folds is None and self.validation + self.test > 0.8:
            raise ValueError("validation and test together may take at most 0.8 of the images")
        if self.folds is not None and self.fold > self.folds:
            raise ValueError(f"there are {self.folds} folds, so fold is one of 1 to {self.folds}")
        return self


def implied(document: Mapping[str, Any], *fields: str) -> dict[str, Any]:
    """`data` of a recipe, with the kind of groups that a setting which was given stands for.

    Args:
        fields: Those that were given. Default: those of the document.
    """
    found = next((kind for kind, option in GROUPINGS.items() for field in option.fields
                  if field in (fields or document) and document.get(field) is not None), None)
    return {**document, "group_by": found} if found else dict(document)
