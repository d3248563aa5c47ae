"""Two to ten runs side by side: what differs in their settings, how good each is, and where they disagree."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import combinations
from typing import TYPE_CHECKING, Any

from core.errors import RunError
from core.runs.run import Run
from core.scoring.paired import mcnemar

if TYPE_CHECKING:
    import pandas as pd

MOST = 10


def compare(runs: Sequence[Run]) -> dict[str, Any]:
    """Compare runs. Plain numbers, text, lists and dicts:

    - `runs`: `[{id, dataset, backbone, alpha, images, accuracy, accuracy_interval, balanced_accuracy, log_loss, epochs,
      seconds, parameters, trainable_parameters}]`, on validation images
    - `differing`: `{dotted path: [a value a run]}`, of the recipe
    - `pairs`: `[{runs: [id, id], same_split, images, only_first, only_second, both_wrong, p_value, disagreements}]`;
      `p_value` and what comes of images is null where the runs were not checked on the same images.
      `disagreements`: `[{path, file, true, predicted: [label, label]}]`, one of them right

    Args:
        runs: Two to ten, with a model.

    Raises:
        RunError: fewer or more, the same twice, or one without scores.
    """
    if not 2 <= len(runs) <= MOST:
        raise RunError(f"{len(runs)} runs were given.", f"Compare two to {MOST}.")
    if len({run.path for run in runs}) < len(runs):
        raise RunError("A run was given twice.", "Compare different ones.")
    rows = [_row(run) for run in runs]
    return {"runs": rows, "differing": differing([run.recipe.model_dump(mode="json") for run in runs]),
            "pairs": [_pair(one, other) for one, other in combinations(runs, 2)]}


def differing(documents: Sequence[Mapping[str, Any]]) -> dict[str, list[Any]]:
    """The values that are not the same in all documents, by dotted path. Null: it is not there."""
    flat = [dict(_flat(document)) for document in documents]
    paths = dict.fromkeys(path for one in flat for path in one)
    return {path: [one.get(path) for one in flat] for path in paths
            if any(one.get(path) != flat[0].get(path) for one in flat[1:])}


def _flat(value: Any, path: str = "") -> list[tuple[str, Any]]:
    inner = value.items() if isinstance(value, Mapping) else enumerate(value) if isinstance(value, list) else None
    if inner is None:
        return [(path, value)]
    return [found for key, one in inner for found in _flat(one, f"{path}.{key}" if path else str(key))]


def _row(run: Run) -> dict[str, Any]:
    metrics = run.metrics()
    if metrics is None or "validation" not in metrics:
        raise RunError(f"The run {run.id} has no scores: it is {run.status().state}.", "Choose completed runs.")
    scores, model = metrics["validation"], run.recipe.model
    return {
        "id": run.id, "dataset": run.dataset["name"], "backbone": model.backbone, "alpha": model.alpha,
        "images": scores["images"], "accuracy": scores["accuracy"], "accuracy_interval": scores["accuracy_interval"],
        "balanced_accuracy": scores.get("balanced_accuracy"), "log_loss": scores.get("loss"),
        "epochs": len(run.history()), "seconds": metrics.get("seconds"), "parameters": metrics.get("parameters"),
        "trainable_parameters": metrics.get("trainable_parameters"),
    }


def _pair(one: Run, other: Run) -> dict[str, Any]:
    found: dict[str, Any] = {
        "runs": [one.id, other.id], "same_split": one.split_id == other.split_id, "images": None, "only_first": None,
        "only_second": None, "both_wrong": None, "p_value": None, "disagreements": []}
    first, second = _validation(one), _validation(other)
    if not found["same_split"] or first is None or second is None or len(first) != len(second):
        return found
    both = first.merge(second, on="file", suffixes=("", "_other"))
    if len(both) != len(first) or (both["true"] != both["true_other"]).any():
        return found  # labels were mended between the two
    right = (both["predicted"] == both["true"]).to_numpy(bool)
    right_other = (both["predicted_other"] == both["true"]).to_numpy(bool)
    apart = both[right != right_other]
    return found | {
        "images": len(both), "only_first": int((right & ~right_other).sum()),
        "only_second": int((right_other & ~right).sum()), "both_wrong": int((~right & ~right_other).sum()),
        "p_value": round(mcnemar(right, right_other), 6),
        "disagreements": [{"path": row["path"], "file": row["file"], "true": row["true"],
                           "predicted": [row["predicted"], row["predicted_other"]]}
                          for row in apart.to_dict("records")],
    }


def _validation(run: Run) -> pd.DataFrame | None:
    table = run.predictions()
    return None if table is None else table.loc[table["split"] == "validation", ["file", "path", "true", "predicted"]]


def verdict(pair: Mapping[str, Any]) -> str:
    """One pair in a sentence."""
    if pair["p_value"] is None:
        return "They were not checked on the same images, so that they cannot be compared image by image."
    first, second = pair["only_first"], pair["only_second"]
    if not first and not second:
        return f"On all {pair['images']} images both are right or both are wrong."
    apart = f"The first alone is right on {first}, the second alone on {second} of {pair['images']} images"
    if pair["p_value"] <= 0.05:
        return f"{apart}: the {'first' if first > second else 'second'} is better (p = {pair['p_value']:.3g})."
    return f"{apart}: that may be chance (p = {pair['p_value']:.2g}, McNemar's test)."
