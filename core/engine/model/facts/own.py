"""Graft's own network."""

from __future__ import annotations

from core.engine.model.facts.row import Facts, Weights

FACTS: tuple[Facts, ...] = (
    Facts(
        name="SmallNet",
        family="Graft",
        description="Small and not pretrained: learns simple pictures from nothing in a minute, where no pretrained "
        "network can be had.",
        weights={None: Weights("")},
        default_size=64,
        ends={r"block_(\d)_(?:relu|pool)": r"block_\1"},
        paper=None,
        licence="MIT",
    ),
)
