"""What `python -m core inspect --json` prints: one object, whose names are a promise."""

from __future__ import annotations

from typing import Any

from core.data.checks.report import Report
from core.data.checks.seen import look_at
from core.data.dataset import Dataset


def inspection(dataset: Dataset, report: Report) -> dict[str, Any]:
    """A dataset and what its checks found. Plain numbers, text, lists and dicts:

    - `id`; `images`: usable ones; `classes`: `{name: images}`; `splits`: `{name: images}`, as a new recipe splits them
    - `layout`: `{reading, text}`, how the folders were read
    - `bad`: `[{path, reason}]`; `skipped`: `[{member, reason}]`, what was left out while reading
    - `duplicates`, `near_duplicates`, `leaks`: `[[path, ...]]`
    - `label_suspects`: `[{path, given, suggested, probability}]`, the most suspicious first
    - `warnings`: `[{kind, severity, message, paths}]`, with the notes on reading as hints of the kind `reading`
    - `seconds`: what the checks took
    """
    seen = look_at(dataset)
    counts = seen.good["class"].value_counts()

    def groups(*kinds: str) -> list[list[str]]:
        return [list(group) for finding in report.of(*kinds) for group in finding.groups]

    warnings = [{"kind": finding.kind, "severity": finding.severity, "message": finding.message,
                 "paths": list(finding.paths)} for finding in report.findings]
    notes = [{"kind": "reading", "severity": "hint", "message": note, "paths": []} for note in dataset.notes]
    left_out = [{"kind": "left_out", "severity": "hint", "message": text, "paths": []} for text in report.left_out]
    return {
        "id": dataset.id, "images": len(seen.good),
        "classes": {label: int(counts.get(label, 0)) for label in dataset.classes},
        "splits": seen.splits, "layout": dict(dataset.layout),
        "bad": [{"path": row.path, "reason": row.reason} for row in seen.bad.itertuples()],
        "skipped": [dict(one) for one in dataset.skipped],
        "duplicates": groups("duplicates", "two_classes", "leaks"),
        "near_duplicates": groups("near_duplicates", "near_leaks", "near_two_classes"),
        "leaks": groups("leaks", "near_leaks"),
        "label_suspects": [dict(detail) for finding in report.of("label_suspects") for detail in finding.details],
        "warnings": [*warnings, *left_out, *notes],
        "seconds": report.seconds,
    }
