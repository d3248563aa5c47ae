"""What holds for every split, tried on many made-up datasets."""

from __future__ import annotations

import numpy as np
import pytest

from core.data.splits import units
from core.data.splits.grouping import Known, named
from core.data.splits.split import split
from core.errors import DataError
from core.recipe.fields import DataSettings

SETTINGS = [
    DataSettings(), DataSettings(test=0.2), DataSettings(test=0.15, stratified=False), DataSettings(folds=4, fold=3),
    DataSettings(test=0.2, folds=3), DataSettings(test=0.2, group_by="folder"),
    DataSettings(group_by="folder", folds=3, fold=2), DataSettings(test=0.1, group_by="column", group_column="plant"),
]


def made_up(make_table, seed):
    """Some 200 images of three classes in folders (plants), a few of them copies, and a few near-duplicates."""
    rng = np.random.default_rng(seed)
    content = [(f"{label}/{label}{plant}/{photo}.png", label, "") for label in "abc" for plant in range(14)
               for photo in range(rng.integers(1, 9))]
    hashes = {path: f"copy{rng.integers(30)}" for path, _, _ in content if rng.random() < 0.08}
    table = make_table(content, hashes)
    chosen = table["file"][rng.random(len(table)) < 0.08]
    clusters = {file: int(rng.integers(8)) for file in chosen}
    plant = {file: path.split("/")[1] for file, path in zip(table["file"], table["path"], strict=True)}
    return table, Known(columns={"plant": plant}, clusters=clusters)


def places(table):
    return dict(zip(table["file"], table["split"], strict=True))


@pytest.mark.parametrize("settings", SETTINGS, ids=str)
@pytest.mark.parametrize("seed", range(4))
def test_nothing_that_belongs_together_straddles_a_split(make_table, seed, settings):
    table, known = made_up(make_table, seed)
    found = split(table, settings, known)
    groups = named(found, settings, known)
    for kind in (found["hash"], [known.clusters.get(file, -1 - at) for at, file in enumerate(found["file"])],
                 groups or found["file"]):
        assert (found.assign(kind=list(kind)).groupby("kind")["split"].nunique() == 1).all()
    assert not units.torn(units.of(found, settings, known, groups), found["split"].to_numpy()).any()


@pytest.mark.parametrize("settings", SETTINGS, ids=str)
def test_any_order_of_rows_gives_the_same_split(make_table, settings):
    table, known = made_up(make_table, 1)
    known = Known(columns=known.columns)
    shuffled = table.sample(frac=1.0, random_state=7)
    assert places(split(table, settings, known)) == places(split(shuffled, settings, known))


def test_other_names_of_the_files_give_the_same_split(make_table):
    content = [(f"{label}/{index}.png", label, "") for label in "ab" for index in range(40)]
    renamed = [(f"{label}/{97 * index % 40}-{index}.png", label, "") for _, label, index in
               ((path, label, int(path[2:-4])) for path, label, _ in content)]
    hashes = {new[0]: f"content of {old[0]}" for new, old in zip(renamed, content, strict=True)}
    one, two = split(make_table(content), DataSettings(test=0.2)), split(make_table(renamed, hashes),
                                                                        DataSettings(test=0.2))
    assert dict(zip(one["hash"], one["split"], strict=True)) == dict(zip(two["hash"], two["split"], strict=True))


@pytest.mark.parametrize("test", [0.0, 0.1, 0.25])
def test_every_class_has_its_share_within_one_image(make_table, test):
    sizes = {"a": 13, "b": 57, "c": 200}
    found = split(make_table([(f"{label}/{at}.png", label, "") for label, size in sizes.items() for at in range(size)]),
                  DataSettings(test=test, validation=0.2))
    counts = found.groupby(["class", "split"]).size()
    for label, size in sizes.items():
        assert abs(counts.get((label, "validation"), 0) - 0.2 * size) <= 1
        assert abs(counts.get((label, "test"), 0) - test * size) <= 1


def test_without_equal_shares_the_whole_is_shared_out(make_table):
    content = [(f"{label}/{at}.png", label, "") for label in "abcdefgh" for at in range(25)]
    found = split(make_table(content), DataSettings(stratified=False, test=0.1))
    assert found["split"].value_counts().to_dict() == {"train": 140, "validation": 40, "test": 20}
    assert found[found["split"] == "validation"].groupby("class").size().nunique() > 1


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("settings", [DataSettings(test=0.2), DataSettings(folds=5, fold=2)], ids=str)
def test_when_images_come_or_go_the_others_stay(make_table, seed, settings):
    content = [(f"{label}/{at}.png", label, "") for label in "abc" for at in range(80)]
    table = make_table(content)
    gone = table.drop(index=np.random.default_rng(seed).choice(len(table), 6, replace=False))
    before, after = (places(split(rows, settings.model_copy(update={"seed": seed}))) for rows in (table, gone))
    assert sum(before[file] != after[file] for file in after) <= 2 * 6


# --- folds ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("grouped", [False, True])
@pytest.mark.parametrize("count", [2, 5, 7])
@pytest.mark.parametrize("test", [0.0, 0.2])
def test_folds_are_a_partition(make_table, grouped, count, test):
    table, known = made_up(make_table, 3)
    known = Known(columns=known.columns)
    tables = [split(table, DataSettings(test=test, folds=count, fold=fold, group_by="folder" if grouped else "none"),
                    known) for fold in range(1, count + 1)]
    parts = [set(found.loc[found["split"] == "validation", "file"]) for found in tables]
    kept = {frozenset(found.loc[found["split"] == "test", "file"]) for found in tables}
    assert len(kept) == 1 and bool(next(iter(kept))) is (test > 0)
    assert sum(map(len, parts)) == len(set.union(*parts)) == len(table) - len(next(iter(kept)))
    assert set.union(*parts).isdisjoint(next(iter(kept)))


@pytest.mark.parametrize("sizes", [{"a": 100, "b": 41}, {"a": 7, "b": 8, "c": 9, "d": 7}])
def test_folds_have_equally_many_of_every_class(make_table, sizes):
    table = make_table([(f"{label}/{at}.png", label, "") for label, size in sizes.items() for at in range(size)])
    held = [split(table, DataSettings(folds=5, fold=fold)).query("split == 'validation'") for fold in range(1, 6)]
    for label in sizes:
        counts = [int((part["class"] == label).sum()) for part in held]
        assert max(counts) - min(counts) <= 1
    totals = [len(part) for part in held]
    assert max(totals) - min(totals) <= len(sizes) / 2 + 1


def test_folds_of_groups_are_about_equal(make_table):
    table, _ = made_up(make_table, 5)
    held = [int((split(table, DataSettings(folds=4, fold=fold, group_by="folder"))["split"] == "validation").sum())
            for fold in range(1, 5)]
    assert max(held) - min(held) <= 0.25 * len(table) / 4 + 4


def test_too_few_images_for_the_folds_are_told(make_table):
    sizes = (("a", 30), ("b", 3))
    table = make_table([(f"{label}/{at}.png", label, "") for label, size in sizes for at in range(size)])
    with pytest.raises(DataError, match="'b' has 3 images") as caught:
        for fold in range(1, 7):
            split(table, DataSettings(folds=6, fold=fold))
    assert "at least 6 images, or take fewer folds" in caught.value.hint


def test_folds_deal_out_the_own_validation_folder_and_leave_the_test_folder_alone(make_table):
    table = make_table([(f"{part}/{label}/{at}.png", label, part) for part in ("train", "validation", "test")
                        for label in "ab" for at in range(10)])
    held = [split(table, DataSettings(folds=4, fold=fold)) for fold in range(1, 5)]
    for found in held:
        assert found.loc[found["split"] == "test", "path"].str.startswith("test/").all()
    assert sum(int((found["split"] == "validation").sum()) for found in held) == 40
