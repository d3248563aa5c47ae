"""Measurements, and the file that collects them over several calls."""

from __future__ import annotations

import importlib.metadata
import platform
import statistics
import time
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

from benchmarks.jobs import JOBS, SYSTEMS
from core.store.files import read_json, write_json
from core.store.processes import cores

PACKAGES = ("tensorflow", "keras", "onnxruntime", "onnx", "scikit-learn", "numpy", "pillow", "openvino")


class OtherSettings(Exception):
    """The results that are there were measured in another way."""


@dataclass(frozen=True)
class Measurement:
    """One system doing one job once."""

    job: str
    system: str
    images: int
    """Images of the data set, training and validation."""
    repeat: int
    wall_s: float
    """The whole process; for prediction by a process that runs already, and for single passes, the work alone."""
    cpu_s: float
    """Processor time of the whole process."""
    peak_mb: float
    images_per_second: float
    """Training images times epochs, or images predicted, per second of `wall_s`."""
    val_accuracy: float | None = None
    trainable_parameters: int | None = None
    load: float = 0.0
    """Load average of the machine over the minute before it began, the measurement before it included: well above 2
    a core means that others were at work."""
    notes: list[str] = field(default_factory=list)

    @property
    def row(self) -> tuple[str, str, int]:
        """What it is a repetition of."""
        return self.job, self.system, self.images


@dataclass(frozen=True)
class Summary:
    """The repetitions of one row, as medians."""

    job: str
    system: str
    images: int
    repeats: int
    wall_s: float
    fastest_s: float
    slowest_s: float
    peak_mb: float
    images_per_second: float
    val_accuracy: float | None


class Results:
    """The measurements in `results.json`.

    Args:
        settings: How they are made. A file that was made otherwise is not mixed with.

    Raises:
        OtherSettings: the file there has other settings.
    """

    def __init__(self, path: Path, settings: dict[str, Any]) -> None:
        self.path, self.settings = path, settings
        self.measurements: list[Measurement] = []
        self._touched: set[tuple[str, str, int]] = set()
        if path.is_file():
            document = read_json(path)
            if document["settings"] != settings:
                raise OtherSettings(f"{path} holds results of {document['settings']}, and this is {settings}. "
                                    "Choose another --out, or delete them.")
            known = {item.name for item in fields(Measurement)}
            self.measurements = [Measurement(**{key: value for key, value in row.items() if key in known})
                                 for row in document["measurements"]]

    def add(self, measurement: Measurement, append: bool = False) -> None:
        """Add a measurement and save. The first of its row drops those of earlier calls, unless it is to append."""
        row = measurement.row
        if not append and row not in self._touched:
            self.measurements = [item for item in self.measurements if item.row != row]
        self._touched.add(row)
        self.measurements.append(measurement)
        self.save()

    def next_repeat(self) -> int:
        """A number above those of all measurements so far."""
        return 1 + max((item.repeat for item in self.measurements), default=-1)

    def save(self) -> None:
        """Write the file."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        write_json(self.path, {"machine": machine(), "settings": self.settings,
                               "measurements": [asdict(item) for item in self.measurements]})

    def summaries(self) -> list[Summary]:
        """One for each row, in the order of the tables of jobs and systems."""
        jobs, systems = list(JOBS), list(SYSTEMS)
        rows = sorted({item.row for item in self.measurements},
                      key=lambda row: (jobs.index(row[0]), row[2], systems.index(row[1])))
        return [summary([item for item in self.measurements if item.row == row]) for row in rows]


def summary(measurements: list[Measurement]) -> Summary:
    """Medians of repetitions."""
    first = measurements[0]
    walls = [item.wall_s for item in measurements]
    accuracies = [item.val_accuracy for item in measurements if item.val_accuracy is not None]
    return Summary(
        *first.row, len(measurements), statistics.median(walls), min(walls), max(walls),
        _median(item.peak_mb for item in measurements), _median(item.images_per_second for item in measurements),
        _median(accuracies) if accuracies else None,
    )


def machine() -> dict[str, Any]:
    """What the figures were measured on."""
    import psutil

    return {
        "processor": processor(), "cores": cores(), "memory_gb": round(psutil.virtual_memory().total / 2**30, 1),
        "system": f"{platform.system()} {platform.machine()}", "python": platform.python_version(),
        "versions": dict(versions(PACKAGES)), "date": time.strftime("%Y-%m-%d"),
    }


def processor() -> str:
    """The processor's name."""
    try:
        for line in Path("/proc/cpuinfo").read_text("utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()


def versions(packages: Iterable[str]) -> Iterable[tuple[str, str]]:
    """Those of the packages that are installed, with their versions."""
    for package in packages:
        try:
            yield package, importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            continue


def _median(values: Iterable[float]) -> float:
    return float(statistics.median(values))
