"""`data` of the recipe: which pixels the model sees and which images are held back."""

from __future__ import annotations

import re
from typing import Annotated, Literal

from pydantic import Field, field_validator, model_validator

from core.recipe.annotations import Empty, Settings, Steps


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
    validation: float = Field(
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
        description="The same seed gives the same split.",
    )
    subset: float | None = Field(
        None, title="Use only a part", gt=0.0, le=1.0,
        description="Share of each class's training images to use, for a quick try. Empty: all of them.",
    )
    group_pattern: str | None = Field(
        None, title="Group pattern",
        description="Regular expression on the file's path; images whose first bracketed part is equal "
        "(the same plant, patient or video) always land in the same split. Empty: no groups.",
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

    @model_validator(mode="after")
    def _leaves_something_to_train_on(self) -> DataSettings:
        if self.validation + self.test > 0.8:
            raise ValueError("validation and test together may take at most 0.8 of the images")
        return self
