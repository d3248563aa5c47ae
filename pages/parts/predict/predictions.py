"""Predictions on new pictures: asked for with progress, drawn as bars, taken along as CSV."""

from __future__ import annotations

import base64
import io
from pathlib import Path
from typing import Any

import pandas as pd
import streamlit as st
from PIL import Image

from core import escape
from core.data.images.decode import decode
from core.errors import GraftError
from core.inference import shared_predictor
from core.runs.run import Run
from pages.parts.session import state
from pages.parts.widgets import errors, wording

TOP = 3
PER_PAGE = 12
_STYLE = """<style>
.graft-hit{display:flex;gap:14px;align-items:flex-start;margin:2px 0}
.graft-hit img,.graft-hit .none{width:112px;height:112px;object-fit:cover;border-radius:8px;flex:none;
  background:rgba(128,140,134,.14);outline:1px solid rgba(128,140,134,.35);outline-offset:-1px}
.graft-hit .side{flex:1;min-width:0}
.graft-hit .name{font-size:.78rem;opacity:.75;margin-bottom:6px;overflow:hidden;
  text-overflow:ellipsis;white-space:nowrap}
.graft-hit .row{display:flex;justify-content:space-between;gap:8px;font-size:.88rem;line-height:1.25}
.graft-hit .row span:first-child{overflow:hidden;text-overflow:ellipsis;white-space:nowrap}
.graft-hit .first{font-weight:650}
.graft-hit .track{height:6px;border-radius:3px;background:rgba(128,140,134,.18);margin:2px 0 6px}
.graft-hit .fill{height:6px;border-radius:3px;background:#8D9BAA}
.graft-hit .first + .track .fill{background:#10916B}
</style>"""


@st.cache_resource(show_spinner=False)
def warm_up() -> None:
    """Start the prediction process in the background, once, so that the first prediction does not wait for it."""
    shared_predictor().warm_up()


def of(run: Run, pictures: list[tuple[str, Path]]) -> list[dict[str, Any]]:
    """Predictions for all pictures, in order; asked for once per run and set of pictures. Raises InferenceError."""
    asked_for = [run.id, str(pictures[0][1].parent)]
    kept = state.get("predictions")
    if kept and kept["for"] == asked_for:
        return kept["rows"]
    bar = st.progress(0.0, text="Starting the prediction process; the first time takes some seconds")

    def progress(done: int, total: int) -> None:
        bar.progress(done / max(total, 1), text=f"{done:,} of {total:,} pictures")

    answers = shared_predictor().predict(
        run.path, [path for _, path in pictures], top_k=TOP, progress=progress,
        max_pixels=state.workspace().limits.image_pixels)
    rows = [
        {"name": name, "file": str(path), "label": answer.label, "probability": answer.probability,
         "top": answer.top, "error": (answer.error or "").removeprefix(f"{path.name}: ")}
        for (name, path), answer in zip(pictures, answers, strict=True)
    ]
    bar.empty()
    state.put("predictions", {"for": asked_for, "rows": rows})
    return rows


def of_or_reason(run: Run, pictures: list[tuple[str, Path]]) -> list[dict[str, Any]]:
    """`of`; where it fails, why is shown, and there are no predictions."""
    try:
        return of(run, pictures)
    except GraftError as error:
        errors.show(error)
        return []


@st.fragment
@errors.guarded
def show(rows: list[dict[str, Any]]) -> None:
    """A card per picture, a page at a time."""
    bad = [row["name"] for row in rows if row["error"]]
    if bad:
        listed = ", ".join(bad[:5]) + (f" and {len(bad) - 5:,} more" if len(bad) > 5 else "")
        st.warning(f"{len(bad):,} of {wording.count(len(rows), 'file')} could not be read: {escape.markdown(listed)}. "
                   "Each says why.", icon=":material/broken_image:")
    pages = -(-len(rows) // PER_PAGE)
    slot = st.container()
    number = st.pagination(pages, key=f"predicted-{len(rows)}") if pages > 1 else 1
    with slot, st.grid("auto", min_column_width=300, border=True):
        for row in rows[(number - 1) * PER_PAGE:number * PER_PAGE]:
            st.html(_STYLE + _card(row))


def as_csv(rows: list[dict[str, Any]]) -> str:
    """One row per picture: name, the top classes with their probabilities, and the error of an unreadable one."""
    table = pd.DataFrame([
        {"file": row["name"], "label": row["label"], "probability": row["probability"],
         **{f"{key}_{rank}": guess[key] for rank, guess in enumerate(row["top"] or [], start=1)
            for key in ("label", "probability")},
         "error": row["error"]}
        for row in rows
    ])
    return table.map(escape.csv_cell).to_csv(index=False)


def _card(row: dict[str, Any]) -> str:
    name = f'<div class="name" title="{escape.html(row["name"])}">{escape.html(row["name"])}</div>'
    if row["error"]:
        return (f'<div class="graft-hit"><div class="none"></div><div class="side">{name}'
                f'<div>{escape.html(row["error"][:1].upper() + row["error"][1:])}</div></div></div>')
    bars = "".join(_bar(guess, rank == 0) for rank, guess in enumerate(row["top"]))
    return (f'<div class="graft-hit"><img alt="" src="{_picture(row["file"])}"><div class="side">{name}{bars}'
            "</div></div>")


def _bar(guess: dict[str, Any], first: bool) -> str:
    share = 100 * guess["probability"]
    return (f'<div class="row{" first" if first else ""}"><span>{escape.html(str(guess["label"]))}</span>'
            f'<span>{share:.1f} %</span></div><div class="track"><div class="fill" style="width:{share:.1f}%"></div>'
            "</div>")


def _picture(file: str) -> str:
    try:
        pixels = decode(Path(file), 224, "crop")
    except GraftError:
        return ""
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "JPEG", quality=85)
    return "data:image/jpeg;base64," + base64.b64encode(buffer.getvalue()).decode()
