"""Where a training stands, as one value that can be written down and taken up again."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import numpy as np

from core.scoring.measures import MEASURES
from core.scoring.task import Scores
from core.store.documents import Format

if TYPE_CHECKING:
    import keras

Arrays = dict[str, np.ndarray]
FORMAT = Format("training state")
_ABOUT = "about"
_SCORES = tuple(each.name for each in fields(Scores))
_NUMBERS = ("phase", "epoch", "phase_epoch", "step", "loss", "accuracy", "since_better", "blown_epochs",
            "highest_loss", "done")
_GROUPS = ("weights", "optimizer", "random")


@dataclass
class Best:
    """The best state so far, by the recipe's monitor."""

    monitor: str
    phase: int = 0
    """Index of the phase that it comes from."""
    epoch: int = 0
    """Number of its epoch in the run, from 1; 0: there is none yet."""
    loss: float = float("nan")
    accuracy: float = float("nan")
    weights: Arrays = field(default_factory=dict)
    """What is ever trained, by the variables' paths."""
    balanced_accuracy: float = float("nan")
    macro_f1: float = float("nan")

    def offer(self, phase: int, epoch: int, scores: Scores, variables: list[Any]) -> bool:
        """Keep this state if it is better; of equal ones that with the lower loss."""
        if self.epoch and self._key(scores) >= self._key(self):
            return False
        self.phase, self.epoch = phase, epoch
        for name in _SCORES:
            setattr(self, name, getattr(scores, name))
        self.weights = values(variables)
        return True

    def restore(self, variables: list[Any]) -> None:
        """Put the kept state back into the same variables. Raises ValueError when they are others."""
        assign(variables, self.weights)

    def about(self) -> dict[str, Any]:
        """All but the weights, as JSON takes it."""
        return {"monitor": self.monitor, "phase": self.phase, "epoch": self.epoch,
                **{name: getattr(self, name) for name in _SCORES}}

    def _key(self, scores: Scores | Best) -> tuple[float, float]:
        """Smaller is better."""
        measure = MEASURES[self.monitor]
        value = float(getattr(scores, measure.score))
        return (-value, scores.loss) if measure.larger else (value, -scores.accuracy)


@dataclass
class TrainState:
    """A training after a whole epoch, or within one: from it comes what would have come.

    The order of the images, and every random change to them, is a function of (seed, phase, epoch) and needs no state
    of its own; `random` holds what dropout draws from.
    """

    best: Best
    phase: int = 0
    """Index of the phase in work."""
    epoch: int = 0
    """Finished epochs of the run."""
    phase_epoch: int = 0
    """Finished epochs of the phase."""
    step: int = 0
    """Finished steps of the open epoch. `weights` and `optimizer` are empty where this and `phase_epoch` are 0: a phase
    begins with the best weights."""
    loss: float = 0.0
    """Mean over these steps, and so is `accuracy`."""
    accuracy: float = 0.0
    since_better: int = 0
    """Epochs of the phase since the last better one."""
    blown_epochs: int = 0
    """Epochs of the phase since it blew up, all in vain; see `core.engine.callbacks.divergence`."""
    highest_loss: float = 0.0
    """Of these epochs."""
    done: bool = False
    """The last phase has come to its end."""
    weights: Arrays = field(default_factory=dict)
    optimizer: Arrays = field(default_factory=dict)
    random: Arrays = field(default_factory=dict)
    read: bool = False
    """It comes from a file, and the network does not yet stand there."""

    def capture(self, model: keras.Model, variables: list[Any], step: int = 0,
                logs: Mapping[str, float] | None = None) -> None:
        """Copy what the training of a phase holds now.

        Args:
            model: The one that is being fitted.
            variables: All that is ever trained.
            step: Finished steps of the open epoch.
            logs: Mean loss and accuracy over them.
        """
        self.step = step
        self.loss, self.accuracy = (float(logs["loss"]), float(logs["accuracy"])) if logs else (0.0, 0.0)
        self.weights = values(variables)
        self.optimizer = {str(index): np.array(variable) for index, variable in enumerate(model.optimizer.variables)}
        self.random = values(_random(model))

    def next_phase(self, model: keras.Model) -> None:
        """Go to the beginning of the next phase; `model` is the one of the phase that has ended."""
        self.phase, self.phase_epoch, self.step, self.since_better = self.phase + 1, 0, 0, 0
        self.blown_epochs, self.highest_loss = 0, 0.0
        self.weights, self.optimizer, self.random = {}, {}, values(_random(model))

    def restore(self, model: keras.Model, variables: list[Any]) -> None:
        """Put a captured state into a compiled model. Raises ValueError when it is another model's."""
        if self.weights:
            assign(variables, self.weights)
            model.optimizer.build(model.trainable_variables)
            self._restore_optimizer(model.optimizer.variables)
        for variable in _random(model):  # a phase may draw for layers that the one before did not train
            if variable.path in self.random:
                variable.assign(self.random[variable.path])
        self.read = False

    def _restore_optimizer(self, variables: list[Any]) -> None:
        found = [self.optimizer[str(index)] for index in range(len(self.optimizer))]
        if [tuple(variable.shape) for variable in variables] != [value.shape for value in found]:
            raise ValueError("this state belongs to another optimizer")
        for variable, value in zip(variables, found, strict=True):
            variable.assign(value)

    def to_bytes(self) -> bytes:
        """All of it, as a NumPy archive without pickled objects."""
        groups = {"best": self.best.weights, **{name: getattr(self, name) for name in _GROUPS}}
        arrays = {f"{group}:{name}": value for group, found in groups.items() for name, value in found.items()}
        return pack(arrays, {**{name: getattr(self, name) for name in _NUMBERS}, "best": self.best.about()})

    @classmethod
    def from_bytes(cls, data: bytes) -> TrainState:
        """What `to_bytes` gave. Raises ValueError."""
        arrays, about = unpack(io.BytesIO(data))
        groups: dict[str, Any] = {"best": {}, **{name: {} for name in _GROUPS}}
        for name, value in arrays.items():
            group, _, rest = name.partition(":")
            groups[group][rest] = value
        given: dict[str, Any] = {**{name: about[name] for name in _NUMBERS}, **groups}
        return cls(**{**given, "best": Best(**about["best"], weights=groups["best"])}, read=True)


def values(variables: list[Any]) -> Arrays:
    """Copies of variables, by path."""
    return {variable.path: np.array(variable) for variable in variables}


def assign(variables: list[Any], found: Mapping[str, np.ndarray]) -> None:
    """Put values back. Raises ValueError when they belong to other variables."""
    wanted = {variable.path: tuple(variable.shape) for variable in variables}
    if wanted != {name: value.shape for name, value in found.items()}:
        raise ValueError("these weights belong to another model")
    for variable in variables:
        variable.assign(found[variable.path])


def pack(arrays: Mapping[str, np.ndarray], about: Mapping[str, Any]) -> bytes:
    """Arrays and a JSON document as one NumPy archive."""
    document = json.dumps({FORMAT.key: FORMAT.version, **about}).encode()
    members: dict[str, Any] = {_ABOUT: np.frombuffer(document, np.uint8), **arrays}
    buffer = io.BytesIO()
    np.savez(buffer, **members)
    return buffer.getvalue()


def unpack(file: IO[bytes] | Path) -> tuple[Arrays, dict[str, Any]]:
    """What `pack` made. Raises ValueError when it is none or damaged, NewerFormatError when a later version made it."""
    try:
        with np.load(file, allow_pickle=False) as archive:
            arrays = {name: archive[name] for name in archive.files}  # each with its CRC checked
        about = json.loads(arrays.pop(_ABOUT).tobytes())
    except (OSError, EOFError, LookupError, ValueError, TypeError, AttributeError, zipfile.BadZipFile) as error:
        raise ValueError(f"not a training state: {error}") from error
    return arrays, FORMAT.migrated(about, str(file) if isinstance(file, Path) else "a training state")


def _random(model: keras.Model) -> list[Any]:
    """The states of the model's random generators."""
    return [variable for variable in model.variables if "seed_generator" in variable.path]
