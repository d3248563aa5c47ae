"""EfficientNet B0 to B7: one design at eight sizes of image, depth and width; and the smallest of its Lite variants.

Top-1 of EfficientNetLite0: the table in github.com/tensorflow/tpu, models/official/efficientnet/lite (in float).
"""

from __future__ import annotations

from core.backbones import lite0
from core.backbones.catalogue import Paper
from core.engine.model.facts.row import Facts, Weights

_PAPER = Paper("EfficientNet: Rethinking Model Scaling for Convolutional Neural Networks", "Tan and Le", 2019,
               "1905.11946")
_BASE = "https://storage.googleapis.com/keras-applications/"


def _efficientnet(size: str, side: int, depth: int, top1: float, top5: float, md5: str, description: str) -> Facts:
    return Facts(
        name=f"EfficientNet{size.upper()}",
        family="EfficientNet",
        description=description,
        weights={None: Weights(f"efficientnet{size}_notop.h5", top1, top5, md5, base=_BASE)},
        default_size=side,
        preprocessing="inside",
        fitted_padding=r".*",
        ends={
            r"stem_activation": "stem",
            r"block(\d[a-z])_(?:project_bn|add)": r"block\1",
            r"top_activation": "top",
        },
        paper=_PAPER,
        licence="Apache 2.0",
        depth=depth,
    )


FACTS: tuple[Facts, ...] = (
    Facts(
        name="EfficientNetLite0",
        family="EfficientNet",
        description="Comes with Graft, weights included: transfer learning without a network. Made for phones.",
        weights={None: Weights(lite0.WEIGHTS_FILE, 0.751, packaged=True)},
        preprocessing="lite",
        ends={
            r"stem_activation": "stem",
            r"block(\d[a-z])_(?:project_bn|add)": r"block\1",
            r"top_activation": "top",
        },
        paper=_PAPER,
        licence="Apache 2.0",
    ),
    _efficientnet("b0", 224, 132, 0.771, 0.933, "50bc09e76180e00e4465e1a485ddc09d",
                  "The smallest EfficientNet: as exact as networks five times its size."),
    _efficientnet("b1", 240, 186, 0.791, 0.944, "74c4e6b3e1f6a1eea24c589628592432",
                  "One size up from B0: a little deeper, with slightly larger pictures."),
    _efficientnet("b2", 260, 186, 0.801, 0.949, "111f8e2ac8aa800a7a99e3239f7bfb39",
                  "Two sizes up from B0: wider, for pictures with finer detail."),
    _efficientnet("b3", 300, 210, 0.816, 0.957, "af6d107764bb5b1abb91932881670226",
                  "A good middle between exactness and time, where a few minutes more do not matter."),
    _efficientnet("b4", 380, 258, 0.829, 0.964, "ebc24e6d6c33eaebbd558eafbeedf1ba",
                  "Exact, on large pictures. Slow without a graphics card."),
    _efficientnet("b5", 456, 312, 0.836, 0.967, "38879255a25d3c92d5e44e04ae6cec6f",
                  "Larger than B4 in every way. Wants a graphics card."),
    _efficientnet("b6", 528, 360, 0.840, 0.968, "9ecce42647a20130c1f39a5d4cb75743",
                  "Larger than B5 for a small gain. Wants a graphics card with much memory."),
    _efficientnet("b7", 600, 438, 0.843, 0.970, "cbcfe4450ddf6f3ad90b1b398090fe4a",
                  "The largest EfficientNet: the most exact of them, and by far the slowest."),
)
