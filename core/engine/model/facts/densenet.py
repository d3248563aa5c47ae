"""DenseNet: every layer sees all the earlier ones."""

from __future__ import annotations

from core.backbones.catalogue import Paper
from core.engine.model.facts.row import Facts, Weights

_PAPER = Paper("Densely Connected Convolutional Networks", "Huang et al.", 2016, "1608.06993")


def _densenet(layers: int, depth: int, top1: float, top5: float, md5: str, description: str) -> Facts:
    file = f"densenet/densenet{layers}_weights_tf_dim_ordering_tf_kernels_notop.h5"
    return Facts(
        name=f"DenseNet{layers}",
        family="DenseNet",
        description=description,
        weights={None: Weights(file, top1, top5, md5)},
        preprocessing="torch",
        ends={
            r"pool1": "stem",
            **{rf"conv{index + 1}_block\d+_concat": f"dense_{index}" for index in range(1, 5)},
            **{rf"pool{index + 1}_pool": f"transition_{index}" for index in range(1, 4)},
            r"relu": "top",
        },
        paper=_PAPER,
        licence="BSD 3-Clause",
        depth=depth,
    )


FACTS: tuple[Facts, ...] = (
    _densenet(121, 242, 0.750, 0.923, "30ee3e1110167f948a6b9946edeeb738",
              "Few parameters, much computing: every layer sees all the earlier ones."),
    _densenet(169, 338, 0.762, 0.932, "b8c4d4c20dd625c148057b9ff1c1176b",
              "A deeper DenseNet: a little more exact, and slower."),
    _densenet(201, 402, 0.773, 0.936, "c13680b51ded0fb44dff2d8f86ac8bb1",
              "The deepest DenseNet: still few parameters, much computing."),
)
