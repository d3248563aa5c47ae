"""Adding to a dataset: checked like its first images, told what was left out, all of it or nothing, one edit."""

import io
import os
import zipfile

import pytest

from core.data import edits, parts
from core.data.additions import add, add_captures, take_back
from core.data.dataset import Dataset
from core.data.layouts import rereading
from core.data.library import ingest
from core.data.mending import rename_class
from core.data.sources.captures import Captures
from core.data.splits.split import split
from core.errors import ArchiveError, DataError, NotFoundError, TooManyBadFilesError, UnclearLayoutError, WorkspaceError
from core.recipe.fields import DataSettings


@pytest.fixture
def more(picture):
    """Members with new pictures: `more("cats", 3)`."""
    def make(label, number, start=500, name="new"):
        return {f"{label}/{name}{index}.png": picture(start + index) for index in range(number)}

    return make


def counts(dataset):
    return dataset.usable().groupby("class").size().to_dict()


def files(dataset):
    return {path.relative_to(dataset.path).as_posix() for path in dataset.path.rglob("*") if path.is_file()}


def test_folders_with_the_names_of_classes_go_into_these_and_new_ones(workspace, dataset, more, make_zip, leftovers):
    before = {path: (dataset.path / path).read_bytes() for path in files(dataset)}
    source = make_zip({**more("cats", 2), **more("owls", 3, 600)}, "more.zip")
    added = add([source], workspace, dataset.id)
    assert added.images == {"cats": 2, "owls": 3} and added.notes == []
    assert added.text == "5 images added: cats 2, owls 3"
    again = Dataset.open(workspace, dataset.id)
    assert counts(again) == {"cats": 6, "dogs": 4, "owls": 3} and again.classes == ["cats", "dogs", "owls"]
    assert again.images == 13 and again.fingerprint != dataset.fingerprint
    assert again.manifest["file"].is_unique and list(again.manifest["class"]) == sorted(again.manifest["class"])
    for row in again.usable().itertuples():
        assert again.image_path(row.file).stat().st_size == row.bytes and again.thumbnail(row.file)
    assert {path: (dataset.path / path).read_bytes() for path in before} == before
    assert leftovers(workspace) == [dataset.id] and source.exists()


def test_all_of_it_into_one_class_whatever_its_folders_are(workspace, dataset, more, make_zip, picture, tmp_path):
    (tmp_path / "alone.png").write_bytes(picture(900))
    (tmp_path / "folder" / "deep").mkdir(parents=True)
    (tmp_path / "folder" / "deep" / "x.png").write_bytes(picture(901))
    sources = [make_zip({**more("a", 2), **more("b", 1, 700)}, "more.zip"), tmp_path / "alone.png", tmp_path / "folder"]
    assert add(sources, workspace, dataset.id, label="dogs").images == {"dogs": 5}
    other = make_zip(more("x", 2, 800), "x.zip")
    assert add([other], workspace, dataset.id, label=" new one ").images == {"new one": 2}


def test_one_folder_goes_into_the_class_of_its_name_and_else_has_to_be_named(workspace, dataset, more, make_zip):
    assert add([make_zip(more("stuff/dogs", 2), "dogs.zip")], workspace, dataset.id).images == {"dogs": 2}
    for members in (more("owls", 2, 600), {"1.png": next(iter(more("x", 1, 700).values()))}):
        with pytest.raises(DataError, match="not clear of which class") as caught:
            add([make_zip(members, "owls.zip")], workspace, dataset.id)
        assert "--class" in caught.value.hint
    assert Dataset.open(workspace, dataset.id).classes == ["cats", "dogs"]


def test_folders_that_are_not_clear_are_asked_about(workspace, dataset, more, make_zip):
    members = {f"{half}/{path}": data for half in ("first", "second")
               for label, start in (("cats", 500), ("owls", 600))
               for path, data in more(label, 2, start + 50 * (half == "second")).items()}
    with pytest.raises(UnclearLayoutError):
        add([make_zip(members, "halves.zip")], workspace, dataset.id)
    added = add([make_zip(members, "halves.zip")], workspace, dataset.id, layout="inner-folders")
    assert added.images == {"cats": 4, "owls": 4}


def test_pictures_that_are_there_are_left_out_and_it_says_so(workspace, dataset, pets, more, make_zip):
    same, moved = pets["cats/1.png"], pets["dogs/0.png"]
    source = make_zip({**more("cats", 1), "cats/same.png": same, "cats/moved.png": moved, "dogs/0.png": moved}, "m.zip")
    added = add([source], workspace, dataset.id)
    assert added.images == {"cats": 1}
    said = " ".join(added.notes)
    assert "in the dataset already: 2 ('cats/same.png', 'dogs/0.png')" in said
    assert "in the dataset already, as dogs: 1 ('cats/moved.png')" in said
    with pytest.raises(DataError, match="all of these images are in the dataset already"):
        add([source], workspace, dataset.id)
    assert len(Dataset.open(workspace, dataset.id).edits) == 1


def test_a_name_that_is_taken_is_changed_and_it_says_so(workspace, dataset, picture, make_zip):
    added = add([make_zip({"cats/1.png": picture(700)}, "m.zip")], workspace, dataset.id)
    assert "1 has a name that is taken" in " ".join(added.notes)
    assert "cats/1 (2).png" in set(added.dataset.usable()["path"]) and added.dataset.manifest["path"].is_unique


def test_hostile_input_is_checked_like_a_dataset(workspace, dataset, more, make_zip, leftovers, tmp_path):
    before = files(dataset)
    cut = b"\x89PNG\r\n\x1a\n"
    bad = make_zip({**more("cats", 4), "../out.png": b"x", "cats/cut.png": cut, "a.txt": b"w"}, "m.zip")
    with pytest.raises(TooManyBadFilesError):
        add([make_zip({**more("cats", 1), "cats/b.png": b"no", "cats/c.png": b"no"}, "b.zip")], workspace, dataset.id)
    with pytest.raises(ArchiveError):
        broken = tmp_path / "broken.zip"
        broken.write_bytes(b"PK\x03\x04 no zip")
        add([broken], workspace, dataset.id, label="cats")
    with pytest.raises(DataError, match="None of the 1 image files"):
        add([make_zip({"cats/c.png": b"no"}, "c.zip")], workspace, dataset.id)
    with pytest.raises(DataError, match="no image"):
        add([make_zip({"a.txt": b"no"}, "c.zip")], workspace, dataset.id)
    assert files(dataset) - before <= {"edits.lock"} and leftovers(workspace) == [dataset.id]
    added = add([bad], workspace, dataset.id)
    assert added.images == {"cats": 4} and "out.png" in " ".join(added.notes)
    assert added.dataset.bad == 1 and not list(tmp_path.rglob("out.png"))


def test_what_is_not_there_is_said(workspace, dataset, tmp_path):
    with pytest.raises(NotFoundError, match="no file or folder"):
        add([tmp_path / "nowhere"], workspace, dataset.id)
    for guess in ("nothing-here", "../..", ""):
        with pytest.raises(NotFoundError, match="no dataset"):
            add([tmp_path], workspace, guess)
    with pytest.raises(DataError, match="cannot be the name of a class"):
        add([tmp_path], workspace, dataset.id, label="a/b")


@pytest.mark.parametrize("step", ["os.rename", "parts.write", "edits.append"])
def test_one_that_fails_halfway_leaves_nothing(workspace, dataset, more, make_zip, monkeypatch, leftovers, step):
    before, calls = files(dataset), []

    def full(*given, **named):
        calls.append(step)
        if step != "os.rename" or len(calls) == 2:
            raise OSError(28, "No space left on device")
        return rename(*given)

    rename = os.rename
    monkeypatch.setattr(f"core.data.additions.{step}", full)
    with pytest.raises(WorkspaceError, match="disk is full"):
        add([make_zip(more("cats", 3), "m.zip")], workspace, dataset.id)
    assert files(dataset) - before <= {"edits.lock"} and leftovers(workspace) == [dataset.id]
    assert counts(Dataset.open(workspace, dataset.id)) == {"cats": 4, "dogs": 4}


def test_what_a_crash_left_is_not_seen_and_removed_by_the_next_one(workspace, dataset, more, make_zip):
    add([make_zip(more("cats", 2), "m.zip")], workspace, dataset.id)
    log = dataset.path / edits.FILE
    first = log.read_bytes()
    add([make_zip(more("cats", 2, 600), "m.zip")], workspace, dataset.id)
    left = files(dataset)
    log.write_bytes(first + log.read_bytes().removeprefix(first)[:40])  # power was gone within the line
    assert counts(Dataset.open(workspace, dataset.id)) == {"cats": 6, "dogs": 4}
    added = add([make_zip(more("dogs", 1, 700), "m.zip")], workspace, dataset.id)
    assert counts(added.dataset) == {"cats": 6, "dogs": 5}
    assert len(left - files(dataset)) == 3  # two images and the rows
    assert len(list((dataset.path / parts.FOLDER).iterdir())) == 2


def test_edits_before_and_after_an_addition_hold(workspace, dataset, more, make_zip):
    rename_class(workspace, dataset.id, "cats", "lions")
    add([make_zip({**more("lions", 1), **more("cats", 2, 600)}, "m.zip")], workspace, dataset.id)
    assert counts(Dataset.open(workspace, dataset.id)) == {"cats": 2, "dogs": 4, "lions": 5}
    rename_class(workspace, dataset.id, "cats", "owls")
    assert counts(Dataset.open(workspace, dataset.id)) == {"dogs": 4, "lions": 5, "owls": 2}


def test_a_split_of_the_datasets_own_is_kept_up(workspace, pets, more, make_zip):
    members = {f"{'val' if path.endswith('3.png') else 'train'}/{path}": data for path, data in pets.items()}
    dataset = ingest(make_zip(members), workspace)
    add([make_zip({**more("cats", 3), **more("owls", 7, 600)}, "m.zip")], workspace, dataset.id)
    table = Dataset.open(workspace, dataset.id).usable()
    assert table.groupby(["class", "split"]).size().to_dict() == {
        ("cats", "train"): 6, ("cats", "validation"): 1, ("dogs", "train"): 3, ("dogs", "validation"): 1,
        ("owls", "train"): 6, ("owls", "validation"): 1}
    assert len(split(table, DataSettings())) == len(table) == 18
    found = next(one for one in rereading.readings(dataset) if {place[1] for place in one.places.values()} == {""})
    rereading.read_as(Dataset.open(workspace, dataset.id), found)
    assert set(Dataset.open(workspace, dataset.id).usable()["split"]) == {""}


def test_splits_of_what_is_added_do_not_matter_where_the_dataset_has_none(workspace, dataset, more, make_zip):
    members = {**{f"train/{path}": data for path, data in {**more("cats", 3), **more("dogs", 3, 600)}.items()},
               **{f"val/{path}": data for path, data in {**more("cats", 1, 700), **more("dogs", 1, 800)}.items()}}
    added = add([make_zip(members, "m.zip")], workspace, dataset.id)
    assert sum(added.images.values()) == 8 and set(added.dataset.usable()["split"]) == {""}


def test_what_was_gathered_in_the_page_is_added_and_used_up(workspace, dataset, picture, leftovers):
    captures = Captures(workspace, dataset.id)
    for label, seeds in (("cats", (700, 701)), ("owls", (702,)), ("none", ())):
        captures.begin(label)
        captures.add(label, [(f"{seed}.png", io.BytesIO(picture(seed))) for seed in seeds])
    assert add_captures(captures, workspace, dataset.id).images == {"cats": 2, "owls": 1}
    assert leftovers(workspace) == [dataset.id]


def test_a_cancelled_addition_leaves_nothing(workspace, dataset, more, make_zip, leftovers):
    class Cancelled(Exception):
        pass

    def cancel(what, fraction):
        raise Cancelled

    before = files(dataset)
    with pytest.raises(Cancelled):
        add([make_zip(more("cats", 3), "m.zip")], workspace, dataset.id, progress=cancel)
    assert files(dataset) == before and leftovers(workspace) == [dataset.id]


def test_a_bomb_does_not_get_in(workspace, dataset, tmp_path, leftovers):
    with zipfile.ZipFile(tmp_path / "bomb.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("cats/zeros.png", b"\x89PNG\r\n\x1a\n" + bytes(60 * 2**20))
    with pytest.raises(ArchiveError, match="packed size"):
        add([tmp_path / "bomb.zip"], workspace, dataset.id, label="cats")
    assert leftovers(workspace) == [dataset.id] and counts(Dataset.open(workspace, dataset.id))["cats"] == 4


def test_an_addition_can_be_taken_back(workspace, dataset, more, make_zip):
    first = add([make_zip(more("cats", 2), "m.zip")], workspace, dataset.id)
    source = make_zip({**more("owls", 4, 600), "owls/bad.png": b"no"}, "n.zip")
    second = add([source], workspace, dataset.id, label="owls")
    assert second.dataset.bad == 1
    assert take_back(workspace, dataset.id, second.part) .fingerprint == first.dataset.fingerprint
    assert take_back(workspace, dataset.id, first.part).fingerprint == dataset.fingerprint
    for part in (first.part, "0" * 16, "../.."):
        with pytest.raises(NotFoundError, match="no such addition"):
            take_back(workspace, dataset.id, part)
    again = add([make_zip(more("cats", 2), "m.zip")], workspace, dataset.id)  # and brought again
    assert again.images == {"cats": 2}

