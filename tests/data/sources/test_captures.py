"""Pictures gathered class by class: kept at once, checked at once, bounded, and what becomes of them."""

import io
import zipfile

import pytest

from core.data.dataset import Dataset
from core.data.library import ingest_captures
from core.data.sources.captures import Captures
from core.errors import DataError, DatasetShapeError, NotFoundError
from core.store.limits import Limits
from core.store.workspace import Workspace


def named(label, *contents):
    return [(f"{label}{index}.png", io.BytesIO(content)) for index, content in enumerate(contents)]


@pytest.fixture
def captures(workspace):
    return Captures(workspace)


def gather(captures, picture, **numbers):
    for seed, (label, number) in enumerate(numbers.items()):
        captures.begin(label)
        captures.add(label, named(label, *(picture(100 * seed + index) for index in range(number))))


def counts(captures):
    return {one.label: len(one.pictures) for one in captures.classes()}


def test_classes_and_pictures_survive_whoever_gathered_them(workspace, captures, picture):
    gather(captures, picture, cats=2, dogs=3)
    again = Captures(Workspace(workspace.root))
    assert counts(again) == {"cats": 2, "dogs": 3}
    assert again.thumbnail(again.classes()[0].pictures[0].file)[:3] == b"\xff\xd8\xff"


def test_they_become_a_dataset_and_are_used_up(workspace, captures, picture, leftovers):
    gather(captures, picture, cats=2, dogs=3)
    dataset = ingest_captures(captures, workspace, name="Pets")
    assert dataset.usable().groupby("class").size().to_dict() == {"cats": 2, "dogs": 3}
    assert dataset.usable()["path"].tolist()[:2] == ["cats/cats0.png", "cats/cats1.png"]
    assert "gathered class by class" in dataset.layout["text"]
    assert leftovers(workspace) == [dataset.id]


@pytest.mark.parametrize("labels", [("train", "test"), ("a.b", ".hidden"), ("__MACOSX", "thumbs.db"), ("1", "2")])
def test_a_class_is_what_was_typed_whatever_a_folder_of_that_name_would_mean(workspace, captures, picture, labels):
    gather(captures, picture, **dict.fromkeys(labels, 2))
    assert ingest_captures(captures, workspace, name="Typed").classes == sorted(labels)


@pytest.mark.parametrize("label", ["", "  ", "a/b", "x" * 201, "tab\x07"])
def test_a_label_that_cannot_be_one_is_refused(captures, label):
    with pytest.raises(DataError, match="cannot be the name of a class"):
        captures.begin(label)


def test_a_class_is_begun_once(captures):
    captures.begin(" cats ")
    with pytest.raises(DataError, match="already a class 'cats'"):
        captures.begin("cats")


def test_what_is_no_picture_is_left_out_with_its_reason(captures, picture):
    captures.begin("cats")
    good, cut = picture(1), picture(2)[:60]
    brought = [("a.png", io.BytesIO(good)), ("cut.png", io.BytesIO(cut)), ("notes.txt", io.BytesIO(b"words")),
               ("empty.jpg", io.BytesIO(b"")), ("paper.jpg", io.BytesIO(b"%PDF-1.4 words"))]
    taken = captures.add("cats", brought)
    assert taken.kept == 1 and counts(captures) == {"cats": 1}
    assert len(list((captures.folder / "images").iterdir())) == 1
    said = " ".join(taken.left_out)
    assert all(name in said for name in ("cut.png", "notes.txt", "empty.jpg", "paper.jpg")) and "PDF" in said


def test_names_lead_nowhere(captures, picture, workspace, tmp_path):
    captures.begin("cats")
    captures.add("cats", [("../../evil.png", io.BytesIO(picture(1))), ("..\\..\\evil.png", io.BytesIO(picture(2)))])
    assert not list(tmp_path.rglob("evil.png"))
    assert [picture.name for picture in captures.classes()[0].pictures] == ["evil.png", "evil.png"]


def test_an_archive_is_looked_into_and_a_broken_one_is_named(captures, picture, workspace, leftovers):
    captures.begin("cats")
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("any/where/1.png", picture(1))
        archive.writestr("../out.png", picture(2))
        archive.writestr("2.png", picture(3))
    packed.seek(0)
    taken = captures.add("cats", [("more.zip", packed), ("bad.zip", io.BytesIO(b"no zip"))])
    assert taken.kept == 2 and "out.png" in " ".join(taken.left_out) and "'bad.zip'" in " ".join(taken.left_out)
    assert leftovers(workspace) == ["captures"]


def test_pictures_are_bounded(tmp_path, picture):
    size = len(picture(0))
    captures = Captures(Workspace(tmp_path / "small", Limits(upload_bytes=3 * size + size // 2, archive_members=10)))
    captures.begin("cats")
    taken = captures.add("cats", named("cat", *(picture(index) for index in range(6))))
    assert taken.kept == 3 and "left out" in " ".join(taken.left_out).lower()
    few = Captures(Workspace(tmp_path / "few", Limits(archive_members=2)))
    few.begin("cats")
    assert few.add("cats", named("cat", *(picture(index) for index in range(4)))).kept == 2
    assert few.add("cats", named("cat", picture(9))).kept == 0


def test_copies_of_a_name_are_all_kept(workspace, captures, picture):
    gather(captures, picture, cats=1, dogs=1)
    for seed in (7, 8):
        captures.add("cats", [("photo.png", io.BytesIO(picture(seed)))])
    table = ingest_captures(captures, workspace, name="Pets").usable()
    assert sorted(table["path"]) == ["cats/cats0.png", "cats/photo (2).png", "cats/photo.png", "dogs/dogs0.png"]


def test_classes_are_renamed_emptied_and_let_go(captures, picture):
    gather(captures, picture, cats=2, dogs=1, owls=1)
    captures.rename("cats", "felines")
    captures.empty("dogs")
    captures.remove("owls")
    assert counts(captures) == {"felines": 2, "dogs": 0}
    assert len(list((captures.folder / "images").iterdir())) == 2
    with pytest.raises(DataError, match="already a class"):
        captures.rename("felines", "dogs")
    with pytest.raises(NotFoundError, match="no class 'owls'"):
        captures.add("owls", named("owl", picture(5)))
    assert len(list((captures.folder / "images").iterdir())) == 2


def test_one_class_is_no_dataset_and_the_pictures_stay(workspace, captures, picture, leftovers):
    gather(captures, picture, cats=2, dogs=0)
    with pytest.raises(DatasetShapeError, match="Only one class, 'cats'"):
        ingest_captures(captures, workspace, name="Pets")
    assert counts(captures) == {"cats": 2, "dogs": 0} and leftovers(workspace) == ["captures"]


def test_what_comes_while_the_dataset_is_made_stays(workspace, captures, picture):
    gather(captures, picture, cats=2, dogs=2)

    def more(what, fraction):
        if len(captures.classes()[0].pictures) == 2:
            captures.add("cats", named("late", picture(77)))

    dataset = ingest_captures(captures, workspace, name="Pets", progress=more)
    assert dataset.images == 4 and counts(captures) == {"cats": 1}
    assert Dataset.open(workspace, dataset.id).images == 4
