"""How the pages say things: numbers, sizes, times, names."""

from __future__ import annotations

import re
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from core import escape
from core.recipe.fields import Recipe
from core.runs.run import Run
from core.runs.status import Status

if TYPE_CHECKING:
    from core.data.dataset import Dataset

STATE_COLORS = {"queued": "gray", "running": "blue", "completed": "green", "stopped": "orange", "failed": "red",
                "interrupted": "orange", "paused": "gray"}
STATE_ICONS = {"queued": "hourglass_empty", "running": "play_circle", "completed": "check_circle",
               "stopped": "stop_circle", "failed": "error", "interrupted": "power_off", "paused": "pause_circle"}


def count(number: int, one: str, many: str | None = None) -> str:
    """`1 image`, `1,234 images`."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def amount(number: float) -> str:
    """A large number in short: `2.26 M`, `410 k`, `950`."""
    for limit, suffix in ((1e9, " G"), (1e6, " M"), (1e3, " k")):
        if number >= limit:
            return f"{number / limit:.3g}{suffix}"
    return f"{number:.0f}"


def size(number: float) -> str:
    """Bytes in short: `46.9 MB`."""
    for limit, suffix in ((2**30, "GB"), (2**20, "MB"), (2**10, "KB")):
        if number >= limit:
            return f"{number / limit:.3g} {suffix}"
    return f"{number:.0f} bytes"


def duration(seconds: float | None) -> str:
    """Seconds in short: `3 min 20 s`."""
    if seconds is None:
        return "—"
    whole = int(round(seconds))
    if 0 < seconds < 1:
        return "under 1 s"
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"


def percent(share: float) -> str:
    """`89.5 %`."""
    return f"{100 * share:.1f} %"


def backbone(recipe: Recipe) -> str:
    """`MobileNetV2 0.35`."""
    alpha = "" if recipe.model.alpha is None else f" {recipe.model.alpha:g}"
    return recipe.model.backbone + alpha


def frozen(recipe: Recipe) -> str:
    """How much of the backbone stays as it is."""
    names = {"all": "frozen", "none": "all trained"}
    each = [names.get(phase.freeze, f"frozen to {phase.freeze}") for phase in recipe.train.phases]
    return ", then ".join(text for index, text in enumerate(each) if index == 0 or text != each[index - 1])


def model(recipe: Recipe) -> str:
    """One line on the model."""
    random = " · random weights" if recipe.model.weights == "none" else ""
    return f"{backbone(recipe)} · {frozen(recipe)}{random}"


def score(metrics: dict[str, Any]) -> str:
    """The accuracy by which runs are compared. Never that on test images: lists would be looks at it."""
    return f"{percent(metrics['validation']['accuracy'])} on validation" if "validation" in metrics else ""


def dataset_option(dataset: Dataset, others: Sequence[Dataset]) -> str:
    """A dataset in a list of datasets; with its date where another has the same name."""
    if sum(item.name == dataset.name for item in others) < 2:
        return escape.visible(dataset.name)
    return f"{escape.visible(dataset.name)} · {dataset.created[:16].replace('T', ' ')}"


def run_name(run: Run) -> str:
    """How a run is called in lists: when it was made, and with what."""
    stamp = "-".join(run.id.split("-")[1:3])
    try:
        moment = time.strftime("%d %b %H:%M:%S", time.strptime(stamp, "%Y%m%d-%H%M%S"))
    except ValueError:
        moment = run.id
    return f"{backbone(run.recipe)} · {moment}"


def run_option(run: Run) -> str:
    """A run in a list of runs, with its dataset and its score."""
    metrics = run.metrics()
    dataset = escape.visible(run.dataset["name"])
    return " · ".join(filter(None, [dataset, run_name(run), score(metrics) if metrics else ""]))


def file_name(name: str, ending: str) -> str:
    """A name for a download: of letters, digits and the like, whatever the dataset is called."""
    plain = re.sub(r"[^\w ().-]+", "_", name).strip(". ")
    return f"{plain or 'graft'}-{ending}"


def status_badge(status: Status) -> dict[str, Any]:
    """Arguments of `st.badge` for a state."""
    return {"label": status.state, "color": STATE_COLORS.get(status.state, "gray"),
            "icon": f":material/{STATE_ICONS.get(status.state, 'help')}:"}
