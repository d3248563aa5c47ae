import io
import os
import struct
import tarfile
import unicodedata
import zipfile
from pathlib import Path

import pytest

from core.data.sources.archive import walk
from core.data.sources.members import Notes
from core.data.sources.names import natural, of_path, readable, stem, tidy
from core.store.limits import Limits


def raw_zip(path, raw_name):
    """A zip whose member's name is exactly these bytes, without the UTF-8 flag."""
    stand_in = "x" * len(raw_name)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(stand_in, b"data")
    data = path.read_bytes().replace(stand_in.encode(), raw_name)
    path.write_bytes(data)
    return path


LABELS = [
    ("Mädchenauge", "cp437"),
    ("Größe", "cp437"),
    ("Grün", "cp437"),
    ("été", "cp437"),
    ("señal", "cp437"),
    ("蚂蚁", "gbk"),
    ("蜜蜂", "gbk"),
    ("玫瑰花", "gbk"),
    ("ひまわり", "shift_jis"),
    ("アリ", "shift_jis"),
    ("向日葵", "shift_jis"),
    ("蚂蚁", "utf-8"),
    ("Größe", "utf-8"),
    ("ひまわり", "utf-8"),
    ("flowers", "ascii"),
]


@pytest.mark.parametrize(("label", "encoding"), LABELS)
def test_the_class_label_of_a_zip_is_readable(tmp_path, label, encoding):
    source = raw_zip(tmp_path / "names.zip", f"{label}/1.png".encode(encoding))
    assert [member.name for member in walk(source, Limits(), Notes())] == [f"{label}/1.png"]


def test_a_zip_with_the_utf8_flag(tmp_path):
    with zipfile.ZipFile(tmp_path / "names.zip", "w") as archive:
        archive.writestr("蚂蚁/ü.png", b"data")
    assert [member.name for member in walk(tmp_path / "names.zip", Limits(), Notes())] == ["蚂蚁/ü.png"]


def test_a_decomposed_name_is_composed(tmp_path):
    with zipfile.ZipFile(tmp_path / "names.zip", "w") as archive:
        archive.writestr(unicodedata.normalize("NFD", "Käfer/1.png"), b"data")
    assert [member.name for member in walk(tmp_path / "names.zip", Limits(), Notes())] == ["Käfer/1.png"]


def test_a_tar_in_another_encoding(tmp_path):
    with tarfile.open(tmp_path / "names.tar", "w", format=tarfile.GNU_FORMAT, encoding="gbk") as archive:
        info = tarfile.TarInfo("蚂蚁/1.png")
        info.size = 4
        archive.addfile(info, io.BytesIO(b"data"))
    assert [member.name for member in walk(tmp_path / "names.tar", Limits(), Notes())] == ["蚂蚁/1.png"]


def test_a_folder_reads_the_same_whatever_files_are_in_it():
    folder = "蚂蚁".encode("gbk")
    assert {
        readable(folder + b"/" + file).split("/")[0] for file in (b"1.png", b"\x84.png", "ü".encode(), b"\xff\xfe")
    } == {"蚂蚁"}


def test_no_byte_is_unreadable():
    for first in range(256):
        assert readable(bytes([first, 0x80, first]))


def test_a_broken_utf8_flag_is_an_archive_error(tmp_path):
    from core.errors import ArchiveError

    source = raw_zip(tmp_path / "names.zip", b"\xff\xfe/1.png")
    data = bytearray(source.read_bytes())
    struct.pack_into("<H", data, data.find(b"PK\x01\x02") + 8, 0x800)
    source.write_bytes(data)
    with pytest.raises(ArchiveError):
        list(walk(source, Limits(), Notes()))


def test_natural_order():
    assert sorted(["10", "2", "b", "A", "a10", "a9", "²"], key=natural) == ["2", "10", "A", "a9", "a10", "b", "²"]


def test_a_path_on_this_machine_is_text_whatever_its_bytes():
    assert of_path(Path("a/Ka\u0308fer.jpg")) == "a/K\u00e4fer.jpg"  # as a Mac writes it, and as all others do
    of_path(Path(os.fsdecode(b"a/caf\xe9.jpg"))).encode()


HIDDEN = "\u202a\u202e\u2066\u2069\u200e\u200f\u200b\u200d\u2060\ufeff\u061c\u2028\x7f\x9b\U000e0041\u3164\u115f\u00ad"


@pytest.mark.parametrize("character", HIDDEN)
def test_a_class_label_holds_nothing_that_nobody_sees(tmp_path, character):
    from core.data.sources.members import judge

    assert tidy(f"ca{character}ts/{character}/1{character}.png") == "cats/1.png"
    kept = judge(f"ca{character}ts/1.png", Limits(), notes := Notes())
    control = character in "\x7f\x9b"
    assert kept == (None if control else "cats/1.png") and bool(notes.lines()) == control


def test_two_folders_that_look_alike_are_one_class(workspace, pets, make_zip):
    from core.data.library import ingest

    turned = {name.replace("cats", "\u202ecats\u202c") if name.endswith("3.png") else name: data
              for name, data in pets.items()}
    dataset = ingest(make_zip(turned), workspace)
    assert dataset.classes == ["cats", "dogs"] and len(dataset.usable()) == len(pets)


@pytest.mark.parametrize(("filename", "name"), [
    ("flowers.tar.gz", "flowers"), ("../../x.ZIP", "x"), ("a\x1b[31m\u202eb.zip", "a[31mb"), (".zip", ".zip"),
    ("\x00.zip", "dataset"), ("x" * 300, "x" * 200)])
def test_the_name_of_a_file_without_its_packing(filename, name):
    assert stem(filename) == name


def walked(tmp_path, *members):
    with zipfile.ZipFile(tmp_path / "windows.zip", "w") as archive:
        for member in members:
            archive.writestr(member, b"data")
    notes = Notes()
    return [member.name for member in walk(tmp_path / "windows.zip", Limits(), notes)], notes.lines()


def test_backslashes_of_a_windows_tool_are_folders_and_that_is_said(tmp_path):
    found, notes = walked(tmp_path, "photos\\", "photos\\ants\\1.jpg", "readme.txt")
    assert found == ["photos", "photos/ants/1.jpg", "readme.txt"]
    assert notes == ["The names in the archive have backslashes, as some Windows tools write them: read as folders."]


@pytest.mark.parametrize("outside", ["..\\x.jpg", "\\x.jpg", "C:\\x.jpg", "a\\..\\..\\x.jpg"])
def test_one_backslash_name_that_leads_outside_and_none_is_read(tmp_path, outside):
    found, notes = walked(tmp_path, "ants\\1.jpg", outside)
    assert found == [] and "a backslash in the name: 2" in notes[0]


def test_a_backslash_among_ordinary_folders_is_left_out_and_named(tmp_path):
    found, notes = walked(tmp_path, "ants/1.jpg", "bees\\1.jpg")
    assert found == ["ants/1.jpg"] and "bees" in notes[0]
