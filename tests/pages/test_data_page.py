"""The Data page: the empty state, upload, sample, gallery, split, rename, delete, bad input."""

from __future__ import annotations

import re
import threading
import time
import zipfile

from core.data.library import ingest, list_datasets
from core.store.files import read_json, write_json
from pages.parts.data import ingestion, ingestion_panel
from tests.pages.conftest import coloured_zip, said, wait_until, widget


def metric(test, label):
    return next(item.value for item in test.metric if item.label == label)


def upload(test, name, content):
    test.file_uploader[0].set_value((name, content, "application/zip")).run()
    return wait_until(test, lambda page: not page.button or "Cancel" not in [item.label for item in page.button])


def test_the_empty_state_offers_three_ways(workspace, open_page):
    test = open_page("data")
    assert test.title[0].value == "Data"
    assert [item.value for item in test.subheader] == ["Zip or folder", "Class by class", "Try a sample"]
    assert test.file_uploader[0].label.startswith("Upload")
    assert "Start with handwritten digits" in [item.label for item in test.button]
    assert "zip, 7z, tar, tar.gz" in said(test) and "up to 2 GB" in said(test)


def test_an_uploaded_zip_becomes_the_chosen_dataset(workspace, open_page, tmp_path):
    test = upload(open_page("data"), "colours.zip", coloured_zip(tmp_path / "a.zip").read_bytes())
    assert test.selectbox[0].value == list_datasets(workspace)[0].id
    assert list_datasets(workspace)[0].name == "colours"
    assert metric(test, "Images") == "30"
    assert metric(test, "Classes") == "3"
    assert "**24** training · **6** validation" in said(test)
    assert not list(workspace.incoming.iterdir())


def test_the_sample_needs_one_click(workspace, open_page):
    test = open_page("data")
    test.button(key="sample-digits").click().run()
    wait_until(test, lambda page: bool(page.metric), seconds=40)
    assert metric(test, "Images") == "1,797"
    assert metric(test, "Classes") == "10"


def test_bad_files_are_counted_and_listed_with_their_reason(dataset, open_page):
    test = open_page("data")
    assert metric(test, "Unreadable files") == "1"
    table = next(item.value for item in test.dataframe if "reason" in item.value)
    assert table["path"].tolist() == ["red/broken_00.png"]
    assert table["reason"].iloc[0]


def test_the_chosen_dataset_survives_a_reload(workspace, dataset, open_page, tmp_path):
    ingest(coloured_zip(tmp_path / "second.zip", per_class=12), workspace)
    test = open_page("data")
    test.selectbox[0].select(dataset.id).run()
    assert metric(test, "Images") == "30"
    again = open_page("data")
    assert again.selectbox[0].value == dataset.id


def test_the_split_follows_the_slider_and_the_seed_keeps_it(dataset, open_page):
    test = open_page("data")
    next(item for item in test.slider if item.label == "Test share").set_value(0.2).run()
    assert "**6** test" in said(test)
    assert "**6** test" in said(open_page("data"))


def test_shares_that_leave_too_little_to_train_on_are_refused(dataset, open_page):
    test = open_page("data")
    for label in ("Validation share", "Test share"):
        next(item for item in test.slider if item.label == label).set_value(0.5).run()
    assert "at most 0.8" in said(test)
    assert next(item for item in test.slider if item.label == "Test share").value == 0.0


def test_a_group_pattern_that_fits_nothing_is_explained_and_can_be_changed(dataset, open_page):
    test = open_page("data")
    widget(test.button_group, "field:data.group_by").set_value("pattern").run()
    test.text_input[0].set_value("plant(\\d+)").run()
    assert "fits none of the paths" in said(test)
    widget(test.button_group, "field:data.group_by").set_value("none").run()
    assert not test.error


def test_deleting_asks_first(workspace, dataset, open_page):
    test = open_page("data")
    test.menu_button(key="dataset-menu").click("Delete").run()
    assert "is removed from the workspace" in said(test)
    assert len(list_datasets(workspace)) == 1


def test_what_is_no_archive_is_refused_with_a_reason(workspace, open_page):
    test = upload(open_page("data"), "notes.zip", b"this is no zip at all")
    assert "is not a zip, tar or 7z archive" in said(test)
    assert list_datasets(workspace) == []


def test_an_archive_that_ends_while_the_page_is_drawn_is_told(workspace, open_page, monkeypatch):
    looked, ingested, go_on = ingestion_panel.going_on, ingestion.ingest, threading.Event()

    def held_up(*given, **named):
        go_on.wait(10)
        return ingested(*given, **named)

    def looked_just_before():
        seen = looked()
        go_on.set()
        deadline = time.monotonic() + 10
        while not all(task.ended for task in ingestion.line(workspace)) and time.monotonic() < deadline:
            time.sleep(0.01)
        return seen

    monkeypatch.setattr(ingestion, "ingest", held_up)
    monkeypatch.setattr(ingestion_panel, "going_on", looked_just_before)
    test = open_page("data")
    test.file_uploader[0].set_value(("notes.zip", b"this is no zip at all", "application/zip")).run()
    assert "is not a zip, tar or 7z archive" in said(test)


def test_many_bad_files_are_asked_about(workspace, open_page, tmp_path):
    content = coloured_zip(tmp_path / "bad.zip", per_class=5, broken=8).read_bytes()
    test = upload(open_page("data"), "bad.zip", content)
    assert test.warning
    assert list_datasets(workspace) == []
    next(item for item in test.button if item.label == "Use the readable images").click().run()
    wait_until(test, lambda page: bool(page.metric))
    assert metric(test, "Images") == "15"
    assert metric(test, "Unreadable files") == "8"


def test_a_class_without_images_is_asked_about_and_so_is_each_thing_after_it(workspace, open_page, tmp_path):
    archive = coloured_zip(tmp_path / "bad.zip", per_class=5, broken=8)
    with zipfile.ZipFile(archive, "a") as file:
        file.writestr("yellow/none.png", b"no picture either")
        file.mkdir("violet")  # a folder without a file is no class: left out and said
    test = upload(open_page("data"), "bad.zip", archive.read_bytes())
    for label in ("Use the readable images", "Leave out what is empty"):
        assert test.warning and list_datasets(workspace) == []
        next(item for item in test.button if item.label == label).click().run()
        wait_until(test, lambda page: bool(page.metric or page.warning))
    assert list_datasets(workspace)[0].classes == ["blue", "green", "red"]
    assert not list(workspace.incoming.iterdir())


def test_a_dataset_of_a_newer_version_is_named_and_left_alone(workspace, dataset, open_page):
    description = dataset.path / "dataset.json"
    write_json(description, {"schema": 99})
    test = open_page("data")
    assert dataset.id.replace("-", "") in said(test).replace("-", "").replace("\\", "")
    assert "newer version of Graft" in said(test)
    assert read_json(description) == {"schema": 99}


def one_of_two_readings(path):
    """Three colours in two folders whose names do not say which split they are."""
    colours = zipfile.ZipFile(coloured_zip(path.with_name("colours.zip"), per_class=4))
    with zipfile.ZipFile(path, "w") as archive:
        for name in colours.namelist():
            archive.writestr(f"{'first' if name[-5] in '01' else 'second'}/{name}", colours.read(name))
    return path


def test_what_is_not_clear_is_asked_with_a_preview_before_anything_is_made(workspace, open_page, tmp_path):
    test = upload(open_page("data"), "folds.zip", one_of_two_readings(tmp_path / "folds.zip").read_bytes())
    assert "How is folds meant?" in said(test) and list_datasets(workspace) == []
    assert [item.name for item in workspace.incoming.iterdir() if item.is_file()] == []
    question = test.radio[0]
    assert "first → training, second → validation" in question.options[0].replace("\\", "").replace("\u2060", "")
    assert test.dataframe[0].value["Class"].tolist() == ["blue", "green", "red"]
    question.set_value(2).run()
    assert test.dataframe[0].value["Class"].tolist() == ["first", "second"]
    next(item for item in test.button if item.label == "Read it so").click().run()
    wait_until(test, lambda page: bool(page.metric))
    assert metric(test, "Classes") == "2" and "Read as 2 classes (first, second)" in said(test)
    assert list(workspace.incoming.iterdir()) == []


def test_a_question_can_be_discarded(workspace, open_page, tmp_path):
    test = upload(open_page("data"), "folds.zip", one_of_two_readings(tmp_path / "folds.zip").read_bytes())
    next(item for item in test.button if item.label == "Discard").click().run()
    assert list_datasets(workspace) == [] and list(workspace.incoming.iterdir()) == []


def test_a_dataset_is_read_differently_in_the_page(workspace, open_page, tmp_path):
    ingest(one_of_two_readings(tmp_path / "folds.zip"), workspace, layout="class-folders")
    test = open_page("data")
    next(item for item in test.button if item.label == "Read it differently").click().run()
    next(item for item in test.button if item.label == "Read it so").click().run()
    test.run()
    assert metric(test, "Classes") == "3" and "first → training" in said(test)


def test_a_validation_folder_that_lacks_a_class_is_mended_by_one_click(workspace, open_page, tmp_path):
    colours = zipfile.ZipFile(coloured_zip(tmp_path / "colours.zip", per_class=6))
    with zipfile.ZipFile(tmp_path / "lacks.zip", "w") as archive:
        for name in colours.namelist():
            held_back = name[-5] in "01" and not name.startswith("red")
            archive.writestr(f"{'val' if held_back else 'train'}/{name}", colours.read(name))
    ingest(tmp_path / "lacks.zip", workspace)
    test = open_page("data")
    assert "No images of red in validation" in said(test)
    next(item for item in test.button if item.label == "Use the rest").click().run()
    test.run()
    assert metric(test, "Classes") == "2" and "lacks classes" not in said(test) and not test.error


def test_folds_and_what_stays_together_are_set_on_the_page(dataset, open_page):
    test = open_page("data")
    keys = {re.sub(r"-\d+$", "", item.key or "") for item in [*test.number_input, *test.toggle, *test.slider]}
    assert {"field:data.folds", "field:data.keep_together", "field:data.stratified"} <= keys
    assert "field:data.fold" not in keys and "field:data.validation" in keys
    widget(test.number_input, "field:data.folds").set_value(3).run()
    keys = {re.sub(r"-\d+$", "", item.key or "") for item in [*test.number_input, *test.slider]}
    assert "field:data.fold" in keys and "field:data.validation" not in keys
    assert "**20** training · **10** validation" in said(test)
