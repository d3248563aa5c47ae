"""EfficientNetV2: quicker to train than the first EfficientNets."""

from __future__ import annotations

from core.backbones.catalogue import Paper
from core.engine.model.facts.row import Facts, Weights

_PAPER = Paper("EfficientNetV2: Smaller Models and Faster Training", "Tan and Le", 2021, "2104.00298")


def _efficientnet_v2(size: str, side: int, top1: float, top5: float, md5: str, description: str) -> Facts:
    return Facts(
        name=f"EfficientNetV2{size.upper()}",
        family="EfficientNetV2",
        description=description,
        weights={None: Weights(f"efficientnet_v2/efficientnetv2-{size}_notop.h5", top1, top5, md5)},
        default_size=side,
        preprocessing="inside",
        ends={
            r"stem_activation": "stem",
            r"block(\d[a-z]+)_(?:project_bn|project_activation|add)": r"block\1",
            r"top_activation": "top",
        },
        paper=_PAPER,
        licence="Apache 2.0",
    )


FACTS: tuple[Facts, ...] = (
    _efficientnet_v2("b0", 224, 0.787, 0.943, "893217f2bb855e2983157299931e43ff",
                     "Among the most exact for its size. A good second try when a MobileNet is not enough."),
    _efficientnet_v2("b1", 240, 0.798, 0.950, "0e80663031ca32d657f9caa404b6ec37",
                     "A little deeper than B0, with slightly larger pictures."),
    _efficientnet_v2("b2", 260, 0.805, 0.951, "1dfe2e7a5d45b6632553a8961ea609eb",
                     "Wider than B1, for pictures with finer detail."),
    _efficientnet_v2("b3", 300, 0.820, 0.958, "f6abf7b5849ac99a89b50dd3fd532856",
                     "The largest of the small ones: exact, and still bearable without a graphics card."),
    _efficientnet_v2("s", 384, 0.839, 0.967, "af0682fb74e8c54910f2d4393339c070",
                     "Very exact, on large pictures. Wants a graphics card."),
    _efficientnet_v2("m", 480, 0.853, 0.974, "1b8dc055df72dde80d614482840fe342",
                     "More exact than S, with twice as many weights. Wants a graphics card."),
    _efficientnet_v2("l", 480, 0.857, 0.975, "b0b66b5c863aef5b46e8608fe1711615",
                     "The largest of the family: among the most exact of all, and among the slowest."),
)
