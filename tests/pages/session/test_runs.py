"""Which run a page speaks of."""

from __future__ import annotations

import time
from dataclasses import replace

import pytest

from core.data.library import ingest
from core.recipe import proposals
from core.runs.run import Run
from core.store.files import write_json
from pages.parts.session import runs
from pages.parts.widgets import wording
from tests.pages.conftest import coloured_zip, said, widget


@pytest.fixture
def ended(dataset, workspace):
    """`ended(state, validation, test)`: a run that has ended with a model and these accuracies."""

    def make(state, validation=None, test=None, on=None):
        run = Run.create(on or dataset, proposals.small_network(on or dataset), workspace)
        row = {"class": "red", "precision": 1.0, "recall": 1.0, "f1": 1.0, "support": 1}
        scores = {"accuracy_interval": [0.1, 0.9], "images": 10, "loss": 1.0, "per_class": [row],
                  "confusion": [[1, 0, 0], [0, 1, 0], [0, 0, 1]]}
        measured = {"validation": validation, "test": test}
        write_json(run.path / "metrics.json", {
            name: {"accuracy": value, **scores} for name, value in measured.items() if value is not None})
        (run.path / "model.keras").write_bytes(b"a model")
        (run.path / "labels.txt").write_text("blue\ngreen\nred\n")
        run.write_status(replace(run.status(), state=state, epoch=1))
        return run

    return make


def test_a_completed_run_is_better_than_a_stopped_one_and_nothing_is_chosen_by_test_images(ended):
    stopped = ended("stopped", 0.99)
    low, high = ended("completed", 0.6, test=0.9), ended("completed", 0.7, test=0.5)
    assert runs.best([stopped, low, high]).id == high.id
    assert runs.best([stopped]).id == stopped.id and runs.best([]) is None
    assert runs.validation_accuracy(low) == 0.6


@pytest.mark.parametrize("page", ["results", "predict"])
def test_the_best_completed_run_of_the_open_dataset_is_shown(page, ended, dataset, workspace, tmp_path, open_page):
    wanted = ended("completed", 0.715)
    ended("completed", 0.6)
    stopped = ended("stopped", 0.47)
    other = ingest(coloured_zip(tmp_path / "other.zip"), workspace)
    best_elsewhere = ended("completed", 1.0, on=other)
    test = open_page("data")
    widget(test.selectbox, "dataset").select(dataset.id).run()
    test.switch_page("pages/train.py").run()
    test.switch_page(f"pages/{page}.py").run()
    chooser = widget(test.selectbox, "result-run")
    assert chooser.value == wanted.id
    chooser.select(stopped.id).run()
    assert widget(test.selectbox, "result-run").value == stopped.id
    widget(test.selectbox, "result-run").select(best_elsewhere.id).run()
    assert widget(test.selectbox, "result-run").value == best_elsewhere.id
    test.switch_page("pages/data.py").run()
    assert widget(test.selectbox, "dataset").value == other.id  # all pages are of one dataset


def test_a_dataset_without_runs_offers_those_of_others_and_leads_to_training(ended, workspace, tmp_path, open_page):
    known = ended("completed", 0.9)
    ingest(coloured_zip(tmp_path / "other.zip"), workspace)
    test = open_page("results")
    assert "no run on these pictures" in said(test)
    assert widget(test.selectbox, "result-run").value is None
    widget(test.selectbox, "result-run").select(known.id).run()
    assert test.metric[0].value == "90.0 %"


def test_runs_stand_in_the_order_of_their_turns(dataset, workspace):
    made = [Run.create(dataset, proposals.small_network(dataset), workspace) for _ in range(3)]
    assert runs.around(made[1], made) == ([made[0]], [made[2]])
    assert runs.around(None, made) == (made, [])


def test_two_runs_of_one_minute_have_different_names(dataset, workspace):
    first = Run.create(dataset, proposals.small_network(dataset), workspace)
    time.sleep(1.1)
    second = Run.create(dataset, proposals.small_network(dataset), workspace)
    assert wording.run_option(first) != wording.run_option(second)


def test_keeping_is_the_first_choice_when_something_is_to_be_deleted(ended, dataset, open_page):
    run = ended("completed", 0.9)
    kinds = {}
    test = open_page("train")
    next(item for item in test.button if item.key == f"delete-{run.id}").click().run()
    kinds |= {item.label: item.proto.type for item in test.button}
    assert (kinds["Delete it"], kinds["Keep it"]) == ("secondary", "primary")
    test = open_page("data")
    test.menu_button(key="dataset-menu").click("Delete").run()
    kinds = {item.label: item.proto.type for item in test.button}
    assert (kinds["Delete"], kinds["Keep it"]) == ("secondary", "primary")
