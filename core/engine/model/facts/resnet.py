"""The ResNets, first and second version: the classic that others are compared with."""

from __future__ import annotations

from core.backbones.catalogue import Paper
from core.engine.model.facts.row import Facts, Weights

_V1 = Paper("Deep Residual Learning for Image Recognition", "He et al.", 2015, "1512.03385")
_V2 = Paper("Identity Mappings in Deep Residual Networks", "He et al.", 2016, "1603.05027")


def _resnet(layers: int, depth: int, top1: float, top5: float, md5: str, description: str) -> Facts:
    file = f"resnet/resnet{layers}_weights_tf_dim_ordering_tf_kernels_notop.h5"
    return Facts(
        name=f"ResNet{layers}",
        family="ResNet",
        description=description,
        weights={None: Weights(file, top1, top5, md5)},
        preprocessing="caffe",
        ends={r"pool1_pool": "stem", r"(conv\d_block\d+)_out": r"\1"},
        paper=_V1,
        licence="MIT",
        depth=depth,
    )


def _resnet_v2(layers: int, depth: int, top1: float, top5: float, md5: str, description: str) -> Facts:
    file = f"resnet/resnet{layers}v2_weights_tf_dim_ordering_tf_kernels_notop.h5"
    return Facts(
        name=f"ResNet{layers}V2",
        family="ResNetV2",
        description=description,
        weights={None: Weights(file, top1, top5, md5)},
        ends={r"pool1_pool": "stem", r"(conv\d_block\d+)_out": r"\1", r"post_relu": "top"},
        paper=_V2,
        licence="BSD 3-Clause",
        depth=depth,
    )


FACTS: tuple[Facts, ...] = (
    _resnet(50, 107, 0.749, 0.921, "4d473c1dd8becc155b73f8504c6f6626",
            "The classic that others are compared with. Solid, of medium size."),
    _resnet(101, 209, 0.764, 0.928, "88cf7a10940856eca736dc7b7e228a21",
            "ResNet50 with twice as many layers: a little more exact, twice as slow."),
    _resnet(152, 311, 0.766, 0.931, "ee4c566cf9a93f14d82f913c2dc6dd0c",
            "The deepest ResNet. Slow for what it gains over ResNet50."),
    _resnet_v2(50, 103, 0.760, 0.930, "fac2f116257151a9d068a22e544a4917",
               "ResNet50 with its layers in another order: a little more exact at the same cost."),
    _resnet_v2(101, 205, 0.772, 0.938, "c0ed64b8031c3730f411d2eb4eea35b5",
               "ResNet50V2 with twice as many layers: more exact, twice as slow."),
    _resnet_v2(152, 307, 0.780, 0.942, "ed17cf2e0169df9d443503ef94b23b33",
               "The deepest of the second ResNets, and the most exact of them."),
)
