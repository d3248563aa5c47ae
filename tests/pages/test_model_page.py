"""The Model page: backbones, freeze slider, head, and what to do without weights."""

from __future__ import annotations

import io
import json
import re
import subprocess
import sys
import time
import zipfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from core.backbones import lite0, measuring, speeds
from core.backbones.catalogue import BACKBONES, get
from core.data.library import ingest
from core.jobs import queue as jobs
from core.recipe import proposals
from core.recipe.fields import HiddenLayer, Recipe
from core.runs.run import Run
from core.store.files import read_json, write_json
from pages.parts.app import connection
from tests.pages.conftest import coloured_zip, said, wait_until, widget


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


def two_classes(path):
    with zipfile.ZipFile(path, "w") as archive:
        for index in range(20):
            buffer = io.BytesIO()
            Image.fromarray(np.full((40, 40, 3), 10 * index + 5, "uint8")).save(buffer, "PNG")
            archive.writestr(f"{'dark' if index < 10 else 'light'}/{index}.png", buffer.getvalue())
    return path


def metric(test, label):
    return next(item.value for item in test.metric if item.label == label)


def button(test, label):
    return next(item for item in test.button if item.label == label)


def test_without_data_it_leads_to_the_data_page(workspace, open_page):
    test = open_page("model")
    assert "no pictures yet" in said(test)
    assert [item.label for item in test.button] == ["Go to Data"]


def test_every_backbone_is_in_the_table(dataset, weights, open_page):
    table = open_page("model").dataframe[0].value
    assert set(table["title"]) == {backbone.title for backbone in BACKBONES.values()}


@pytest.mark.parametrize("names", [
    {backbone.family: name for name, backbone in BACKBONES.items()}.values(),
    pytest.param(BACKBONES, marks=pytest.mark.slow)], ids=["one a family", "all"])
def test_any_backbone_can_be_chosen(dataset, weights, open_page, names):
    test = open_page("model")
    for name in names:
        test.selectbox(key="backbone").select(name).run()
        assert not test.exception and not test.error


def test_the_default_recipe_is_proposed_where_its_weights_are(workspace, dataset, weights, open_page):
    open_page("model")
    assert kept(workspace, dataset) == proposals.solved(Recipe())


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
    for page in (test, open_page("data")):  # why, and what else there is
        assert "Your pictures are small" in said(page) and "EfficientNetLite0" in said(page)
    assert any("EfficientNetLite0, which is here" in button.label for button in test.button)


def test_photos_start_from_the_weights_that_come_along_where_no_better_ones_are_within_reach(
        workspace, no_network, tmp_path, open_page):
    photos = ingest(coloured_zip(tmp_path / "photos.zip", per_class=4, side=90), workspace)
    test = open_page("model")
    recipe = kept(workspace, photos)
    assert recipe == proposals.solved(Recipe().override(["model.backbone=EfficientNetLite0"]))
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
    assert "model.upsample=2" in said(test) and kept(workspace, dataset).data.image_size is None


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
    frozen = metric(test, "Trained")
    blocks = [block.name for block in get("MobileNetV2")[1].blocks]
    assert test.select_slider(key="freeze").options == [
        "nothing", *(name.replace("_", " ") for name in blocks[:-1]), "everything"]
    test.select_slider(key="freeze").set_value(blocks[-4]).run()
    assert metric(test, "Trained") != frozen
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
    assert widget(test.button_group, "weights").options == ["Random", "A file of mine"]
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


def network(test) -> dict:
    """What the picture of the network is drawn from."""
    found = [element for element in test.main if element.type == "bidi_component"]
    found = found or [item for item in walk(test.main) if item.type == "bidi_component"]
    return json.loads(found[0].proto.json)


def walk(block):
    for child in block.children.values():
        yield child
        if hasattr(child, "children"):
            yield from walk(child)


def test_the_picture_shows_what_is_kept_retrained_and_dropped_and_the_head(workspace, dataset, weights, open_page):
    test = open_page("model")
    blocks = [block.name for block in get("MobileNetV2")[1].blocks]
    assert {bar["state"] for bar in network(test)["bars"]} == {"kept"}
    widget(test.select_slider, "freeze").set_value(blocks[5]).run()
    bars = network(test)["bars"]
    assert [bar["state"] for bar in bars] == ["kept"] * 6 + ["retrained"] * (len(blocks) - 6)
    assert [bar["name"] for bar in bars if bar["edge"]] == [blocks[5]]
    assert all(bar["label"] and bar["cut_label"] for bar in bars)
    assert [part["name"] for part in network(test)["head"]] == ["average", "classes"]
    widget(test.button_group, "hidden-count").set_value(2).run()
    assert [part["name"] for part in network(test)["head"]] == ["average", "hidden 1", "hidden 2", "classes"]


def test_a_layer_by_name_is_frozen_and_cut_and_a_freeze_point_beyond_the_cut_is_explained(
        workspace, dataset, weights, open_page):
    test = open_page("model")
    widget(test.selectbox, "freeze-layer").select("block_3_expand").run()
    assert kept(workspace, dataset).train.phases[0].freeze == "block_3_expand"
    widget(test.selectbox, "cut-layer").select("block_6_expand").run()
    assert kept(workspace, dataset).model.cut_layer == "block_6_expand" and metric(test, "Dropped")
    assert {bar["state"] for bar in network(test)["bars"]} == {"kept", "retrained", "dropped"}
    before = kept(workspace, dataset)
    widget(test.selectbox, "cut-layer").select("block_1_expand").run()
    assert "lies beyond the cut" in said(test) and kept(workspace, dataset) == before


def test_the_picture_and_the_training_speak_of_the_phase_that_is_chosen(workspace, dataset, weights, open_page):
    state_file = workspace.root / "chosen.json"
    open_page("model")
    recipe = kept(workspace, dataset)
    phases = [recipe.train.phases[0].model_dump(mode="json") | {"name": name, "epochs": epochs}
              for name, epochs in (("warm", 3), ("deep", 5))]
    recipe = recipe.override([f"train.phases={json.dumps(phases)}"])
    write_json(state_file, {**read_json(state_file), f"recipe-{dataset.id}": recipe.model_dump_json()})
    test = open_page("model")
    widget(test.button_group, "phase-model").set_value(1).run()
    before = next(metric.value for metric in test.metric if metric.label == "Memory")
    widget(test.select_slider, "freeze").set_value("none").run()
    assert [phase.freeze for phase in kept(workspace, dataset).train.phases] == ["all", "none"]
    assert before != next(metric.value for metric in test.metric if metric.label == "Memory")
    assert widget(test.switch_page("pages/train.py").run().number_input, "field:train.phases.1.epochs").value == 5


def shown_rows(test) -> list[str]:
    return list(test.dataframe[0].value["title"])


def test_the_table_is_searched_and_filtered_in_a_stable_order(dataset, weights, open_page):
    test = open_page("model")
    everything = shown_rows(test)
    widget(test.button_group, "backbone-filter").set_value("Fits a phone").run()
    assert 3 < len(shown_rows(test)) < len(everything) and test.dataframe[0].value["size"].max() <= 25
    assert shown_rows(test) == [title for title in everything if title in shown_rows(test)]
    widget(test.button_group, "backbone-filter").set_value("Most accurate").run()
    accurate = test.dataframe[0].value
    assert len(accurate) == 10 and "ConvNeXtXLarge" in set(accurate["title"]) and accurate["top1"].min() > 82
    widget(test.button_group, "backbone-filter").set_value("Here now").run()
    assert {"MobileNetV2", "VGG16", "SmallNet"} <= set(shown_rows(test)) and "VGG19" not in shown_rows(test)
    widget(test.button_group, "backbone-filter").set_value("All").run()
    test.text_input(key="backbone-search").set_value("vgg").run()
    assert shown_rows(test) == ["VGG16", "VGG19"]
    test.text_input(key="backbone-search").set_value("nothing like it").run()
    assert "No backbone is like that" in said(test)


def test_one_sigmoid_unit_is_offered_for_two_classes_only(workspace, dataset, weights, open_page, tmp_path):
    test = open_page("model")
    assert not [item for item in test.button_group if (item.key or "").startswith("field:model.output")]
    assert "softmax" in said(test)
    two = ingest(two_classes(tmp_path / "two.zip"), workspace)
    test = open_page("model")
    widget(test.button_group, "field:model.output").set_value("sigmoid").run()
    assert kept(workspace, two).model.output == "sigmoid" and not test.exception


def test_every_setting_of_eight_hidden_layers_is_there(workspace, dataset, weights, open_page):
    test = open_page("model")
    widget(test.button_group, "hidden-count").set_value(8).run()
    keys = {re.sub(r"-\d+$", "", item.key or "") for group in (
        test.button_group, test.selectbox, test.number_input, test.slider) for item in group}
    for index in range(8):
        for name in HiddenLayer.model_fields:
            assert f"field:model.hidden.{index}.{name}" in keys
    assert len(kept(workspace, dataset).model.hidden) == 8


def test_small_pictures_are_resized_or_enlarged_in_the_model_and_the_page_says_which(
        workspace, dataset, weights, open_page):
    test = open_page("model")
    assert "about 40 px" in said(test) and "resized to 224 px" in said(test)
    next(item for item in test.button if item.key == "enlarge").click().run()
    recipe = kept(workspace, dataset)
    assert (recipe.data.image_size, recipe.model.upsample) == (40, 6)
    assert "enlarged ×6 inside the model" in said(test)
    next(item for item in test.button if item.key == "resize-on-reading").click().run()
    assert kept(workspace, dataset).model.upsample is None


def test_another_backbone_leaves_the_cut_and_the_weights_of_the_one_before(workspace, dataset, weights, tmp_path):
    mine = tmp_path / "mine.h5"
    recipe = Recipe().override([f"model.weights={mine}", "model.cut_layer=block_6_expand",
                                "train.phases.0.freeze=block_3"])
    other = proposals.with_backbone(recipe, *get("VGG16"))
    assert (other.model.cut_layer, other.model.weights, other.train.phases[0].freeze) == (None, "imagenet", "block1")
    same = proposals.with_backbone(recipe, *get("MobileNetV2"))
    assert (same.model.cut_layer, same.model.weights) == ("block_6_expand", str(mine))


@pytest.fixture(scope="module")
def files(tmp_path_factory) -> dict[str, bytes]:
    """Weights of MobileNetV2 0.35 as Keras saves them: whole, and some of them gone; and of another network."""
    folder = tmp_path_factory.mktemp("files")
    code = ("import keras, sys\n"
            "net = keras.applications.MobileNetV2((96, 96, 3), alpha=0.35, include_top=False, weights=None)\n"
            "net.save_weights(sys.argv[1] + '/whole.weights.h5')\n"
            "part = keras.Model(net.input, net.get_layer('block_6_expand').output)\n"
            "part.save(sys.argv[1] + '/part.h5')\n")
    subprocess.run([sys.executable, "-c", code, str(folder)], check=True, capture_output=True, timeout=200)
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def with_file(test, name: str, content: bytes, backbone: str = "MobileNetV2"):
    test.selectbox(key="backbone").select(backbone).run()
    if backbone == "MobileNetV2":
        widget(test.button_group, "alpha").set_value(0.35).run()
    widget(test.button_group, "weights").set_value("file").run()
    test.file_uploader(key="weights-upload").set_value((name, content, "application/octet-stream")).run(timeout=200)
    assert not test.exception
    return test


def test_a_file_is_compared_before_it_is_used(workspace, dataset, weights, open_page, files):
    before = proposals.solved(Recipe().override(["model.alpha=0.35"]))
    test = with_file(open_page("model"), "mine.weights.h5", files["whole.weights.h5"])
    assert kept(workspace, dataset) == before and "104 of 104" in said(test)
    button(test, "Use this file").click().run(timeout=60)
    recipe = kept(workspace, dataset)
    path = Path(recipe.model.weights)
    assert path.parent == workspace.root / "weights" and path.read_bytes() == files["whole.weights.h5"]
    assert (recipe.model.weights_match, recipe.train.phases[0].freeze) == ("name", "all")
    assert "mine.weights.h5" in "".join(item.value for item in test.markdown).replace("\\", "")
    again = open_page("model")  # after a reload
    assert "104 of 104" in said(again) and kept(workspace, dataset) == recipe
    widget(test.button_group, "weights").set_value("imagenet").run()
    assert kept(workspace, dataset) == before


@pytest.mark.slow
def test_of_a_file_that_lacks_layers_those_that_fit_are_used_when_the_user_says_so(
        workspace, dataset, weights, open_page, files):
    test = with_file(open_page("model"), "part.h5", files["part.h5"])
    assert "missing" in said(test)
    table = next(item.value for item in test.dataframe if "in_file" in item.value)
    assert {"loaded", "missing: random"} == set(table["result"])
    use = next(item for item in test.button if item.label.startswith("Use the "))
    use.click().run(timeout=60)
    assert kept(workspace, dataset).model.weights_match == "partial"


@pytest.mark.slow
def test_a_file_that_is_none_is_a_sentence_with_its_owners_name_for_it(workspace, dataset, weights, open_page):
    test = with_file(open_page("model"), "broken.h5", b"no weights")
    assert "broken.h5 cannot be read" in said(test)
    assert kept(workspace, dataset).model.weights == "imagenet"


@pytest.mark.slow
def test_a_file_may_be_of_the_small_network_too(workspace, dataset, weights, open_page, files):
    test = with_file(open_page("model"), "mine.weights.h5", files["whole.weights.h5"], "SmallNet")
    assert "layers of SmallNet are in the file" in said(test)


def test_a_finished_run_with_the_same_backbone_is_offered(workspace, dataset, weights, open_page, files):
    recipe = Recipe()
    run = Run.create(dataset, recipe, workspace)
    run.write_status(replace(run.status(), state="completed"))  # before a page looks and starts what waits
    test = open_page("model")
    assert "A finished run" not in widget(test.button_group, "weights").options
    (run.path / "model.keras").write_bytes(files["whole.weights.h5"])
    test = open_page("model")
    widget(test.button_group, "weights").set_value("run").run()
    widget(test.selectbox, "weights-run").select(run.id).run()
    assert kept(workspace, dataset).model.weights == str(run.path) and not test.exception
    assert "layers of MobileNetV2 are in the run" in said(test)
    test.selectbox(key="backbone").select("VGG16").run()
    assert kept(workspace, dataset).model.weights == "imagenet" and not test.exception


def row(test, title: str):
    return test.dataframe[0].value.set_index("title").loc[title]


def test_speeds_are_estimates_until_they_are_measured_here(workspace, dataset, weights, open_page):
    test = open_page("model")
    assert set(test.dataframe[0].value["by"]) == {"estimate"}
    speeds.keep(workspace.machine, speeds.subject(get("VGG16")[1]), 3.25, "Keras", "")
    test = open_page("model")
    assert (row(test, "VGG16")["by"], row(test, "VGG16")["speed"]) == ("measured", 3.25)
    assert row(test, "VGG16")["seconds"] >= 30 / 3.25 and row(test, "VGG19")["by"] == "estimate"


def test_the_chosen_backbone_is_measured_from_the_page(workspace, dataset, weights, open_page):
    test = open_page("model")
    test.selectbox(key="backbone").select("SmallNet").run()
    button(test, "Measure SmallNet here").click().run()
    assert "Measure SmallNet here" not in [item.label for item in test.button]
    wait_until(test, lambda page: row(page, "SmallNet")["by"] == "measured", seconds=90)
    figure = speeds.known(workspace.machine)[speeds.subject(get("SmallNet")[1]).key].images_per_second
    assert row(test, "SmallNet")["speed"] == figure and not test.exception
    assert "Measure SmallNet here again" in [item.label for item in test.button]


def test_what_the_filter_shows_is_measured_and_can_be_cancelled(workspace, dataset, weights, open_page):
    run = Run.create(dataset, Recipe(), workspace)
    run.write_status(replace(run.status(), state="running", host="elsewhere", updated=time.time()))
    jobs.rebuild(workspace.machine)
    test = open_page("model")
    test.text_input(key="backbone-search").set_value("vgg").run()
    button(test, "Measure all 2 estimates").click().run()
    found = measuring.latest(workspace)
    assert [one.backbone for one in measuring.asked(found)] == ["VGG16", "VGG19"]
    assert found.status().state == "queued"  # a training is at work
    button(test, "Cancel").click().run()
    assert found.status().state == "stopped" and "Stopped before it began" in said(test)
