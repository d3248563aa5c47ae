"""Runs whose recipe another version of Graft wrote."""

from __future__ import annotations

from core.recipe.fields import Recipe
from core.runs.index import list_runs
from core.runs.run import Run
from core.store.files import read_json, write_json


def test_a_run_whose_recipe_has_an_unknown_name_stays_in_the_list(tiny_run, workspace):
    run = tiny_run("model.dropout=0.3")
    recipe = run.recipe
    document = read_json(run.path / "recipe.json")
    document["flavour"] = "vanilla"
    document["train"]["phases"][0]["colour"] = {"deep": 1}
    write_json(run.path / "recipe.json", document)
    (found,) = list_runs(workspace)
    assert found.id == run.id and found.recipe == recipe
    assert read_json(run.path / "recipe.json") == document  # reading leaves it as it is


def test_a_run_of_version_1_stays_in_the_list(tiny_run, workspace):
    run = tiny_run('model.hidden=[{"units": 8, "batch_norm": "before"}]')
    recipe = run.recipe
    document = read_json(run.path / "recipe.json")
    document["schema_version"] = 1
    document["model"]["hidden"][0]["batch_norm"] = True
    for new in ("norm_features", "upsample_method"):
        del document["model"][new]
    write_json(run.path / "recipe.json", document)
    (found,) = list_runs(workspace)
    assert found.recipe == recipe and found.recipe.schema_version == Recipe().schema_version


def test_the_recipe_of_a_newer_version_is_left_alone(tiny_run, workspace):
    run = tiny_run()
    document = {**read_json(run.path / "recipe.json"), "schema_version": 99}
    write_json(run.path / "recipe.json", document)
    assert not Run.open(run.path).readable
    assert read_json(run.path / "recipe.json") == document
