"""NASNet: found by search; each cell reads the two cells before it."""

from __future__ import annotations

from core.backbones.catalogue import Paper
from core.engine.model.facts.row import Facts, Weights

_PAPER = Paper("Learning Transferable Architectures for Scalable Image Recognition", "Zoph et al.", 2017, "1707.07012")


def _nasnet(size: str, side: int, depth: int, top1: float, top5: float, md5: str, description: str) -> Facts:
    file = f"nasnet/NASNet-{size}-no-top.h5"
    return Facts(
        name=f"NASNet{size.capitalize()}",
        family="NASNet",
        description=description,
        weights={None: Weights(file, top1, top5, md5, saved_as=f"nasnet_{size}_no_top.h5")},
        default_size=side,
        fitted_padding=r"separable_conv_1_pad_.*|reduction_pad_1_.*",
        ends={
            r"stem_bn1": "stem",
            r"reduction_concat_stem_(\d)": r"stem_\1",
            r"normal_concat_(\d+)": r"cell_\1",
            r"reduction_concat_reduce_(\d+)": r"reduction_\1",
            r"activation_\d+": "top",
        },
        paper=_PAPER,
        licence="Apache 2.0",
        depth=depth,
    )


FACTS: tuple[Facts, ...] = (
    _nasnet("mobile", 224, 389, 0.744, 0.919, "1ed92395b5b598bdda52abe5c0dbfd63",
            "Found by search instead of designed. Small, but with so many layers that it is slow for its size."),
    _nasnet("large", 331, 533, 0.825, 0.960, "d81d89dc07e6e56530c4e77faddd61b5",
            "The large network of that search: exact, large and very slow."),
)
