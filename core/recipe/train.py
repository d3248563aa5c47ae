"""`train` of the recipe: how the model learns, phase by phase."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, field_validator, model_validator

from core.recipe.annotations import Available, Empty, NotWith, OneOf, Settings, Steps, Unless, belongs_to, explained
from core.recipe.optimizers import EXACT, OPTIMIZERS
from core.recipe.schedules import SCHEDULES

_NAME_LENGTH = 40
_STEPS = NotWith("optimizer", EXACT)
"""For what belongs to optimizers that take steps."""
CLIPS = ("clip_value", "clip_norm", "clip_global_norm")
"""Ways to keep gradients small, of which a phase has one."""


class Phase(Settings):
    """A part of training with its own freeze point, epochs, optimizer and schedule."""

    name: str = Field("train", title="Name", min_length=1, max_length=_NAME_LENGTH,
                      description="How the phase is called. A second one of the same name is numbered.")
    epochs: int = Field(20, title="Epochs", ge=1, le=1000, description="Passes over the training images.")
    freeze: str = Field(
        "all", title="Freeze up to", min_length=1,
        description="The last layer or block of the backbone that stays as it is. all: only the head is "
        "trained. none: everything is trained.",
    )
    optimizer: Annotated[str, OneOf(OPTIMIZERS)] = Field(
        "adam", title="Optimizer", description=f"The rule by which weights are changed. {explained(OPTIMIZERS)}",
    )
    momentum: Annotated[float | None, belongs_to("optimizer", OPTIMIZERS, "momentum"), Steps(0.05)] = Field(
        None, title="Momentum", ge=0.0, le=0.999,
        description="Share of the last step that goes into the next one. Empty: 0.9 with sgd, 0 with rmsprop.",
    )
    nesterov: Annotated[bool, belongs_to("optimizer", OPTIMIZERS, "nesterov")] = Field(
        True, title="Nesterov momentum", description="Take the gradient where the momentum leads to.",
    )
    penalty: Annotated[float | None, belongs_to("optimizer", OPTIMIZERS, "penalty"), Empty("chosen"),
                       Steps(1.0, "log")] = Field(
        None, title="Penalty", gt=0.0, le=1e9,
        description="How strongly large weights are held down: half their squares times this is weighed against the "
        "summed loss. Empty: the best in cross-validation on the training images.",
    )
    learning_rate: Annotated[float, Steps(1e-4, "log"), _STEPS] = Field(
        1e-3, title="Learning rate", gt=0.0, le=10.0,
        description="Size of the steps. Too large: the loss jumps; too small: nothing moves. "
        "Where a schedule changes it: its highest value.",
    )
    schedule: Annotated[str, OneOf(SCHEDULES), _STEPS] = Field(
        "cosine", title="Schedule",
        description=f"How the learning rate changes during the phase. {explained(SCHEDULES)}",
    )
    warmup: Annotated[float, belongs_to("schedule", SCHEDULES, "warmup"), _STEPS] = Field(
        0.0, title="Warm-up", ge=0.0, le=0.5,
        description="Share of the phase in which the learning rate rises from zero.",
    )
    decay: Annotated[float, belongs_to("schedule", SCHEDULES, "decay"), Steps(0.01), _STEPS] = Field(
        0.5, title="Decay", ge=0.01, le=0.99, description="Factor by which the learning rate falls each time.",
    )
    decay_epochs: Annotated[int, belongs_to("schedule", SCHEDULES, "decay_epochs"), _STEPS] = Field(
        5, title="Decay every", ge=1, le=1000,
        description="Epochs from one fall of the learning rate to the next.",
    )
    rise: Annotated[float, belongs_to("schedule", SCHEDULES, "rise"), _STEPS] = Field(
        0.3, title="Rise", ge=0.0, le=0.9, description="Share of the phase in which the learning rate rises.",
    )
    start_divisor: Annotated[float, belongs_to("schedule", SCHEDULES, "start_divisor"), Steps(1.0), _STEPS] = Field(
        25.0, title="Start divisor", ge=1.0, le=1e6,
        description="The phase begins with the learning rate divided by this.",
    )
    end_divisor: Annotated[float, belongs_to("schedule", SCHEDULES, "end_divisor"), Steps(1000.0, "log"),
                           _STEPS] = Field(
        1e4, title="End divisor", ge=1.0, le=1e9,
        description="The phase ends with its first learning rate divided by this.",
    )
    weight_decay: Annotated[float | None, Steps(1e-4, "log"), _STEPS] = Field(
        None, title="Weight decay", ge=0.0, le=1.0,
        description="Pulls weights towards zero at every step. Empty: 0.004 with adamw, 0 with the others.",
    )
    clip_value: Annotated[float | None, Steps(0.1), _STEPS] = Field(
        None, title="Clip by value", gt=0.0, le=1e6,
        description="Largest gradient of a single weight. Empty: no limit.",
    )
    clip_norm: Annotated[float | None, Steps(0.1), _STEPS] = Field(
        None, title="Clip by norm", gt=0.0, le=1e6, description="Largest norm of a weight's gradient. Empty: no limit.",
    )
    clip_global_norm: Annotated[float | None, Steps(0.1), _STEPS] = Field(
        None, title="Clip by global norm", gt=0.0, le=1e6,
        description="Largest norm of all gradients together, whose direction stays. Empty: no limit.",
    )
    block_rate: Annotated[float, Unless("freeze", "all"), Steps(0.05)] = Field(
        1.0, title="Rate per block", ge=0.01, le=1.0,
        description="Factor on the learning rate for every block further from the head (ULMFiT, arXiv:1801.06146). "
        "1: the same everywhere.",
    )
    patience: Annotated[int | None, _STEPS] = Field(
        None, title="Patience", ge=1, le=1000,
        description="Stop the phase after this many epochs without improvement. Empty: run all epochs.",
    )

    @model_validator(mode="after")
    def _clips_one_way(self) -> Phase:
        given = [name for name in CLIPS if getattr(self, name) is not None]
        if len(given) > 1:
            raise ValueError(f"gradients are clipped in one way: empty {' or '.join(given)}")
        return self


class TrainSettings(Settings):
    """How the model learns."""

    batch_size: int = Field(
        32, title="Batch size", ge=1, le=1024,
        description="Images per step. Smaller needs less memory; larger is steadier.",
    )
    accumulate: int = Field(
        1, title="Accumulate", ge=1, le=64,
        description="Steps whose gradients are averaged before the weights are changed: a larger batch in the same "
        "memory.",
    )
    class_weights: Literal["none", "balanced"] = Field(
        "none", title="Class weights",
        description="balanced: an image of a rare class counts more, so that small classes are not ignored.",
    )
    label_smoothing: float = Field(
        0.0, title="Label smoothing", ge=0.0, le=0.5,
        description="Asks for a little less than full certainty; softens over-confident models.",
    )
    mix: Literal["none", "mixup", "cutmix"] = Field(
        "none", title="Mix images",
        description="mixup: two images shine through each other (arXiv:1710.09412). cutmix: a piece of one is put "
        "into the other (arXiv:1905.04899). Their labels are mixed likewise. Behind frozen layers what these give is "
        "mixed, not the images; where that is one row of numbers an image, both do the same.",
    )
    mix_alpha: Annotated[float, Unless("mix", "none")] = Field(
        0.2, title="Mix strength", ge=0.05, le=8.0,
        description="Parameter of the Beta distribution that the shares are drawn from. Higher: more even mixtures.",
    )
    average: Annotated[float | None, Steps(0.001)] = Field(
        None, title="Average the weights", ge=0.5, le=0.9999,
        description="Decay per step of a running average of the weights, which is then the model: 0.99 looks back "
        "over about 100 steps. Empty: no average.",
    )
    monitor: Literal["val_accuracy", "val_loss", "val_balanced_accuracy", "val_macro_f1"] = Field(
        "val_accuracy", title="Best model by",
        description="The measure by which the best epoch is kept. With rare classes accuracy hardly sees them: "
        "balanced accuracy and macro F1 count every class the same.",
    )
    seed: int = Field(
        0, title="Seed", ge=0, le=2**31 - 1, description="The same seed repeats the same training.",
    )
    mixed_precision: Annotated[bool, Available(False)] = Field(
        False, title="Mixed precision", description="Half-precision arithmetic, faster on recent GPUs.",
    )
    mlflow_uri: Annotated[str | None, Available(None)] = Field(
        None, title="MLflow server", description="Where measures are also sent while training. Empty: nowhere.",
    )
    phases: tuple[Phase, ...] = Field(
        (Phase(),), title="Phases", min_length=1, max_length=8,
        description="Parts of the training, one after the other.",
    )

    @field_validator("phases")
    @classmethod
    def _each_has_a_name_of_its_own(cls, phases: tuple[Phase, ...]) -> tuple[Phase, ...]:
        """Number a second phase of the same name: history and curves tell phases apart by it."""
        named: dict[str, Phase] = {}
        for phase in phases:
            name, number = phase.name, 1
            while name in named:
                number += 1
                name = f"{phase.name[:_NAME_LENGTH - 3]} {number}"
            named[name] = phase if name == phase.name else phase.model_copy(update={"name": name})
        return tuple(named.values())

    @property
    def epochs(self) -> int:
        """Epochs of all phases together."""
        return sum(phase.epochs for phase in self.phases)
