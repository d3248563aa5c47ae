"""Good archives of every kind, the odd ones among them, and what is left out of them."""

from __future__ import annotations

import io
import struct
import subprocess
import tarfile
import zipfile
import zlib

import pytest

from core.data.library import ingest
from core.store.limits import Limits
from tests.data.archives import contents

# --- expectations 6, 7 ----------------------------------------------------------------------------------------------


def test_an_archive_in_the_archive_is_ignored_and_reported(workspace, pets, make_zip, tmp_path):
    inner = make_zip(pets, "inner.zip").read_bytes()
    dataset = ingest(make_zip({**pets, "cats/more.zip": inner, "old.tar.gz": b"x"}), workspace)
    assert len(dataset.manifest) == len(pets)
    assert any("archive inside" in note and "cats/more.zip" in note and "old.tar.gz" in note for note in dataset.notes)


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_equal_names_and_names_that_differ_in_case_are_all_kept(workspace, pets, make_zip, picture):
    source = make_zip({**pets, "cats/A.png": picture(50), "cats/a.png": picture(51)})
    with zipfile.ZipFile(source, "a") as archive:
        archive.writestr("cats/0.png", picture(52))
    table = ingest(source, workspace).usable()
    assert len(table) == len(pets) + 3 and table["file"].is_unique
    assert (table["path"] == "cats/0.png").sum() == 2


# --- expectation 9: unusual but good --------------------------------------------------------------------------------


@pytest.mark.parametrize("mode", ["w", "w:gz", "w:bz2", "w:xz"])
@pytest.mark.parametrize("flavour", [tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])
def test_tars_are_read(pets, tmp_path, mode, flavour):
    with tarfile.open(tmp_path / "pets.tar", mode, format=flavour) as archive:
        for name, data in pets.items():
            info = tarfile.TarInfo(f"./{name}")
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    assert contents(tmp_path / "pets.tar") == (pets, [])


def test_a_tar_from_the_system_is_read(pets, tmp_path):
    for name, data in pets.items():
        (tmp_path / "pets" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "pets" / name).write_bytes(data)
    subprocess.run(["tar", "czf", tmp_path / "pets.tgz", "-C", tmp_path / "pets", "."], check=True)
    assert contents(tmp_path / "pets.tgz") == (pets, [])


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_every_zip_method_is_read(pets, tmp_path, method):
    with zipfile.ZipFile(tmp_path / "pets.zip", "w", method) as archive:
        for name, data in pets.items():
            archive.writestr(name, data)
    assert contents(tmp_path / "pets.zip") == (pets, [])


def test_zip64_and_data_descriptors(pets, tmp_path):
    class Unseekable(io.RawIOBase):  # what makes zipfile write data descriptors
        def __init__(self, file):
            self.file = file

        def writable(self):
            return True

        def write(self, data):
            return self.file.write(data)

    with (
        open(tmp_path / "pets.zip", "wb") as file,
        zipfile.ZipFile(Unseekable(file), "w", zipfile.ZIP_DEFLATED) as archive,
    ):
        for name, data in pets.items():
            with archive.open(name, "w", force_zip64=True) as member:
                member.write(data)
    assert zipfile.ZipFile(tmp_path / "pets.zip").infolist()[0].flag_bits & 8
    assert contents(tmp_path / "pets.zip") == (pets, [])


def test_a_zip64_directory(pets, make_zip):
    source = make_zip(pets)
    data = source.read_bytes()
    end = data.rfind(b"PK\x05\x06")
    count, size, offset = struct.unpack_from("<HII", data, end + 10)
    record = struct.pack("<4sQHHIIQQQQ", b"PK\x06\x06", 44, 45, 45, 0, 0, count, count, size, offset)
    locator = struct.pack("<4sIQI", b"PK\x06\x07", 0, end, 1)
    last = struct.pack("<4sHHHHIIH", b"PK\x05\x06", 0, 0, 0xFFFF, 0xFFFF, 0xFFFFFFFF, 0xFFFFFFFF, 0)
    source.write_bytes(data[:end] + record + locator + last)
    assert contents(source) == (pets, [])


def test_junk_before_the_first_header_and_a_comment_at_the_end(pets, make_zip):
    source = make_zip(pets)
    with zipfile.ZipFile(source, "a") as archive:
        archive.comment = b"made with love"
    source.write_bytes(b"#!/bin/sh\nexit 0\n" * 10 + source.read_bytes())
    assert contents(source) == (pets, [])


# --- expectation 10: litter -----------------------------------------------------------------------------------------


def test_litter_is_ignored_silently(workspace, pets, make_zip, picture):
    litter = [
        "__MACOSX/cats/._0.png",
        "cats/._0.png",
        ".DS_Store",
        "cats/.DS_Store",
        "cats/Thumbs.db",
        "dogs/desktop.ini",
        ".git/logo.png",
        "cats/.thumbnails/0.png",
        "__MACOSX/._cats",
    ]
    dataset = ingest(make_zip({**pets, **{name: picture(1) for name in litter}}), workspace)
    assert set(dataset.manifest["path"]) == set(pets) and dataset.notes == []


def test_names_that_are_too_long_or_too_deep_are_skipped_and_named(pets, make_zip, picture):
    limits = Limits.demo()
    found, notes = contents(
        make_zip({**pets, "cats/" + "x" * 1100 + ".png": b"1", "a/b/c/d/e/f/g/h/i.png": b"2"}), limits
    )
    assert set(found) == set(pets)
    assert any("longer than 1024 bytes" in note for note in notes) and any("8 folders deep" in note for note in notes)


def test_crc_of_the_unicode_path_is_checked():
    from core.data.sources.names import zip_name

    info = zipfile.ZipInfo("caf_.png")
    good = struct.pack("<BI", 1, zlib.crc32(b"caf_.png")) + "café.png".encode()
    info.extra = struct.pack("<HH", 0x7075, len(good)) + good
    assert zip_name(info) == "café.png"
    stale = struct.pack("<BI", 1, 0) + b"other.png"
    info.extra = struct.pack("<HH", 0x7075, len(stale)) + stale
    assert zip_name(info) == "caf_.png"
