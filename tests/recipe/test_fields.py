"""The recipe: every field described, checked and reachable."""

from __future__ import annotations

import json

import pytest

from core.errors import RecipeError
from core.recipe.fields import PRESETS, Recipe
from core.recipe.specs import FieldSpec, field_spec, field_specs, require_available

SPECS = list(field_specs())
TWO_LAYERS = 'model.hidden=[{"units": 64}, {"units": 32}]'


def by_path(spec: FieldSpec) -> str:
    return spec.path


def indexed(path: str) -> str:
    """A field of a list's items, as it is written for the first item."""
    return path.replace("train.phases.", "train.phases.0.").replace("model.hidden.", "model.hidden.0.")


def value_at(recipe: Recipe, path: str) -> object:
    node = recipe.model_dump(mode="json")
    for part in indexed(path).split("."):
        node = node[int(part)] if isinstance(node, list) else node[part]
    return node


def another(spec: FieldSpec) -> object:
    """A value that the field takes and that is not its default."""
    if spec.kind == "choice":
        return next((choice for choice in spec.choices if choice != spec.default), spec.default)
    if spec.kind == "bool":
        return not spec.default
    if spec.kind in ("int", "float"):
        low, high = spec.minimum or 0, min(spec.maximum or 1, 10**6)
        return (low + high) // 2 if spec.kind == "int" else low + (high - low) / 4
    return {"data.group_pattern": "^(.*)_", "model.weights": "none"}.get(spec.path, "another")


@pytest.mark.parametrize("spec", SPECS, ids=by_path)
def test_every_field_is_described(spec):
    assert spec.title and spec.title != spec.path
    assert spec.help.endswith(".")
    assert field_spec(spec.path) == spec


@pytest.mark.parametrize("spec", [spec for spec in SPECS if spec.kind != "list"], ids=by_path)
def test_every_field_can_be_set_by_its_path(spec):
    value = another(spec)
    recipe = Recipe().override([TWO_LAYERS, f"{indexed(spec.path)}={json.dumps(value)}"])
    expected = "custom" if spec.path == "augment.preset" and value == "custom" else value
    assert value_at(recipe, spec.path) == expected


@pytest.mark.parametrize("spec", [spec for spec in SPECS if spec.maximum is not None], ids=by_path)
def test_every_number_is_refused_outside_its_range(spec):
    step = 1 if spec.kind == "int" else 0.001
    for value in (spec.minimum - step, spec.maximum + step):
        with pytest.raises(RecipeError, match=spec.path.rpartition(".")[2]):
            Recipe().override([TWO_LAYERS, f"{indexed(spec.path)}={value}"])


@pytest.mark.parametrize("spec", [spec for spec in SPECS if spec.kind == "choice"], ids=by_path)
def test_every_choice_is_refused_outside_its_list(spec):
    with pytest.raises(RecipeError, match=spec.path.rpartition(".")[2]):
        Recipe().override([TWO_LAYERS, f"{indexed(spec.path)}=nonsense"])


@pytest.mark.parametrize("spec", [spec for spec in SPECS if spec.kind in ("int", "float")], ids=by_path)
def test_every_number_has_a_range(spec):
    assert spec.minimum is not None and spec.maximum is not None


def test_a_recipe_survives_being_written_and_read():
    recipe = Recipe().override([TWO_LAYERS, "augment.preset=strong", "train.phases.0.optimizer=adamw"])
    assert Recipe.parse(json.loads(recipe.to_json())) == recipe


def test_the_written_recipe_is_complete():
    document = json.loads(Recipe().to_json())
    assert document["schema_version"] == 3
    for spec in SPECS:
        if not spec.path.startswith("model.hidden."):
            assert value_at(Recipe.parse(document), spec.path) == json.loads(json.dumps(value_at(Recipe(), spec.path)))


@pytest.mark.parametrize("assignment", [
    "nonsense=1", "model.nonsense=1", "model.nonsense.deep=1", 
    "train.phases.5.epochs=1", "train.phases.0.nonsense=1", "data=7",
])
def test_unknown_fields_are_refused(assignment):
    with pytest.raises(RecipeError):
        Recipe().override([assignment])


def test_an_assignment_needs_a_value():
    with pytest.raises(RecipeError, match="FIELD=VALUE"):
        Recipe().override(["model.dropout"])


def test_a_bad_item_in_a_list_is_told_once():
    with pytest.raises(RecipeError) as caught:
        Recipe().override(["train.phases.0.epochs=never"])
    assert caught.value.message.count(";") == 0
    assert "train.phases.0.epochs" in caught.value.message and "never" in caught.value.message


def test_unknown_fields_in_a_file_are_named(tmp_path):
    path = tmp_path / "recipe.json"
    path.write_text('{"modle": {}}')
    with pytest.raises(RecipeError, match="modle"):
        Recipe.load(path)


@pytest.mark.parametrize(("text", "message"), [("{", "not valid JSON"), (None, "Cannot read")])
def test_a_file_that_is_no_recipe(tmp_path, text, message):
    path = tmp_path / "recipe.json"
    if text is not None:
        path.write_text(text)
    with pytest.raises(RecipeError, match=message):
        Recipe.load(path)


@pytest.mark.parametrize("preset", sorted(PRESETS))
def test_a_preset_writes_its_operations_out(preset):
    augment = Recipe().override([f"augment.preset={preset}"]).augment
    assert {name: getattr(augment, name) for name in PRESETS[preset]} == PRESETS[preset]
    assert augment.active == (preset != "none")


def test_an_operation_of_ones_own_makes_a_custom_preset():
    augment = Recipe.parse({"augment": {"preset": "light", "rotation": 30}}).augment
    assert (augment.preset, augment.rotation, augment.flip) == ("custom", 30, "horizontal")
    off = Recipe().override(["augment.preset=medium", "augment.flip=none"]).augment
    assert (off.preset, off.flip, off.rotation) == ("custom", "none", PRESETS["medium"]["rotation"])
    assert Recipe.parse({"augment": {"preset": "medium", "rotation": 0}}).augment.rotation == 0
    changed = Recipe().override(["augment.preset=medium"]).override(["augment.rotation=45"]).augment
    assert changed.preset == "custom" and changed.zoom == PRESETS["medium"]["zoom"]


def test_validation_and_test_leave_something_to_train_on():
    with pytest.raises(RecipeError, match="0.8"):
        Recipe().override(["data.validation=0.5", "data.test=0.4"])


@pytest.mark.parametrize("pattern", ["(", "no_bracket"])
def test_a_group_pattern_must_work(pattern):
    with pytest.raises(RecipeError, match="group_pattern"):
        Recipe.parse({"data": {"group_pattern": pattern}})


def test_gradients_are_clipped_in_one_way_only():
    with pytest.raises(RecipeError, match="clip_value or clip_norm"):
        Recipe().override(["train.phases.0.clip_value=0.1", "train.phases.0.clip_norm=1"])


def test_phases_of_one_name_are_numbered():
    long = "a" * 40
    recipe = Recipe.parse({"train": {"phases": [{}, {}, {"name": "train 2"}, {}, {"name": long}, {"name": long}]}})
    names = [phase.name for phase in recipe.train.phases]
    assert names[:2] == ["train", "train 2"] and len(set(names)) == 6
    assert Recipe.parse(json.loads(recipe.to_json())) == recipe  # and stay so


def test_the_operations_that_change_something_are_told_apart():
    assert Recipe().augment.operations == {}
    assert Recipe().override(["augment.preset=medium"]).augment.operations == {
        "flip": "horizontal", "rotation": 10.0, "zoom": 0.1, "shift": 0.05}


def test_the_default_recipe_can_be_carried_out():
    require_available(Recipe())


@pytest.mark.parametrize("assignment", [
    "train.mixed_precision=true", "train.mlflow_uri=http://localhost",
])
def test_what_does_not_work_yet_is_refused_with_what_does(assignment):
    recipe = Recipe().override([assignment])
    with pytest.raises(RecipeError) as caught:
        require_available(recipe)
    assert assignment.rpartition("=")[2] in caught.value.message
    assert caught.value.hint.startswith("Use one of")


def test_what_names_groups_says_how_they_are_formed():
    assert Recipe.parse({"data": {"group_pattern": "(.*)_"}}).data.group_by == "pattern"  # as recipes of before have it
    assert Recipe.parse({"data": {"group_pattern": None, "group_folder": 2}}).data.group_by == "folder"
    assert Recipe.parse({"data": {"group_by": "none", "group_pattern": "(.*)_"}}).data.group_by == "none"
    assert Recipe().override(["data.group_column=patient"]).data.group_by == "column"
    both = Recipe().override(["data.group_by=shot", "data.group_pattern=(.*)_"]).data
    assert both.group_by == "shot" and both.group_pattern == "(.*)_"
    whole = [f"data.{name}={json.dumps(value)}" for name, value in Recipe().data.model_dump(mode="json").items()]
    assert Recipe().override(whole) == Recipe()  # settings that stand there at their defaults name no groups


def test_a_fold_is_one_of_the_folds():
    assert Recipe().override(["data.folds=3", "data.fold=3"]).data.fold == 3
    with pytest.raises(RecipeError, match="fold is one of 1 to 3"):
        Recipe().override(["data.folds=3", "data.fold=4"])
