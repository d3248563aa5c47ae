"""`augment` of the recipe: random changes to training images."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from core.recipe.annotations import Settings, Steps, Unless, When, used_by
from core.recipe.augmentations import AUGMENTATIONS

_CUSTOM = When("preset", "custom")


def _operation(name: str, off: Any, **limits: Any) -> Any:
    """The field of an operation, with the words of its row; `off` changes nothing."""
    row = AUGMENTATIONS[name]
    return Field(off, title=row.title, description=row.help, **limits)


class AugmentSettings(Settings):
    """Random changes to training images, so that the model does not learn them by heart."""

    preset: Literal["none", "light", "medium", "strong", "randaugment", "custom"] = Field(
        "none", title="Augmentation",
        description="none: images as they are. light: mirrored. medium: mirrored, turned and zoomed a little. "
        "strong: all of it, more. randaugment: mirrored, and two changes drawn from fourteen (arXiv:1909.13719). "
        "custom: the values below.",
    )
    views: Annotated[Annotated[int, Field(ge=2, le=64)] | Literal["fresh"], Unless("preset", "none")] = Field(
        4, title="Views per image",
        description="How many versions of an image are prepared once and then used in turn: the image itself and "
        "changed copies. 'fresh': a new copy every epoch, at the price of running the frozen layers every epoch. "
        "Where nothing is frozen every epoch makes new copies anyway.",
    )
    fill: Annotated[
        Literal["reflect", "nearest", "wrap", "constant"], _CUSTOM,
        used_by(AUGMENTATIONS, "fill"),
    ] = Field(
        "reflect", title="Fill borders with",
        description="What stands where a moved image leaves a gap. reflect: the image mirrored. nearest: its last "
        "row of pixels. wrap: its other side. constant: black.",
    )
    flip: Annotated[Literal["none", "horizontal", "vertical", "both"], _CUSTOM] = _operation("flip", "none")
    rotation: Annotated[float, _CUSTOM, Steps(5.0)] = _operation("rotation", 0.0, ge=0.0, le=180.0)
    zoom: Annotated[float, _CUSTOM, Steps(0.05)] = _operation("zoom", 0.0, ge=0.0, le=0.5)
    shift: Annotated[float, _CUSTOM, Steps(0.05)] = _operation("shift", 0.0, ge=0.0, le=0.5)
    shear: Annotated[float, _CUSTOM, Steps(0.05)] = _operation("shear", 0.0, ge=0.0, le=1.0)
    crop: Annotated[int, _CUSTOM, Steps(1)] = _operation("crop", 0, ge=0, le=128)
    brightness: Annotated[float, _CUSTOM, Steps(0.05)] = _operation("brightness", 0.0, ge=0.0, le=1.0)
    contrast: Annotated[float, _CUSTOM, Steps(0.05)] = _operation("contrast", 0.0, ge=0.0, le=1.0)
    hue: Annotated[float, _CUSTOM, Steps(0.05)] = _operation("hue", 0.0, ge=0.0, le=0.5)
    saturation: Annotated[float, _CUSTOM, Steps(0.05)] = _operation("saturation", 0.0, ge=0.0, le=1.0)
    blur: Annotated[float, _CUSTOM, Steps(0.5)] = _operation("blur", 0.0, ge=0.0, le=10.0)
    erase: Annotated[float, _CUSTOM, Steps(0.05)] = _operation("erase", 0.0, ge=0.0, le=1.0)
    rand_augment: Annotated[int, _CUSTOM, Steps(1)] = _operation("rand_augment", 0, ge=0, le=8)
    rand_magnitude: Annotated[int, used_by(AUGMENTATIONS, "rand_magnitude"), Steps(1)] = Field(
        9, title="RandAugment strength", ge=0, le=30, description="How strong each of them is.",
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
    def operations(self) -> dict[str, Any]:
        """The operations that change something, and how much."""
        return {name: getattr(self, name) for name, off in OPERATIONS.items() if getattr(self, name) != off}

    @property
    def gaps(self) -> str:
        """How gaps are filled: `fill` is for operations of one's own, presets mirror."""
        return self.fill if self.preset == "custom" else "reflect"

    @property
    def active(self) -> bool:
        """True when any operation changes an image."""
        return bool(self.operations)


OPERATIONS: dict[str, Any] = {name: AugmentSettings.model_fields[name].default for name in AUGMENTATIONS}
"""Every operation, and its value that changes nothing."""

PRESETS: dict[str, dict[str, Any]] = {
    "none": OPERATIONS,
    "light": {**OPERATIONS, "flip": "horizontal"},
    "medium": {**OPERATIONS, "flip": "horizontal", "rotation": 10.0, "zoom": 0.1, "shift": 0.05},
    "strong": {**OPERATIONS, "flip": "horizontal", "rotation": 25.0, "zoom": 0.25, "shift": 0.15},
    "randaugment": {**OPERATIONS, "flip": "horizontal", "rand_augment": 2},
}


def chosen_anew(document: dict[str, Any]) -> dict[str, Any]:
    """The settings without their operations: a preset that was just chosen names them all."""
    return {name: value for name, value in document.items() if name not in AUGMENTATIONS}
