"""7z archives, made by the library and made to harm."""

from __future__ import annotations

import random
from dataclasses import replace
from pathlib import Path

import py7zr
import pytest

from core.data.library import ingest
from core.data.sources.archive import walk
from core.data.sources.members import Notes
from core.errors import ArchiveError
from core.store.limits import Limits
from tests.tiny import coloured_folder


def made(path: Path, members: dict[str, bytes], **options: object) -> Path:
    with py7zr.SevenZipFile(path, "w", **options) as archive:
        for name, data in members.items():
            archive.writestr(data, name)
    return path


def read(path: Path, limits: Limits | None = None, notes: Notes | None = None) -> dict[str, bytes]:
    return {member.name: b"".join(member.chunks()) for member in walk(path, limits or Limits(), notes or Notes())
            if not member.is_folder}


def test_a_dataset_comes_of_it_and_nothing_stays_beside_it(workspace, tmp_path):
    folder = coloured_folder(tmp_path / "pictures", 4)
    path = workspace.incoming / "pictures.7z"
    with py7zr.SevenZipFile(path, "w") as archive:
        archive.writeall(folder, "photos")
    dataset = ingest(path, workspace)
    assert dataset.classes == ["blue", "green", "red"] and dataset.images == 12 and dataset.bad == 0
    assert list(workspace.incoming.iterdir()) == []


def test_members_come_as_they_are(tmp_path):
    members = {"a/1.txt": b"one", "a/2.txt": b"", "b/gr\u00fcn \u732b.bin": random.Random(0).randbytes(2_500_000)}
    assert read(made(tmp_path / "x.7z", members)) == members
    assert [left.name for left in tmp_path.iterdir()] == ["x.7z"]


def test_names_that_lead_elsewhere_and_what_is_no_file_are_left_out(tmp_path, monkeypatch):
    monkeypatch.setattr("py7zr.py7zr.check_archive_path", lambda name: True)  # else the library does not write it
    (tmp_path / "link").symlink_to("/etc/passwd")
    path = tmp_path / "x.7z"
    with py7zr.SevenZipFile(path, "w") as archive:
        archive.write(tmp_path / "link", "a/link")
        archive.writestr(b"good", "a/1.txt")
        archive.writestr(b"bad", "a/../../2.txt")
        archive.writestr(b"litter", "__MACOSX/3.txt")
    notes = Notes()
    assert read(path, notes=notes) == {"a/1.txt": b"good"}
    assert {one["member"] for one in notes.skipped()} == {"a/../../2.txt", "a/link"}


@pytest.mark.parametrize(("limits", "says"), [
    ({"archive_members": 2}, "more than 2 files"),
    ({"archive_bytes": 2_000_000}, "unpacks to more than|larger than|more than"),
    ({"ratio": 50}, "times"),
])
def test_limits_hold(tmp_path, limits, says):
    path = made(tmp_path / "x.7z", {f"a/{index}.bin": bytes(4_000_000) for index in range(3)})
    with pytest.raises(ArchiveError, match=says):
        read(path, replace(Limits(), **limits))
    assert [left.name for left in tmp_path.iterdir()] == ["x.7z"]


def test_a_member_over_the_limit_is_left_out_and_the_others_are_read(tmp_path):
    notes = Notes()
    large = random.Random(0).randbytes(3 * 2**20)
    found = read(made(tmp_path / "x.7z", {"a/large.bin": large, "a/small.bin": b"x"}),
                 replace(Limits(), member_bytes=2**20), notes)
    assert found == {"a/small.bin": b"x"} and "larger than 1 MB" in notes.lines()[0]


@pytest.mark.parametrize(("make", "says"), [
    (lambda path: made(path, {"a/1.txt": b"secret"}, password="p"), "encrypted"),
    (lambda path: made(path, {"a/1.txt": b"secret"}, password="p", header_encryption=True), "encrypted"),
    (lambda path: made(path, {}), "empty"),
    (lambda path: path.write_bytes(b"7z\xbc\xaf\x27\x1c" + bytes(50)) and path, "cannot be read|cannot be unpacked"),
    (lambda path: path.write_bytes(made(path, {"a/1.txt": b"data" * 5000}).read_bytes()[:-40]) and path, "cannot be"),
])
def test_what_cannot_be_read_is_one_error(tmp_path, make, says):
    with pytest.raises(ArchiveError, match=says) as error:
        read(make(tmp_path / "x.7z"))
    assert error.value.hint
