"""The Markdown report of the measurements."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from benchmarks.jobs import JOBS, MEMORY_AIM, OVERHEAD_AIM, SYSTEMS, Job, reference
from benchmarks.results import Summary

Cells = tuple[str, ...]


def report(summaries: list[Summary], machine: dict[str, Any], settings: dict[str, Any]) -> str:
    """The whole report."""
    parts = ["# Benchmarks", about(machine, settings)]
    for title, found in (("Against the usual script", ratios(summaries)), ("Every system", systems(summaries)),
                         ("What cannot be avoided", passes(summaries)), ("More images", growth(summaries))):
        if found:
            parts.append(f"## {title}\n\n{found}")
    return "\n\n".join(parts) + "\n"


def about(machine: dict[str, Any], settings: dict[str, Any]) -> str:
    """Machine, data and how it was measured."""
    names = ", ".join(f"{name} {version}" for name, version in machine["versions"].items())
    scale = "" if settings["epochs_scale"] == 1 else f" Epochs times {settings['epochs_scale']:g}: a quick look only."
    return (
        f"{machine['processor']}, {machine['cores']} cores, {machine['memory_gb']:g} GB; {machine['system']}, "
        f"Python {machine['python']}, {names}; {machine['date']}.\n\n"
        f"{settings['data']}: {settings['images']:,} images, {settings['backbone']} at {settings['size']} px, "
        f"{'ImageNet' if settings['weights'] == 'imagenet' else 'random'} weights, the same split for all.{scale} "
        "Each measurement is a process of its own from start to saved model. The figures are medians of as many "
        "measurements as the table says; the systems of one call take turns, and rows may come from several calls. "
        "How it is done: [docs/benchmarks.md](../../docs/benchmarks.md)."
    )


def ratios(summaries: list[Summary]) -> str:
    """Graft against the script, job by job, with what is aimed at."""
    found = {(item.job, item.system): item for item in summaries}
    rows = []
    for job in (job for job in JOBS.values() if job.kind != "growth"):
        for own, title in (("graft", job.title), ("graft-warm", f"{job.title}, second time in one process")):
            graft, script = found.get((job.name, own)), found.get((job.name, reference(own)))
            if graft and script:
                cached = found.get((job.name, "cached"))
                rows.append((
                    title, seconds(graft.wall_s), seconds(script.wall_s), f"**{faster(script, graft)}**",
                    f"≥ {job.aim:g}×" if job.aim else "–", faster(cached, graft) if cached else "–",
                    f"{percent(graft.val_accuracy)} / {percent(script.val_accuracy)}",
                ))
    return table(("job", "Graft, s", "script, s", "Graft is faster", "aim", "than with cache()",
                  "accuracy, Graft / script"), rows)


def systems(summaries: list[Summary]) -> str:
    """Every measured row."""
    found = {(item.job, item.system): item for item in summaries}
    rows = []
    for item in summaries:
        script = found.get((item.job, reference(item.system)))
        if JOBS[item.job].kind in ("train", "predict"):
            rows.append((
                JOBS[item.job].title, SYSTEMS[item.system], str(item.repeats), spread(item),
                f"{item.images_per_second:,.0f}",
                f"{item.peak_mb:,.0f}", percent(item.val_accuracy), faster(script, item) if script else "–"))
    return table(("job", "system", "measured", "seconds (least to most)", "images/s", "peak memory, MB",
                  "validation accuracy", "times the script's speed"), without_repetition(rows), texts=2)


def passes(summaries: list[Summary]) -> str:
    """Decoding and one forward pass, and the cold job over their sum."""
    rows = [(SYSTEMS[item.system], str(item.repeats), spread(item), f"{item.images_per_second:,.0f}")
            for item in summaries if item.job == "passes"]
    found = {(item.job, item.system): item.wall_s for item in summaries}
    needed = [found.get(key) for key in (("frozen", "graft"), ("passes", "decode"), ("passes", "onnx"))]
    text = table(("pass", "measured", "seconds (least to most)", "images/s"), rows)
    if text and all(needed):
        cold, decode, forward = (value for value in needed if value)
        text += (f"\n\nGraft's cold frozen job takes {cold / (decode + forward):.2f} times as long as decoding once "
                 f"and one forward pass together (aim: ≤ {OVERHEAD_AIM:.1f}).")
    return text


def growth(summaries: list[Summary]) -> str:
    """Time and memory of Graft's cold frozen job at several numbers of images."""
    parts = []
    for job in (job for job in JOBS.values() if job.kind == "growth"):
        found = [item for item in summaries if item.job == job.name]
        if found:
            first = found[0]
            parts.append(table(
                ("images", "seconds (least to most)", "images/s", "peak memory, MB", "memory over the first"),
                [(f"{item.images:,}", spread(item), f"{item.images_per_second:,.0f}", f"{item.peak_mb:,.0f}",
                  f"{item.peak_mb / first.peak_mb:.2f}×") for item in found],
            ) + f"\n\n{_growth_note(job)}")
    return "\n\n".join(parts)


def table(head: Cells, rows: Iterable[Cells], texts: int = 1) -> str:
    """A Markdown table; nothing when there are no rows. The first `texts` columns are to the left, the others right."""
    lines = [f"| {' | '.join(row)} |" for row in rows]
    if not lines:
        return ""
    rule = "|".join(["---"] * texts + ["---:"] * (len(head) - texts))
    return "\n".join([f"| {' | '.join(head)} |", f"|{rule}|", *lines])


def without_repetition(rows: Sequence[Cells]) -> list[Cells]:
    """Rows whose first cell is empty where it is the same as above."""
    return [("", *row[1:]) if at and rows[at - 1][0] == row[0] else row for at, row in enumerate(rows)]


def faster(slow: Summary, fast: Summary) -> str:
    """How many times less time: `12.3×`."""
    return f"{slow.wall_s / fast.wall_s:.1f}×"


def spread(item: Summary) -> str:
    """Median seconds, with the range when there were several repetitions."""
    alone = item.repeats == 1
    return seconds(item.wall_s) + ("" if alone else f" ({seconds(item.fastest_s)} to {seconds(item.slowest_s)})")


def seconds(value: float) -> str:
    """Three figures."""
    return f"{value:.0f}" if value >= 100 else f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def percent(value: float | None) -> str:
    """A share as a percentage."""
    return "–" if value is None else f"{value:.1%}"


def _growth_note(job: Job) -> str:
    return f"{job.title}; memory aim at 16 times the images: ≤ {MEMORY_AIM:g}×."
