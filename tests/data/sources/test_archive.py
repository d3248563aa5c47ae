"""Hostile, lying and damaged archives: nothing escapes, nothing explodes, and the error says what to do."""

from __future__ import annotations

import bz2
import gzip
import lzma
import os
import stat
import struct
import tarfile
import time
import zipfile
from functools import partial
from pathlib import Path

import pytest

from core.data.library import ingest
from core.data.sources.members import DamagedMemberError
from core.errors import ArchiveError
from core.store.limits import Limits
from tests.data.archives import contents, make_tar, patched

# --- expectation 1: paths that lead elsewhere -----------------------------------------------------------------------

UNSAFE = [
    "../evil.png",
    "cats/../../evil.png",
    "/tmp/evil.png",
    "C:/evil.png",
    "c:evil.png",
    "cats\\evil.png",
    "..\\evil.png",
    "cats/e\nvil.png",
]


@pytest.mark.parametrize("name", UNSAFE)
@pytest.mark.parametrize("kind", ["zip", "tar"])
def test_unsafe_paths_are_skipped_and_named(workspace, pets, make_zip, picture, tmp_path, name, kind):
    members = {**pets, name: picture(99)}
    source = make_zip(members) if kind == "zip" else make_tar(tmp_path / "pets.tar", members)
    before = {path for path in tmp_path.rglob("*") if workspace.root not in path.parents}
    dataset = ingest(source, workspace)
    assert len(dataset.usable()) == len(pets)
    assert any(repr(name) in note for note in dataset.notes)
    assert {path for path in tmp_path.rglob("*") if workspace.root not in path.parents} == before
    assert not list(workspace.root.rglob("evil*"))


def test_stored_files_have_names_of_the_servers_choosing(workspace, pets, make_zip):
    dataset = ingest(make_zip(pets), workspace)
    assert sorted(path.name for path in (dataset.path / "images").iterdir()) == sorted(dataset.manifest["file"])
    assert all(file[:6].isdigit() and file[6:] == ".png" for file in dataset.manifest["file"])


# --- expectation 2: links and devices -------------------------------------------------------------------------------


def test_links_and_devices_in_a_tar_are_skipped_and_named(workspace, pets, tmp_path):
    infos = []
    for name, kind, target in [
        ("cats/soft.png", tarfile.SYMTYPE, "/etc/passwd"),
        ("cats/out", tarfile.SYMTYPE, "/tmp"),
        ("cats/hard.png", tarfile.LNKTYPE, "cats/0.png"),
        ("cats/null.png", tarfile.CHRTYPE, ""),
        ("cats/pipe.png", tarfile.FIFOTYPE, ""),
    ]:
        info = tarfile.TarInfo(name)
        info.type, info.linkname = kind, target
        infos.append(info)
    through = tarfile.TarInfo("cats/out/written.png")
    dataset = ingest(make_tar(tmp_path / "pets.tar", pets, *infos, through), workspace)
    assert len(dataset.usable()) == len(pets)
    for info in infos:
        assert any(repr(info.name) in note for note in dataset.notes)
    assert not Path("/tmp/written.png").exists()
    assert not any(path.is_symlink() for path in dataset.path.rglob("*"))


def test_a_symbolic_link_in_a_zip_is_skipped_and_named(pets, make_zip):
    source = make_zip(pets)
    with zipfile.ZipFile(source, "a") as archive:
        info = zipfile.ZipInfo("cats/link.png")
        info.create_system, info.external_attr = 3, (stat.S_IFLNK | 0o777) << 16
        archive.writestr(info, "/etc/passwd")
    found, notes = contents(source)
    assert set(found) == set(pets)
    assert any("link" in note and "cats/link.png" in note for note in notes)


def test_links_in_a_folder_are_skipped_and_named(workspace, pets, tmp_path):
    folder = tmp_path / "pets"
    for name, data in pets.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(data)
    (folder / "cats" / "secret.png").symlink_to("/etc/passwd")
    (folder / "loop").symlink_to(folder)
    dataset = ingest(folder, workspace)
    assert len(dataset.usable()) == len(pets) and dataset.bad == 0
    assert any("secret.png" in note for note in dataset.notes)
    assert (folder / "cats" / "0.png").exists()  # the source is only read


# --- expectation 3: bombs and lies ----------------------------------------------------------------------------------


def refused_quickly(source, workspace, leftovers, match):
    started = time.process_time()  # what it costs, however busy the machine is
    with pytest.raises(ArchiveError, match=match) as caught:
        ingest(source, workspace)
    assert time.process_time() - started < 2
    assert leftovers(workspace) == []
    return caught.value


def test_overlapping_members(workspace, demo, leftovers, pets, make_zip):
    source = make_zip(pets)
    with zipfile.ZipFile(source) as archive:
        first, second = archive.infolist()[:2]
    # the directory's entry of the second member points at the first member's data
    entry = struct.pack("<I", second.header_offset) + second.filename.encode()
    patched(source, entry, struct.pack("<I", first.header_offset) + second.filename.encode())
    refused_quickly(source, workspace, leftovers, "overlaps")
    refused_quickly(source, demo, leftovers, "overlaps")


def test_a_zip_bomb_is_refused_by_its_ratio(workspace, leftovers, pets, make_zip):
    error = refused_quickly(
        make_zip({**pets, "cats/bomb.png": bytes(30 * 2**20)}), workspace, leftovers, "times its packed"
    )
    assert "cats/bomb.png" in error.message


@pytest.mark.parametrize("compress", [gzip.compress, bz2.compress, partial(lzma.compress, preset=0)])
def test_a_tar_bomb_is_refused_by_its_ratio(workspace, leftovers, pets, tmp_path, compress):
    make_tar(tmp_path / "bomb.tar", {**pets, "cats/bomb.png": bytes(40 * 2**20)})
    source = tmp_path / "bomb.tar.x"
    source.write_bytes(compress((tmp_path / "bomb.tar").read_bytes()))
    refused_quickly(source, workspace, leftovers, "times its packed")


def test_a_tar_bomb_in_what_would_be_skipped_is_refused_too(workspace, leftovers, tmp_path):
    make_tar(tmp_path / "bomb.tar", {"../x.bin": bytes(40 * 2**20)})
    source = tmp_path / "bomb.tar.gz"
    source.write_bytes(gzip.compress((tmp_path / "bomb.tar").read_bytes()))
    refused_quickly(source, workspace, leftovers, "times its packed")


def test_a_tar_header_that_declares_a_huge_name_is_refused_before_it_is_read(workspace, leftovers, tmp_path):
    info = tarfile.TarInfo("././@LongLink")
    info.type, info.size = tarfile.GNUTYPE_LONGNAME, 30 * 2**20
    source = tmp_path / "pets.tar"
    source.write_bytes(info.tobuf() + bytes(31 * 2**20))
    refused_quickly(source, workspace, leftovers, "header")


@pytest.mark.parametrize("kind", ["zip", "tar", "folder"])
def test_the_total_is_limited(tmp_path, leftovers, pets, make_zip, kind):
    from core.store.workspace import Workspace

    small = Workspace(tmp_path / "small", Limits(archive_bytes=3000))
    members = {**pets, "cats/big.png": os.urandom(4000)}
    source = make_zip(members) if kind == "zip" else make_tar(tmp_path / "pets.tar", members)
    if kind == "folder":
        (tmp_path / "pets" / "cats").mkdir(parents=True)
        (tmp_path / "pets" / "cats" / "big.png").write_bytes(members["cats/big.png"])
        source = tmp_path / "pets"
    refused_quickly(source, small, leftovers, "unpacks to more than")


@pytest.mark.parametrize("kind", ["zip", "tar", "folder"])
def test_the_number_of_files_is_limited(tmp_path, leftovers, pets, make_zip, kind):
    from core.store.workspace import Workspace

    small = Workspace(tmp_path / "small", Limits(archive_members=5))
    source = make_zip(pets) if kind == "zip" else make_tar(tmp_path / "pets.tar", pets)
    if kind == "folder":
        source = tmp_path / "pets"
        source.mkdir()
        for index in range(6):
            (source / f"{index}.png").write_bytes(b"x")
    refused_quickly(source, small, leftovers, "more than 5 files")


def test_a_directory_of_very_many_members_is_refused_before_it_is_parsed(demo, leftovers, tmp_path):
    with zipfile.ZipFile(tmp_path / "many.zip", "w") as archive:
        for index in range(10_100):
            archive.writestr(f"{index}.jpg", b"")
    refused_quickly(tmp_path / "many.zip", demo, leftovers, "more than 10,000 files")


def test_a_member_over_the_limit_is_skipped_and_named(tmp_path, pets, make_zip):
    limits = Limits(member_bytes=2000)
    members = {**pets, "cats/big.png": os.urandom(4000)}
    for source in (make_zip(members), make_tar(tmp_path / "pets.tar", members)):
        found, notes = contents(source, limits)
        assert set(found) == set(pets)
        assert any("cats/big.png" in note and "larger" in note for note in notes)


@pytest.mark.parametrize("declared", [10, 5_000_000])
@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_a_size_that_lies(workspace, leftovers, pets, make_zip, declared, method):
    source, actual = make_zip(pets), os.urandom(1_500_000)
    with zipfile.ZipFile(source, "a", method) as archive:
        archive.writestr("dogs/liar.png", actual)
    patched(
        source,
        struct.pack("<I", len(actual)) + struct.pack("<H", len("dogs/liar.png")),
        struct.pack("<I", declared) + struct.pack("<H", len("dogs/liar.png")),
    )
    error = refused_quickly(source, workspace, leftovers, "another size")
    assert "dogs/liar.png" in error.message


def test_a_huge_directory_size_is_refused_before_anything_is_allocated(workspace, leftovers, pets, make_zip):
    source = make_zip(pets)
    data = bytearray(source.read_bytes())
    struct.pack_into("<I", data, len(data) - 22 + 12, 0xFFFFFFF0)
    source.write_bytes(data)
    with pytest.raises(ArchiveError):
        ingest(source, workspace)
    assert leftovers(workspace) == []


# --- expectation 4: passwords ---------------------------------------------------------------------------------------


def test_an_encrypted_zip_says_so_and_how_to_make_one_without(workspace, leftovers, pets, make_zip):
    source = make_zip(pets)
    data = bytearray(source.read_bytes())
    position = 0
    while (position := data.find(b"PK\x01\x02", position)) >= 0:
        data[position + 8] |= 1
        position += 4
    source.write_bytes(data)
    error = refused_quickly(source, workspace, leftovers, "password")
    assert "no encryption" in error.hint


# --- expectation 5: damage ------------------------------------------------------------------------------------------


def test_a_bad_checksum_makes_one_bad_row_and_the_others_are_kept(workspace, pets, tmp_path):
    source = tmp_path / "pets.zip"
    with zipfile.ZipFile(source, "w", zipfile.ZIP_STORED) as archive:
        for name, data in pets.items():
            archive.writestr(name, data)
    data = pets["cats/2.png"]
    patched(source, data, data[:40] + bytes([data[40] ^ 1]) + data[41:])
    dataset = ingest(source, workspace)
    bad = dataset.manifest[dataset.manifest["status"] == "bad"]
    assert list(bad["path"]) == ["cats/2.png"] and "damaged in the archive" in bad["reason"].iloc[0]
    assert len(dataset.usable()) == len(pets) - 1


def test_damaged_deflate_data_names_the_member(make_zip, pets):
    source = make_zip({**pets, "cats/noise.png": os.urandom(5000)})
    with zipfile.ZipFile(source) as archive:
        offset = archive.getinfo("cats/0.png").header_offset + 30 + len("cats/0.png")
    data = bytearray(source.read_bytes())
    data[offset : offset + 20] = b"\xff" * 20
    source.write_bytes(data)
    with pytest.raises(DamagedMemberError, match=r"cats/0\.png"):
        contents(source)


def test_a_zip_without_its_end_is_called_cut_short(workspace, leftovers, pets, make_zip):
    source = make_zip(pets)
    source.write_bytes(source.read_bytes()[:-100])
    refused_quickly(source, workspace, leftovers, "cut short")


@pytest.mark.parametrize("mode", ["w", "w:gz"])
def test_a_tar_without_its_end_names_the_member(workspace, leftovers, pets, tmp_path, mode):
    source = make_tar(tmp_path / "pets.tar", {**pets, "dogs/last.png": os.urandom(20_000)}, mode=mode)
    source.write_bytes(source.read_bytes()[:-15_000])
    error = refused_quickly(source, workspace, leftovers, "cannot be read|cut short")
    assert "dogs/last.png" in error.message


def test_a_tar_that_stops_between_members_is_noted(pets, tmp_path):
    source = make_tar(tmp_path / "pets.tar", pets)
    source.write_bytes(source.read_bytes()[: 1024 * 3])
    _, notes = contents(source)
    assert any("cut short" in note for note in notes)


def zip64_of(data):
    """The same zip with a directory of the larger kind at its end."""
    end = data.rfind(b"PK\x05\x06")
    count, size, offset = struct.unpack_from("<HII", data, end + 10)
    record = struct.pack("<4sQHHIIQQQQ", b"PK\x06\x06", 44, 45, 45, 0, 0, count, count, size, offset)
    locator = struct.pack("<4sIQI", b"PK\x06\x07", 0, end, 1)
    last = struct.pack("<4sHHHHIIH", b"PK\x05\x06", 0, 0, 0xFFFF, 0xFFFF, 0xFFFFFFFF, 0xFFFFFFFF, 0)
    return data[:end] + record + locator + last


def test_a_zip_that_says_it_spans_disks_is_an_archive_error(workspace, leftovers, pets, make_zip):
    source = make_zip(pets)
    data = bytearray(zip64_of(source.read_bytes()))
    struct.pack_into("<I", data, data.rfind(b"PK\x06\x07") + 16, 3)  # three disks
    source.write_bytes(data)
    refused_quickly(source, workspace, leftovers, "multiple disks")


def test_a_source_that_may_not_be_read_is_said_to_be_the_one(workspace, leftovers, tmp_path, pets, monkeypatch):
    folder = tmp_path / "pets"
    for name, data in pets.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(data)

    def refused(self, pattern):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "rglob", refused)
    refused_quickly(folder, workspace, leftovers, "'pets' cannot be read")


def test_whatever_a_hostile_archive_raises_becomes_one_error(tmp_path, pets, make_zip):
    original = make_zip(pets).read_bytes()
    packed = gzip.compress(make_tar(tmp_path / "pets.tar", pets).read_bytes())
    import random

    dice = random.Random(7)
    plain = make_tar(tmp_path / "pets.tar", pets).read_bytes()
    zip64 = zip64_of(original)
    kinds = {"fuzzed.zip": original, "fuzzed.zip64.zip": zip64, "fuzzed.tar": plain, "fuzzed.tar.gz": packed,
             "fuzzed.tar.bz2": bz2.compress(plain), "fuzzed.tar.xz": lzma.compress(plain)}
    for name, data in kinds.items():
        for _ in range(120):
            broken = bytearray(data)
            for _ in range(dice.randint(1, 6)):
                broken[dice.choice([dice.randrange(len(broken)), -dice.randrange(1, 150)])] = dice.randrange(256)
            (tmp_path / name).write_bytes(broken[: dice.choice([len(broken), dice.randrange(1, len(broken))])])
            try:
                contents(tmp_path / name)
            except ArchiveError as error:
                assert error.message


@pytest.mark.parametrize(
    ("data", "match"),
    [
        (b"", "empty"),
        (b"just text, long enough to be something" * 30, "not a zip, tar or 7z"),
        (b"Rar!\x1a\x07\x01" + bytes(50), "RAR"),
        (b"7z\xbc\xaf\x27\x1c" + bytes(50), "cannot be read"),
        (b"PK\x05\x06" + bytes(18), "empty"),
        (b"%PDF-1.7" + bytes(600), "not a zip"),
        (b"\x1f\x8b\x08\x00garbage", "cannot be read"),
        (bytes(10240), "not a zip, tar or 7z"),
    ],
)
def test_what_is_not_an_archive(workspace, leftovers, tmp_path, data, match):
    (tmp_path / "upload.zip").write_bytes(data)
    refused_quickly(tmp_path / "upload.zip", workspace, leftovers, match)


def test_a_compression_that_cannot_be_read_is_named(workspace, leftovers, pets, make_zip):
    source = make_zip(pets)
    data = bytearray(source.read_bytes())
    position = data.find(b"PK\x01\x02")
    data[position + 10] = 9  # deflate64
    source.write_bytes(data)
    refused_quickly(source, workspace, leftovers, "method 9")
