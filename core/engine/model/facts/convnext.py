"""ConvNeXt: a convolutional network built as the transformers are."""

from __future__ import annotations

from core.backbones.catalogue import Paper
from core.engine.model.facts.row import Facts, Weights

_PAPER = Paper("A ConvNet for the 2020s", "Liu et al.", 2022, "2201.03545")


def _convnext(size: str, top1: float, sha256: str, description: str) -> Facts:
    return Facts(
        name=f"ConvNeXt{'XLarge' if size == 'xlarge' else size.capitalize()}",
        family="ConvNeXt",
        description=description,
        weights={None: Weights(f"convnext/convnext_{size}_notop.h5", top1, hash=sha256)},
        preprocessing="inside",
        ends={
            rf"convnext_{size}_stem": "stem",
            rf"convnext_{size}_downsampling_block_(\d)": r"downsampling_\1",
            rf"convnext_{size}_stage_(\d)_block_(\d+)_identity": r"stage_\1_block_\2",
            r"layer_normalization": "top",
        },
        paper=_PAPER,
        licence="MIT",
    )


FACTS: tuple[Facts, ...] = (
    _convnext("tiny", 0.813, "d547c096cabd03329d7be5562c5e14798aa39ed24b474157cef5e85ab9e49ef1",
              "A modern network of ResNet50's size, and far more exact."),
    _convnext("small", 0.823, "6fc8009faa2f00c1c1dfce59feea9b0745eb260a7dd11bee65c8e20843da6eab",
              "ConvNeXtTiny with twice as many layers."),
    _convnext("base", 0.853, "40a20c5548a5e9202f69735ecc06c990e6b7c9d2de39f0361e27baeb24cb7c45",
              "Pretrained on 14 million pictures of 21,000 kinds: very exact. Wants a graphics card."),
    _convnext("large", 0.863, "96f02b6f0753d4f543261bc9d09bed650f24dd6bc02ddde3066135b63d23a1cd",
              "Twice as wide as ConvNeXtSmall, pretrained on 14 million pictures. Wants a graphics card."),
    _convnext("xlarge", 0.867, "de3f8a54174130e0cecdc71583354753d557fcf1f4487331558e2a16ba0cfe05",
              "The most exact and the largest of all: a weights file of 1.4 GB. Wants a large graphics card."),
)
