"""The bar chart of the README, as SVG."""

from __future__ import annotations

from html import escape

from benchmarks.jobs import JOBS, SYSTEMS, reference
from benchmarks.report import seconds
from benchmarks.results import Summary

WIDTH, LEFT, RIGHT, BAR, GAP, TITLE, MARGIN = 860, 250, 150, 18, 6, 30, 20
COLOURS = {"graft": "#0C7D5B", "graft-warm": "#5DB898"}
OTHER = "#B4BEC8"
TEXT, FAINT, PAPER, AXIS = "#1A231E", "#5B6A62", "#FFFFFF", "#DCE4DF"
FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, 'DejaVu Sans', sans-serif"


def chart(summaries: list[Summary]) -> str:
    """Seconds of every system, one panel a job, each with its own scale from zero."""
    y, parts = MARGIN, []
    for job in JOBS.values():
        rows = [item for item in summaries if item.job == job.name and job.kind in ("train", "predict")]
        if len(rows) < 2:
            continue
        parts.append(_text(MARGIN, y + 15, job.title, size=15, weight=650))
        y += TITLE
        for item in sorted(rows, key=lambda item: item.wall_s):
            parts.append(_bar(item, rows, y))
            y += BAR + GAP
        parts.append(f'<line x1="{LEFT}" x2="{LEFT}" y1="{y - (BAR + GAP) * len(rows) - 3}" y2="{y - 3}" '
                     f'stroke="{AXIS}"/>')
        y += MARGIN
    parts.append(_text(MARGIN, y + 4, "Seconds, medians; shorter is better. Each panel has its own scale.",
                       colour=FAINT, size=12))
    height = y + MARGIN
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" height="{height}" '
        f'font-family="{FONT}" role="img" aria-label="Time of each job, Graft against Keras scripts">\n'
        f'<rect width="{WIDTH}" height="{height}" fill="{PAPER}"/>\n' + "\n".join(parts) + "\n</svg>\n"
    )


def _bar(item: Summary, rows: list[Summary], y: int) -> str:
    length = max(2.0, (WIDTH - LEFT - RIGHT) * item.wall_s / max(row.wall_s for row in rows))
    script = next((row for row in rows if row.system == reference(item.system)), None)
    label = f"{seconds(item.wall_s)} s"
    if script and item is not script:
        label += f"   {script.wall_s / item.wall_s:.1f}× as fast"
    own = item.system in COLOURS
    return "\n".join([
        _text(LEFT - 8, y + 13, SYSTEMS[item.system], anchor="end", weight=600 if own else 400),
        f'<rect x="{LEFT}" y="{y}" width="{length:.1f}" height="{BAR}" rx="3" '
        f'fill="{COLOURS.get(item.system, OTHER)}"/>',
        _text(LEFT + length + 8, y + 13, label, colour=TEXT if own else FAINT, weight=600 if own else 400),
    ])


def _text(x: float, y: float, text: str, colour: str = TEXT, size: int = 13, weight: int = 400,
          anchor: str = "start") -> str:
    return (f'<text x="{x:.1f}" y="{y:.1f}" fill="{colour}" font-size="{size}" font-weight="{weight}" '
            f'text-anchor="{anchor}" xml:space="preserve">{escape(text)}</text>')
