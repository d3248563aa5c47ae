"""Datasets that come along and need no network: how each is written to a folder."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from core.recipe.fields import DataSettings, ModelSettings, Phase, Recipe, TrainSettings

DIGIT_EDGE = 32
"""Pixels. The digits are 8×8; enlarged so that people can see them."""


@dataclass(frozen=True)
class Sample:
    """A dataset that can be written to a folder at any time."""

    name: str
    title: str
    description: str
    write: Callable[[Path], None]
    """Write one folder per class below a folder that exists."""
    recipe: Recipe | None = None
    """What to propose where no pretrained weights can be had."""


def source_key(name: str) -> str:
    """How a dataset that was made from a sample is found again."""
    return f"sample:{name}"


def _write_digits(folder: Path) -> None:
    """The test part of UCI's handwritten digits (1,797 images of 8×8, 10 classes), from scikit-learn.

    Read from the file that `sklearn.datasets.load_digits` reads: importing sklearn for it would cost the page process
    70 MB for as long as it lives.
    """
    import numpy as np
    from PIL import Image

    package = find_spec("sklearn")
    assert package is not None and package.origin is not None, "scikit-learn is one of the requirements"
    table = np.loadtxt(Path(package.origin).parent / "datasets" / "data" / "digits.csv.gz", delimiter=",")
    pixels, labels = table[:, :-1], table[:, -1].astype(int)
    for index, (row, label) in enumerate(zip(pixels, labels, strict=True)):
        picture = Image.fromarray(np.round(row.reshape(8, 8) * (255 / 16)).astype(np.uint8))
        target = folder / str(label)
        target.mkdir(exist_ok=True)
        picture.resize((DIGIT_EDGE, DIGIT_EDGE), Image.Resampling.BICUBIC).save(
            target / f"digit_{index:04d}.png", compress_level=1)


SAMPLES: dict[str, Sample] = {
    "digits": Sample(
        name="digits", title="Handwritten digits",
        description="1,797 small handwritten digits in ten classes. Comes with Graft, needs no network.",
        write=_write_digits,
        recipe=Recipe(
            data=DataSettings(image_size=32),
            model=ModelSettings(backbone="SmallNet", weights="none", batch_norm="train", dropout=0.2),
            train=TrainSettings(phases=(Phase(epochs=8, freeze="none", learning_rate=2e-3),)),
        ),
    ),
}
