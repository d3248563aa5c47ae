"""How long work takes on this machine, before it is started.

A rough model: multiply-adds over speed, plus decoding, the cost of a step, and a start that every run has. Speeds and
start begin with what a 2-core machine does and are replaced by what this machine did in its last run. What there is to
do in each phase: `core.plan`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from core.store.workspace import Workspace

FORWARD, TRAINING, START = "forward", "training", "start"
TYPICAL = {FORWARD: 25e9, TRAINING: 10e9, START: 14.0}
"""On 2 CPU cores: multiply-adds a second of MobileNets through ONNX Runtime and of Keras on TensorFlow, and the seconds
for loading TensorFlow, building, checking and saving the model."""
DECODE_PER_SECOND = 800.0
CHANGE_SECONDS = 0.001
"""Time to change one image at random (turn, zoom, shift)."""
STEP_SECONDS = 0.003
BACKWARD = 2.0
"""A backward pass costs about twice the forward one."""


@dataclass(frozen=True)
class Work:
    """What one phase asks of the machine."""

    decoded: int
    """Images to decode before the first epoch."""
    changed: int
    """Images to change at random before the first epoch."""
    passes: int
    """Images that the trunk runs over before the first epoch."""
    steps: int
    """Optimizer steps an epoch."""
    training: int
    """Images an epoch."""
    trunk: float
    """Multiply-adds an image."""
    tail: float
    trunk_again: bool
    """The trunk runs in every epoch, too."""
    change_again: bool
    """Images are changed anew in every epoch."""

    def prepare_seconds(self, speeds: Mapping[str, float]) -> float:
        """Until the first epoch can begin."""
        return (self.decoded / DECODE_PER_SECOND + self.passes * self.trunk / speeds[FORWARD]
                + self.changed * CHANGE_SECONDS)

    def epoch_seconds(self, speeds: Mapping[str, float]) -> float:
        """One epoch."""
        each = (1 + BACKWARD) * self.tail + (self.trunk if self.trunk_again else 0)
        return (self.steps * STEP_SECONDS
                + self.training * (each / speeds[TRAINING] + (CHANGE_SECONDS if self.change_again else 0)))


def pass_seconds(mult_adds: float, images: int, speeds: Mapping[str, float]) -> float:
    """Decoding images and running a frozen backbone over them once; `mult_adds` of one image."""
    return Work(decoded=images, changed=0, passes=images, steps=0, training=0, trunk=mult_adds, tail=0,
                trunk_again=False, change_again=False).prepare_seconds(speeds)


def measured(workspace: Workspace) -> dict[str, float]:
    """The figures of `TYPICAL` as they were measured on the workspace's machine, else the typical ones."""
    return {**TYPICAL, **{kind: figure for kind, figure in workspace.machine.speeds().items() if kind in TYPICAL}}


def record(workspace: Workspace, kind: str, figure: float) -> None:
    """Remember what was measured here, if it can be: no run fails for it."""
    workspace.machine.record(kind, figure)
