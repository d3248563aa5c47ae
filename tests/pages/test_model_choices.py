"""The top of the Model page: the cards, the presets; and what is inside the model."""

from __future__ import annotations

import pytest

from core.data.library import ingest
from core.recipe import presets
from core.recipe.fields import Recipe
from core.store.files import read_json
from pages.parts.app import connection
from tests.pages.conftest import coloured_zip, said


@pytest.fixture
def photos(workspace, tmp_path, monkeypatch):
    monkeypatch.setattr(connection, "can_download", lambda wait=0.0: False)
    return ingest(coloured_zip(tmp_path / "photos.zip", per_class=40, side=90), workspace)


def kept(workspace, dataset) -> Recipe:
    return Recipe.model_validate_json(read_json(workspace.root / "chosen.json")[f"recipe-{dataset.id}"])


def ticked(test) -> str:
    return next(item.key for item in test.button if item.label == "Chosen")


def test_quick_is_ticked_and_another_card_sets_model_and_phases(workspace, photos, open_page):
    test = open_page("model")
    assert ticked(test) == "choose-quick"
    assert "recommended for your 120 pictures" in said(test) and "here" in said(test)
    quick = kept(workspace, photos)
    test.button(key="choose-balanced").click().run()
    assert ticked(test) == "choose-balanced"
    assert [phase.freeze == "all" for phase in kept(workspace, photos).train.phases] == [True, False]
    test.button(key="choose-quick").click().run()
    assert kept(workspace, photos) == quick


def test_custom_keeps_the_recipe_and_a_change_by_hand_is_custom(workspace, photos, open_page):
    test = open_page("model")
    before = kept(workspace, photos)
    test.button(key="choose-custom").click().run()
    assert ticked(test) == "choose-custom" and kept(workspace, photos) == before
    test.button(key="choose-quick").click().run()
    test.selectbox(key="backbone").select("VGG16").run()
    assert ticked(test) == "choose-custom"


def test_a_preset_sets_the_whole_recipe_and_those_that_cannot_be_carried_out_say_why(
        workspace, photos, open_page):
    test = open_page("model")
    test.button(key="presets").click().run()
    assert all(preset.title in said(test) for preset in presets.PRESETS.values())
    keys = [item.key for item in test.button]
    assert "preset-cats-dogs-vgg16" not in keys and "Not possible here" in said(test)  # one unit, and three classes
    assert "preset-imagewoof-resnet50-onecycle" in keys
    test.button(key="preset-cifar10-resnet50-cut").click().run()
    assert kept(workspace, photos) == presets.get("cifar10-resnet50-cut").recipe
    assert ticked(test) == "choose-custom" and not test.exception


def test_one_green_button_a_page(workspace, photos, open_page):
    for name in ("data", "model", "train", "results"):
        test = open_page(name)
        assert sum(item.proto.type == "primary" for item in test.button) == 1, name
