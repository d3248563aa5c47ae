"""The job `measure`: how many images a second go through backbones on this machine.

Random weights suffice: how long a multiplication takes does not depend on the numbers, as long as they are of an
ordinary size. The forward pass is the one that a run takes for a frozen backbone, with the pooling behind it.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from core.backbones import measuring, speeds
from core.backbones.catalogue import Variant, get
from core.backbones.speeds import Subject
from core.engine.failures import explained
from core.engine.quick_import import quickly
from core.engine.reporter import Reporter, StopRequested
from core.errors import OutOfMemoryError
from core.estimates import FORWARD, TYPICAL
from core.jobs.job import Job
from core.store.processes import cores
from core.store.workspace import Workspace

if TYPE_CHECKING:
    import keras

    from core.engine.model.forward import Forward

LEAST_SECONDS, MOST_PASSES = 2.0, 20
"""Passes are repeated so long and so often at most, twice at least. The quickest counts, as what else the machine does
only adds to the time (Python's documentation of `timeit.Timer.repeat`)."""
SETTLING = 4
"""Images whose statistics batch normalisation is given."""


def measure(job: Job, reporter: Reporter) -> tuple[str, str]:
    """Measure what the job names and keep each figure with the machine; gives the final state and its message."""
    subjects, machine = measuring.asked(job), Workspace(job.path.parent.parent).machine
    done, failed = 0, []
    try:
        for index, subject in enumerate(subjects):
            title = get(subject.backbone, subject.alpha)[0].title
            reporter.update(force=True, message=f"Measuring {title}", step=index, steps=len(subjects))
            reporter.raise_if_stopped()
            try:
                found, forward = speed(subject, reporter.raise_if_stopped)
                speeds.keep(machine, subject, round(found, 3), forward.engine, forward.why)
                reporter.note(f"{subject.key}: {found:.1f} images/s with {forward.engine} ({forward.why})")
                done += 1
            except Exception as error:  # one that is too large for this machine keeps nobody from the others
                if not isinstance(explained(error), OutOfMemoryError):
                    raise
                failed.append(title)
                reporter.note(f"{subject.key}: not enough memory")
    except StopRequested:
        return "stopped", f"Cancelled: {done} of {len(subjects)} measured."
    reporter.update(step=len(subjects))
    if not done:
        raise OutOfMemoryError(f"There is not enough memory here to measure {', '.join(failed)}.",
                               "Measure a smaller backbone, or at a smaller image size.")
    return "completed", f"{done} measured." + (f" Not enough memory for {', '.join(failed)}." if failed else "")


def speed(subject: Subject, between: Callable[[], None] = lambda: None) -> tuple[float, Forward]:
    """Images a second through a backbone with random weights, and the way they went.

    Args:
        between: Called between the steps; what it raises ends the measuring.
    """
    with quickly():
        import keras

        from core.engine.model.forward import fastest_forward

    _, variant = get(subject.backbone, subject.alpha)
    count = images_a_pass(variant, subject.size)
    images = np.random.default_rng(0).integers(0, 256, (count, subject.size, subject.size, 3), np.uint8)
    keras.utils.clear_session()
    model = _pooled_backbone(subject)
    between()
    settle(model, images[:SETTLING])
    between()
    with tempfile.TemporaryDirectory(prefix="graft-measure-") as folder:
        forward = fastest_forward(model, Path(folder) / "network", images)
        between()
        forward.run(images)  # loading is no part of what an image takes
        return count / _quickest(lambda: forward.run(images), between), forward


def images_a_pass(variant: Variant, size: int) -> int:
    """How many images one pass takes: few of a large network, and as many for every core."""
    mult_adds = variant.mult_adds * (size / variant.default_size) ** 2
    wanted = min(measuring.MOST_IMAGES, int(measuring.SECONDS_A_PASS * TYPICAL[FORWARD] / mult_adds))
    return max(wanted - wanted % cores(), cores())


def settle(model: keras.Model, images: np.ndarray) -> None:
    """Give batch normalisation the statistics of these images. Signals of random weights die out else, and numbers
    near zero take a processor many times as long as others."""
    import keras

    norms = [layer for layer in model.layers if isinstance(layer, keras.layers.BatchNormalization)]
    momenta = [layer.momentum for layer in norms]
    for layer in norms:
        layer.momentum = 0.0
    model(images, training=True)
    for layer, momentum in zip(norms, momenta, strict=True):
        layer.momentum = momentum


def _pooled_backbone(subject: Subject) -> keras.Model:
    import keras

    from core.engine.model.network import bare_backbone
    from core.recipe.fields import ModelSettings

    settings = ModelSettings(backbone=subject.backbone, alpha=subject.alpha, weights="none")
    image = keras.Input((subject.size, subject.size, 3), name="image")
    features = keras.layers.GlobalAveragePooling2D()(bare_backbone(settings, image).output)
    return keras.Model(image, features)


def _quickest(once: Callable[[], object], between: Callable[[], None]) -> float:
    taken: list[float] = []
    while len(taken) < 2 or (sum(taken) < LEAST_SECONDS and len(taken) < MOST_PASSES):
        began = time.perf_counter()
        once()
        taken.append(time.perf_counter() - began)
        between()
    return min(taken)
