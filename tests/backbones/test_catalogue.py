"""The catalogue: complete, consistent, and in agreement with published figures."""

from __future__ import annotations

import subprocess
import sys

import pytest

from core.backbones.catalogue import BACKBONES, FOLDER, get
from core.backbones.freezing import freeze_layer, resolve_freeze
from core.backbones.weights import comes_along
from core.errors import RecipeError
from core.head import head_parameters
from core.plan import trainable_parameters
from core.recipe.fields import HiddenLayer, ModelSettings, Recipe

PAIRS = [pytest.param(backbone, variant, id=f"{backbone.name}-{variant.alpha}")
         for backbone in BACKBONES.values() for variant in backbone.variants]


def test_everything_promised_is_there():
    assert set(BACKBONES) == {
        "MobileNet", "MobileNetV2", "MobileNetV3Small", "MobileNetV3Large", "VGG16", "VGG19", "InceptionV3",
        "InceptionResNetV2", "Xception", "DenseNet121", "DenseNet169", "DenseNet201", "NASNetMobile", "NASNetLarge",
        "SmallNet", "EfficientNetLite0",
        *(f"EfficientNetB{size}" for size in range(8)),
        *(f"EfficientNetV2{size}" for size in ("B0", "B1", "B2", "B3", "S", "M", "L")),
        *(f"ResNet{layers}{version}" for layers in (50, 101, 152) for version in ("", "V2")),
        *(f"ConvNeXt{size}" for size in ("Tiny", "Small", "Base", "Large", "XLarge")),
    }
    assert BACKBONES["MobileNet"].alphas == (0.25, 0.5, 0.75, 1.0)
    assert BACKBONES["MobileNetV2"].alphas == (0.35, 0.5, 0.75, 1.0, 1.3, 1.4)
    assert BACKBONES["MobileNetV3Small"].alphas == BACKBONES["MobileNetV3Large"].alphas == (0.75, 1.0)


# Parameters without top and multiply-adds in millions: tables of the papers and of keras.io/api/applications; of
# EfficientNetV2L torchvision's, since the paper rounds.
@pytest.mark.parametrize(("name", "alpha", "parameters", "mult_adds"), [
    ("MobileNet", 1.0, 3_228_864, 569), ("MobileNet", 0.25, 218_544, 41), ("MobileNetV2", 1.0, 2_257_984, 300),
    ("MobileNetV2", 0.35, 410_208, 59), ("MobileNetV2", 1.4, 4_363_712, 582), ("MobileNetV3Large", 1.0, 2_996_352, 217),
    ("ResNet50", None, 23_587_712, 3_860), ("VGG16", None, 14_714_688, 15_346), ("DenseNet121", None, 7_037_504, 2_834),
    ("InceptionV3", None, 21_802_784, 5_710), ("Xception", None, 20_861_480, 8_360),
    ("NASNetMobile", None, 4_269_716, 564), ("NASNetLarge", None, 84_916_818, 23_800),
    ("EfficientNetB0", None, 4_049_571, 390), ("EfficientNetB7", None, 64_097_687, 37_000),
    ("ConvNeXtTiny", None, 27_820_128, 4_470), ("ConvNeXtBase", None, 87_566_464, 15_400),
    ("EfficientNetV2L", None, 117_746_848, 56_080), ("ResNet152", None, 58_370_944, 11_300),
])
def test_sizes_are_the_published_ones(name, alpha, parameters, mult_adds):
    _, variant = get(name, alpha)
    assert variant.parameters == parameters
    assert variant.mult_adds / 1e6 == pytest.approx(mult_adds, rel=0.03)


@pytest.mark.parametrize(("backbone", "variant"), PAIRS)
def test_blocks_make_up_the_whole(backbone, variant):
    assert sum(block.parameters for block in variant.blocks) == variant.parameters
    assert variant.blocks[-1].shape[2] == variant.features
    assert variant.blocks[-1].shape[0] == variant.output_side(backbone.default_size)
    assert len({block.name for block in variant.blocks}) == len(variant.blocks) >= 4
    assert len({block.layer for block in variant.blocks}) == len(variant.blocks)
    assert not {"all", "none"} & {name for block in variant.blocks for name in (block.name, block.layer)}
    for block in variant.blocks:
        assert 0 <= block.trainable + block.batch_norm <= block.parameters
        assert len(block.carriers) == 1 or backbone.family == "NASNet" and len(block.carriers) == 2
    sides = [block.shape[0] for block in variant.blocks]
    assert sides == sorted(sides, reverse=True)


@pytest.mark.parametrize(("backbone", "variant"), PAIRS)
def test_every_row_can_be_shown(backbone, variant):
    assert backbone.description.endswith(".") and backbone.title and backbone.family
    assert 32 <= backbone.min_size <= backbone.default_size
    assert variant.output_side(backbone.min_size) >= 1
    assert variant.size_mb == pytest.approx(variant.parameters * 4 / 1e6, abs=0.06)
    if not variant.pretrained:
        assert variant.top1 is None and not variant.weights_url
        return
    assert 0.5 < variant.top1 < 0.87 and (variant.top5 is None or variant.top1 < variant.top5 < 0.98)
    assert variant.weights_file.endswith(("no_top.h5", "notop.h5", "no_top_v2.h5"))
    renamed = {"nasnet_mobile_no_top.h5": "NASNet-mobile-no-top.h5", "nasnet_large_no_top.h5": "NASNet-large-no-top.h5"}
    assert variant.weights_url.endswith(f"/{renamed.get(variant.weights_file, variant.weights_file)}") or (
        comes_along(variant) and not variant.weights_url)
    assert backbone.paper and backbone.paper.year >= 2014 and backbone.licence


def test_wider_is_larger_and_better():
    for backbone in BACKBONES.values():
        assert list(backbone.variants) == sorted(backbone.variants, key=lambda variant: variant.parameters)
        assert list(backbone.variants) == sorted(backbone.variants, key=lambda variant: variant.top1)


def test_the_usual_width_is_taken_when_none_is_given():
    backbone, variant = get("MobileNetV2")
    assert variant.alpha == backbone.default_alpha == 1.0
    assert get("ResNet50")[1].alpha is None


@pytest.mark.parametrize(("name", "alpha", "named"), [
    ("MobileNetV9", None, "MobileNetV2"), ("MobileNetV2", 0.4, "0.35, 0.5"), ("ResNet50", 1.0, "empty"),
])
def test_what_does_not_exist_is_answered_with_what_does(name, alpha, named):
    with pytest.raises(RecipeError) as caught:
        get(name, alpha)
    assert named in caught.value.hint


def test_freeze_points():
    _, variant = get("MobileNetV2", 0.35)
    assert resolve_freeze(variant, "none") == 0
    assert resolve_freeze(variant, "all") == len(variant.blocks) == 19
    assert resolve_freeze(variant, "block_12") == resolve_freeze(variant, "block_12_add") == 14
    assert variant.blocks[13].name == "block_12"
    with pytest.raises(RecipeError, match="block_99") as caught:
        resolve_freeze(variant, "block_99")
    assert "block_16" in caught.value.hint


@pytest.mark.parametrize(("backbone", "variant"), PAIRS)
def test_any_layer_is_a_freeze_point(backbone, variant):
    """A layer counts the blocks that are wholly frozen with it."""
    counts = [resolve_freeze(variant, layer) for layer in variant.layers]
    assert counts == sorted(counts) and counts[-1] == len(variant.blocks)
    assert set(counts) == set(range(len(variant.blocks) + 1)) or len(variant.layers) == len(variant.blocks)
    for index, block in enumerate(variant.blocks, 1):
        assert freeze_layer(variant, block.name) == freeze_layer(variant, block.layer) == block.layer
        assert counts[variant.layers.index(block.layer)] == index
        assert block.name not in variant.layers or block.name == block.layer
    assert freeze_layer(variant, "none") is None and freeze_layer(variant, "all") == variant.blocks[-1].layer


def test_a_layer_inside_a_block_is_taken_as_it_is():
    _, variant = get("MobileNetV2", 0.35)
    assert freeze_layer(variant, "block_12_expand_relu") == "block_12_expand_relu"
    assert resolve_freeze(variant, "block_12_expand_relu") == resolve_freeze(variant, "block_11")


def test_head_parameters_by_hand():
    _, variant = get("MobileNetV2", 0.35)
    assert head_parameters(variant, ModelSettings(), 2, 224) == 1280 * 2 + 2
    hidden = ModelSettings(hidden=(HiddenLayer(units=64), HiddenLayer(units=32, batch_norm=True)))
    assert head_parameters(variant, hidden, 5, 224) == (1281 * 64) + (64 * 32 + 2 * 32) + (33 * 5)
    flat = ModelSettings(pooling="flatten")
    assert head_parameters(variant, flat, 2, 224) == 7 * 7 * 1280 * 2 + 2
    assert head_parameters(variant, flat, 2, 96) == 3 * 3 * 1280 * 2 + 2


def test_trainable_parameters_follow_the_freeze_point():
    _, variant = get("MobileNetV2", 0.35)
    head = 1280 * 2 + 2

    def count(freeze: str, *more: str) -> int:
        recipe = Recipe().override(["model.alpha=0.35", f"train.phases.0.freeze={freeze}", *more])
        return trainable_parameters(variant, recipe, 2)

    assert count("all") == head
    assert count("block_16") == head + variant.blocks[-1].trainable
    assert count("none") == head + sum(block.trainable for block in variant.blocks)
    with_norm = count("none", "model.batch_norm=train")
    assert with_norm == count("none") + sum(block.batch_norm for block in variant.blocks)
    assert with_norm < variant.parameters + head  # the running statistics are never trained


def test_the_phase_that_trains_most_counts():
    _, variant = get("MobileNetV2", 0.35)
    recipe = Recipe.parse({"model": {"alpha": 0.35}, "train": {"phases": [{"freeze": "all"}, {"freeze": "block_16"}]}})
    single = Recipe.parse({"model": {"alpha": 0.35}, "train": {"phases": [{"freeze": "block_16"}]}})
    assert trainable_parameters(variant, recipe, 3) == trainable_parameters(variant, single, 3)


def test_the_index_and_one_family_load_at_once():
    """The page lists all rows before it asks for the blocks of one; here in a process that has read nothing yet."""
    code = """
import sys, time
from core.backbones import catalogue
began = time.perf_counter()
catalogue._load()
index = time.perf_counter() - began
began = time.perf_counter()
backbone, variant = catalogue.get(sys.argv[1])
count = len(variant.blocks)
print(index, time.perf_counter() - began, count, len(catalogue._family(backbone.family)))
"""
    result = subprocess.run([sys.executable, "-c", code, "EfficientNetB7"], capture_output=True, text=True, check=True)
    index, family, blocks, backbones = map(float, result.stdout.split())
    assert (blocks, backbones) == (57, 9)


def test_the_catalogue_stays_small():
    assert sum(path.stat().st_size for path in FOLDER.iterdir()) < 2e6
