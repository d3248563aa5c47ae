"""Every field of the recipe has a widget, which is there when the field has an effect."""

from __future__ import annotations

import pytest
from streamlit.testing.v1 import AppTest

from core.recipe.fields import Recipe
from core.recipe.specs import field_specs
from pages.parts.session import state
from tests.recipe.test_specs import where_it_applies, where_it_does_not

DRAWN = [spec for spec in field_specs() if spec.kind != "list"]


def indexed(path: str) -> str:
    return path.replace("train.phases.", "train.phases.0.").replace("model.hidden.", "model.hidden.0.")


def with_a_layer(spec, recipe: Recipe) -> Recipe:
    """With a hidden layer, where the field is one of those."""
    return recipe.override(["model.hidden=[{}]"]) if spec.path.startswith("model.hidden.") else recipe


def drawn(monkeypatch: pytest.MonkeyPatch, recipe: Recipe, path: str) -> AppTest:
    """A page with the widget of one field."""
    monkeypatch.setattr(state, "recipe", lambda: recipe)
    test = AppTest.from_string(f"from pages.parts.widgets import fields\nfields.draw({path!r})\n", default_timeout=20)
    return test.run()


def widgets(test: AppTest) -> list:
    return [*test.button_group, *test.selectbox, *test.toggle, *test.text_input, *test.slider, *test.number_input]


@pytest.mark.parametrize("spec", DRAWN, ids=lambda spec: spec.path)
def test_every_field_has_a_widget(spec, workspace, monkeypatch):
    recipe = with_a_layer(spec, where_it_applies(spec))
    test = drawn(monkeypatch, recipe, indexed(spec.path))
    assert not test.exception
    (widget,) = widgets(test)
    assert widget.proto.label == spec.title
    assert widget.proto.disabled == spec.fixed
    assert spec.help in widget.proto.help or spec.fixed


@pytest.mark.parametrize("spec", [spec for spec in DRAWN if spec.conditions], ids=lambda spec: spec.path)
def test_a_field_without_effect_is_not_drawn(spec, workspace, monkeypatch):
    test = drawn(monkeypatch, with_a_layer(spec, where_it_does_not(spec)), indexed(spec.path))
    assert not test.exception and not widgets(test)
