"""The Results and Predict pages on a finished run."""

from __future__ import annotations

import io
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from core import exporting
from core.errors import InferenceError
from core.recipe import proposals
from core.runs import looks
from core.runs.run import Run
from core.scoring.metrics import evaluate_predictions
from core.store.files import write_json
from pages.parts.predict import new_pictures, predictions
from pages.parts.widgets import charts
from tests.pages.conftest import said, tiles_of


@pytest.fixture
def run(dataset, workspace) -> Run:
    """A completed run with a test split that calls one red and one green picture blue."""
    recipe = proposals.small_network(dataset).override(["data.test=0.2"])
    made = Run.create(dataset, recipe, workspace)
    table = made.splits()
    table = table[table["split"] != "train"].reset_index(drop=True).rename(columns={"class": "true"})
    predicted = table["true"].to_numpy(object).copy()
    for name in ("red", "green"):
        predicted[table.index[(table["true"] == name) & (table["split"] == "test")][0]] = "blue"
    shares = np.full((len(table), 3), 0.05)
    shares[np.arange(len(table)), [dataset.classes.index(name) for name in predicted]] = 0.9
    table = table.assign(predicted=predicted, probability=0.9, **{f"p{i}": shares[:, i] for i in range(3)})
    table.to_parquet(made.path / "predictions.parquet", index=False)
    write_json(made.path / "metrics.json", evaluate_predictions(table, dataset.classes))
    (made.path / "model.keras").write_bytes(b"a model")
    (made.path / "labels.txt").write_text("\n".join(dataset.classes) + "\n")
    made.write_status(replace(made.status(), state="completed", epoch=20))
    return made


def metric(test, label):
    return next(item.value for item in test.metric if item.label == label)


@pytest.mark.parametrize("page", ["results", "predict"])
def test_the_empty_states_lead_on(workspace, open_page, page):
    test = open_page(page)
    assert [item.label for item in test.button] == ["Go to Data"]


@pytest.mark.parametrize("page", ["results", "predict"])
def test_without_a_finished_run_they_lead_to_training(dataset, open_page, page):
    assert [item.label for item in open_page(page).button] == ["Train a model"]


@pytest.fixture
def opened(run):
    """The run, with its test score looked at once."""
    looks.look(run, looks.PAGE)
    return run


def test_the_test_score_is_closed_until_it_is_asked_for(run, open_page):
    test = open_page("results")
    assert metric(test, "Accuracy") == "100.0 %" and "66.7" not in said(test)
    assert "6 test images kept for the end · not looked at yet" in said(test)
    test.button(key=f"open-test-{run.id}").click().run()
    assert "Whoever looks" in said(test) and not looks.is_open(run)
    test.button(key=f"open-test-{run.id}").click()  # a run of the whole page keeps the dialog open by this alone
    test.button(key="open-test").click().run()
    assert metric(test, "Accuracy") == "66.7 %"
    assert "looked at once, by 1 run on this split" in said(test)
    assert [look.by for look in looks.looks(run)] == ["page"]
    assert metric(open_page("results"), "Accuracy") == "66.7 %" and len(looks.looks(run)) == 1


def test_no_page_tells_a_test_score_before_or_after_it_was_opened(run, open_page):
    for _ in range(2):
        for page in ("data", "model", "train", "predict"):
            test = open_page(page)
            html = " ".join(item.proto.body for item in test.get("html"))
            options = " ".join(option for box in test.selectbox for option in box.options)
            assert "66.7" not in said(test) + html + options
        looks.look(run, looks.PAGE)


def test_the_test_split_comes_first_and_is_called_honest(opened, open_page):
    run, test = opened, open_page("results")
    assert metric(test, "Accuracy") == "66.7 %"
    assert metric(test, "Mistakes") == "2 of 6"
    assert "the honest number" in said(test)
    test.button_group(key=f"split-{run.id}").set_value("validation").run()
    assert metric(test, "Accuracy") == "100.0 %"
    assert "a little flattering" in said(test)
    assert "Every image got the right class." in said(test)


def test_scores_per_class_and_the_confusion_matrix_are_there(opened, open_page):
    test = open_page("results")
    table = test.dataframe[0].value
    assert table["class"].tolist() == ["blue", "green", "red"]
    assert table["recall"].tolist() == [100.0, 50.0, 50.0]
    assert len(test.get("plotly_chart")) == 1


def test_a_class_without_images_is_neither_hardest_nor_scored(opened, open_page):
    run = opened
    metrics = run.metrics()
    metrics["test"]["per_class"][0].update(precision=0.0, recall=0.0, f1=0.0, support=0)
    write_json(run.path / "metrics.json", metrics)
    test = open_page("results")
    assert metric(test, "Hardest class") == "green"
    assert test.dataframe[0].value["recall"].isna().tolist() == [True, False, False]


def test_the_mistakes_are_shown_with_what_they_are(opened, open_page):
    tiles = tiles_of(open_page("results"))
    assert [tile["strong"] for tile in tiles] == ["blue", "blue"]
    assert {tile["text"] for tile in tiles} == {"90% · is red", "90% · is green"}


def test_results_stay_when_the_dataset_is_deleted(opened, workspace, dataset, open_page):
    from core.api import delete_dataset

    delete_dataset(workspace, dataset.id)
    test = open_page("results")
    assert metric(test, "Accuracy") == "66.7 %"
    assert "The dataset was deleted" in said(test)


def test_the_predict_page_offers_the_run_its_classes_and_its_model(run, open_page):
    test = open_page("predict")
    assert test.selectbox[0].value == run.id
    assert "blue, green, red" in said(test)
    formats = test.selectbox(key=f"export-format-{run.id}")
    assert formats.value == "keras" and len(formats.options) == 6
    assert test.button(key="export-make") and not test.get("link_button")
    (run.path / exporting.FOLDER).mkdir()
    exporting.kept(run, "keras").write_bytes(b"the model")
    write_json(exporting.about(run, "keras"), {
        "model": exporting.stamp(run), "sentence": "The same answer on 100.0%.", "refused": ""})
    test.run()
    assert [item.label for item in test.get("link_button")] == ["Download, 9 bytes"]
    assert "The same answer on 100" in said(test) and "export-make" not in {item.key for item in test.button}


def test_an_export_that_costs_too_much_is_not_offered(run, open_page):
    (run.path / exporting.FOLDER).mkdir()
    exporting.kept(run, "keras").write_bytes(b"the model")
    write_json(exporting.about(run, "keras"), {
        "model": exporting.stamp(run), "sentence": "", "refused": "This format costs 9.0% of the accuracy."})
    test = open_page("predict")
    assert "costs 9.0% of the accuracy" in " ".join(item.value for item in test.error)
    assert not test.get("link_button")


def test_bars_and_csv_of_a_prediction(run):
    from pages.parts.predict import predictions

    rows = [
        {"name": "a.jpg", "file": "/nowhere", "label": "red", "probability": 0.9, "error": None,
         "top": [{"label": "red", "probability": 0.9}, {"label": "blue", "probability": 0.1}]},
        {"name": "<b>.txt", "file": "/nowhere", "label": "", "probability": 0.0, "error": "not a picture", "top": []},
    ]
    table = pd.read_csv(__import__("io").StringIO(predictions.as_csv(rows)))
    assert table["label_2"].tolist()[0] == "blue"
    assert table["error"].tolist()[1] == "not a picture"
    assert "&lt;b&gt;" in predictions.card(rows[1], None) and "<b>" not in predictions.card(rows[1], None)
    assert "<img" not in predictions.card(rows[0], None)
    assert "base64,SlBFRw==" in predictions.card(rows[0], b"JPEG")


def test_one_bad_archive_does_not_refuse_the_pictures_beside_it(workspace):
    folder = workspace.incoming / "predict-test"
    folder.mkdir()
    good = io.BytesIO()
    Image.new("RGB", (20, 20)).save(good, "PNG")
    good.seek(0)
    taken, problems = new_pictures.take_in(
        [("bad.zip", io.BytesIO(b"no archive")), ("good.png", good)], folder, workspace)
    assert [name for name, _ in taken] == ["good.png"]
    assert len(problems) == 1 and "'bad.zip' is not" in problems[0].message
    assert new_pictures.take_in([("bad.zip", io.BytesIO(b"no archive"))], folder, workspace)[0] == []


def test_an_error_of_the_prediction_leaves_the_rest_of_the_page(run, workspace, open_page, monkeypatch):
    def fails(*_):
        raise InferenceError("The prediction process ended.", "Try again.")

    monkeypatch.setattr(predictions, "of", fails)
    folder = workspace.incoming / "predict-test"
    folder.mkdir()
    test = open_page("predict")
    test.session_state["graft-pictures"] = {"folder": folder.name, "taken": [("a.png", "a.png")]}
    test.run()
    assert "prediction process ended" in said(test)
    assert [item.label for item in test.button if item.label == "Clear"]
    assert "Take the model along" in [item.value for item in test.subheader]


def test_runs_on_one_dataset_stand_in_a_table_and_side_by_side(run, workspace, open_page):
    import shutil

    from streamlit.testing.v1 import AppTest

    assert "All runs on these pictures" not in [item.value for item in open_page("results").subheader]
    other = Run.open(shutil.copytree(run.path, workspace.runs / "run-20991231-000000-00000000"))
    table = other.predictions()
    place = table.index[table["split"] == "validation"][0]
    table.loc[place, "predicted"] = next(label for label in run.classes if label != table.loc[place, "true"])
    table.to_parquet(other.path / "predictions.parquet", index=False)
    test = open_page("results")
    shown = next(item.value for item in test.dataframe if "interval" in item.value)
    assert len(shown) == 2 and "Tick two or more runs" in said(test)

    def page(paths):
        from core.runs import comparing
        from core.runs.run import Run
        from pages.parts.results import run_table

        found = [Run.open(path) for path in paths]
        run_table._side_by_side(found, comparing.compare(found))

    test = AppTest.from_function(page, args=([str(run.path), str(other.path)],), default_timeout=20).run()
    assert "The first alone is right on 1" in said(test) and "differ by chance alone" in said(test)
    assert len(tiles_of(test)) == 1


def button(test, label):
    return next((item for item in test.button if item.label == label), None)


def test_a_cell_of_the_matrix_opens_its_pictures(opened, open_page):
    test = open_page("results")
    figure = charts.confusion(opened.metrics()["test"]["confusion"], opened.classes)
    assert [2, 0] in [list(cell) for cell in figure.data[1].customdata]
    test.session_state["graft-confusion-cell"] = [opened.id, "test", "red", "blue"]
    test.run()
    assert "red, taken for blue" in [item.value for item in test.subheader]
    assert [tile["text"] for tile in tiles_of(test)] == ["90% · is red"]
    test.session_state["graft-confusion-cell"] = [opened.id, "test", "blue", "blue"]
    test.run()
    assert "blue, recognised" in [item.value for item in test.subheader] and len(tiles_of(test)) == 2
    button(test, "All mistakes").click().run()
    assert len(tiles_of(test)) == 2 and button(test, "All mistakes") is None


def test_a_label_is_put_right_where_the_mistake_is_seen_and_the_way_on_is_offered(opened, workspace, dataset, open_page,
                                                                                monkeypatch):
    from core.data import mending
    from core.jobs import queue

    test = open_page("results")
    assert button(test, "Train again") is None
    mending.relabel(workspace, dataset.id, [tiles_of(test)[0]["id"]], "blue")
    test = open_page("results")
    assert "changed since this run" in said(test)
    started = []
    monkeypatch.setattr(queue, "submit", lambda run, machine: started.append(run.id))
    button(test, "Train again").click().run()
    assert len(started) == 1 and not test.exception


def test_of_many_classes_the_most_confused_are_shown():
    from core.scoring.metrics import behind_cell

    table = pd.DataFrame({"split": "test", "true": ["a", "a", "b"], "predicted": ["b", "b", "b"],
                          "probability": [0.6, 0.9, 0.5], "path": ["1", "2", "3"]})
    assert behind_cell(table, "test", "a", "b")["path"].tolist() == ["2", "1"]
    assert behind_cell(table, "test", "a", "a").empty
    assert len(charts.confusion([[1] * 20] * 20, [str(number) for number in range(20)]).data[1].x) == 400
