"""Datasets, classes and files with hostile names on the pages: text everywhere, in the browser too."""

from __future__ import annotations

import csv
import io
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from core.data.dataset import Dataset
from core.data.library import ingest
from core.recipe import proposals
from core.runs.run import Run
from core.scoring.metrics import evaluate_predictions
from core.store.files import write_json
from core.store.workspace import Workspace
from pages.parts.predict import predictions
from pages.parts.widgets import charts

CLASSES = ("<a href='https:..evil.org'>x<a>", "<b>bold<b>", ":material-home: :red[x] $x^2$", "=1+1\u202efdp")


def hostile_folder(path: Path) -> Path:
    random = np.random.default_rng(0)
    for name in CLASSES:
        (path / name).mkdir(parents=True)
        for index in range(8):
            pixels = random.integers(0, 255, (32, 32, 3), dtype=np.uint8)
            Image.fromarray(pixels).save(path / name / f"<img src=x>{index}.png")
    return path


def finished_run(dataset: Dataset, workspace: Workspace) -> Run:
    """A completed run that takes one picture of each class for one of the next."""
    made = Run.create(dataset, proposals.small_network(dataset), workspace)
    table = made.splits()
    table = table[table["split"] == "validation"].reset_index(drop=True).rename(columns={"class": "true"})
    predicted = table["true"].to_numpy(object).copy()
    for index, name in enumerate(dataset.classes):
        predicted[table.index[table["true"] == name][0]] = dataset.classes[index - 1]
    count = len(dataset.classes)
    shares = np.full((len(table), count), 0.1 / (count - 1))
    shares[np.arange(len(table)), [dataset.classes.index(name) for name in predicted]] = 0.9
    table = table.assign(predicted=predicted, probability=0.9, **{f"p{i}": shares[:, i] for i in range(count)})
    table.to_parquet(made.path / "predictions.parquet", index=False)
    write_json(made.path / "metrics.json", evaluate_predictions(table, dataset.classes))
    (made.path / "model.keras").write_bytes(b"a model")
    (made.path / "labels.txt").write_text("\n".join(dataset.classes) + "\n")
    made.write_status(replace(made.status(), state="completed", epoch=20))
    return made


@pytest.fixture
def hostile(workspace, tmp_path) -> Dataset:
    return ingest(hostile_folder(tmp_path / "<b>set"), workspace)


def test_every_page_draws_them(workspace, hostile, open_page):
    finished_run(hostile, workspace)
    for name in ("data", "model", "train", "results", "predict"):
        test = open_page(name)
        assert not test.exception and not test.error
        for item in test.get("html"):
            assert "<img src=x" not in item.proto.body and "\u202e" not in item.proto.body
            assert "<a href" not in item.proto.body


def test_charts_get_no_markup(workspace, hostile):
    table = hostile.usable().assign(split="train")
    for figure in (charts.class_counts(table), charts.confusion([[1] * 4] * 4, hostile.classes)):
        text = figure.to_json()
        assert "<b>bold" not in text and "<a href" not in text and "\\u003ca" not in text and "\u202e" not in text


def test_the_csv_of_the_predict_page_computes_nothing():
    rows = [{"name": "=1+1.png", "file": "", "label": "+x", "probability": 0.5, "error": None,
             "top": [{"label": "+x", "probability": 0.5}]},
            {"name": "\x1b[2J", "file": "", "label": "", "probability": 0.0, "error": "@no", "top": []}]
    cells = [cell for row in csv.reader(io.StringIO(predictions.as_csv(rows))) for cell in row if cell]
    assert not [cell for cell in cells if cell[0] in "=+-@" or not cell.isprintable()]
