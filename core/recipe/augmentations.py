"""The random changes to training images, as a table: a row is a name, what it does, and the settings that belong to it.

`core.augment` has the same names and carries them out.
"""

from __future__ import annotations

from core.recipe.annotations import Option

_FILL = ("fill",)
"""Operations that move pixels leave gaps."""

AUGMENTATIONS: dict[str, Option] = {
    "flip": Option("Flip", "Mirror images at random."),
    "rotation": Option("Rotation", "Turn by up to this many degrees, either way.", _FILL),
    "zoom": Option("Zoom", "Zoom in or out by up to this share.", _FILL),
    "shift": Option("Shift", "Move by up to this share of the width and height.", _FILL),
    "shear": Option("Shear", "Slant by up to this share of the width.", _FILL),
    "crop": Option("Padded crop", "Widen the image by this many pixels on every side and cut the old "
        "size out at a random place.", _FILL),
    "brightness": Option("Brightness", "Make brighter or darker by up to this share of the range."),
    "contrast": Option("Contrast", "Raise or lower the contrast by up to this share."),
    "hue": Option("Hue", "Turn the colours by up to this share of the colour circle."),
    "saturation": Option("Saturation", "Make colours stronger or weaker by up to this share."),
    "blur": Option("Blur", "Soften by a Gaussian of up to this standard deviation, in pixels."),
    "erase": Option("Erase", "Share of the images in which a random rectangle is painted over "
        "(Random Erasing, arXiv:1708.04896)."),
    "rand_augment": Option("RandAugment", "How many changes of a copy are drawn from fourteen: moved, turned, "
        "slanted, other light and colours (arXiv:1909.13719).", ("fill", "rand_magnitude")),
}
