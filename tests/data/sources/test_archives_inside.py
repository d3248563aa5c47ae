"""Archives inside archives: left out, asked about where there is nothing else, and read where that is wanted."""

from __future__ import annotations

import io
import zipfile

import pytest

from core.data.library import ingest, resolve_dataset
from core.data.sources.archive import walk
from core.data.sources.members import DamagedMemberError, Notes
from core.errors import ArchiveError, ArchivesInsideError
from core.store.limits import Limits
from core.store.workspace import Workspace
from tests.data.archives import make_tar


def packed(members) -> bytes:
    """A zip, as bytes."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return buffer.getvalue()


@pytest.fixture
def nested(pets, make_zip):
    """As some competitions give their data: `train.zip` and a table in one zip."""
    return make_zip({"train.zip": packed(pets), "sample.csv": b"id,label\n1,cats\n"}, "competition.zip")


def read(source, limits=None):
    notes = Notes()
    found = {member.name: b"".join(member.chunks())
             for member in walk(source, limits or Limits(), notes, archives_inside=True) if not member.is_folder}
    return found, notes


def test_where_there_is_nothing_else_it_is_asked(workspace, nested, leftovers):
    with pytest.raises(ArchivesInsideError, match=r"archives inside: train\.zip.*--archives-inside"):
        ingest(nested, workspace, keep=True)
    assert leftovers(workspace) == []


def test_they_are_read_as_folders_on_request(workspace, nested):
    made = ingest(nested, workspace, archives_inside=True)
    assert made.classes == ["cats", "dogs"] and made.images == 8
    assert set(made.manifest["path"]) >= {"train/cats/0.png"}
    assert any("1 archive inside" in note for note in made.notes)
    assert not list(workspace.incoming.iterdir())
    assert {path.name for path in nested.parent.iterdir()} == {"competition.zip", "workspace"}


def test_an_archive_of_each_split_or_class_and_other_formats(workspace, pets, make_zip, tmp_path):
    cats = {name.split("/")[1]: data for name, data in pets.items() if name.startswith("cats")}
    dogs = {name.split("/")[1]: data for name, data in pets.items() if name.startswith("dogs")}
    tar = make_tar(tmp_path / "dogs.tar.gz", dogs, mode="w:gz").read_bytes()
    made = ingest(make_zip({"cats.zip": packed(cats), "dogs.tar.gz": tar}), workspace, archives_inside=True)
    assert made.classes == ["cats", "dogs"] and made.images == 8


def test_what_lies_beside_them_is_read_too_and_deeper_ones_are_not(pets, make_zip, picture):
    deeper = packed({"a.zip": packed(pets), "b.png": picture(1)})
    found, notes = read(make_zip({"more.zip": deeper, "cats/own.png": picture(2)}))
    assert set(found) == {"more/b.png", "cats/own.png"} and found["more/b.png"] == picture(1)
    assert notes.skipped() == [{"member": "a.zip", "reason": "an archive inside an archive inside the archive"}]


def test_limits_hold_for_all_of_them_together(pets, make_zip):
    source = make_zip({"one.zip": packed(pets), "two.zip": packed(pets)})
    with pytest.raises(ArchiveError, match="more than"):
        read(source, Limits(archive_members=12))
    once = len(packed(pets)) + sum(map(len, pets.values()))
    with pytest.raises(ArchiveError, match="unpacks to more than"):
        read(source, Limits(archive_bytes=round(1.5 * once)))
    assert len(read(source, Limits(archive_bytes=round(2.1 * once)))[0]) == 16


def test_archives_may_be_larger_than_files_but_files_may_not(pets, make_zip, picture):
    large = picture(1, (80, 80))
    source = make_zip({"one.zip": packed(pets), "large.png": large})
    small = max(map(len, pets.values()))
    assert small < len(packed(pets)) and small < len(large)
    read_whole = set()
    for member in walk(source, Limits(member_bytes=small), Notes(), True):
        if member.name == "large.png":
            with pytest.raises(DamagedMemberError, match="larger than"):
                list(member.chunks())
        else:
            assert b"".join(member.chunks())
            read_whole.add(member.name)
    assert read_whole == {f"one/{name}" for name in pets}


def test_one_that_cannot_be_opened_is_left_out_and_named(make_zip, pets):
    found, notes = read(make_zip({"broken.zip": b"PK\x03\x04 nothing", "old.rar": b"Rar!\x1a\x07", **pets}))
    assert set(found) == set(pets)
    assert notes.skipped() == [{"member": name, "reason": "an archive inside that cannot be read"}
                               for name in ("broken.zip", "old.rar")]


def test_no_name_leads_out_or_gets_too_long(make_zip, pets, picture):
    inner = {"cats/1.png": picture(1), f"{'d/' * 10}deep.png": picture(2)}
    found, notes = read(make_zip({name: packed(inner) for name in (
        "...zip", f"{'a/' * 9}b.zip", f"{'x' * 240}.zip")}))
    assert {"archive/cats/1.png", f"{'a/' * 9}b/cats/1.png"} < set(found)
    assert not any(".." in name.split("/") for name in found)
    assert any("folders deep" in one["reason"] for one in notes.skipped())


def test_large_archives_are_asked_about_too(workspace, pets, make_zip):
    source = make_zip({"train.zip": packed(pets)})
    with pytest.raises(ArchivesInsideError):
        ingest(source, Workspace(workspace.root, Limits(member_bytes=max(map(len, pets.values())))))


def test_what_is_refused_inside_counts(make_zip, picture):
    hostile = packed({f"../{number}.png": picture(number) for number in range(9)})
    with pytest.raises(ArchiveError, match="more than"):
        read(make_zip({f"{number}.zip": hostile for number in range(9)}), Limits(archive_members=20))


def test_the_command_line_keeps_the_two_ways_apart(workspace, pets, make_zip, picture):
    source = make_zip({"birds.zip": packed({"1.png": picture(50), "2.png": picture(51)}), **pets})
    plain = resolve_dataset(str(source), workspace)
    inside = resolve_dataset(str(source), workspace, archives_inside=True)
    assert plain.classes == ["cats", "dogs"] and inside.classes == ["birds", "cats", "dogs"]
    assert resolve_dataset(str(source), workspace, archives_inside=True).id == inside.id
    assert resolve_dataset(str(source), workspace).id == plain.id
