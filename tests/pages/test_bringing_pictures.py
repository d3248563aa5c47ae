"""The three tiles of the Data page: a path of this machine, classes typed in the page, the tiles beside datasets."""

from __future__ import annotations

import zipfile

import pytest

from core.data.library import list_datasets
from core.data.sources.captures import Captures
from core.store.limits import Limits
from core.store.workspace import Workspace
from tests.pages.conftest import coloured_zip, said, wait_until


@pytest.fixture
def pictures(tmp_path) -> dict[str, list[tuple[str, bytes, str]]]:
    """Files to drop, by colour."""
    with zipfile.ZipFile(coloured_zip(tmp_path / "any.zip", per_class=4)) as archive:
        found: dict[str, list[tuple[str, bytes, str]]] = {}
        for name in archive.namelist():
            label, _, file = name.partition("/")
            found.setdefault(label, []).append((file, archive.read(name), "image/png"))
    return found


def add_class(test, label):
    test.text_input(key="new-class-label").set_value(label)
    button(test, "Add class").click().run()


def button(test, label):
    return next(item for item in test.button if item.label == label)


def drop(test, label, files):
    next(item for item in test.file_uploader if item.label.endswith(label)).set_value(files).run()


def test_classes_typed_in_the_page_become_a_dataset(workspace, open_page, pictures):
    test = open_page("data")
    for label in ("red", "blue"):
        add_class(test, label)
    assert button(test, "Make the dataset").disabled
    drop(test, "red", pictures["red"])
    assert button(test, "Make the dataset").disabled and "Two classes with pictures" in said(test)
    drop(test, "blue", pictures["blue"][:3])
    assert "4 pictures" in said(test) and "3 pictures" in said(test)
    test.text_input(key="captures-name").set_value("Colours").run()
    button(test, "Make the dataset").click().run()
    wait_until(test, lambda page: bool(page.metric))
    (made,) = list_datasets(workspace)
    assert made.name == "Colours" and made.usable().groupby("class").size().to_dict() == {"blue": 3, "red": 4}
    assert "gathered class by class" in said(test) and not list(workspace.incoming.iterdir())


def test_what_was_gathered_is_there_after_a_reload(workspace, open_page, pictures):
    test = open_page("data")
    add_class(test, "red")
    drop(test, "red", pictures["red"])
    again = open_page("data")
    assert "**red**" in said(again) and "4 pictures" in said(again)


def test_what_is_no_picture_is_said_in_the_class_it_was_dropped_on(workspace, open_page, pictures):
    test = open_page("data")
    add_class(test, "red")
    drop(test, "red", [*pictures["red"][:1], ("notes.txt", b"only words", "text/plain")])
    assert "1 picture" in said(test) and "notes.txt" in said(test)


def test_a_class_of_that_name_is_refused(workspace, open_page):
    test = open_page("data")
    add_class(test, "red")
    add_class(test, "red")
    assert "already a class 'red'" in said(test)


def test_a_class_without_pictures_is_said_to_be_left_out(workspace, open_page, pictures):
    test = open_page("data")
    for label in ("red", "blue", "owls"):
        add_class(test, label)
    for label in ("red", "blue"):
        drop(test, label, pictures[label])
    assert "left out: owls" in said(test)
    button(test, "Make the dataset").click().run()
    wait_until(test, lambda page: bool(page.metric))
    assert list_datasets(workspace)[0].classes == ["blue", "red"]


def test_a_class_can_be_removed_and_starting_over_asks_first(workspace, open_page, pictures):
    test = open_page("data")
    for label in ("red", "blue"):
        add_class(test, label)
    drop(test, "red", pictures["red"])
    test.menu_button(key="captures/red-menu").click("Remove the class").run()
    assert [one.label for one in Captures(workspace).classes()] == ["blue"]
    button(test, "Start over").click().run()
    assert "are removed" in said(test) and len(Captures(workspace).classes()) == 1


def test_a_folder_of_this_machine_is_read_where_it_is(workspace, open_page, tmp_path):
    with zipfile.ZipFile(coloured_zip(tmp_path / "any.zip", per_class=4)) as archive:
        archive.extractall(tmp_path / "My photos")
    test = open_page("data")
    test.text_input(key="path-here").set_value(str(tmp_path / "My photos"))
    button(test, "Read it").click().run()
    wait_until(test, lambda page: bool(page.metric))
    assert list_datasets(workspace)[0].name == "My photos"
    assert len(list((tmp_path / "My photos").rglob("*.png"))) == 12


def test_a_path_that_is_not_there_is_told(workspace, open_page, tmp_path):
    test = open_page("data")
    test.text_input(key="path-here").set_value(str(tmp_path / "nowhere"))
    button(test, "Read it").click().run()
    wait_until(test, lambda page: "There is no file or folder" in said(page))
    assert list_datasets(workspace) == []


def test_a_visitor_is_not_asked_for_paths(workspace, open_page):
    Workspace(workspace.root, limits=Limits.demo())
    test = open_page("data")
    assert test.text_input(key="path-here").label == "Or a link to an archive"
    test.text_input(key="path-here").set_value("/etc")
    button(test, "Read it").click().run()
    assert "begins with https" in str(test.error[0].value) and not list_datasets(workspace)


def test_the_tiles_stand_beside_datasets_when_they_are_asked_for(workspace, dataset, open_page):
    test = open_page("data")
    assert not test.file_uploader
    button(test, "Add a dataset").click().run()
    assert test.file_uploader and "Class by class" in [item.value for item in test.subheader] and test.metric
    button(test, "Close").click().run()
    assert not test.file_uploader


def test_pictures_are_added_to_a_dataset_and_it_is_undone(workspace, dataset, open_page, pictures):
    test = open_page("data")
    button(test, "Add pictures").click().run()
    test.selectbox(key="class-to-add-to-0").set_value("red")
    button(test, "Add to this class").click().run()
    Captures(workspace, dataset.id).begin("yellow")
    test.run()
    drop(test, "yellow", [(f"y{name}", content, kind) for name, content, kind in pictures["blue"]])
    assert "Pictures of red" in [item.label for item in test.file_uploader]
    fresh = coloured_zip(workspace.root / "fresh.zip", per_class=3, side=48)
    drop(test, "red", [("fresh.zip", fresh.read_bytes(), "application/zip")])
    button(test, "Add 13 pictures to the dataset").click().run()
    wait_until(test, lambda page: "added" in said(page))
    (grown,) = list_datasets(workspace)
    assert grown.classes == ["blue", "green", "red"]  # what was dropped on yellow is in the dataset, as blue
    assert grown.images == dataset.images + 9 and "9 images added: red 9" in said(test)
    assert "already, as blue: 4" in said(test)
    assert "Add pictures" in [item.label for item in test.button]
    button(test, "Undo").click().run()
    assert list_datasets(workspace)[0].fingerprint == dataset.fingerprint and "images added" not in said(test)
