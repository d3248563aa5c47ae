"""The MobileNets: made for phones."""

from __future__ import annotations

from core.backbones.catalogue import Paper
from core.engine.model.facts.row import Facts, Weights

_V1 = Paper("MobileNets: Efficient Convolutional Neural Networks for Mobile Vision Applications", "Howard et al.", 2017,
            "1704.04861")
_V2 = Paper("MobileNetV2: Inverted Residuals and Linear Bottlenecks", "Sandler et al.", 2018, "1801.04381")
_V3 = Paper("Searching for MobileNetV3", "Howard et al.", 2019, "1905.02244")
_LICENCE = "Apache 2.0"


def _mobilenet(text: str, top1: float, top5: float | None = None) -> Weights:
    return Weights(f"mobilenet/mobilenet_{text}_224_tf_no_top.h5", top1, top5)


def _mobilenet_v2(alpha: float, top1: float, top5: float | None = None) -> Weights:
    file = f"mobilenet_v2/mobilenet_v2_weights_tf_dim_ordering_tf_kernels_{alpha}_224_no_top.h5"
    return Weights(file, top1, top5)


def _mobilenet_v3(kind: str, alpha: float, top1: float, md5: str) -> Weights:
    return Weights(f"mobilenet_v3/weights_mobilenet_v3_{kind}_224_{alpha}_float_no_top_v2.h5", top1, hash=md5)


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
            1.0: _mobilenet("1_0", 0.704, 0.895),
        },
        default_alpha=1.0,
        ends={r"conv1_relu": "stem", r"conv_pw_(\d+)_relu": r"block_\1"},
        paper=_V1,
        licence=_LICENCE,
        depth=55,
    ),
    Facts(
        name="MobileNetV2",
        family="MobileNet",
        description="Small, quick and good on little data. The place to start.",
        weights={
            0.35: _mobilenet_v2(0.35, 0.603),
            0.5: _mobilenet_v2(0.5, 0.654),
            0.75: _mobilenet_v2(0.75, 0.698),
            1.0: _mobilenet_v2(1.0, 0.713, 0.901),
            1.3: _mobilenet_v2(1.3, 0.744),
            1.4: _mobilenet_v2(1.4, 0.750),
        },
        default_alpha=1.0,
        fitted_padding=r".*",
        ends={
            r"Conv1_relu": "stem",
            r"expanded_conv_project_BN": "block_0",
            r"block_(\d+)_(?:project_BN|add)": r"block_\1",
            r"out_relu": "top",
        },
        paper=_V2,
        licence=_LICENCE,
        depth=105,
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
        fitted_padding=r".*",
        ends=_mobilenet_v3_ends("activation_17"),
        paper=_V3,
        licence=_LICENCE,
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
        fitted_padding=r".*",
        ends=_mobilenet_v3_ends("activation_19"),
        paper=_V3,
        licence=_LICENCE,
    ),
)
