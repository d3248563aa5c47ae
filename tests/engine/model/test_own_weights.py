"""A user's weights in a backbone: the same numbers, whatever Keras wrote the file, or a table of what is wrong."""

from __future__ import annotations

import json
import os
import zipfile
from pathlib import Path

import h5py
import keras
import numpy as np
import pytest

from core.backbones.weight_files import opened
from core.engine.model.own_weights import load_own_weights, match
from core.engine.model.small_net import SmallNet
from core.errors import WeightsError


def backbone(side: int = 32) -> keras.Model:
    keras.utils.clear_session()
    return SmallNet(input_shape=(side, side, 3))


@pytest.fixture(scope="module")
def source() -> keras.Model:
    model = backbone()
    random = np.random.default_rng(0)
    for variable in model.weights:
        variable.assign(random.uniform(0.1, 1.0, variable.shape))
    return model


def classifier(source: keras.Model, nested: bool) -> keras.Model:
    if nested:
        return keras.Sequential([keras.Input(source.input_shape[1:]), source, keras.layers.GlobalAveragePooling2D(),
                                 keras.layers.Dense(3, activation="softmax")])
    pooled = keras.layers.GlobalAveragePooling2D()(source.output)
    return keras.Model(source.input, keras.layers.Dense(3, activation="softmax")(pooled))


@pytest.mark.parametrize("shape", ["alone", "nested", "flat"])
@pytest.mark.parametrize("suffix", [".h5", ".weights.h5", ".keras"])
def test_the_weights_arrive_whatever_kind_of_file_and_model_they_were_in(source, tmp_path, shape, suffix):
    model = source if shape == "alone" else classifier(source, shape == "nested")
    path = tmp_path / f"a{suffix}"
    model.save_weights(path) if suffix == ".weights.h5" else model.save(path)
    target = backbone()
    found = load_own_weights(target, path)
    assert found.complete and len(found.unused) == (0 if shape == "alone" else 1)
    for given, arrived in zip(source.get_weights(), target.get_weights(), strict=True):
        assert np.array_equal(given, arrived)


def renamed(source: keras.Model) -> keras.Model:
    """The same network, with other names of its layers."""
    def again(layer: keras.layers.Layer) -> keras.layers.Layer:
        return type(layer).from_config({**layer.get_config(), "name": f"their_{layer.name}"})
    clone = keras.models.clone_model(source, clone_function=again)
    clone.set_weights(source.get_weights())
    return clone


@pytest.mark.parametrize("suffix", [".h5", ".weights.h5"])
def test_renamed_layers_are_matched_by_order_only_when_it_is_asked_for(source, tmp_path, suffix):
    path, other = tmp_path / f"a{suffix}", renamed(source)
    other.save_weights(path) if suffix == ".weights.h5" else other.save(path)
    target = backbone()
    with pytest.raises(WeightsError, match=r"'their_block_1_\w+'.*weights_match=order"):
        load_own_weights(target, path)
    assert load_own_weights(target, path, "order").complete
    for given, arrived in zip(source.get_weights(), target.get_weights(), strict=True):
        assert np.array_equal(given, arrived)


def unnamed_network(before: int = 0) -> keras.Model:
    """A network whose layers Keras names, in a process that has built `before` of each class already."""
    keras.utils.clear_session()
    for _ in range(before):
        keras.layers.Conv2D(1, 1), keras.layers.BatchNormalization()
    x = image = keras.Input((16, 16, 3))
    for _ in range(6):
        x = keras.layers.ReLU()(keras.layers.BatchNormalization()(keras.layers.Conv2D(8, 3, padding="same")(x)))
    return keras.Model(image, x)


def different(model: keras.Model) -> keras.Model:
    """The same with another number in every weight."""
    model.set_weights([np.full(value.shape, index + 1.0) for index, value in enumerate(model.get_weights())])
    return model


@pytest.mark.parametrize("shift", [1, 94])
@pytest.mark.parametrize("suffix", [".h5", ".weights.h5"])
def test_by_order_is_not_led_astray_by_numbers_that_keras_gave(tmp_path, shift, suffix):
    theirs, path = different(unnamed_network(shift)), tmp_path / f"a{suffix}"
    theirs.save_weights(path) if suffix == ".weights.h5" else theirs.save(path)
    target = unnamed_network()
    assert load_own_weights(target, path, "order").complete
    for given, arrived in zip(theirs.get_weights(), target.get_weights(), strict=True):
        assert np.array_equal(given, arrived)


def test_a_place_in_a_file_without_names_is_not_taken_for_a_name(tmp_path):
    theirs, path = different(unnamed_network()), tmp_path / "a.weights.h5"
    theirs.save_weights(path)
    with h5py.File(path, "a") as file:
        file.visititems(lambda _, item: item.attrs.pop("name", None) and None)
    with pytest.raises(WeightsError, match="weights_match=order"):
        load_own_weights(unnamed_network(), path)
    target = unnamed_network(3)
    assert load_own_weights(target, path, "order").complete
    assert all(np.array_equal(*pair) for pair in zip(theirs.get_weights(), target.get_weights(), strict=True))


def test_names_that_somebody_gave_fill_what_the_order_leaves_open(source, tmp_path):
    """A file without its second block: the others are equally shaped in part, and are found by their names."""
    source.save_weights(tmp_path / "a.weights.h5")
    with opened(tmp_path / "a.weights.h5") as file:
        file.layers = [layer for layer in file.layers if "block_3" not in layer.name]
        found = match(file, backbone(), "order")
    assert all(wanted.name == stored.name for wanted, stored in found.loaded) and len(found.missing) == 2


def test_another_architecture_is_refused_naming_the_first_layer_and_both_shapes(source, tmp_path):
    convolution = keras.layers.Conv2D(48, 3, use_bias=False, name="block_1_conv")
    wider = keras.Sequential([keras.Input((32, 32, 3)), convolution])
    wider.save(tmp_path / "a.h5")
    with pytest.raises(WeightsError, match=r"'block_1_conv' has the shapes 3×3×3×48 there, and 3×3×3×32 here"):
        load_own_weights(backbone(), tmp_path / "a.h5")


def test_missing_layers_are_told_and_left_random_only_when_that_is_asked_for(source, tmp_path):
    part = keras.Model(source.input, source.get_layer("block_2_pool").output)
    part.save_weights(tmp_path / "a.weights.h5")
    with pytest.raises(WeightsError, match=r"lacks 4 of the 8 layers.*'block_3_conv' first"):
        load_own_weights(backbone(), tmp_path / "a.weights.h5")
    target = backbone()
    before = target.get_layer("block_3_conv").get_weights()[0].copy()
    found = load_own_weights(target, tmp_path / "a.weights.h5", "partial")
    assert [row["result"] for row in found.table()] == ["loaded"] * 4 + ["missing"] * 4
    assert np.array_equal(target.get_layer("block_3_conv").get_weights()[0], before)
    first = [model.get_layer("block_1_conv").get_weights()[0] for model in (source, target)]
    assert np.array_equal(*first)


def test_nothing_is_changed_by_a_file_with_a_number_that_is_not_finite(source, tmp_path):
    sick = backbone()
    sick.set_weights(source.get_weights())
    sick.get_layer("block_4_bn").gamma.assign(np.full(128, np.nan))
    sick.save_weights(tmp_path / "a.weights.h5")
    target = backbone()
    before = target.get_weights()
    with pytest.raises(WeightsError, match="block_4_bn"):
        load_own_weights(target, tmp_path / "a.weights.h5")
    assert all(np.array_equal(*pair) for pair in zip(before, target.get_weights(), strict=True))


def test_what_an_archive_says_of_its_model_is_never_read(source, tmp_path):
    """A configuration with code in it that would take gigabytes: the weights beside it are loaded all the same."""
    source.save(tmp_path / "a.keras")
    with zipfile.ZipFile(tmp_path / "a.keras") as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    parts["config.json"] = json.dumps({"class_name": "Lambda", "module": "keras.layers", "config": {
        "function": "__import__('os').system('touch run')", "units": 10**12}}).encode()
    with zipfile.ZipFile(tmp_path / "b.keras", "w") as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    assert load_own_weights(backbone(), tmp_path / "b.keras").complete
    assert not (tmp_path / "run").exists() and not Path("run").exists()


@pytest.mark.skipif(not os.environ.get("GRAFT_WEIGHTS_DIR"), reason="no pretrained weights here")
def test_keras_own_legacy_file_fits_by_name(tmp_path):
    file = next(Path(os.environ["GRAFT_WEIGHTS_DIR"]).glob("mobilenet_v2_*0.35_224_no_top.h5"))
    keras.utils.clear_session()
    model = keras.applications.MobileNetV2(alpha=0.35, include_top=False, weights=None, input_shape=(96, 96, 3))
    with opened(file) as weights:
        assert match(weights, model, "name").complete
    expected = keras.models.clone_model(model)
    expected.load_weights(str(file))
    load_own_weights(model, file)
    for given, arrived in zip(expected.get_weights(), model.get_weights(), strict=True):
        assert np.array_equal(given, arrived)
