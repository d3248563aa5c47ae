"""Predictions on new pictures: asked for with progress, drawn as bars, taken along as CSV."""

from __future__ import annotations

import base64
from contextlib import suppress
from pathlib import Path
from typing import Any

import pandas as pd
import streamlit as st

from core import escape
from core.errors import GraftError
from core.inference import shared_predictor
from core.runs.run import Run
from pages.parts.session import state
from pages.parts.widgets import errors, wording

TOP = 3
PER_PAGE = 12
EDGE = 336
"""Pixels of a card's picture: three times the square of 112 that it fills, so that twice as long a one stays sharp."""
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
def show(run: Run, rows: list[dict[str, Any]]) -> None:
    """A card per picture, a page at a time."""
    bad = [row["name"] for row in rows if row["error"]]
    if bad:
        listed = ", ".join(bad[:5]) + (f" and {len(bad) - 5:,} more" if len(bad) > 5 else "")
        st.warning(f"{len(bad):,} of {wording.count(len(rows), 'file')} could not be read: {escape.markdown(listed)}. "
                   "Each says why.", icon=":material/broken_image:")
    pages = -(-len(rows) // PER_PAGE)
    looked = st.toggle("Show what it looked at", key="predicted-heat", help="Bright: what speaks for the class that it "
                       "names (Grad-CAM), on the square that the model sees. Where that is not the thing itself, the "
                       "model may have learned something else. The first time takes some seconds.")
    slot = st.container()
    number = st.pagination(pages, key=f"predicted-{len(rows)}") if pages > 1 else 1
    shown = rows[(number - 1) * PER_PAGE:number * PER_PAGE]
    with slot, st.grid("auto", min_column_width=300, border=True):
        for row, picture in zip(shown, _heated(run, shown) if looked else _small(run, shown), strict=True):
            st.html(_STYLE + card(row, picture))


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


def card(row: dict[str, Any], picture: bytes | None) -> str:
    """HTML: a picture (JPEG), its name, and the top classes as bars; or why it could not be read."""
    name = f'<div class="name" title="{escape.html(row["name"])}">{escape.html(row["name"])}</div>'
    if row["error"]:
        return (f'<div class="graft-hit"><div class="none"></div><div class="side">{name}'
                f'<div>{escape.html(row["error"][:1].upper() + row["error"][1:])}</div></div></div>')
    bars = "".join(_bar(guess, rank == 0) for rank, guess in enumerate(row["top"]))
    return f'<div class="graft-hit">{_image(picture)}<div class="side">{name}{bars}</div></div>'


def _bar(guess: dict[str, Any], first: bool) -> str:
    share = 100 * guess["probability"]
    return (f'<div class="row{" first" if first else ""}"><span>{escape.html(str(guess["label"]))}</span>'
            f'<span>{share:.1f} %</span></div><div class="track"><div class="fill" style="width:{share:.1f}%"></div>'
            "</div>")


def _kind(picture: bytes) -> str:
    return "png" if picture.startswith(b"\x89PNG") else "jpeg"


def _image(picture: bytes | None) -> str:
    if not picture:
        return '<div class="none"></div>'
    return f'<img alt="" src="data:image/{_kind(picture)};base64,{base64.b64encode(picture).decode()}">'


def _heated(run: Run, rows: list[dict[str, Any]]) -> list[bytes | None]:
    """The model's squares of these rows with the heat laid over them; asked for once while they are shown."""
    files = [row["file"] for row in rows]
    kept, asked_for = state.get("prediction-heat"), [run.id, *files]
    if kept and kept["for"] == asked_for:
        return kept["pictures"]
    with st.spinner("Looking where it looked"):
        found = shared_predictor().heatmaps(run.path, [Path(file) for file in files],
                                            max_pixels=state.workspace().limits.image_pixels)
    pictures = [one.overlay for one in found]
    state.put("prediction-heat", {"for": asked_for, "pictures": pictures})
    return pictures


def _small(run: Run, rows: list[dict[str, Any]]) -> list[bytes | None]:
    """The pictures of these rows, made small by the prediction process; asked for once while they are shown."""
    files = [row["file"] for row in rows]
    kept = state.get("prediction-pictures")
    if kept and kept["files"] == files:
        return kept["pictures"]
    pictures: list[bytes | None] = [None] * len(rows)
    with suppress(GraftError):  # the answers are worth reading without
        pictures = shared_predictor().small_pictures(run.path, [Path(file) for file in files], EDGE,
                                                     max_pixels=state.workspace().limits.image_pixels)
        state.put("prediction-pictures", {"files": files, "pictures": pictures})
    return pictures
