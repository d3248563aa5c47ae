"""The Model page: backbones, freeze slider, head, and what to do without weights."""

from __future__ import annotations

import pytest

from core.backbones import lite0
from core.backbones.catalogue import BACKBONES, get
from core.data.library import ingest
from core.recipe import proposals
from core.recipe.fields import Recipe
from core.store.files import read_json
from pages.parts.app import connection
from tests.pages.conftest import coloured_zip, said, widget


@pytest.fixture
def no_network(monkeypatch):
    """As on a machine that cannot reach the weights server."""
    monkeypatch.setattr(connection, "can_download", lambda wait=0.0: False)


@pytest.fixture
def weights(tmp_path):
    """Empty files under the names of pretrained weights: the pages only look whether they are there."""
    for name, alpha in (("MobileNetV2", 0.35), ("MobileNetV2", None), ("VGG16", None)):
        (tmp_path / get(name, alpha)[1].weights_file).touch()


def kept(workspace, dataset) -> Recipe:
    return Recipe.model_validate_json(read_json(workspace.root / "chosen.json")[f"recipe-{dataset.id}"])


def metric(test, label):
    return next(item.value for item in test.metric if item.label == label)


def button(test, label):
    return next(item for item in test.button if item.label == label)


def test_without_data_it_leads_to_the_data_page(workspace, open_page):
    test = open_page("model")
    assert "no pictures yet" in said(test)
    assert [item.label for item in test.button] == ["Go to Data"]


def test_every_backbone_is_in_the_table_and_can_be_chosen(dataset, weights, open_page):
    test = open_page("model")
    table = test.dataframe[0].value
    assert set(table["title"]) == {backbone.title for backbone in BACKBONES.values()}
    for name in BACKBONES:
        test.selectbox(key="backbone").select(name).run()
        assert not test.exception and not test.error


def test_the_default_recipe_is_proposed_where_its_weights_are(workspace, dataset, weights, open_page):
    open_page("model")
    assert kept(workspace, dataset) == Recipe()


def test_a_width_whose_weights_are_here_is_proposed_else(workspace, dataset, no_network, tmp_path, open_page):
    (tmp_path / get("MobileNetV2", 0.35)[1].weights_file).touch()
    open_page("model")
    assert kept(workspace, dataset).model.alpha == 0.35


def test_without_any_weights_the_small_network_is_proposed(workspace, dataset, no_network, open_page):
    test = open_page("model")
    recipe = kept(workspace, dataset)
    assert recipe.model.weights == "none"
    assert recipe.train.phases[0].freeze == "none"
    assert "random weights" in said(test)
    for page in (test, open_page("data")):  # why, and what would help
        assert "MobileNetV2 are not on this machine" in said(page)
    assert get("MobileNetV2")[1].weights_file in said(test) and "GRAFT_WEIGHTS_DIR" in said(test)


def test_photos_start_from_the_weights_that_come_along_where_no_better_ones_are_within_reach(
        workspace, no_network, tmp_path, open_page):
    photos = ingest(coloured_zip(tmp_path / "photos.zip", per_class=4, side=90), workspace)
    test = open_page("model")
    recipe = kept(workspace, photos)
    assert recipe == Recipe().override(["model.backbone=EfficientNetLite0"])
    assert (recipe.model.weights, recipe.train.phases[0].freeze) == ("imagenet", "all")
    assert "random weights" not in said(test) and "not here" not in said(test)


def test_a_narrow_network_does_not_displace_the_better_one_that_comes_along(
        workspace, no_network, tmp_path, open_page):
    (tmp_path / get("MobileNetV2", 0.35)[1].weights_file).touch()
    photos = ingest(coloured_zip(tmp_path / "photos.zip", per_class=4, side=90), workspace)
    open_page("model")
    assert kept(workspace, photos).model.backbone == "EfficientNetLite0"


def test_without_the_package_photos_get_what_is_here_else_the_small_network(
        workspace, no_network, tmp_path, monkeypatch, open_page):
    monkeypatch.setattr(lite0, "source", lambda: None)
    photos = ingest(coloured_zip(tmp_path / "photos.zip", per_class=4, side=90), workspace)
    open_page("model")
    assert kept(workspace, photos).model.backbone == "SmallNet"


def test_what_is_said_of_weights_never_contradicts_itself(workspace, dataset, no_network, tmp_path, open_page):
    """With one width here: the small network that somebody chose was not proposed for want of weights."""
    (tmp_path / get("MobileNetV2", 0.35)[1].weights_file).touch()
    test = open_page("model")
    assert "MobileNetV2 are not" not in said(test)
    test.selectbox(key="backbone").select("SmallNet").run()
    assert "not on this machine" not in said(test) and "is proposed" not in said(test)
    assert "not on this machine" not in said(open_page("data"))
    test = open_page("model")
    test.selectbox(key="backbone").select("MobileNetV2").run()
    widget(test.button_group, "alpha").set_value(1.0).run()
    assert "MobileNetV2 1 are not here" in said(test)
    assert [item.label for item in test.button if item.label.startswith("Use ")][0] != "Use MobileNetV2, which is here"


def test_the_figures_of_a_row_are_of_the_width_that_it_names_whatever_is_chosen(dataset, weights, open_page):
    test = open_page("model")
    before = test.dataframe[0].value
    widget(test.button_group, "alpha").set_value(0.35).run()
    assert test.dataframe[0].value.equals(before)
    for row in before.itertuples():
        name = next(name for name in BACKBONES if BACKBONES[name].title == row.title)
        variant = get(name, None if row.alpha != row.alpha else row.alpha)[1]
        assert row.parameters == variant.parameters / 1e6
        assert row.top1 != row.top1 if variant.top1 is None else row.top1 == pytest.approx(100 * variant.top1)


def test_the_small_network_keeps_the_rest_and_takes_its_own_along_when_it_goes(
        workspace, dataset, weights, no_network, open_page):
    test = open_page("model")
    usual = kept(workspace, dataset)
    chosen = usual.override(["data.test=0.2", "augment.preset=light", "train.batch_size=8"])
    small = proposals.small_network(dataset, chosen)
    assert (small.model.backbone, small.train.phases[0].epochs) == ("SmallNet", 8)
    assert (small.data.test, small.augment, small.train.batch_size) == (0.2, chosen.augment, 8)
    test.selectbox(key="backbone").select("SmallNet").run()
    test.selectbox(key="backbone").select("MobileNetV2").run()
    again = kept(workspace, dataset)
    assert (again.model.weights, again.train, again.model.dropout) == ("imagenet", usual.train, usual.model.dropout)


def test_a_size_that_the_backbone_cannot_take_is_refused_where_it_is_typed(workspace, dataset, weights, open_page):
    test = open_page("model")
    test.selectbox(key="backbone").select("InceptionV3").run()
    test.number_input(key="field:data.image_size").set_value(64).run()
    assert "75" in said(test) and kept(workspace, dataset).data.image_size is None


def test_missing_weights_are_named_with_the_ways_out(workspace, dataset, weights, no_network, open_page):
    test = open_page("model")
    test.selectbox(key="backbone").select("ResNet50").run()
    text = said(test)
    assert get("ResNet50")[1].weights_file in text
    assert "GRAFT_WEIGHTS_DIR" in text
    button(test, "Use the small network").click().run()
    assert kept(workspace, dataset).model.weights == "none"


def test_the_freeze_slider_snaps_to_blocks_and_counts_what_is_trained(workspace, dataset, weights, open_page):
    test = open_page("model")
    frozen = metric(test, "Trained parameters")
    blocks = [block.name for block in get("MobileNetV2")[1].blocks]
    assert test.select_slider(key="freeze").options == [
        "nothing", *(name.replace("_", " ") for name in blocks[:-1]), "everything"]
    test.select_slider(key="freeze").set_value(blocks[-4]).run()
    assert metric(test, "Trained parameters") != frozen
    assert kept(workspace, dataset).train.phases[0].freeze == blocks[-4]
    test.select_slider(key="freeze").set_value("none").run()
    assert metric(test, "Work per epoch") == "100 %"


def test_a_freeze_point_that_the_next_backbone_lacks_becomes_everything(workspace, dataset, weights, open_page):
    test = open_page("model")
    test.select_slider(key="freeze").set_value(get("MobileNetV2")[1].blocks[-3].name).run()
    test.selectbox(key="backbone").select("VGG16").run()
    assert kept(workspace, dataset).train.phases[0].freeze in ("all", *(b.name for b in get("VGG16")[1].blocks))
    assert not test.exception


def test_random_weights_train_everything(workspace, dataset, weights, open_page):
    test = open_page("model")
    test.button_group(key="weights").set_value("none").run()
    recipe = kept(workspace, dataset)
    assert (recipe.model.weights, recipe.train.phases[0].freeze, recipe.model.batch_norm) == ("none", "none", "train")
    assert widget(test.button_group, "field:model.batch_norm").proto.disabled
    widget(test.select_slider, "freeze").set_value("all").run()
    assert "never learn" in said(test)


def test_a_backbone_that_was_never_pretrained_starts_at_random(workspace, dataset, weights, open_page):
    test = open_page("model")
    test.selectbox(key="backbone").select("SmallNet").run()
    assert widget(test.button_group, "weights").options == ["Random"]
    assert kept(workspace, dataset).model.weights == "none"
    test.selectbox(key="backbone").select("MobileNetV2").run()
    recipe = kept(workspace, dataset)
    assert (recipe.model.weights, recipe.train.phases[0].freeze, recipe.data.image_size) == ("imagenet", "all", None)


def test_hidden_layers_are_added_and_set(workspace, dataset, weights, open_page):
    test = open_page("model")
    test.button_group(key="hidden-count").set_value(2).run()
    test.number_input(key="field:model.hidden.1.units").set_value(64).run()
    assert [layer.units for layer in kept(workspace, dataset).model.hidden] == [256, 64]
    test.button_group(key="hidden-count").set_value(0).run()
    assert kept(workspace, dataset).model.hidden == ()


def test_the_choice_survives_a_reload(dataset, weights, open_page):
    open_page("model").selectbox(key="backbone").select("VGG16").run()
    assert open_page("model").selectbox(key="backbone").value == "VGG16"
