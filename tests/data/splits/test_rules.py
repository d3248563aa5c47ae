"""Groups by every rule, near-duplicates, and the data's own folders."""

from __future__ import annotations

import pytest

from core.data.splits import folders, units
from core.data.splits.grouping import RULES, Known
from core.data.splits.split import split
from core.errors import DataError
from core.recipe.data import FOLDERS, GROUPINGS
from core.recipe.fields import DataSettings


def photos(people=8, photos=5):
    return [(f"{label}/person{person}/day{photo % 2}/{photo}.png", label, "") for label in "ab"
            for person in range(people) for photo in range(photos)]


def straddling(table):
    return int((table.groupby("group")["split"].nunique() > 1).sum())


def test_every_rule_that_a_recipe_can_ask_for_is_there():
    assert set(RULES) == set(GROUPINGS) - {"none"}


@pytest.mark.parametrize(("level", "groups"), [(1, 2), (2, 8), (3, 2)])
def test_a_folder_names_the_group_whatever_class_it_is_in(make_table, level, groups):
    settings = DataSettings(group_by="folder", group_folder=level)
    if level == 3:
        with pytest.raises(DataError, match="none is left"):  # the class folders: nothing to divide
            split(make_table(photos()), settings)
        return
    table = split(make_table(photos()), settings)
    assert table["group"].nunique() == groups and straddling(table) == 0


def test_a_folder_that_no_image_lies_in_is_told(make_table):
    with pytest.raises(DataError, match="No image lies 4 folders deep"):
        split(make_table(photos()), DataSettings(group_by="folder", group_folder=4))


def test_camera_and_day_and_a_column(make_table):
    table = make_table(photos())
    said = {file: path.split("/")[1] for file, path in zip(table["file"], table["path"], strict=True)}
    for settings, known in ((DataSettings(group_by="shot"), Known(shots=said)),
                            (DataSettings(group_by="column", group_column="person"), Known(columns={"person": said}))):
        found = split(table, settings, known)
        assert found["group"].nunique() == 8 and straddling(found) == 0


@pytest.mark.parametrize(("settings", "said"), [
    (DataSettings(group_by="shot"), "which camera"), (DataSettings(group_by="pattern"), "no pattern"),
    (DataSettings(group_by="column"), "no column chosen"),
    (DataSettings(group_by="column", group_column="patient"), "no column 'patient'.*person"),
])
def test_groups_that_there_are_not_are_told(make_table, settings, said):
    with pytest.raises(DataError, match=said) as caught:
        split(make_table(photos()), settings, Known(columns={"person": {}}))
    assert caught.value.hint


def test_near_duplicates_stay_together_unless_they_need_not(make_table):
    table = make_table([(f"{label}/{at:02d}.png", label, "") for label in "ab" for at in range(60)])
    clusters = {file: at // 3 for at, file in enumerate(table["file"]) if at < 90}
    torn = []
    for keep in (True, False):
        found = split(table, DataSettings(keep_together=keep, test=0.2), Known(clusters=clusters))
        known = found[found["file"].isin(clusters)]
        torn.append(int((known.groupby(known["file"].map(clusters))["split"].nunique() > 1).sum()))
    assert torn[0] == 0 < torn[1]


def test_groups_that_share_a_near_duplicate_are_one(make_table):
    table = make_table(photos())
    first = table[table["path"].str.contains("person0|person1")]
    clusters = {first["file"].iloc[0]: 1, first["file"].iloc[-1]: 1}
    found = split(table, DataSettings(group_by="folder", group_folder=2), Known(clusters=clusters))
    assert found["group"].nunique() == 7 and straddling(found) == 0


# --- the data's own folders -------------------------------------------------------------------------------------------


def own(*parts, each=10):
    return [(f"{part}/{label}/{at}.png", label, part) for part, labels in parts for label in labels
            for at in range(each)]


def counts(table):
    return {part: rows.groupby("class").size().to_dict() for part, rows in table.groupby("split")}


def test_every_answer_to_the_own_folders_is_tried():
    assert set(FOLDERS) == {"use", "mend", "ignore"}


def test_ignored_folders_are_split_anew(make_table):
    table = make_table(own(("train", "ab"), ("validation", "a"), ("test", "ab")))
    found = split(table, DataSettings(folders="ignore", validation=0.2))
    assert counts(found) == {"train": {"a": 24, "b": 16}, "validation": {"a": 6, "b": 4}}


def test_a_class_that_validation_lacks_is_mended_and_the_others_are_left_alone(make_table):
    table = make_table(own(("train", "abc"), ("validation", "ab"), ("test", "abc")))
    assert folders.lacking(table) == [("c", "validation")]
    with pytest.raises(DataError, match="'c' has 20 images, and none is left to check with") as caught:
        split(table, DataSettings())
    assert "mended or ignored" in caught.value.hint
    found = split(table, DataSettings(folders="mend", validation=0.2))
    assert counts(found) == {"train": {"a": 10, "b": 10, "c": 8}, "validation": {"a": 10, "b": 10, "c": 2},
                             "test": {"a": 10, "b": 10, "c": 10}}


def test_a_class_that_training_lacks_is_mended(make_table):
    table = make_table(own(("train", "ab"), ("validation", "abc"), ("test", "abd")))
    found = counts(split(table, DataSettings(folders="mend", validation=0.3)))
    assert found["train"] == {"a": 10, "b": 10, "c": 7, "d": 7}
    assert found["validation"] == {"a": 10, "b": 10, "c": 3, "d": 3} and found["test"] == {"a": 10, "b": 10}


def test_what_the_own_folders_tear_apart_is_found(make_table):
    table = make_table(own(("train", "ab"), ("validation", "ab")), hashes={
        "train/a/0.png": "x", "validation/a/3.png": "x", "train/b/0.png": "y", "train/b/1.png": "y"})
    found = split(table, DataSettings())
    torn = units.torn(units.of(found, DataSettings(), Known(), None), found["split"].to_numpy())
    assert set(found["path"][torn]) == {"train/a/0.png", "validation/a/3.png"}
