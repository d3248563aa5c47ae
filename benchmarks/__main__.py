"""`python -m benchmarks`: measure, and write results.json, results.md and results.svg."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

from benchmarks.chart import chart
from benchmarks.images import ImageSet, ImageSets
from benchmarks.jobs import ALPHA, BACKBONE, JOBS, PREDICTED, SIZE, SYSTEMS, USUAL, Job
from benchmarks.report import report, seconds
from benchmarks.results import Measurement, OtherSettings, Results, machine
from benchmarks.stopwatch import MeasuredProcessFailed
from benchmarks.systems import Bench
from core.backbones import weights
from core.backbones.catalogue import get
from core.errors import GraftError
from core.store.files import write_text
from core.store.workspace import Workspace

ARCHIVE = "flowers128.zip"
GROWTH = (1, 4, 16)


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure what is asked for; 2 when something is missing that the user can bring."""
    args = parser().parse_args(arguments)
    try:
        run(args)
    except (GraftError, MeasuredProcessFailed, OtherSettings) as error:
        print(error, file=sys.stderr)
        return 2
    return 0


def parser() -> argparse.ArgumentParser:
    """The command line."""
    real_data = os.environ.get("GRAFT_REAL_DATA")
    found = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    found.add_argument("--jobs", type=listed(JOBS), default=USUAL, metavar="JOB,JOB",
                       help=f"which jobs: {', '.join(JOBS)} (default: all but growth-large)")
    found.add_argument("--systems", type=listed(SYSTEMS), default=tuple(SYSTEMS), metavar="SYSTEM,SYSTEM",
                       help=f"which systems: {', '.join(SYSTEMS)} (default: all)")
    found.add_argument("--repeats", type=int, default=5, help="times that each is measured (default: 5); "
                       "0: only write table and chart again")
    found.add_argument("--append", action="store_true",
                       help="keep earlier measurements of the same rows (default: they are replaced)")
    found.add_argument("--images", type=int, help="use only so many images, for a quick look (default: all)")
    found.add_argument("--growth-base", type=int, metavar="N",
                       help="growth goes over N, 4 N and 16 N images (default: so that 16 N are all there are)")
    found.add_argument("--epochs-scale", type=float, default=1.0, metavar="X",
                       help="multiply all epochs, for a quick look")
    found.add_argument("--weights", choices=("imagenet", "none"), default="imagenet")
    found.add_argument("--data", type=Path, default=Path(real_data, ARCHIVE) if real_data else None,
                       help=f"a zip, tar or folder (default: $GRAFT_REAL_DATA/{ARCHIVE})")
    found.add_argument("--out", type=Path, default=Path("benchmarks/results"), help="where the results go")
    found.add_argument("--work", type=Path, default=Path("build/benchmarks"),
                       help="where images and models are kept between calls")
    return found


def listed(known: Mapping[str, object]) -> Callable[[str], tuple[str, ...]]:
    """A reader of names with commas or blanks between them."""
    def read(text: str) -> tuple[str, ...]:
        names = tuple(text.replace(",", " ").split())
        unknown = [name for name in names if name not in known]
        if unknown or not names:
            raise argparse.ArgumentTypeError(f"unknown: {' '.join(unknown) or 'nothing'}; use {', '.join(known)}")
        return names
    return read


def run(args: argparse.Namespace) -> None:
    """Prepare, measure, report."""
    if args.data is None:
        raise GraftError("There are no images to measure with.", "Set GRAFT_REAL_DATA, or give --data.")
    work = args.work.resolve()
    workspace = Workspace(work / "workspace")
    backbone, variant = get(BACKBONE, ALPHA)
    bench = Bench(workspace, work, weights.ensure(backbone, variant, args.weights), args.epochs_scale)
    say("Preparing the images")
    sets = ImageSets(args.data.resolve(), workspace, work)
    results = Results(args.out / "results.json", {
        "data": args.data.stem, "images": args.images or sets.whole.images, "backbone": f"{BACKBONE} {ALPHA:g}",
        "size": SIZE, "weights": args.weights, "epochs_scale": args.epochs_scale,
    })
    planned = plan(args, sets) if args.repeats else []
    if planned:
        bench.warm_up()
    first = results.next_repeat() if args.append else 0
    for repeat in range(first, first + args.repeats):
        for job, system, images in planned:
            measurement = bench.measure(job, system, images, repeat)
            say(told(measurement))
            results.add(measurement, args.append)
            write_reports(results, args.out)
    write_reports(results, args.out)
    say(f"Written: {args.out}/results.json, results.md, results.svg")


def plan(args: argparse.Namespace, sets: ImageSets) -> list[tuple[Job, str, ImageSet]]:
    """What is measured in each round, in this order."""
    count = args.images or sets.whole.images
    return [(job, system, sets.of_size(size, PREDICTED))
            for job in (JOBS[name] for name in args.jobs)
            for size in (sizes(job, count, args.growth_base) if job.kind == "growth" else (count,))
            for system in job.systems if system in args.systems]


def sizes(job: Job, count: int, base: int | None) -> Iterator[int]:
    """Numbers of images of a growth job."""
    if job.name == "growth-large":
        yield from (count * factor for factor in GROWTH)
    else:
        yield from ((base * factor) if base else round(count * factor / GROWTH[-1]) for factor in GROWTH)


def told(found: Measurement) -> str:
    """One measurement as a line."""
    accuracy = "" if found.val_accuracy is None else f"  accuracy {found.val_accuracy:.3f}"
    return (f"{found.repeat + 1}  {found.job:<12} {found.system:<11} {found.images:>6,} images "
            f"{seconds(found.wall_s):>6} s  {found.images_per_second:>8,.0f} images/s  {found.peak_mb:>6,.0f} MB"
            f"{accuracy}")


def write_reports(results: Results, folder: Path) -> None:
    """Write the table and the chart."""
    summaries = results.summaries()
    folder.mkdir(parents=True, exist_ok=True)
    write_text(folder / "results.md", report(summaries, machine(), results.settings))
    write_text(folder / "results.svg", chart(summaries))


def say(text: str) -> None:
    """Tell at once."""
    print(text, flush=True)


if __name__ == "__main__":
    sys.exit(main())
