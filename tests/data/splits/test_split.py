import numpy as np
import pandas as pd
import pytest

from core.data import manifest
from core.data.dataset import Dataset
from core.data.splits import split as splits
from core.errors import DataError
from core.recipe.fields import DataSettings


@pytest.fixture
def make_dataset(tmp_path):
    """A dataset of rows alone: `make_dataset({"cats": 40}, ...)` or [(path, class, split), ...]."""

    def make(content, order=None, hashes=None):
        if isinstance(content, dict):
            content = [
                (f"{label}/{index:03d}.png", label, "") for label, count in content.items() for index in range(count)
            ]
        rows = [
            {
                "path": path,
                "class": label,
                "split": split,
                "group": "",
                "width": 8,
                "height": 8,
                "bytes": 1,
                "hash": (hashes or {}).get(path, f"{path:>40}"),
                "status": "ok",
                "reason": "",
                "file": f"{index:06d}.png",
            }
            for index, (path, label, split) in enumerate(content if order is None else [content[i] for i in order])
        ]
        table = manifest.build(rows) if order is None else pd.DataFrame(rows)[list(manifest.COLUMNS)]
        manifest.write(table, tmp_path)
        classes = sorted(set(table["class"]))
        return Dataset("x", "x", tmp_path, classes, "f", "", "", [], len(table), 0)

    return make


def split_dataset(dataset, settings):
    return splits.split(dataset.usable(), settings)


def counts(table):
    return {split: group.groupby("class").size().to_dict() for split, group in table.groupby("split")}


def members(table, split):
    return set(table.loc[table["split"] == split, "path"])


def test_a_stratified_split(make_dataset):
    table = split_dataset(make_dataset({"cats": 100, "dogs": 50}), DataSettings(validation=0.2, test=0.1))
    assert counts(table) == {
        "train": {"cats": 70, "dogs": 35},
        "validation": {"cats": 20, "dogs": 10},
        "test": {"cats": 10, "dogs": 5},
    }
    assert set(table["split"]) == {"train", "validation", "test"} and len(table) == 150


def test_the_seed_decides_and_the_order_of_the_files_does_not(make_dataset):
    content = [(f"{label}/{index}.png", label, "") for label in ("a", "b") for index in range(50)]
    splits = []
    for seed in range(3):
        tables = [
            split_dataset(make_dataset(content, order), DataSettings(seed=seed, test=0.2))
            for order in (np.arange(100), np.random.default_rng(seed).permutation(100), np.arange(100)[::-1])
        ]
        for split in ("train", "validation", "test"):
            assert members(tables[0], split) == members(tables[1], split) == members(tables[2], split)
        splits.append(frozenset(members(tables[0], "validation")))
    assert len(set(splits)) == 3


@pytest.mark.parametrize("validation", [0.05, 0.2, 0.5])
@pytest.mark.parametrize("test", [0.0, 0.3])
def test_every_class_is_in_training_and_validation(make_dataset, validation, test):
    table = split_dataset(
        make_dataset({"many": 200, "few": 3, "pair": 2}), DataSettings(validation=validation, test=test)
    )
    for split in ("train", "validation"):
        assert set(counts(table)[split]) == {"many", "few", "pair"}
    assert len(table) == 205


def test_a_class_of_one_image_is_named(make_dataset):
    with pytest.raises(DataError, match="'rare' has 1 image, and none is left to check with") as caught:
        split_dataset(make_dataset({"many": 30, "rare": 1}), DataSettings())
    assert "at least two images" in caught.value.hint


def own(**splits):
    return [
        (f"{split}/{label}/{index:03d}.png", label, split)
        for split, count in splits.items()
        for label in ("a", "b")
        for index in range(count)
    ]


def test_folders_for_all_three_are_used_as_they_are(make_dataset):
    table = split_dataset(make_dataset(own(train=20, validation=5, test=3)), DataSettings(validation=0.5, test=0.3))
    assert all(path.startswith(split) for path, split in zip(table["path"], table["split"], strict=True))


def test_without_a_test_folder_it_is_taken_from_training_when_asked_for(make_dataset):
    dataset = make_dataset(own(train=20, validation=5))
    assert counts(split_dataset(dataset, DataSettings())) == {
        "train": {"a": 20, "b": 20},
        "validation": {"a": 5, "b": 5},
    }
    table = split_dataset(dataset, DataSettings(test=0.2))
    assert counts(table) == {"train": {"a": 16, "b": 16}, "validation": {"a": 5, "b": 5}, "test": {"a": 4, "b": 4}}
    assert all(path.startswith("train") for path in members(table, "test"))


def test_without_a_validation_folder_it_is_taken_from_training(make_dataset):
    table = split_dataset(make_dataset(own(train=20, test=5)), DataSettings(validation=0.25, test=0.5))
    assert counts(table) == {"train": {"a": 15, "b": 15}, "validation": {"a": 5, "b": 5}, "test": {"a": 5, "b": 5}}
    assert all(path.startswith("train") for path in members(table, "validation"))


def test_no_training_folder_is_an_error(make_dataset):
    with pytest.raises(DataError, match="none for training"):
        split_dataset(make_dataset(own(validation=5, test=5)), DataSettings())


def test_a_class_that_is_in_one_folder_only_is_named(make_dataset):
    with pytest.raises(DataError, match="'c' has 1 image, and none is left to train on"):
        split_dataset(
            make_dataset([*own(train=5, validation=2), ("validation/c/1.png", "c", "validation")]), DataSettings()
        )


# --- groups -----------------------------------------------------------------------------------------------------------


def plants(number, photos, labels=("a", "b")):
    return [
        (f"{label}/plant{plant}_{photo}.png", label, "")
        for label in labels
        for plant in range(number)
        for photo in range(photos)
    ]


@pytest.mark.parametrize("seed", range(5))
def test_groups_never_straddle_splits(make_dataset, seed):
    rng = np.random.default_rng(seed)
    content = [
        (f"{label}/{label}{plant}_{photo}.png", label, "")
        for label in "abc"
        for plant in range(12)
        for photo in range(rng.integers(1, 9))
    ]
    table = split_dataset(make_dataset(content), DataSettings(seed=seed, test=0.2, group_pattern=r"/(\w+)_\d+"))
    assert (table.groupby("group")["split"].nunique() == 1).all() and table["group"].nunique() == 36
    shares = table["split"].value_counts(normalize=True)
    assert shares["validation"] == pytest.approx(0.2, abs=0.08) and shares["test"] == pytest.approx(0.2, abs=0.08)
    assert set(counts(table)["validation"]) == set("abc") == set(counts(table)["train"])


def test_a_group_of_several_classes(make_dataset):
    table = split_dataset(make_dataset(plants(10, 3)), DataSettings(group_pattern=r"(plant\d+)_"))
    assert table["group"].nunique() == 10 and (table.groupby("group")["split"].nunique() == 1).all()
    assert counts(table)["validation"] == {"a": 6, "b": 6}


def test_two_large_groups_go_one_to_each_side(make_dataset):
    table = split_dataset(make_dataset(plants(2, 20)), DataSettings(validation=0.1, group_pattern=r"(\w+/plant\d+)_"))
    assert counts(table) == {"train": {"a": 20, "b": 20}, "validation": {"a": 20, "b": 20}}


def test_a_class_of_a_single_group_is_named(make_dataset):
    with pytest.raises(DataError, match="'b' has 20 images, and none is left to check with") as caught:
        split_dataset(
            make_dataset([*plants(5, 4, "a"), *plants(1, 20, "b")]), DataSettings(group_pattern=r"(\w+/plant\d+)_")
        )
    assert "different groups" in caught.value.hint


def test_images_without_a_group_are_on_their_own(make_dataset):
    content = [*plants(4, 5), *[(f"{label}/single{index}.png", label, "") for label in "ab" for index in range(10)]]
    table = split_dataset(make_dataset(content), DataSettings(group_pattern=r"(plant\d+)_"))
    assert table["group"].nunique() == 4 + 20 and set(table["split"]) == {"train", "validation"}


def test_a_pattern_that_fits_nothing_is_an_error(make_dataset):
    with pytest.raises(DataError, match="fits none of the paths, such as 'a/"):
        split_dataset(make_dataset(plants(3, 3)), DataSettings(group_pattern=r"patient(\d+)"))


# --- copies -----------------------------------------------------------------------------------------------------------


def torn_apart(table):
    """Contents that lie in more than one split."""
    return int((table.groupby("hash")["split"].nunique() > 1).sum())


@pytest.mark.parametrize("seed", range(5))
def test_copies_of_a_picture_never_straddle_splits(make_dataset, seed):
    rng = np.random.default_rng(seed)
    content = [(f"{label}/{index:02d}.png", label, "") for label in "abc" for index in range(60)]
    hashes = {path: f"copy{rng.integers(40)}" for path, _, _ in content if rng.random() < 0.25}
    table = split_dataset(make_dataset(content, hashes=hashes), DataSettings(seed=seed, test=0.2))
    assert len(table) == 180 and torn_apart(table) == 0
    assert set(counts(table)["validation"]) == set("abc") == set(counts(table)["train"])
    shares = table["split"].value_counts(normalize=True)
    assert shares["validation"] == pytest.approx(0.2, abs=0.05) and shares["test"] == pytest.approx(0.2, abs=0.05)


@pytest.mark.parametrize("seed", range(5))
def test_groups_that_share_a_picture_are_one(make_dataset, seed):
    hashes = {"a/plant0_0.png": "x", "a/plant1_2.png": "x", "a/plant1_0.png": "y", "b/plant5_1.png": "y"}
    table = split_dataset(make_dataset(plants(10, 3), hashes=hashes),
                          DataSettings(seed=seed, test=0.1, group_pattern=r"(\w+/plant\d+)_"))
    assert torn_apart(table) == 0 and table["group"].nunique() == 18
    assert (table.groupby("group")["split"].nunique() == 1).all()


def test_a_few_copies_change_little(make_dataset):
    content = [(f"{label}/{index:03d}.png", label, "") for label in "ab" for index in range(100)]
    plain = split_dataset(make_dataset(content), DataSettings())
    copied = split_dataset(make_dataset(content, hashes={"a/000.png": "x", "a/050.png": "x", "b/007.png": "x"}),
                           DataSettings())
    assert torn_apart(copied) == 0
    assert len(members(plain, "validation") ^ members(copied, "validation")) <= 6


def test_without_copies_the_split_stays_what_it_was(make_dataset):
    table = split_dataset(make_dataset({"a": 10, "b": 10}), DataSettings(test=0.1))
    assert members(table, "validation") == {"a/003.png", "a/007.png", "b/002.png", "b/008.png"}
    assert members(table, "test") == {"a/006.png", "b/009.png"}


def test_a_class_of_two_pictures_with_copies_has_one_on_each_side(make_dataset):
    content = [(f"{label}/{index}.png", label, "") for label in "ab" for index in range(4)]
    hashes = {path: path[:2] + str(int(path[2]) // 2) for path, _, _ in content}
    table = split_dataset(make_dataset(content, hashes=hashes), DataSettings(test=0.5))
    assert counts(table) == {"train": {"a": 2, "b": 2}, "validation": {"a": 2, "b": 2}}
    with pytest.raises(DataError, match="'a' has 4 images, and none is left to check with") as caught:
        split_dataset(make_dataset(content, hashes=dict.fromkeys(hashes, "x")), DataSettings())
    assert "Copies of a picture count as one" in caught.value.hint


# --- subset -----------------------------------------------------------------------------------------------------------


def test_a_subset_takes_from_training_alone_and_from_every_class(make_dataset):
    dataset = make_dataset({"many": 100, "few": 5})
    whole, part = (split_dataset(dataset, DataSettings(subset=subset)) for subset in (None, 0.1))
    assert counts(part)["train"] == {"many": 8, "few": 1}
    assert members(part, "validation") == members(whole, "validation")
    assert members(part, "train") < members(whole, "train")
    assert members(split_dataset(dataset, DataSettings(subset=1.0)), "train") == members(whole, "train")
