"""What is measured, as rows: each job, and the systems that do it."""

from __future__ import annotations

from dataclasses import dataclass

BACKBONE, ALPHA, SIZE, BATCH = "MobileNetV2", 0.35, 224, 32
PREDICTED = 1000

SYSTEMS = {
    "graft": "Graft",
    "graft-warm": "Graft, second time",
    "script": "usual Keras script",
    "script-warm": "usual Keras script, second time",
    "cached": "Keras script with cache()",
    "floor": "features + logistic regression",
    "decode": "decoding every image once",
    "onnx": "one forward pass, ONNX Runtime",
    "keras": "one forward pass, Keras",
}


@dataclass(frozen=True)
class Job:
    """One thing to be done, the same by every system."""

    name: str
    title: str
    systems: tuple[str, ...]
    kind: str = "train"
    """train, predict, passes, or growth (training at several numbers of images)."""
    epochs: int = 0
    freeze: str = "all"
    """Last frozen block, or all, or none."""
    hidden: int | None = None
    """Units of a hidden layer in the head."""
    learning_rate: float = 1e-3
    warm: bool = False
    """Graft has seen these images with this backbone before."""
    aim: float | None = None
    """How many times faster than the usual script Graft is meant to be."""


JOBS = {job.name: job for job in (
    Job("frozen", "Frozen backbone, 20 epochs", ("graft", "script", "cached", "floor"), epochs=20, aim=12.0),
    Job("head", "The same images, another head", ("graft", "script", "cached", "floor"), epochs=20, hidden=64,
        warm=True, aim=25.0),
    Job("last-two", "Last two blocks trained, 10 epochs", ("graft", "script", "cached"), epochs=10, freeze="block_14",
        learning_rate=3e-4, aim=3.0),
    Job("all", "Everything trained, 2 epochs", ("graft", "script", "cached"), epochs=2, freeze="none",
        learning_rate=3e-4, aim=1.0),
    Job("predict", f"Predicting {PREDICTED:,} images", ("graft", "script", "graft-warm", "script-warm"), "predict"),
    Job("passes", "The parts that cannot be avoided", ("decode", "onnx", "keras"), "passes"),
    Job("growth", "Frozen backbone, 20 epochs, more and more images", ("graft",), "growth", epochs=20),
    Job("growth-large", "The same, with changed copies", ("graft",), "growth", epochs=20),
)}

USUAL = tuple(name for name in JOBS if name != "growth-large")
"""What is measured when no job is named; the large growth takes some time and disk to prepare."""

def reference(system: str) -> str:
    """The system that another is compared with: the usual script, cold or warm as it is itself."""
    return "script-warm" if system.endswith("-warm") else "script"


MEMORY_AIM = 1.3
"""Peak memory at 16 times the images, over that at one time."""
OVERHEAD_AIM = 2.0
"""The cold frozen job, over decoding once and one forward pass."""
