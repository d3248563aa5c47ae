"""The recipe: everything that decides a result, described once.

Title, help, range and default of a field stand in its `Field(...)` here and nowhere else. The page widgets, the
command line's `--set`, validation messages and the settings reference are derived from them by `core.recipe.specs`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from core.errors import RecipeError
from core.recipe.paths import assign, explain, json_or_text

SCHEMA_VERSION: Literal[1] = 1


class Settings(BaseModel):
    """Base of every settings model: immutable, and a name that it does not know is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class DataSettings(Settings):
    """Which pixels the model sees and which images are held back."""

    image_size: int | None = Field(
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


class AugmentSettings(Settings):
    """Random changes to training images, so that the model does not learn them by heart."""

    preset: Literal["none", "light", "medium", "strong", "custom"] = Field(
        "none", title="Augmentation",
        description="none: images as they are. light: mirrored. medium: mirrored, turned and zoomed a little. "
        "strong: all of it, more. custom: the values below.",
    )
    views: Annotated[int, Field(ge=2, le=64)] | Literal["fresh"] = Field(
        4, title="Views per image",
        description="How many versions of an image are prepared once and then used in turn: the image itself and "
        "changed copies. 'fresh': a new copy every epoch, at the price of running the frozen layers every epoch. "
        "Where nothing is frozen every epoch makes new copies anyway.",
    )
    flip: Literal["none", "horizontal", "vertical", "both"] = Field(
        "none", title="Flip", description="Mirror images at random.",
    )
    rotation: float = Field(
        0.0, title="Rotation", ge=0.0, le=180.0,
        description="Turn by up to this many degrees, either way.",
    )
    zoom: float = Field(
        0.0, title="Zoom", ge=0.0, le=0.5, description="Zoom in or out by up to this share.",
    )
    shift: float = Field(
        0.0, title="Shift", ge=0.0, le=0.5, description="Move by up to this share of the width and height.",
    )

    @model_validator(mode="before")
    @classmethod
    def _write_the_preset_out(cls, document: Any) -> Any:
        """Fill the operations in from the preset; operations that say otherwise make it a custom one."""
        if not isinstance(document, dict):
            return document
        values = PRESETS.get(document.get("preset", "none"))
        if values is None:
            return document
        given = {name: document[name] for name in values if name in document}
        if all(given[name] == values[name] for name in given):
            return {**document, **values}
        return {**document, **values, **given, "preset": "custom"}

    @property
    def active(self) -> bool:
        """True when any operation changes an image."""
        return self.flip != "none" or max(self.rotation, self.zoom, self.shift) > 0


PRESETS: dict[str, dict[str, Any]] = {
    "none": {"flip": "none", "rotation": 0.0, "zoom": 0.0, "shift": 0.0},
    "light": {"flip": "horizontal", "rotation": 0.0, "zoom": 0.0, "shift": 0.0},
    "medium": {"flip": "horizontal", "rotation": 10.0, "zoom": 0.1, "shift": 0.05},
    "strong": {"flip": "horizontal", "rotation": 25.0, "zoom": 0.25, "shift": 0.15},
}


class HiddenLayer(Settings):
    """One fully connected layer between the pooled features and the classifier."""

    units: int = Field(256, title="Units", ge=1, le=8192, description="Number of neurons.")
    activation: Literal["relu", "gelu", "swish", "tanh", "elu"] = Field(
        "relu", title="Activation", description="The non-linearity after the layer.",
    )
    batch_norm: bool = Field(
        False, title="Batch normalisation", description="Normalise the layer's output over the batch.",
    )
    dropout: float = Field(
        0.0, title="Dropout", ge=0.0, le=0.9,
        description="Share of the layer's outputs switched off at random while training.",
    )
    l2: float = Field(
        0.0, title="L2 penalty", ge=0.0, le=1.0, description="Weight of the squared weights in the loss.",
    )


class ModelSettings(Settings):
    """The pretrained network and what is put on top of it."""

    backbone: str = Field(
        "MobileNetV2", title="Backbone",
        description="The pretrained network that turns an image into features.",
    )
    alpha: float | None = Field(
        None, title="Width (alpha)", gt=0.0, le=2.0,
        description="Width multiplier of the MobileNets: smaller is faster and less exact. "
        "Empty: the backbone's usual width.",
    )
    weights: str = Field(
        "imagenet", title="Starting weights",
        description="imagenet: pretrained on 1.3 million photos. none: random, the network learns from "
        "your images alone.",
    )
    cut_layer: str | None = Field(
        None, title="Cut layer", description="Where the backbone is cut off. Empty: it is used whole.",
    )
    upsample: int | None = Field(
        None, title="Upsample", ge=2, le=16, description="Enlarge small images before the backbone. Empty: no.",
    )
    batch_norm: Literal["frozen", "train"] = Field(
        "frozen", title="Batch normalisation in the backbone",
        description="frozen: keeps the statistics of the pretraining, right for small data. "
        "train: learns them again in the layers that are trained.",
    )
    pooling: Literal["average", "max", "flatten"] = Field(
        "average", title="Pooling",
        description="How the backbone's feature map becomes one row of numbers: average or maximum over the "
        "image, or all of it (flatten: many parameters).",
    )
    hidden: tuple[HiddenLayer, ...] = Field(
        (), title="Hidden layers", max_length=8,
        description="Fully connected layers between the features and the classifier. Often none is best.",
    )
    dropout: float = Field(
        0.5, title="Dropout", ge=0.0, le=0.9,
        description="Share of the features switched off at random while training, before the classifier.",
    )
    output: Literal["softmax", "sigmoid"] = Field(
        "softmax", title="Output",
        description="softmax: exactly one class an image. sigmoid: each class on its own.",
    )

    @property
    def trains_batch_norm(self) -> bool:
        """True when batch normalisation learns in the layers that are trained. From random weights it always does:
        there are no pretrained statistics to keep."""
        return self.batch_norm == "train" or self.weights == "none"


class Phase(Settings):
    """A part of training with its own freeze point, epochs, optimizer and schedule."""

    name: str = Field("train", title="Name", min_length=1, max_length=40, description="How the phase is called.")
    epochs: int = Field(20, title="Epochs", ge=1, le=1000, description="Passes over the training images.")
    freeze: str = Field(
        "all", title="Freeze up to", min_length=1,
        description="The last layer or block of the backbone that stays as it is. all: only the head is "
        "trained. none: everything is trained.",
    )
    optimizer: Literal["adam", "adamw", "sgd", "rmsprop", "nadam", "lion"] = Field(
        "adam", title="Optimizer", description="The rule by which weights are changed.",
    )
    learning_rate: float = Field(
        1e-3, title="Learning rate", gt=0.0, le=10.0,
        description="Size of the steps. Too large: the loss jumps; too small: nothing moves.",
    )
    schedule: Literal["constant", "cosine", "exponential", "plateau", "one_cycle"] = Field(
        "cosine", title="Schedule",
        description="How the learning rate changes during the phase. cosine: falls smoothly to zero, which lets the "
        "last epochs settle. constant: stays.",
    )
    warmup: float = Field(
        0.0, title="Warm-up", ge=0.0, le=0.5,
        description="Share of the phase in which the learning rate rises from zero.",
    )
    weight_decay: float = Field(
        0.0, title="Weight decay", ge=0.0, le=1.0, description="Pulls weights towards zero at every step.",
    )
    clip_value: float | None = Field(
        None, title="Clip by value", gt=0.0, le=1e6,
        description="Largest gradient of a single weight. Empty: no limit.",
    )
    clip_norm: float | None = Field(
        None, title="Clip by norm", gt=0.0, le=1e6, description="Largest norm of a weight's gradient. Empty: no limit.",
    )
    patience: int | None = Field(
        None, title="Patience", ge=1, le=1000,
        description="Stop the phase after this many epochs without improvement. Empty: run all epochs.",
    )


class TrainSettings(Settings):
    """How the model learns."""

    batch_size: int = Field(
        32, title="Batch size", ge=1, le=1024,
        description="Images per step. Smaller needs less memory; larger is steadier.",
    )
    class_weights: Literal["none", "balanced"] = Field(
        "none", title="Class weights",
        description="balanced: an image of a rare class counts more, so that small classes are not ignored.",
    )
    label_smoothing: float = Field(
        0.0, title="Label smoothing", ge=0.0, le=0.5,
        description="Asks for a little less than full certainty; softens over-confident models.",
    )
    monitor: Literal["val_accuracy", "val_loss"] = Field(
        "val_accuracy", title="Best model by",
        description="The measure by which the best epoch is kept.",
    )
    seed: int = Field(
        0, title="Seed", ge=0, le=2**31 - 1, description="The same seed repeats the same training.",
    )
    mixed_precision: bool = Field(
        False, title="Mixed precision", description="Half-precision arithmetic, faster on recent GPUs.",
    )
    phases: tuple[Phase, ...] = Field(
        (Phase(),), title="Phases", min_length=1, max_length=8,
        description="Parts of the training, one after the other.",
    )

    @property
    def epochs(self) -> int:
        """Epochs of all phases together."""
        return sum(phase.epochs for phase in self.phases)


class Recipe(Settings):
    """Everything that decides a result, as one JSON document."""

    schema_version: Literal[1] = Field(SCHEMA_VERSION, title="Schema version", description="Version of this format.")
    data: DataSettings = Field(default_factory=DataSettings)
    augment: AugmentSettings = Field(default_factory=AugmentSettings)
    model: ModelSettings = Field(default_factory=ModelSettings)
    train: TrainSettings = Field(default_factory=TrainSettings)

    @classmethod
    def parse(cls, document: Any) -> Recipe:
        """Validate a plain structure. Raises RecipeError with one line per field that is wrong."""
        try:
            return cls.model_validate(document)
        except ValidationError as error:
            raise RecipeError(explain(error), "See docs/settings.md for every field and its range.") from error

    @classmethod
    def load(cls, path: Path) -> Recipe:
        """Read a recipe file. Raises RecipeError."""
        try:
            document = json.loads(Path(path).read_text("utf-8"))
        except OSError as error:
            raise RecipeError(f"Cannot read the recipe {path}: {error.strerror}.") from error
        except ValueError as error:
            raise RecipeError(f"The recipe {path} is not valid JSON: {error}.") from error
        return cls.parse(document)

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
        for assignment in assignments:
            path, separator, text = assignment.partition("=")
            if not separator:
                raise RecipeError(f"'{assignment}' is not FIELD=VALUE.", "Example: --set model.dropout=0.4")
            assign(document, path.strip(), json_or_text(text.strip()))
            if path.strip() == "augment.preset":  # a preset names all operations anew
                document["augment"] = {key: document["augment"][key] for key in ("preset", "views")}
        return Recipe.parse(document)
