"""Mending a dataset: every change is an edit that can be undone, and files stay as they are."""

from __future__ import annotations

import pytest

from core.data import mending
from core.data.dataset import Dataset
from core.data.library import ingest
from core.errors import DataError, NotFoundError


def paths(dataset: Dataset, label: str) -> list[str]:
    rows = dataset.usable()
    return rows.loc[rows["class"] == label, "path"].tolist()


def counts(dataset: Dataset) -> dict[str, int]:
    return dataset.usable()["class"].value_counts().to_dict()


def files(dataset: Dataset) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in dataset.path.rglob("*")
            if path.is_file() and not path.name.startswith("edits")}


def test_images_move_to_another_class_and_to_a_new_one(workspace, dataset):
    before, kept = counts(dataset), files(dataset)
    moved = paths(dataset, "cats")[:2]
    after = mending.relabel(workspace, dataset.id, moved, "dogs")
    assert counts(after) == {"cats": before["cats"] - 2, "dogs": before["dogs"] + 2}
    assert set(moved) <= set(paths(after, "dogs")) and after.fingerprint != dataset.fingerprint
    split = mending.relabel(workspace, dataset.id, moved[:1], " kittens ")
    assert counts(split)["kittens"] == 1 and split.classes == ["cats", "dogs", "kittens"]
    assert files(after) == kept


def test_images_are_left_out_and_brought_back(workspace, dataset):
    chosen = paths(dataset, "cats")[:2]
    after = mending.exclude(workspace, dataset.id, chosen, reason="blurred")
    rows = after.manifest.set_index("path").loc[chosen]
    assert set(rows["status"]) == {"excluded"} and set(rows["reason"]) == {"blurred"}
    assert after.images == dataset.images - 2 and after.bad == dataset.bad
    again = mending.restore(workspace, dataset.id, chosen)
    assert again.fingerprint == dataset.fingerprint and again.images == dataset.images
    assert set(again.manifest.set_index("path").loc[chosen, "reason"]) == {""}


def test_what_cannot_be_read_is_not_left_out_by_hand(workspace, pets, make_zip):
    dataset = ingest(make_zip({**pets, "cats/broken.jpg": b"none"}), workspace)
    assert mending.exclude(workspace, dataset.id, ["cats/broken.jpg"]).manifest["status"].tolist().count("bad") == 1
    assert not (dataset.path / "edits.jsonl").exists()  # it changed nothing


def test_classes_are_merged_and_left_out(workspace, dataset):
    more = mending.relabel(workspace, dataset.id, paths(dataset, "dogs")[:2], "puppies")
    merged = mending.merge_classes(workspace, dataset.id, ["dogs", "puppies"], "dogs")
    assert counts(merged) == counts(dataset) and merged.fingerprint == dataset.fingerprint
    mending.undo(workspace, dataset.id)
    left = mending.exclude_class(workspace, dataset.id, "puppies")
    assert left.classes == ["cats", "dogs"] and left.images == more.images - 2
    named = mending.merge_classes(workspace, dataset.id, ["dogs"], "hounds")
    assert named.classes == ["cats", "hounds"]


@pytest.mark.parametrize("change", [
    lambda ws, it: mending.exclude_class(ws, it.id, "cats"),
    lambda ws, it: mending.merge_classes(ws, it.id, ["cats", "dogs"], "pets"),
    lambda ws, it: mending.exclude(ws, it.id, paths(it, "cats")),
    lambda ws, it: mending.relabel(ws, it.id, paths(it, "cats"), "dogs"),
])
def test_fewer_than_two_classes_are_refused_and_nothing_is_written(workspace, dataset, change):
    with pytest.raises(DataError, match="two classes"):
        change(workspace, dataset)
    assert not (dataset.path / "edits.jsonl").exists()


@pytest.mark.parametrize(("change", "what"), [
    (lambda ws, it: mending.relabel(ws, it.id, ["nowhere.jpg"], "dogs"), "no image 'nowhere.jpg'"),
    (lambda ws, it: mending.exclude(ws, it.id, []), "No image was chosen"),
    (lambda ws, it: mending.merge_classes(ws, it.id, ["cats", "birds"], "x"), "no class 'birds'"),
    (lambda ws, it: mending.exclude_class(ws, it.id, "birds"), "no class 'birds'"),
    (lambda ws, it: mending.undo(ws, it.id), "nothing to undo"),
    (lambda ws, it: mending.redo(ws, it.id), "nothing to do again"),
])
def test_what_is_not_there_is_said(workspace, dataset, change, what):
    with pytest.raises(NotFoundError, match=what):
        change(workspace, dataset)
    assert not (dataset.path / "edits.jsonl").exists()


@pytest.mark.parametrize("label", ["", "  ", "a/b", "x" * 300])
def test_labels_that_no_class_can_have(workspace, dataset, label):
    with pytest.raises(DataError):
        mending.relabel(workspace, dataset.id, paths(dataset, "cats")[:1], label)


def test_every_kind_of_edit_is_undone_and_done_again(workspace, dataset):
    one, two = paths(dataset, "cats")[:2]
    steps = [lambda: mending.relabel(workspace, dataset.id, [one], "kittens"),
             lambda: mending.exclude(workspace, dataset.id, [two]),
             lambda: mending.restore(workspace, dataset.id, [two]),
             lambda: mending.rename_class(workspace, dataset.id, "cats", "lions"),
             lambda: mending.merge_classes(workspace, dataset.id, ["kittens"], "lions"),
             lambda: mending.relabel(workspace, dataset.id, [one], "kittens"),
             lambda: mending.exclude_class(workspace, dataset.id, "kittens")]
    states = [dataset.fingerprint, *(step().fingerprint for step in steps)]
    assert len(mending.history(Dataset.open(workspace, dataset.id)).done) == 7
    for expected in states[-2::-1]:
        assert mending.undo(workspace, dataset.id).fingerprint == expected
    for expected in states[1:]:
        assert mending.redo(workspace, dataset.id).fingerprint == expected
    last = mending.history(Dataset.open(workspace, dataset.id))
    assert len(last.done) == 7 and not last.undone
    assert [mending.describe(edit) for edit in last.done] == [
        "1 picture moved to kittens", "1 picture left out", "1 picture brought back", "Class cats renamed to lions",
        "Classes kittens merged into lions", "1 picture moved to kittens", "Class kittens left out"]


def test_a_new_edit_ends_what_could_be_done_again_and_what_was_undone_stays_undone(workspace, dataset):
    one, two = paths(dataset, "cats")[:2]
    mending.exclude(workspace, dataset.id, [one])
    mending.undo(workspace, dataset.id)
    after = mending.exclude(workspace, dataset.id, [two])
    assert after.manifest.set_index("path")["status"].loc[[one, two]].tolist() == ["ok", "excluded"]
    with pytest.raises(NotFoundError, match="nothing to do again"):
        mending.redo(workspace, dataset.id)
    assert mending.undo(workspace, dataset.id).fingerprint == dataset.fingerprint


def test_an_edit_in_the_middle_is_undone_alone(workspace, dataset):
    one, two = paths(dataset, "cats")[:2]
    first = mending.history(mending.exclude(workspace, dataset.id, [one])).done[0]
    mending.exclude(workspace, dataset.id, [two])
    after = mending.undo(workspace, dataset.id, first.id)
    assert after.manifest.set_index("path")["status"].loc[[one, two]].tolist() == ["ok", "excluded"]


def test_undoing_that_would_leave_one_class_is_refused(workspace, dataset):
    first = mending.history(mending.relabel(workspace, dataset.id, paths(dataset, "cats")[:1], "kittens")).done[0]
    mending.exclude_class(workspace, dataset.id, "dogs")
    with pytest.raises(DataError, match="two classes"):
        mending.undo(workspace, dataset.id, first.id)
    assert Dataset.open(workspace, dataset.id).classes == ["cats", "kittens"]


def test_what_changes_nothing_is_no_edit(workspace, dataset):
    for change in (lambda: mending.rename_class(workspace, dataset.id, "cats", "cats"),
                   lambda: mending.relabel(workspace, dataset.id, paths(dataset, "cats")[:1], "cats"),
                   lambda: mending.restore(workspace, dataset.id, paths(dataset, "cats")[:1])):
        assert change().fingerprint == dataset.fingerprint
    assert not (dataset.path / "edits.jsonl").exists()


def test_an_image_that_a_reading_left_outside_comes_in_with_its_label(workspace, pets, make_zip):
    dataset = ingest(make_zip({**pets, "loose.png": next(iter(pets.values()))}), workspace)
    rows = dataset.manifest.set_index("path")
    assert rows.loc["loose.png", "status"] == "outside"
    after = mending.relabel(workspace, dataset.id, ["loose.png"], "cats").manifest.set_index("path")
    assert tuple(after.loc["loose.png", ["status", "class", "reason"]]) == ("ok", "cats", "")
    assert mending.undo(workspace, dataset.id).fingerprint == dataset.fingerprint
