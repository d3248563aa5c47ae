"""`augment` of the recipe: random changes to training images."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from core.recipe.annotations import Available, Settings, Steps, Unless, When, WhenAny

_CUSTOM = When("preset", "custom")
_MANNER = ("preset", "views", "fill")
"""Fields that are no operation but say how many and how; they stay when a preset is chosen."""


class AugmentSettings(Settings):
    """Random changes to training images, so that the model does not learn them by heart."""

    preset: Literal["none", "light", "medium", "strong", "custom"] = Field(
        "none", title="Augmentation",
        description="none: images as they are. light: mirrored. medium: mirrored, turned and zoomed a little. "
        "strong: all of it, more. custom: the values below.",
    )
    views: Annotated[Annotated[int, Field(ge=2, le=64)] | Literal["fresh"], Unless("preset", "none")] = Field(
        4, title="Views per image",
        description="How many versions of an image are prepared once and then used in turn: the image itself and "
        "changed copies. 'fresh': a new copy every epoch, at the price of running the frozen layers every epoch. "
        "Where nothing is frozen every epoch makes new copies anyway.",
    )
    fill: Annotated[
        Literal["reflect", "nearest", "wrap", "constant"], _CUSTOM,
        WhenAny("rotation", "zoom", "shift", "shear", "crop"),
    ] = Field(
        "reflect", title="Fill borders with",
        description="What stands where a moved image leaves a gap. reflect: the image mirrored. nearest: its last "
        "row of pixels. wrap: its other side. constant: black.",
    )
    flip: Annotated[Literal["none", "horizontal", "vertical", "both"], _CUSTOM] = Field(
        "none", title="Flip", description="Mirror images at random.",
    )
    rotation: Annotated[float, _CUSTOM, Steps(5.0)] = Field(
        0.0, title="Rotation", ge=0.0, le=180.0,
        description="Turn by up to this many degrees, either way.",
    )
    zoom: Annotated[float, _CUSTOM, Steps(0.05)] = Field(
        0.0, title="Zoom", ge=0.0, le=0.5, description="Zoom in or out by up to this share.",
    )
    shift: Annotated[float, _CUSTOM, Steps(0.05)] = Field(
        0.0, title="Shift", ge=0.0, le=0.5, description="Move by up to this share of the width and height.",
    )
    shear: Annotated[float, _CUSTOM, Steps(0.05)] = Field(
        0.0, title="Shear", ge=0.0, le=1.0, description="Slant by up to this share of the width.",
    )
    crop: Annotated[int, _CUSTOM, Steps(1)] = Field(
        0, title="Padded crop", ge=0, le=128,
        description="Widen the image by this many pixels on every side and cut the old size out at a random place.",
    )
    brightness: Annotated[float, _CUSTOM, Steps(0.05), Available(0.0)] = Field(
        0.0, title="Brightness", ge=0.0, le=1.0,
        description="Make brighter or darker by up to this share of the range.",
    )
    contrast: Annotated[float, _CUSTOM, Steps(0.05), Available(0.0)] = Field(
        0.0, title="Contrast", ge=0.0, le=1.0, description="Raise or lower the contrast by up to this share.",
    )
    hue: Annotated[float, _CUSTOM, Steps(0.05), Available(0.0)] = Field(
        0.0, title="Hue", ge=0.0, le=0.5,
        description="Turn the colours by up to this share of the colour circle.",
    )
    saturation: Annotated[float, _CUSTOM, Steps(0.05), Available(0.0)] = Field(
        0.0, title="Saturation", ge=0.0, le=1.0,
        description="Make colours stronger or weaker by up to this share.",
    )
    blur: Annotated[float, _CUSTOM, Steps(0.5), Available(0.0)] = Field(
        0.0, title="Blur", ge=0.0, le=10.0,
        description="Soften by a Gaussian of up to this standard deviation, in pixels.",
    )
    erase: Annotated[float, _CUSTOM, Steps(0.05), Available(0.0)] = Field(
        0.0, title="Erase", ge=0.0, le=1.0,
        description="Share of the images in which a random rectangle is painted over (Random Erasing, "
        "arXiv:1708.04896).",
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


OPERATIONS: dict[str, Any] = {
    name: field.default for name, field in AugmentSettings.model_fields.items() if name not in _MANNER
}
"""Every operation, and its value that changes nothing."""

PRESETS: dict[str, dict[str, Any]] = {
    "none": OPERATIONS,
    "light": {**OPERATIONS, "flip": "horizontal"},
    "medium": {**OPERATIONS, "flip": "horizontal", "rotation": 10.0, "zoom": 0.1, "shift": 0.05},
    "strong": {**OPERATIONS, "flip": "horizontal", "rotation": 25.0, "zoom": 0.25, "shift": 0.15},
}


def chosen_anew(document: dict[str, Any]) -> dict[str, Any]:
    """The settings without their operations: a preset that was just chosen names them all."""
    return {name: value for name, value in document.items() if name in _MANNER}
