"""Looks at test scores: closed, opened, counted."""

from __future__ import annotations

import pytest

from core import api
from core.data.library import ingest
from core.errors import NewerFormatError, RunError
from core.runs import looks
from core.runs.run import Run
from core.store.files import read_json, write_json
from tests.tiny import coloured_folder, tiny_recipe


def scored(run: Run, test: bool = True) -> Run:
    scores = {"accuracy": 0.75, "accuracy_interval": [0.5, 0.9], "loss": 0.5, "images": 8, "per_class": [],
              "confusion": [[1]]}
    write_json(run.path / "metrics.json", {"validation": scores, "best_epoch": 2, **({"test": scores} if test else {})})
    return run


@pytest.fixture
def tested(tiny_run):
    """`tested("train.seed=1")`: a run with a test score."""
    return lambda *changes: scored(tiny_run("data.test=0.25", *changes))


def test_a_test_score_is_closed_until_it_is_looked_at(tested):
    run = tested()
    assert not looks.is_open(run) and str(looks.counted(run)) == "not looked at yet"
    assert looks.scores(run).keys() == {"schema", "validation", "best_epoch"} - ({"schema"} - run.metrics().keys())
    assert looks.scores(run, test=True) == run.metrics()
    assert looks.look(run, looks.PAGE) == looks.Count(1, 1)
    assert looks.is_open(run) and read_json(run.path / looks.FILE)["schema"] == 1


def test_looks_are_counted_over_all_runs_on_the_test_images(tested, workspace):
    one, two, fold = tested(), tested("train.seed=1"), tested("data.folds=3", "data.fold=2")
    other = tested("data.seed=9")
    for run in (one, two, two, fold, other):
        looks.look(run, looks.COMMAND)
    assert looks.counted(one) == looks.counted(two) == looks.counted(fold) == looks.Count(4, 3)
    assert str(looks.counted(one)) == "looked at 4 times, by 3 runs on this split"
    assert looks.counted(other) == looks.Count(1, 1)


def test_images_of_another_dataset_are_other_images(tested, workspace, tmp_path):
    mine = tested()
    dataset = ingest(coloured_folder(tmp_path / "again"), workspace)
    looks.look(scored(Run.create(dataset, tiny_recipe("data.test=0.25"), workspace)), looks.PAGE)
    assert looks.counted(mine) == looks.Count(0, 0)


def test_evaluate_keeps_the_test_score_back_until_it_is_asked_for(tested):
    run = tested()
    assert set(api.evaluate(run)) == {"validation"} and not looks.is_open(run)
    assert set(api.evaluate(run, test=True)) == {"validation", "test"}
    assert set(api.evaluate(run)) == {"validation"} and len(looks.looks(run)) == 1
    assert not any("test" in name for name in (*api.outcome(run), *api.describe(run)))


def test_a_run_without_test_images_has_nothing_to_look_at(tiny_run):
    run = scored(tiny_run(), test=False)
    with pytest.raises(RunError, match="no test score") as caught:
        looks.look(run, looks.PAGE)
    assert "data.test" in caught.value.hint and not looks.is_open(run)


def test_what_cannot_be_read_is_told_and_spoils_no_other_count(tested):
    one, two = tested(), tested("train.seed=1")
    looks.look(one, looks.PAGE)
    (two.path / looks.FILE).write_text("{")
    assert looks.counted(one) == looks.Count(1, 1)
    with pytest.raises(RunError, match="cannot be read"):
        looks.is_open(two)
    write_json(two.path / looks.FILE, {"schema": 9, "looks": []})
    with pytest.raises(NewerFormatError):
        looks.look(two, looks.PAGE)
