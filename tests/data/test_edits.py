"""The log of edits: one line is one change, whatever happens while it is written; original rows are never touched."""

import json
import threading
from dataclasses import replace

import pytest

from core.data import edits, manifest
from core.data.dataset import Dataset
from core.data.library import ingest, list_datasets, rename_dataset, unreadable_datasets
from core.data.mending import rename_class
from core.errors import DataError, NewerFormatError, WorkspaceError
from core.store.files import read_json, write_json


def labels(dataset):
    return dataset.classes, sorted(set(dataset.usable()["class"]))


def test_an_edit_adds_a_line_and_leaves_every_other_file_alone(workspace, dataset):
    before = {path: path.read_bytes() for path in dataset.path.rglob("*") if path.is_file()}
    rename_class(workspace, dataset.id, "cats", "lions")
    after = {path: path.read_bytes() for path in dataset.path.rglob("*") if path.is_file()}
    assert {path: after[path] for path in before} == before
    assert {path.name for path in set(after) - set(before)} <= {"edits.jsonl", "edits.lock"}
    (line,) = (dataset.path / "edits.jsonl").read_text().splitlines()
    document = json.loads(line)
    assert document["schema"] == 1 and document["id"] and document["time"] > 1.7e9
    assert (document["kind"], document["values"]) == ("rename_class", {"old": "cats", "new": "lions"})


@pytest.mark.parametrize("kept", [0, 1, 30, -1])
def test_a_crash_while_an_edit_is_written_leaves_it_undone_and_the_dataset_whole(workspace, dataset, kept):
    rename_class(workspace, dataset.id, "cats", "lions")
    log = dataset.path / "edits.jsonl"
    first = log.read_bytes()
    rename_class(workspace, dataset.id, "dogs", "wolves")
    second = log.read_bytes().removeprefix(first)
    log.write_bytes(first + second[:kept])
    again = Dataset.open(workspace, dataset.id)
    assert labels(again) == (["dogs", "lions"], ["dogs", "lions"])
    assert rename_class(workspace, dataset.id, "dogs", "wolves").classes == ["lions", "wolves"]
    assert len(log.read_bytes().splitlines()) == 2


def test_an_edit_that_does_not_fit_on_the_disk_is_an_error_and_leaves_nothing(workspace, dataset, monkeypatch):
    rename_class(workspace, dataset.id, "cats", "lions")

    def full(descriptor):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("core.data.edits.os.fsync", full)
    before = (dataset.path / "edits.jsonl").read_bytes()
    with pytest.raises(WorkspaceError, match="disk is full"):
        rename_class(workspace, dataset.id, "dogs", "wolves")
    assert (dataset.path / "edits.jsonl").read_bytes() == before


def test_an_opened_dataset_stays_as_it_was(workspace, dataset):
    opened = Dataset.open(workspace, dataset.id)  # nothing of its manifest read yet
    rename_class(workspace, dataset.id, "cats", "lions")
    assert labels(opened) == (["cats", "dogs"], ["cats", "dogs"])


def test_the_rows_have_the_order_of_one_that_was_ingested_so(workspace, pets, make_zip, dataset):
    renamed = rename_class(workspace, dataset.id, "cats", "Zebras")
    other = ingest(make_zip({name.replace("cats", "Zebras"): data for name, data in pets.items()}, "o.zip"), workspace)
    assert renamed.fingerprint == other.fingerprint == manifest.fingerprint(renamed.manifest)
    assert renamed.manifest["hash"].tolist() == other.manifest["hash"].tolist()
    assert (renamed.images, renamed.bad, renamed.classes) == (other.images, other.bad, other.classes)


def test_two_who_edit_at_once_do_not_undo_each_other(workspace, dataset):
    errors = []

    def rename(old):
        try:
            rename_class(workspace, dataset.id, old, "pets")
        except DataError as error:
            errors.append(error)

    threads = [threading.Thread(target=rename, args=(old,)) for old in ("cats", "dogs")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(errors) == 1 and len(Dataset.open(workspace, dataset.id).classes) == 2


@pytest.mark.parametrize("change", [{"kind": "dream"}, {"schema": 9}])
def test_an_edit_of_a_newer_version_is_said_and_left_alone(workspace, dataset, change):
    rename_class(workspace, dataset.id, "cats", "lions")
    log = dataset.path / "edits.jsonl"
    line = json.dumps({**json.loads(log.read_text()), **change}) + "\n"
    log.write_text(line)
    with pytest.raises(NewerFormatError, match="newer version of Graft"):
        Dataset.open(workspace, dataset.id)
    assert list_datasets(workspace) == []
    ((identifier, why),) = unreadable_datasets(workspace)
    assert identifier == dataset.id and "Update Graft" in why and "elete" not in why
    with pytest.raises(NewerFormatError):
        rename_class(workspace, dataset.id, "lions", "cats")
    assert log.read_text() == line and dataset.path.is_dir()


def test_a_broken_line_among_whole_ones_is_no_dataset_to_trust(workspace, dataset):
    (dataset.path / "edits.jsonl").write_text("{nonsense\n")
    with pytest.raises(DataError, match="cannot be read"):
        Dataset.open(workspace, dataset.id)


def test_every_kind_of_edit_names_what_it_needs():
    assert edits.KINDS and all(kind.values for kind in edits.KINDS.values())


# --- descriptions of other versions -----------------------------------------------------------------------------------


def as_version_1(dataset, **changes):
    """A description as it was written before there were versions."""
    keys = ("id", "name", "classes", "fingerprint", "created", "source", "notes", "images", "bad", "source_key")
    document = read_json(dataset.path / "dataset.json")
    write_json(dataset.path / "dataset.json", {**{key: document[key] for key in keys}, **changes})


def test_a_dataset_of_version_1_opens_and_can_be_edited(workspace, dataset):
    as_version_1(dataset)
    again = Dataset.open(workspace, dataset.id)
    assert again.layout == {"reading": "", "text": ""} and again.skipped == []
    assert replace(again, layout=dataset.layout) == dataset and again.manifest.equals(dataset.manifest)
    assert rename_dataset(workspace, dataset.id, "My pets").fingerprint == dataset.fingerprint
    assert rename_class(workspace, dataset.id, "cats", "lions").classes == ["dogs", "lions"]
    assert Dataset.open(workspace, dataset.id).name == "My pets"


def test_a_crash_between_manifest_and_description_of_version_1_is_healed(workspace, dataset):
    as_version_1(dataset)  # still with the classes and the fingerprint of before
    rows = dataset.manifest.to_dict("records")
    renamed = manifest.build({**row, "class": row["class"].replace("cats", "lions")} for row in rows)
    manifest.write(renamed, dataset.path)
    again = Dataset.open(workspace, dataset.id)
    assert labels(again) == (["dogs", "lions"], ["dogs", "lions"])
    assert again.fingerprint == manifest.fingerprint(renamed)


def test_a_key_that_is_not_known_is_kept_and_does_no_harm(workspace, dataset):
    path = dataset.path / "dataset.json"
    write_json(path, {**read_json(path), "colour": "blue"})
    assert Dataset.open(workspace, dataset.id) == dataset
    assert rename_dataset(workspace, dataset.id, "My pets").name == "My pets"
    assert read_json(path)["colour"] == "blue" and read_json(path)["schema"] == 3


def test_a_newer_description_is_listed_with_a_sentence_and_left_alone(workspace, dataset):
    path = dataset.path / "dataset.json"
    write_json(path, {"schema": 4, "title": "what comes"})
    (workspace.datasets / "torn").mkdir()
    (workspace.datasets / "torn" / "dataset.json").write_text('{"id": ')
    with pytest.raises(NewerFormatError):
        Dataset.open(workspace, dataset.id)
    assert list_datasets(workspace) == []
    why = dict(unreadable_datasets(workspace))
    assert set(why) == {dataset.id, "torn"}
    assert "newer version of Graft" in why[dataset.id] and "cannot be read" in why["torn"]
    assert not any("elete" in sentence for sentence in why.values())
    with pytest.raises(NewerFormatError):
        rename_dataset(workspace, dataset.id, "Old")
    assert read_json(path) == {"schema": 4, "title": "what comes"}


@pytest.mark.parametrize("name", ["a\u2028b", "a\u2029b", "a\u0085b"])
def test_line_ends_inside_names_are_no_ends_of_lines(dataset, name):
    with edits.editing(dataset.path):
        edits.append(dataset.path, "rename_class", old=name, new="cats")
    assert [edit.values["old"] for edit in Dataset.load(dataset.path).edits] == [name]
