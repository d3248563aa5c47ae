"""What cannot be read off a Keras graph: accuracy, weights files, words. One row a backbone.

Top-1 accuracy: https://keras.io/api/applications/ where its table has the network; for other widths the tables in the
docstrings of `keras.applications.mobilenet`, `.mobilenet_v2` and `.mobilenet_v3`, which repeat the papers' figures.
File names and MD5 hashes: the sources of `keras.applications`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

WEIGHTS_BASE = "https://storage.googleapis.com/tensorflow/keras-applications/"


@dataclass(frozen=True)
class Weights:
    """The ImageNet weights of one width."""

    file: str
    """Path below `WEIGHTS_BASE`; empty: there are none."""
    top1: float | None
    md5: str | None = None


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
    default_alpha: float | None = None
    default_size: int = 224
    min_size: int = 32
    preprocessing: Literal["tf", "caffe", "torch", "inside"] = "tf"
    fitted_padding: bool = False
    """Zero padding follows the size of the image (`imagenet_utils.correct_pad`), and so comes to `same`."""


def _mobilenet(text: str, top1: float) -> Weights:
    return Weights(f"mobilenet/mobilenet_{text}_224_tf_no_top.h5", top1)


def _mobilenet_v2(alpha: float, top1: float) -> Weights:
    return Weights(f"mobilenet_v2/mobilenet_v2_weights_tf_dim_ordering_tf_kernels_{alpha}_224_no_top.h5", top1)


def _mobilenet_v3(kind: str, alpha: float, top1: float, md5: str) -> Weights:
    return Weights(f"mobilenet_v3/weights_mobilenet_v3_{kind}_224_{alpha}_float_no_top_v2.h5", top1, md5)


def _mobilenet_v3_ends(last: str) -> dict[str, str]:
    return {
        r"activation": "stem",
        r"expanded_conv_(?:project_bn|add)": "block_0",
        r"expanded_conv_(\d+)_(?:project_bn|add)": r"block_\1",
        last: "top",
    }


FACTS: tuple[Facts, ...] = (
    Facts(
        name="MobileNet",
        family="MobileNet",
        description="The first network made for phones. Small and quick; MobileNetV2 is usually the better choice.",
        weights={
            0.25: _mobilenet("2_5", 0.506),
            0.5: _mobilenet("5_0", 0.637),
            0.75: _mobilenet("7_5", 0.684),
            1.0: _mobilenet("1_0", 0.704),
        },
        default_alpha=1.0,
        ends={r"conv1_relu": "stem", r"conv_pw_(\d+)_relu": r"block_\1"},
    ),
    Facts(
        name="MobileNetV2",
        family="MobileNet",
        description="Small, quick and good on little data. The place to start.",
        weights={
            0.35: _mobilenet_v2(0.35, 0.603),
            0.5: _mobilenet_v2(0.5, 0.654),
            0.75: _mobilenet_v2(0.75, 0.698),
            1.0: _mobilenet_v2(1.0, 0.713),
            1.3: _mobilenet_v2(1.3, 0.744),
            1.4: _mobilenet_v2(1.4, 0.750),
        },
        default_alpha=1.0,
        fitted_padding=True,
        ends={
            r"Conv1_relu": "stem",
            r"expanded_conv_project_BN": "block_0",
            r"block_(\d+)_(?:project_BN|add)": r"block_\1",
            r"out_relu": "top",
        },
    ),
    Facts(
        name="MobileNetV3Small",
        family="MobileNet",
        description="The quickest of all: for phones, small computers and live video.",
        weights={
            0.75: _mobilenet_v3("small", 0.75, 0.654, "ebdb5cc8e0b497cd13a7c275d475c819"),
            1.0: _mobilenet_v3("small", 1.0, 0.681, "d3e8ec802a04aa4fc771ee12a9a9b836"),
        },
        default_alpha=1.0,
        preprocessing="inside",
        fitted_padding=True,
        ends=_mobilenet_v3_ends("activation_17"),
    ),
    Facts(
        name="MobileNetV3Large",
        family="MobileNet",
        description="More exact than MobileNetV2 at about the same speed.",
        weights={
            0.75: _mobilenet_v3("large", 0.75, 0.733, "40af19a13ebea4e2ee0c676887f69a2e"),
            1.0: _mobilenet_v3("large", 1.0, 0.756, "07fb09a5933dd0c8eaafa16978110389"),
        },
        default_alpha=1.0,
        preprocessing="inside",
        fitted_padding=True,
        ends=_mobilenet_v3_ends("activation_19"),
    ),
    Facts(
        name="EfficientNetV2B0",
        family="EfficientNet",
        description="Among the most exact for its size. A good second try when a MobileNet is not enough.",
        weights={
            None: Weights("efficientnet_v2/efficientnetv2-b0_notop.h5", 0.787, "893217f2bb855e2983157299931e43ff")
        },
        preprocessing="inside",
        ends={
            r"stem_activation": "stem",
            r"block(\d[a-z])_(?:project_bn|project_activation|add)": r"block\1",
            r"top_activation": "top",
        },
    ),
    Facts(
        name="ResNet50",
        family="ResNet",
        description="The classic that others are compared with. Solid, of medium size.",
        weights={
            None: Weights(
                "resnet/resnet50_weights_tf_dim_ordering_tf_kernels_notop.h5", 0.749, "4d473c1dd8becc155b73f8504c6f6626"
            )
        },
        preprocessing="caffe",
        ends={r"pool1_pool": "stem", r"(conv\d_block\d)_out": r"\1"},
    ),
    Facts(
        name="VGG16",
        family="VGG",
        description="Old, simple and slow. Easy to understand, and often seen in courses.",
        weights={
            None: Weights(
                "vgg16/vgg16_weights_tf_dim_ordering_tf_kernels_notop.h5", 0.713, "6d6bbae143d832006294945121d1f1fc"
            )
        },
        preprocessing="caffe",
        ends={r"block(\d)_pool": r"block\1"},
    ),
    Facts(
        name="InceptionV3",
        family="Inception",
        description="Looks at details of several sizes at once. Exact, of medium size, takes larger images.",
        weights={
            None: Weights(
                "inception_v3/inception_v3_weights_tf_dim_ordering_tf_kernels_notop.h5",
                0.779,
                "bcbd6486424b2319ff4ef7d526e38f63",
            )
        },
        default_size=299,
        min_size=75,
        ends={r"max_pooling2d": "stem_1", r"max_pooling2d_1": "stem_2", r"(mixed\d+)": r"\1"},
    ),
    Facts(
        name="Xception",
        family="Inception",
        description="A successor of Inception: more exact, and slower.",
        weights={
            None: Weights(
                "xception/xception_weights_tf_dim_ordering_tf_kernels_notop.h5",
                0.790,
                "b0042744bf5b25fce3cb969f33bebb97",
            )
        },
        default_size=299,
        min_size=71,
        ends={
            r"block1_conv2_act": "block1",
            r"add": "block2",
            **{rf"add_{index}": f"block{index + 2}" for index in range(1, 12)},
            r"block14_sepconv2_act": "block14",
        },
    ),
    Facts(
        name="DenseNet121",
        family="DenseNet",
        description="Few parameters, much computing: every layer sees all the earlier ones.",
        weights={
            None: Weights(
                "densenet/densenet121_weights_tf_dim_ordering_tf_kernels_notop.h5",
                0.750,
                "30ee3e1110167f948a6b9946edeeb738",
            )
        },
        preprocessing="torch",
        ends={
            r"pool1": "stem",
            **{rf"conv{index + 1}_block\d+_concat": f"dense_{index}" for index in range(1, 5)},
            **{rf"pool{index + 1}_pool": f"transition_{index}" for index in range(1, 4)},
            r"relu": "top",
        },
    ),
    Facts(
        name="SmallNet",
        family="Graft",
        description="Small and not pretrained: learns simple pictures from nothing in a minute, where no pretrained "
        "network can be had.",
        weights={None: Weights("", None)},
        default_size=64,
        ends={r"block_(\d)_(?:relu|pool)": r"block_\1"},
    ),
)
