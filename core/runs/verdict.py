"""What the curves of a run say, in one sentence, and what could be done about it. Rules of thumb: they propose, nothing
is done unasked."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from core.recipe.fields import Recipe
from core.recipe.optimizers import EXACT

if TYPE_CHECKING:
    import pandas as pd

LONGER, AUGMENT, SLOWER, FINE_TUNE = "longer", "augment", "slower", "fine-tune"
FEWEST = 4
"""Epochs of which something can be said."""
WORSE, LEARNED = 1.1, 0.9
"""Learned by heart: validation loss has risen by more than a tenth over its lowest, while the training loss fell by
more than a tenth since."""
JUMP, OFTEN = 1.05, 0.4
"""Too fast: in so large a share of the epochs the training loss rose by more than a twentieth."""
BETTER = 0.97
"""Still improving: validation loss of the last third is at most so much of that of the third before."""
FLOOR = 0.02
"""Losses below this are as good as nothing: what they do means nothing."""


@dataclass(frozen=True)
class Verdict:
    """What is said of a run."""

    kind: str
    """solved, by heart, too fast, improving or settled."""
    text: str
    action: str = ""
    """One of LONGER, AUGMENT, SLOWER, FINE_TUNE; "" where there is nothing to propose."""


def verdict(history: pd.DataFrame, recipe: Recipe) -> Verdict | None:
    """What the last phase's curves say; None: too little to say anything.

    Args:
        history: As `Run.history` gives it, of a run that has ended.
    """
    if history.empty:
        return None
    index = int(history["phase_index"].iloc[-1])
    phase = recipe.train.phases[min(index, len(recipe.train.phases) - 1)]
    rows = history[history["phase_index"] == index]
    if phase.optimizer == EXACT:
        return Verdict("solved", "The head was solved exactly: training it longer changes nothing. A further phase "
                       "could adjust the backbone itself.", FINE_TUNE)
    rows = rows.dropna(subset=["loss", "val_loss"])
    if len(rows) < FEWEST:
        return None
    loss, held = rows["loss"].to_numpy(float), rows["val_loss"].to_numpy(float)
    lowest, last = int(held.argmin()), float(held[-max(1, len(held) // 5):].mean())
    rises = (loss[1:] > JUMP * loss[:-1] + FLOOR).mean()
    if rises >= OFTEN:
        return Verdict("too fast", "The training loss jumps up and down: the learning rate "
                       f"({phase.learning_rate:g}) is too high.", SLOWER)
    if last > WORSE * held[lowest] + FLOOR and loss[-1] < LEARNED * loss[lowest]:
        return Verdict("by heart", f"Validation was best in epoch {int(rows['epoch'].iloc[lowest])}; afterwards the "
                       "network learned the training pictures by heart: the validation loss went from "
                       f"{held[lowest]:.2f} to {last:.2f}. The best epoch was kept.",
                       "" if recipe.augment.active else AUGMENT)
    third = max(1, len(held) // 3)
    now, before = float(held[-third:].mean()), float(held[-2 * third:-third].mean())
    if now < BETTER * before and before > FLOOR and lowest >= len(held) - third:
        return Verdict("improving", "It was still improving when it ended.", LONGER)
    frozen = all(one.freeze == "all" for one in recipe.train.phases)
    return Verdict("settled", "It has settled: more epochs of the same would change little.",
                   FINE_TUNE if frozen else "")
