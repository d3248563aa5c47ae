"""Datasets to try things on: one that comes along, and those that are fetched from where they are published."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from core.recipe.fields import DataSettings, ModelSettings, Phase, Recipe, TrainSettings

DIGIT_EDGE = 32
"""Pixels. The digits are 8×8; enlarged so that people can see them."""


@dataclass(frozen=True)
class Download:
    """Where a dataset is fetched from, and what people want to know before."""

    url: str
    mb: int
    """Size of the archive."""
    images: int
    classes: int
    licence: str
    source: str
    """A page about it."""
    md5: str = ""
    """As published by those who distribute it or load it; "" where nobody has."""
    renamed: Callable[[str], str] | None = None
    """Gives the path by which a member is read."""


@dataclass(frozen=True)
class Sample:
    """A dataset that can be had by one click."""

    name: str
    title: str
    description: str
    write: Callable[[Path], None] | None = None
    """Write one folder per class below a folder that exists. None: it is fetched."""
    download: Download | None = None
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


_FLOWERS_17 = ("daffodil", "snowdrop", "lily valley", "bluebell", "crocus", "iris", "tigerlily", "tulip", "fritillary",
               "sunflower", "daisy", "coltsfoot", "dandelion", "cowslip", "buttercup", "windflower", "pansy")
"""In the order of the archive's numbers, 80 pictures each: the page of the dataset shows them so."""


def _flower_17(path: str) -> str:
    """`jpg/image_0081.jpg` is the first snowdrop."""
    number = re.fullmatch(r"image_(\d+)\.jpg", path.rpartition("/")[2])
    if number is None or not 1 <= int(number[1]) <= 80 * len(_FLOWERS_17):
        return path
    return f"{_FLOWERS_17[(int(number[1]) - 1) // 80]}/{path.rpartition('/')[2]}"


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
    "flowers": Sample(
        "flowers", "Flowers", "Photos of daisies, dandelions, roses, sunflowers and tulips, the set of Keras's and "
        "TensorFlow's tutorials.", download=Download(
            "https://storage.googleapis.com/download.tensorflow.org/example_images/flower_photos.tgz", 229, 3670, 5,
            "Creative Commons Attribution, by picture", "https://www.tensorflow.org/datasets/catalog/tf_flowers")),
    "cats-and-dogs": Sample(
        "cats-and-dogs", "Cats and dogs", "The small part of Kaggle's competition that courses use, with its own "
        "validation folder.", download=Download(
            "https://storage.googleapis.com/mledu-datasets/cats_and_dogs_filtered.zip", 69, 3000, 2,
            "Asirra: for research", "https://www.microsoft.com/en-us/download/details.aspx?id=54765")),
    "hymenoptera": Sample(
        "hymenoptera", "Ants and bees", "The photos of PyTorch's tutorial on transfer learning.", download=Download(
            "https://download.pytorch.org/tutorial/hymenoptera_data.zip", 47, 398, 2,
            "a small part of ImageNet: for research",
            "https://pytorch.org/tutorials/beginner/transfer_learning_tutorial.html")),
    "imagewoof": Sample(
        "imagewoof", "Imagewoof", "Ten breeds of dogs from ImageNet, hard to tell apart; 160 pixels high or wide.",
        download=Download(
            "https://s3.amazonaws.com/fast-ai-imageclas/imagewoof2-160.tgz", 93, 12954, 10,
            "Apache 2.0; the photos are ImageNet's: for research", "https://github.com/fastai/imagenette",
            "fcd23cc7dfce8837c95a8f9d63a128b7")),
    "flowers-17": Sample(
        "flowers-17", "Oxford flowers", "Seventeen flowers common in Britain, eighty photos each.", download=Download(
            "https://www.robots.ox.ac.uk/~vgg/data/flowers/17/17flowers.tgz", 60, 1360, 17, "not stated: for research",
            "https://www.robots.ox.ac.uk/~vgg/data/flowers/17/", "b59a65d8d1a99cd66944d474e1289eab", _flower_17)),
    "eurosat": Sample(
        "eurosat", "EuroSAT", "Satellite pictures of 64 pixels: forest, sea, roads, seven more kinds of land.",
        download=Download(
            "https://huggingface.co/datasets/torchgeo/eurosat/resolve/c877bcd43f099cd0196738f714544e355477f3fd/"
            "EuroSAT.zip", 94, 27000, 10, "MIT", "https://github.com/phelber/EuroSAT",
            "c8fa014336c82ac7804f0398fcb19387")),
    "cifar-10": Sample(
        "cifar-10", "CIFAR-10", "Sixty thousand pictures of 32 pixels of animals and vehicles, as files.",
        download=Download(
            "https://s3.amazonaws.com/fast-ai-imageclas/cifar10.tgz", 135, 60000, 10, "not stated: for research",
            "https://www.cs.toronto.edu/~kriz/cifar.html")),
}
