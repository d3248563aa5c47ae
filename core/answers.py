"""What a run's model says of images: of files in any number, and of a dataset, to be scored."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from core.errors import DataError
from core.runs.run import Run
from core.store.limits import Limits

if TYPE_CHECKING:
    import pandas as pd

    from core.data.dataset import Dataset
    from core.inference import Prediction

Progress = Callable[[str, float], None]
PREDICT_AT_ONCE = 256
"""Images that are handed to the prediction process in one call, so that progress moves and a time limit fits."""
PREDICT_SECONDS = 300.0


def answers(
    run: Run, images: Sequence[Path], top_k: int, progress: Progress | None = None, limits: Limits | None = None
) -> Iterator[Prediction]:
    """What a run's model says of image files, in their order. The run has a model: see `core.api.require_model`.

    Args:
        limits: Larger images are refused. Default: those of the run's workspace.

    Raises:
        InferenceError: the prediction process did not answer.
    """
    from core.inference import shared_predictor

    done = 0
    remaining = iter(images)
    while chunk := list(itertools.islice(remaining, PREDICT_AT_ONCE)):
        yield from shared_predictor().predict(run.path, chunk, top_k=top_k, timeout=PREDICT_SECONDS,
                                               max_pixels=(limits or run.limits).image_pixels)
        done += len(chunk)
        if progress:
            progress("Predicting", done / len(images))


def answered_table(
    run: Run, dataset: Dataset, progress: Progress | None = None, on_note: Callable[[str], None] | None = None
) -> pd.DataFrame:
    """A table like `predictions.parquet` for the images of a dataset whose class the model knows."""
    import pandas as pd

    known = dataset.usable()
    known = known[known["class"].isin(run.classes)]
    if known.empty:
        raise DataError(
            f"No class of '{dataset.name}' ({', '.join(dataset.classes)}) is one that the model knows "
            f"({', '.join(run.classes)}).", "Rename the classes of the dataset to match."
        )
    known = unseen(run, known, on_note)
    files = [dataset.image_path(file) for file in known["file"]]
    rows, reason = [], ""
    given_answers = answers(run, files, len(run.classes), progress)
    for prediction, path, file, true in zip(given_answers, known["path"], known["file"], known["class"], strict=True):
        if prediction.error:
            reason = prediction.error
            continue
        given = {item["label"]: item["probability"] for item in prediction.top}
        rows.append({
            "path": path, "file": file, "split": "dataset", "true": true, "predicted": prediction.label,
            "probability": prediction.probability,
            **{f"p{index}": given[name] for index, name in enumerate(run.classes)},
        })
    if not rows:
        raise DataError(f"None of the {len(files)} images of '{dataset.name}' could be read: {reason}",
                        "Delete the dataset and upload it again.")
    return pd.DataFrame(rows)


def unseen(run: Run, known: pd.DataFrame, on_note: Callable[[str], None] | None) -> pd.DataFrame:
    """The rows of a manifest without those whose picture the run was trained on; all rows when no other is there."""
    from core.data.dataset import Dataset

    splits = run.splits()
    try:
        own = Dataset.load(run.dataset_path).usable()
    except DataError:  # deleted: nothing is known of what it held
        return known
    trained = own.loc[own["file"].isin(splits.loc[splits["split"] == "train", "file"]), "hash"]
    seen = known["hash"].isin(trained)
    note = f"Left out, as the model was trained on them: {seen.sum():,} of {len(known):,} images."
    if seen.all():
        note = "The model was trained on all of these images; the scores on new ones will be lower."
    if seen.any() and on_note is not None:
        on_note(note)
    return known if seen.all() else known[~seen]
