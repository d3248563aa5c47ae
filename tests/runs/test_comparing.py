"""Runs side by side."""

from __future__ import annotations

import json
import shutil

import pandas as pd
import pytest

from core.errors import RunError
from core.runs import comparing
from core.runs.run import Run
from core.store.files import read_json, write_json


@pytest.fixture
def pair(trained) -> tuple[Run, Run]:
    """A trained run, and another one on its split that says something else on two images and was trained faster."""
    other = Run.open(shutil.copytree(trained.path, trained.path.parent / "run-20991231-000000-00000000"))
    table = other.predictions()
    validation = table.index[table["split"] == "validation"]
    for place in validation[:2]:
        table.loc[place, "predicted"] = next(label for label in trained.classes if label != table.loc[place, "true"])
    table.to_parquet(other.path / "predictions.parquet", index=False)
    recipe = read_json(other.path / "recipe.json")
    recipe["train"]["phases"][0]["learning_rate"] = 0.5
    write_json(other.path / "recipe.json", recipe)
    return trained, other


def test_what_differs_and_who_is_better(pair):
    first, second = pair
    found = comparing.compare(pair)
    assert json.loads(json.dumps(found)) == found
    assert found["differing"] == {"train.phases.0.learning_rate": [0.01, 0.5]}
    assert [row["id"] for row in found["runs"]] == [first.id, second.id]
    (one,) = found["pairs"]
    true = first.predictions().query("split == 'validation'")
    were_right = int((true["true"] == true["predicted"])[:2].sum())
    assert one["same_split"] and one["images"] == len(true)
    assert (one["only_first"], one["only_second"]) == (were_right, 0)
    assert [each["predicted"][0] == each["true"] for each in one["disagreements"]] == [True] * were_right
    assert one["p_value"] == pytest.approx(2.0 ** (1 - were_right) if were_right else 1.0)
    assert "may be chance" in comparing.verdict(one)


def test_other_splits_and_mended_labels_are_not_compared_image_by_image(pair):
    first, second = pair
    table = second.predictions()
    table.loc[table.index[table["split"] == "validation"][0], "true"] = "something else"
    table.to_parquet(second.path / "predictions.parquet", index=False)
    assert comparing.compare(pair)["pairs"][0]["p_value"] is None
    splits = pd.read_csv(second.path / "splits.csv", dtype=str, keep_default_na=False)
    splits.loc[0, "split"] = "test"
    splits.to_csv(second.path / "splits.csv", index=False)
    (one,) = comparing.compare(pair)["pairs"]
    assert not one["same_split"] and one["p_value"] is None
    assert "cannot be compared image by image" in comparing.verdict(one)


def test_what_cannot_be_compared_is_said(pair, tiny_run):
    with pytest.raises(RunError, match="two to 10"):
        comparing.compare(pair[:1])
    with pytest.raises(RunError, match="twice"):
        comparing.compare([pair[0], pair[0]])
    with pytest.raises(RunError, match="no scores"):
        comparing.compare([pair[0], tiny_run()])


def test_values_by_path_where_one_has_more():
    assert comparing.differing([{"a": [1, {"b": 2}]}, {"a": [1, {"b": 3}, 4]}]) == {"a.1.b": [2, 3], "a.2": [None, 4]}


@pytest.mark.parametrize(("first", "second", "p", "says"), [
    (0, 0, 1.0, "both are right or both are wrong"), (9, 1, 0.02, "the first is better"),
    (1, 9, 0.02, "the second is better"), (3, 2, 1.0, "may be chance")])
def test_a_pair_in_a_sentence(first, second, p, says):
    assert says in comparing.verdict({"p_value": p, "only_first": first, "only_second": second, "images": 50})
