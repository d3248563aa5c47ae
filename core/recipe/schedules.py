"""The schedules of the learning rate, as a table: a row is a name, what it does, and the settings that belong to it.

`core.engine.training.schedules` has the same names and builds them.
"""

from __future__ import annotations

from core.recipe.annotations import Option

SCHEDULES: dict[str, Option] = {
    "constant": Option("Constant", "stays.", ("warmup",)),
    "cosine": Option("Cosine", "falls smoothly to zero, which lets the last epochs settle.", ("warmup",)),
    "one_cycle": Option("One cycle", "rises from a small rate and falls to nearly none (arXiv:1708.07120).",
                        ("rise", "start_divisor", "end_divisor")),
    "exponential": Option("Exponential", "falls by the same factor in every epoch.", ("warmup", "decay")),
    "step": Option("Step", "falls by a factor every few epochs.", ("warmup", "decay", "decay_epochs")),
    "plateau": Option("Plateau", "falls by a factor when the measure stops getting better.", ("decay", "decay_epochs")),
}
