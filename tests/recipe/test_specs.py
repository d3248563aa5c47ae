"""When fields apply, how they step, and which of them belong to which choice."""

from __future__ import annotations

from typing import Any

import pytest

from core.backbones.catalogue import BACKBONES
from core.errors import RecipeError
from core.recipe.annotations import NotWith, Unless, When, WhenAny, WhenStarts
from core.recipe.fields import OPERATIONS, PRESETS, Recipe
from core.recipe.optimizers import OPTIMIZERS
from core.recipe.paths import without_index
from core.recipe.schedules import SCHEDULES
from core.recipe.specs import dependents, field_spec, field_specs, without_effect

CONDITIONAL = [spec for spec in field_specs() if spec.conditions]


def beside(path: str, field: str, value: Any) -> str:
    section = path.rpartition(".")[0].replace("train.phases", "train.phases.0")
    return f"{section}.{field}={'null' if value is None else value}"


def where_it_applies(spec: Any) -> Recipe:
    """A recipe in which all conditions of a field hold."""
    settings = []
    for condition in spec.conditions:
        if isinstance(condition, WhenAny):
            settings.append(beside(spec.path, condition.fields[0], 1))
        elif isinstance(condition, WhenStarts):
            settings.append(beside(spec.path, condition.field, f"{condition.start}V2"))
        elif isinstance(condition, Unless):
            other = {"upsample": 2, "mix": "mixup", "weights": "mine.h5", "freeze": "none", "preset": "light",
                     "folds": 5}
            settings.append(beside(spec.path, condition.field, other[condition.field]))
        elif not isinstance(condition, NotWith):  # whose values are none by default
            settings.append(beside(spec.path, condition.field, condition.values[0]))
    return Recipe().override(settings)


def where_it_does_not(spec: Any) -> Recipe:
    """A recipe in which its first condition does not hold."""
    condition = spec.conditions[0]
    if isinstance(condition, Unless | NotWith):
        return Recipe().override([beside(spec.path, condition.field, condition.values[0])])
    if isinstance(condition, WhenAny):
        return Recipe()
    if isinstance(condition, WhenStarts):
        return Recipe().override([beside(spec.path, condition.field, "ResNet50")])
    section = spec.path.rpartition(".")[0]
    other = field_spec(f"{section}.{condition.field}")
    others = [value for value in other.choices or (other.minimum,) if value not in condition.values]
    return Recipe().override([beside(spec.path, condition.field, others[0])])


@pytest.mark.parametrize("spec", CONDITIONAL, ids=lambda spec: spec.path)
def test_a_field_applies_under_its_conditions_alone(spec):
    assert spec.applies(where_it_applies(spec))
    assert not spec.applies(where_it_does_not(spec))
    assert not without_effect(where_it_applies(spec), spec.path)
    assert "It applies when" in without_effect(where_it_does_not(spec), spec.path)


def test_a_field_of_a_phase_is_judged_by_that_phase():
    recipe = Recipe.parse({"train": {"phases": [{"optimizer": "adam"}, {"optimizer": "sgd"}]}})
    momentum = field_spec("train.phases.1.momentum")
    assert not momentum.applies(recipe, 0) and momentum.applies(recipe, 1) and not momentum.applies(recipe, 2)
    assert without_effect(recipe, "train.phases.0.momentum") == (
        "train.phases.0.momentum has no effect here. It applies when optimizer is sgd or rmsprop.")
    assert without_effect(recipe, "train.phases.1.momentum") == ""


@pytest.mark.parametrize(("choice", "table"), [("optimizer", OPTIMIZERS), ("schedule", SCHEDULES)])
def test_the_fields_that_a_row_names_belong_to_it(choice, table):
    named = {field for option in table.values() for field in option.fields}
    assert named and {spec.path.rpartition(".")[2] for spec in dependents(f"train.phases.0.{choice}")} == named
    for name, option in table.items():
        assert option.title and option.help.endswith(".")
        if not option.available:
            continue
        recipe = Recipe().override([f"train.phases.0.{choice}={name}"])
        applying = {field for field in named if field_spec(f"train.phases.{field}").applies(recipe)}
        assert applying == set(option.fields)


@pytest.mark.parametrize(("choice", "table"), [("optimizer", OPTIMIZERS), ("schedule", SCHEDULES)])
def test_the_description_tells_every_row_that_works(choice, table):
    spec = field_spec(f"train.phases.{choice}")
    assert spec.choices == tuple(name for name, option in table.items() if option.available)
    for name in spec.choices:
        assert f"{name}: {table[name].help}" in spec.help


@pytest.mark.parametrize("name", sorted(BACKBONES))
def test_a_width_applies_to_the_backbones_that_have_several(name):
    recipe = Recipe().override([f"model.backbone={name}"])
    assert field_spec("model.alpha").applies(recipe) == (BACKBONES[name].default_alpha is not None)


def test_operations_can_be_set_by_hand_when_the_preset_is_custom():
    for name in OPERATIONS:
        assert any(isinstance(condition, When) and condition.values == ("custom",)
                   for condition in field_spec(f"augment.{name}").conditions)
    assert set(PRESETS) == set(field_spec("augment.preset").choices) - {"custom"}


@pytest.mark.parametrize("spec", [spec for spec in field_specs() if spec.kind in ("int", "float")],
                         ids=lambda spec: spec.path)
def test_steps_fit_the_range(spec):
    assert 0 < spec.step <= spec.maximum - spec.minimum
    assert spec.kind == "float" or spec.step == int(spec.step)
    assert spec.scale in ("linear", "log")


def test_paths_with_and_without_an_index_name_the_same_field():
    assert field_spec("train.phases.3.epochs") is field_spec("train.phases.epochs")
    assert without_index("model.hidden.2.units") == ("model.hidden.units", 2)
    assert without_index("data.seed") == ("data.seed", 0)
    with pytest.raises(RecipeError, match="no setting"):
        field_spec("train.phases.0.nonsense")
