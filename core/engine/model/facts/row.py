"""What is said of one backbone that its Keras graph does not tell."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from core.backbones.catalogue import Paper, Preprocessing

BASE = "https://storage.googleapis.com/tensorflow/keras-applications/"


@dataclass(frozen=True)
class Weights:
    """The ImageNet weights of one width."""

    file: str
    """Path below `base`; empty: there are none."""
    top1: float | None = None
    top5: float | None = None
    hash: str | None = None
    """MD5 or SHA-256 as Keras has it."""
    saved_as: str = ""
    """The name that Keras gives the file when it is another one than at its source."""
    base: str = BASE
    packaged: bool = False
    """A Python package among the requirements carries them; `file` is the name of the converted file."""

    @property
    def url(self) -> str:
        """Where they can be downloaded from; empty: nowhere."""
        return self.base + self.file if self.file and not self.packaged else ""


@dataclass(frozen=True)
class Facts:
    """One backbone."""

    name: str
    family: str
    description: str
    weights: Mapping[float | None, Weights]
    """By alpha; None for a network of one width."""
    ends: Mapping[str, str]
    """Regular expression of a block's last layer -> name of the block. Of several layers the last one counts."""
    paper: Paper | None
    licence: str
    """Of the weights."""
    depth: int | None = None
    """Layers with parameters, as Keras's documentation counts them; None: not given there."""
    default_alpha: float | None = None
    default_size: int = 224
    min_size: int = 32
    preprocessing: Preprocessing = "tf"
    fitted_padding: str = ""
    """Regular expression of the layers whose zero padding follows the size of the image
    (`keras.applications.imagenet_utils.correct_pad`)."""
