"""What every callback is, and what it sees of the training."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import keras

from core.engine.feed.batches import Batches
from core.engine.reporter import Reporter
from core.engine.training.state import TrainState
from core.errors import TrainingDivergedError
from core.recipe.fields import Phase
from core.scoring.task import Scores


@dataclass
class PhaseFit:
    """One phase while it is trained. `state` counts what is finished; the rest is about the epoch in work."""

    state: TrainState
    index: int
    """Which phase: names need not differ."""
    phase: Phase
    last: bool
    """True in the run's last phase."""
    model: keras.Model
    """The one that is fitted."""
    batches: Batches
    variables: list[Any]
    """All that is ever trained."""
    evaluate: Callable[[], Scores]
    """Scores on the validation images, with the weights as they are."""
    reporter: Reporter
    scores: Scores | None = None
    """Of the epoch that has just ended."""
    worthless: bool = False
    """True when that epoch's model is not one to keep."""
    provisional: bool = False
    """True while the phase is on its way to the one model that counts: none before it is kept, nor a state to go on
    from."""
    epoch_seconds: float = 0.0
    """Time since the epoch began; in `on_epoch_end` that of its steps alone."""
    stopped: bool = False
    """Somebody asked for the end."""
    paused: bool = False
    """Where it stands is written down: the training goes on another time."""
    finished: bool = False
    """The phase ends after this epoch, whatever the recipe's number."""
    failure: TrainingDivergedError | None = None
    notes: list[str] = field(default_factory=list)

    @property
    def epoch(self) -> int:
        """Number of the epoch in work, from 1, over all phases."""
        return self.state.epoch + 1


class Callback:
    """Does nothing: callbacks say what they need to. Within one moment they are called in order until one fails."""

    def on_phase_begin(self, fit: PhaseFit) -> None:
        """Before a phase's first step."""

    def on_epoch_begin(self, fit: PhaseFit) -> None:
        """Before an epoch's first step."""

    def on_step_end(self, fit: PhaseFit, step: int, logs: Mapping[str, float]) -> None:
        """After `step` steps of the epoch; `logs` holds loss and accuracy, as means over it so far."""

    def on_epoch_end(self, fit: PhaseFit, logs: Mapping[str, float]) -> None:
        """After an epoch; `logs` holds its mean loss and accuracy. `fit.state` is still that before it."""

    def on_state(self, fit: PhaseFit) -> None:
        """After an epoch has been counted: `fit.state` may be captured and taken up again from here."""

    def on_phase_end(self, fit: PhaseFit) -> None:
        """After a phase's last epoch, also when it was stopped or has failed."""
