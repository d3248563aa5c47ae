"""VGG: old, simple, heavy."""

from __future__ import annotations

from core.backbones.catalogue import Paper
from core.engine.model.facts.row import Facts, Weights

_PAPER = Paper("Very Deep Convolutional Networks for Large-Scale Image Recognition", "Simonyan and Zisserman", 2014,
               "1409.1556")


def _vgg(layers: int, top1: float, top5: float, md5: str, description: str) -> Facts:
    file = f"vgg{layers}/vgg{layers}_weights_tf_dim_ordering_tf_kernels_notop.h5"
    return Facts(
        name=f"VGG{layers}",
        family="VGG",
        description=description,
        weights={None: Weights(file, top1, top5, md5)},
        preprocessing="caffe",
        ends={r"block(\d)_pool": r"block\1"},
        paper=_PAPER,
        licence="CC BY 4.0",
        depth=layers,
    )


FACTS: tuple[Facts, ...] = (
    _vgg(16, 0.713, 0.901, "6d6bbae143d832006294945121d1f1fc",
         "Old, simple and slow. Easy to understand, and often seen in courses."),
    _vgg(19, 0.713, 0.900, "253f8cb515780f3b799900260a226db6",
         "VGG16 with three layers more: slower, and no more exact."),
)
