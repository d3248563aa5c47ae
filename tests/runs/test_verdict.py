"""What is said of curves."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from core.recipe.fields import Recipe
from core.recipe.phases import added
from core.runs.verdict import AUGMENT, FINE_TUNE, LONGER, SLOWER, verdict

EPOCHS = np.arange(1, 16)
FALLING = 1.5 * 0.8**EPOCHS + 0.1


def history(loss, val_loss, phase_index=0):
    return pd.DataFrame({"epoch": np.arange(1, len(loss) + 1), "phase_index": phase_index, "loss": loss,
                         "val_loss": val_loss})


@pytest.mark.parametrize("loss, val_loss, kind, action", [
    (FALLING, 1.6 * 0.9**EPOCHS, "improving", LONGER),
    (FALLING, np.r_[FALLING[:6], np.full(9, FALLING[5])], "settled", FINE_TUNE),
    (0.5**EPOCHS, 0.8 + 0.07 * np.abs(EPOCHS - 4), "by heart", AUGMENT),
    (1 + 0.5 * (EPOCHS % 2), np.full(15, 1.2), "too fast", SLOWER),
    (np.full(15, 0.001), np.full(15, 0.002), "settled", FINE_TUNE),
])
def test_each_shape_has_its_sentence(loss, val_loss, kind, action):
    found = verdict(history(loss, val_loss), Recipe())
    assert (found.kind, found.action) == (kind, action)


def test_the_epoch_and_the_losses_are_named():
    found = verdict(history(0.5**EPOCHS, 0.8 + 0.07 * np.abs(EPOCHS - 4)), Recipe())
    assert "epoch 4" in found.text and "from 0.80 to 1.50" in found.text
    augmented = Recipe().override(["augment.preset=light"])
    assert verdict(history(0.5**EPOCHS, 0.8 + 0.07 * np.abs(EPOCHS - 4)), augmented).action == ""


def test_of_a_solved_head_and_of_too_little():
    solved = Recipe().override(["train.phases.0.optimizer=lbfgs"])
    assert verdict(history([0.1], [0.2]), solved).action == FINE_TUNE
    assert verdict(history(FALLING[:3], FALLING[:3]), Recipe()) is None
    assert verdict(history([], []), Recipe()) is None


def test_the_last_phase_counts():
    two = added(Recipe(), 0)
    both = pd.concat([history(0.5**EPOCHS, 0.8 + 0.07 * np.abs(EPOCHS - 4)), history(FALLING, 1.6 * 0.9**EPOCHS, 1)])
    assert verdict(both, two).kind == "improving"
    flat = pd.concat([history(FALLING, FALLING), history(FALLING, np.full(15, 0.5), 1)])
    assert verdict(flat, two).action == ""  # the backbone learns already
