import pytest

from core.data.layout import recognise
from core.errors import DatasetShapeError


def read(*paths, empty=()):
    layout = recognise(paths, empty)
    return layout.classes, [layout.class_of(path) for path in paths]


def test_class_folders():
    classes, places = read("dogs/1.jpg", "cats/2.jpg", "cats/indoor/3.jpg")
    assert classes == ["cats", "dogs"]
    assert places == [("dogs", ""), ("cats", ""), ("cats", "")]


@pytest.mark.parametrize("wrapping", ["data", "data/flowers", "a/b/c"])
def test_wrapping_folders_are_looked_through(wrapping):
    assert read(f"{wrapping}/cats/1.jpg", f"{wrapping}/dogs/1.jpg") == (["cats", "dogs"], [("cats", ""), ("dogs", "")])


@pytest.mark.parametrize(
    ("folder", "split"),
    [
        ("train", "train"),
        ("Training", "train"),
        ("TRAIN", "train"),
        ("val", "validation"),
        ("Valid", "validation"),
        ("VALIDATION", "validation"),
        ("test", "test"),
        ("Testing", "test"),
    ],
)
@pytest.mark.parametrize("wrapping", ["", "data/", "a/b/"])
def test_split_folders_in_any_case(folder, split, wrapping):
    other = "val" if split == "train" else "train"
    paths = [f"{wrapping}{name}/{label}/1.jpg" for name in (folder, other) for label in ("cats", "dogs")]
    classes, places = read(*paths)
    assert classes == ["cats", "dogs"] and places[0] == ("cats", split) and places[1] == ("dogs", split)


def test_split_folders_inside_the_class_folders():
    _, places = read("cats/train/1.jpg", "cats/val/2.jpg", "dogs/train/1.jpg", "dogs/test/2.jpg")
    assert places == [("cats", "train"), ("cats", "validation"), ("dogs", "train"), ("dogs", "test")]


def test_a_train_folder_alone():
    assert read("train/cats/1.jpg", "train/dogs/1.jpg")[1] == [("cats", "train"), ("dogs", "train")]


def test_a_class_that_is_called_test_is_a_class():
    classes, places = read("test/1.jpg", "control/1.jpg")
    assert classes == ["control", "test"] and places == [("test", ""), ("control", "")]


def test_images_beside_the_folders_belong_to_no_class():
    _, places = read(
        "train/cats/1.jpg", "train/dogs/1.jpg", "preview.jpg", "docs/2.jpg", "train/3.jpg", "unsorted/x/4.jpg"
    )
    assert places[2:] == [None, None, None, None]
    assert read("cats/1.jpg", "dogs/1.jpg", "preview.jpg")[1][2] is None
    assert read("data/cats/1.jpg", "data/dogs/1.jpg", "preview.jpg")[0] == ["cats", "dogs"]


def test_classes_are_in_natural_order():
    assert read(*[f"{name}/1.jpg" for name in ("10", "2", "b", "A")])[0] == ["2", "10", "A", "b"]


@pytest.mark.parametrize(
    ("paths", "match"),
    [
        ([], "no image"),
        (["1.jpg", "2.jpg"], "no folders"),
        (["cats/1.jpg", "cats/2.jpg"], "only one class"),
        (["train/cats/1.jpg", "val/cats/2.jpg"], "only one class, 'cats'"),
        (["cats/train/1.jpg", "cats/val/1.jpg"], "only one class"),
    ],
)
def test_guidance_for_what_cannot_be_used(paths, match):
    with pytest.raises(DatasetShapeError, match=match) as caught:
        recognise(paths)
    assert "folder for each class" in caught.value.hint


@pytest.mark.parametrize(
    ("paths", "empty"),
    [
        (["cats/1.jpg", "dogs/1.jpg"], "birds"),
        (["x/cats/1.jpg", "x/dogs/1.jpg"], "x/birds"),
        (["train/cats/1.jpg", "train/dogs/1.jpg", "val/cats/2.jpg", "val/dogs/3.jpg"], "train/birds"),
    ],
)
def test_an_empty_class_is_named(paths, empty):
    with pytest.raises(DatasetShapeError, match="'birds' has no images"):
        recognise(paths, [empty])


def test_an_empty_folder_elsewhere_does_not_matter():
    assert read("x/cats/1.jpg", "x/dogs/1.jpg", empty=["x/cats/more", "y"])[0] == ["cats", "dogs"]
    assert read("train/cats/1.jpg", "train/dogs/1.jpg", empty=["val/cats"])[0] == ["cats", "dogs"]
