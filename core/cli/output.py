"""What the command line prints: tables and JSON on stdout, progress on stderr."""

from __future__ import annotations

import csv
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from core import escape
from core.errors import GraftError
from core.runs import looks
from core.runs.run import Run
from core.runs.status import Status
from core.store.files import replacing

if TYPE_CHECKING:
    from core.data.checks.report import Report
    from core.data.dataset import Dataset
    from core.data.sources.pictures import Picture
    from core.inference import Prediction

PROGRESS_SECONDS = 0.2


def tell(text: str) -> None:
    """One line on stderr."""
    print(escape.terminal(text), file=sys.stderr, flush=True)


def tell_layout(dataset: Dataset) -> None:
    """How the folders of a dataset were read, on stderr."""
    if dataset.layout["text"]:
        tell(f"Read as {dataset.layout['text']} (--layout {dataset.layout['reading']})")


def tell_looks(run: Run, test: bool) -> None:
    """How often a run's test images were looked at, on stderr; nothing where it has none."""
    found = (run.metrics() or {}).get("test")
    if found:
        count = looks.counted(run)
        tell(f"Test images: {count}." if test else
             f"{found['images']} test images are kept for the end ({count}): --test gives their score, and is counted.")


def say(text: str = "") -> None:
    """One line on stdout."""
    print(escape.terminal(text))


def print_json(document: Any, indent: int | None = 2) -> None:
    """A JSON document on stdout."""
    print(escape.json_text(document, indent))


def print_table(header: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """Columns of text on stdout; what is a number stands to the right."""
    cells = [list(header), *([_cell(value) for value in row] for row in rows)]
    widths = [max(len(row[index]) for row in cells) for index in range(len(header))]
    right = [bool(rows) and all(isinstance(row[index], (int, float)) for row in rows) for index in range(len(header))]
    for row in cells:
        padded = [
            text.rjust(width) if flush else text.ljust(width)
            for text, width, flush in zip(row, widths, right, strict=True)
        ]
        say("  ".join(padded).rstrip())


class Bar:
    """Progress of one piece of work on stderr: a moving line in a terminal, a line per stage elsewhere."""

    def __init__(self) -> None:
        self._moving = sys.stderr.isatty()
        self._stage = ""
        self._last = 0.0

    def __call__(self, what: str, fraction: float) -> None:
        """Show how far it is."""
        now = time.monotonic()
        if self._moving and (now - self._last > PROGRESS_SECONDS or fraction >= 1):
            self._last = now
            line, end = f"\r\x1b[2K{escape.terminal(what)} {fraction:4.0%}", "\n" if fraction >= 1 else ""
            print(line, end=end, file=sys.stderr, flush=True)
        elif not self._moving and what != self._stage:
            tell(what)
        self._stage = what


class TrainingLog:
    """Tells on stderr how a run goes on: what is prepared, and a line for each finished epoch."""

    def __init__(self, run: Run) -> None:
        self._run = run
        self._rows, self._notes = len(run.history()), len(run.notes())  # of a run that goes on, from before
        self._message = ""
        self._history_bytes = 0

    def __call__(self, status: Status) -> None:
        """Look at the run again, now that its status has changed."""
        if status.message and status.message != self._message:
            self._message = status.message
            tell(status.message)
        notes = self._run.notes()
        for note in notes[self._notes:]:
            tell(f"Note: {note}")
        self._notes = len(notes)
        path = self._run.path / "history.csv"
        size = path.stat().st_size if path.is_file() else 0
        if size == self._history_bytes:
            return
        self._history_bytes = size
        history = self._run.history()
        for row in history.iloc[min(self._rows, len(history)):].to_dict("records"):
            tell(
                f"epoch {row['epoch']:.0f}/{status.epochs}  loss {row['loss']:.4f}  accuracy {row['accuracy']:.4f}  "
                f"val_loss {row['val_loss']:.4f}  val_accuracy {row['val_accuracy']:.4f}  {row['seconds']:.1f} s"
            )
        self._rows = len(history)


def print_summary(summary: dict[str, Any]) -> None:
    """A dataset, as `core.data.checks.overview.overview` describes it."""
    smallest, largest = (f"{size['width']}×{size['height']}" for size in map(summary["sizes"].get, ("min", "max")))
    split = "with its own split" if summary["has_own_split"] else "split by the recipe's seed"
    say(f"{summary['name']} ({summary['id']})")
    say(f"{summary['images']} images in {len(summary['classes'])} classes, {summary['bytes'] / 1e6:.1f} MB, "
          f"{smallest} to {largest} pixels, {split}")
    say()
    rows = summary["per_class"]
    columns = list(next(iter(rows.values()), {}))
    print_table(["class", *columns], [[name, *row.values()] for name, row in rows.items()])
    if summary["bad_files"]:
        say()
        say(f"{summary['bad']} files cannot be used")
        print_table(["path", "reason"], [[row["path"], row["reason"]] for row in summary["bad_files"]])
    for note in summary["notes"]:
        say()
        say(f"Note: {note}")


def print_findings(report: Report) -> None:
    """What the checks of a dataset found, with the first of the images concerned."""
    for finding in report.findings:
        say()
        say(f"{finding.severity.capitalize()} ({finding.kind}): {finding.message}")
        for group in finding.groups[:3] or [(path,) for path in finding.paths[:3]]:
            say(f"  {'  =  '.join(group[:4])}")
    for text in report.left_out:
        say()
        say(text)


def print_scores(scores: dict[str, Any]) -> None:
    """The result of `core.api.evaluate`, split by split."""
    for split, score in scores.items():
        low, high = score["accuracy_interval"]
        say(f"{split}: accuracy {score['accuracy']:.4f} (95 %: {low:.3f} to {high:.3f}), loss {score['loss']:.4f}, "
              f"{score['images']} images")
        print_table(
            ["class", "precision", "recall", "f1", "images"],
            [[row["class"], row["precision"], row["recall"], row["f1"], row["support"]] for row in score["per_class"]],
        )


def prediction_rows(pictures: Sequence[Picture], predictions: Sequence[Prediction]) -> list[dict[str, Any]]:
    """`[{path, label, probability, top}]`; a file that could not be read has `error` instead."""
    rows: list[dict[str, Any]] = []
    for picture, prediction in zip(pictures, predictions, strict=True):
        if prediction.error:
            rows.append({"path": picture.name, "error": prediction.error})
        else:
            rows.append({"path": picture.name, "label": prediction.label, "probability": prediction.probability,
                         "top": [dict(item) for item in prediction.top]})
    return rows


@contextmanager
def _written(path: Path) -> Iterator[None]:
    """Around the writing of a file that the user named. Raises GraftError."""
    try:
        yield
    except OSError as error:
        raise GraftError(f"'{path}' cannot be written: {error.strerror or error}.", "Name another file.") from error


def write_predictions_csv(rows: Sequence[dict[str, Any]], path: Path) -> None:
    """Columns path, label, probability, then label_2, probability_2 and so on, and error. Raises GraftError."""
    places = max((len(row.get("top", ())) for row in rows), default=1)
    suffixes = ["", *(f"_{place}" for place in range(2, places + 1))]
    columns = ["path", *(f"{name}{suffix}" for suffix in suffixes for name in ("label", "probability")), "error"]
    with _written(path), replacing(path) as aside, open(aside, "w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, columns)
        writer.writeheader()
        for row in rows:
            line: dict[str, Any] = {"path": row["path"], "error": row.get("error", "")}
            for suffix, item in zip(suffixes, row.get("top", ()), strict=False):
                line[f"label{suffix}"], line[f"probability{suffix}"] = item["label"], f"{item['probability']:.6f}"
            writer.writerow({column: escape.csv_cell(value) for column, value in line.items()})


def _cell(value: object) -> str:
    if value is None:
        return "-"
    return f"{value:.4f}" if isinstance(value, float) else escape.terminal(str(value))
