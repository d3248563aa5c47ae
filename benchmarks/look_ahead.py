"""What decoding ahead and the threads win: whole processes with a part and without it, in turns.

    python -m benchmarks.look_ahead [--pairs 5] [--images 4317] [--only PART,PART]

Figures that stand in the modules' docstrings come from here. Every training begins with an empty cache.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.__main__ import ARCHIVE, say
from benchmarks.images import ImageSets
from benchmarks.jobs import ALPHA, BACKBONE, PREDICTED
from benchmarks.stopwatch import MeasuredProcessFailed, Timing, timed
from benchmarks.systems import Bench, recipe
from core.backbones import weights
from core.backbones.catalogue import get
from core.errors import GraftError
from core.jobs.backends import PROJECT, worker_environment
from core.recipe.fields import Recipe
from core.runs.run import Run
from core.store.workspace import Workspace


@dataclass(frozen=True)
class Comparison:
    """One part, in the job that needs it most."""

    part: str
    job: str
    """frozen: 20 epochs, all images. predict: PREDICTED images."""
    beside: str = ""
    """What is left out of both, because it does the same work."""


COMPARISONS = (
    Comparison("decoding-process", "frozen"),
    Comparison("decoding-thread", "frozen", beside="decoding-process"),
    Comparison("pieces", "frozen"),
    Comparison("prediction-ahead", "predict"),
    Comparison("pieces", "predict"),
)


class Parts:
    """Carries the comparisons out in a folder of its own."""

    def __init__(self, bench: Bench, sets: ImageSets, images: int) -> None:
        self.bench, self.sets = bench, sets
        self.whole = sets.of_size(images, PREDICTED)
        self.model = self._run(_frozen(bench.weights, epochs=1), "nothing", "model")[1]

    def measure(self, job: str, without: str) -> Timing:
        """One process."""
        if job == "predict":
            return self._timed([without, "predict", str(self.model), str(self.whole.folder / "predict")], "predict")
        return self._run(_frozen(self.bench.weights, epochs=20), without, job)[0]

    def _run(self, recipe: Recipe, without: str, name: str) -> tuple[Timing, Path]:
        self.bench.empty_cache()
        run = Run.create(self.whole.dataset, recipe, None, self.bench.fresh("runs", name))
        timing = self._timed([without, "train", str(run.path)], name)
        if run.status().state != "completed":
            raise MeasuredProcessFailed(f"{name}: the run is {run.status().state}. {run.status().message}")
        return timing, run.path

    def _timed(self, arguments: list[str], name: str) -> Timing:
        log = self.bench.work / "logs" / f"look-ahead-{name}.log"
        log.parent.mkdir(parents=True, exist_ok=True)
        return timed([sys.executable, "-m", "benchmarks.without", *arguments], log, PROJECT, worker_environment())


def _frozen(file: Path | None, epochs: int) -> Recipe:
    return recipe("all", None, 1e-3, epochs, 0, file)


def compare(parts: Parts, comparisons: Sequence[Comparison], pairs: int) -> None:
    """Measure all in turns, the order changing from pair to pair; tell at once, and the medians at the end."""
    found: dict[tuple[str, str], list[Timing]] = {}
    processes = dict.fromkeys(key for row in comparisons for key in _processes(row))
    for pair in range(pairs):
        for job, without in list(processes)[::1 if pair % 2 == 0 else -1]:
            timing = parts.measure(job, without)
            found.setdefault((job, without), []).append(timing)
            say(f"{pair + 1}  {job:<8} without {without:<33} {timing.wall_s:6.2f} s  {timing.cpu_s:6.2f} s of CPU"
                f"   load {os.getloadavg()[0]:.1f}")
    for row in comparisons:
        say(told(row, *(found[key] for key in _processes(row))))


def told(row: Comparison, kept: list[Timing], left_out: list[Timing]) -> str:
    """The medians of one comparison, and the median of the pairs' ratios."""
    parts = []
    for name in ("wall_s", "cpu_s"):
        pairs = [(getattr(one, name), getattr(other, name)) for one, other in zip(kept, left_out, strict=True)]
        with_it, without_it = (statistics.median(side) for side in zip(*pairs, strict=True))
        ratio = statistics.median(other / one for one, other in pairs)
        parts.append(f"{name[:-2]:<4} {with_it:6.2f} s with, {without_it:6.2f} s without ({ratio:.3f})")
    return f"{row.part:<17} {row.job:<8} {'   '.join(parts)}"


def _processes(row: Comparison) -> tuple[tuple[str, str], tuple[str, str]]:
    """(job, what is left out) of both sides."""
    return (row.job, row.beside or "nothing"), (row.job, "+".join(filter(None, [row.beside, row.part])))


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure what is asked for; 2 when something is missing that the user can bring."""
    real_data = os.environ.get("GRAFT_REAL_DATA")
    parser = argparse.ArgumentParser(prog="python -m benchmarks.look_ahead", description=__doc__)
    parser.add_argument("--pairs", type=int, default=5)
    parser.add_argument("--images", type=int, help="use only so many (default: all)")
    parser.add_argument("--only", default="", help="parts, with commas between them (default: all)")
    parser.add_argument("--data", type=Path, default=Path(real_data, ARCHIVE) if real_data else None)
    parser.add_argument("--weights", choices=("imagenet", "none"), default="imagenet")
    parser.add_argument("--work", type=Path, default=Path("build/benchmarks"))
    args = parser.parse_args(arguments)
    chosen = [row for row in COMPARISONS if not args.only or row.part in args.only.split(",")]
    try:
        if args.data is None:
            raise GraftError("There are no images to measure with.", "Set GRAFT_REAL_DATA, or give --data.")
        work = args.work.resolve()
        bench = Bench(Workspace(work / "workspace"), work, weights.ensure(*get(BACKBONE, ALPHA), args.weights))
        sets = ImageSets(args.data.resolve(), bench.workspace, work)
        compare(Parts(bench, sets, args.images or sets.whole.images), chosen, args.pairs)
    except (GraftError, MeasuredProcessFailed) as error:
        print(error, file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
