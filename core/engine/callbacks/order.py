"""The callbacks of a training, in the order in which they are called."""

from __future__ import annotations

from collections.abc import Sequence

from core.engine.callbacks.averaged import Averaged
from core.engine.callbacks.callback import Callback
from core.engine.callbacks.divergence import Divergence
from core.engine.callbacks.evaluate import Evaluate
from core.engine.callbacks.keep_best import KeepBest
from core.engine.callbacks.keep_state import KeepState
from core.engine.callbacks.patience import Patience
from core.engine.callbacks.plateau import Plateau
from core.engine.callbacks.report import Report
from core.engine.callbacks.stop import Stop

ORDER: Sequence[type[Callback]] = (
    Averaged,  # what is scored and kept is the average, where there is one
    Evaluate,  # scores of the epoch: all others look at them
    Divergence,  # may end it all, and says which epochs are not to be kept
    KeepBest,
    Patience,  # by what KeepBest has counted
    Plateau,  # likewise
    Stop,
    Report,  # it tells what the others have found
    KeepState,  # last: when a state is on disk, its epochs have their rows
)


def in_order(callbacks: Sequence[Callback]) -> list[Callback]:
    """The same callbacks as they are to be called. Raises ValueError when one has no place in `ORDER`."""
    return sorted(callbacks, key=lambda callback: ORDER.index(type(callback)))
