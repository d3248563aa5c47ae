"""Inception and its successors: several sizes of detail at once."""

from __future__ import annotations

from core.backbones.catalogue import Paper
from core.engine.model.facts.row import Facts, Weights

FACTS: tuple[Facts, ...] = (
    Facts(
        name="InceptionV3",
        family="Inception",
        description="Looks at details of several sizes at once. Exact, of medium size, takes larger images.",
        weights={None: Weights(
            "inception_v3/inception_v3_weights_tf_dim_ordering_tf_kernels_notop.h5", 0.779, 0.937,
            "bcbd6486424b2319ff4ef7d526e38f63",
        )},
        default_size=299,
        min_size=75,
        ends={r"max_pooling2d": "stem_1", r"max_pooling2d_1": "stem_2", r"(mixed\d+)": r"\1"},
        paper=Paper("Rethinking the Inception Architecture for Computer Vision", "Szegedy et al.", 2015, "1512.00567"),
        licence="Apache 2.0",
        depth=189,
    ),
    Facts(
        name="InceptionResNetV2",
        family="Inception",
        description="Inception with ResNet's shortcuts: more exact than either, deep and slow.",
        weights={None: Weights(
            "inception_resnet_v2/inception_resnet_v2_weights_tf_dim_ordering_tf_kernels_notop.h5", 0.803, 0.953,
            "d19885ff4a710c122648d3b5c3b684e4",
        )},
        default_size=299,
        min_size=75,
        ends={
            r"max_pooling2d": "stem_1",
            r"max_pooling2d_1": "stem_2",
            r"mixed_(\d[ab])": r"mixed\1",
            r"(block\d+_\d+)_ac": r"\1_end",
            r"(block8_10)": r"\1_end",
            r"conv_7b_ac": "top",
        },
        paper=Paper("Inception-v4, Inception-ResNet and the Impact of Residual Connections on Learning",
                    "Szegedy et al.", 2016, "1602.07261"),
        licence="Apache 2.0",
        depth=449,
    ),
    Facts(
        name="Xception",
        family="Inception",
        description="A successor of Inception: more exact, and slower.",
        weights={None: Weights(
            "xception/xception_weights_tf_dim_ordering_tf_kernels_notop.h5", 0.790, 0.945,
            "b0042744bf5b25fce3cb969f33bebb97",
        )},
        default_size=299,
        min_size=71,
        ends={
            r"block1_conv2_act": "block1",
            r"add": "block2",
            **{rf"add_{index}": f"block{index + 2}" for index in range(1, 12)},
            r"block14_sepconv2_act": "block14",
        },
        paper=Paper("Xception: Deep Learning with Depthwise Separable Convolutions", "Chollet", 2016, "1610.02357"),
        licence="MIT",
        depth=81,
    ),
)
