"""What somebody wants classified: found in files, folders and archives, and nothing written outside."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest

from core.data.sources.pictures import collect
from core.errors import ArchiveError, DataError, NotFoundError
from core.store.limits import Limits


@pytest.fixture
def scratch(tmp_path: Path) -> Path:
    folder = tmp_path / "scratch"
    folder.mkdir()
    return folder


def test_a_file_is_taken_whatever_it_is_called(tmp_path, scratch):
    path = tmp_path / "photo.strange"
    path.write_bytes(b"x")
    assert [(picture.name, picture.path) for picture in collect([path], scratch, Limits())] == [(str(path), path)]


def test_a_folder_is_searched_in_natural_order(tmp_path, scratch):
    folder = tmp_path / "photos"
    (folder / "sub").mkdir(parents=True)
    for name in ("10.jpg", "2.JPG", "notes.txt", ".hidden.jpg", "sub/3.png"):
        (folder / name).write_bytes(b"x")
    names = [Path(picture.name).relative_to(folder).as_posix() for picture in collect([folder], scratch, Limits())]
    assert names == ["2.JPG", "10.jpg", "sub/3.png"]


def test_an_archive_is_unpacked_under_names_of_ours(tmp_path, scratch):
    path = tmp_path / "photos.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for name in ("a/1.jpg", "../escape.jpg", "/absolute.jpg", "notes.txt", "__MACOSX/a/1.jpg"):
            archive.writestr(name, name)
    pictures = collect([path], scratch, Limits())
    assert [picture.name for picture in pictures] == [f"{path}/a/1.jpg"]
    assert pictures[0].path.parent == scratch and pictures[0].path.read_text() == "a/1.jpg"
    assert sorted(item.name for item in tmp_path.iterdir()) == ["photos.zip", "scratch"]


def test_members_of_two_archives_do_not_collide(tmp_path, scratch):
    for name in ("one.zip", "two.zip"):
        with zipfile.ZipFile(tmp_path / name, "w") as archive:
            archive.writestr("1.jpg", name)
    pictures = collect([tmp_path / "one.zip", tmp_path / "two.zip"], scratch, Limits())
    assert [picture.path.read_text() for picture in pictures] == ["one.zip", "two.zip"]
    (again,) = collect([tmp_path / "one.zip"], scratch, Limits())  # into the same folder, in another call
    assert again.path not in [picture.path for picture in pictures] and again.path.read_text() == "one.zip"


def test_nothing_to_look_at(tmp_path, scratch):
    with pytest.raises(NotFoundError, match="missing"):
        collect([tmp_path / "missing.jpg"], scratch, Limits())
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match="no image"):
        collect([tmp_path / "empty"], scratch, Limits())
    (tmp_path / "bad.zip").write_bytes(b"no zip")
    with pytest.raises(ArchiveError, match="bad.zip"):
        collect([tmp_path / "bad.zip"], scratch, Limits())
