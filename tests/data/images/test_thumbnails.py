"""Thumbnails are made once, and what takes much memory is not decoded by who asks for it."""

from __future__ import annotations

import io
import subprocess
import sys

import pytest
from PIL import Image

from core.data.images.thumbnails import THUMBNAIL_EDGE, thumbnail, thumbnail_path
from core.errors import ImageDecodeError
from tests.tiny import huge_png

ASK = """
import resource, sys
from pathlib import Path
from core.data.images.thumbnails import thumbnail
peak = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
thumbnail(Path(sys.argv[1]), "small.png")
before = peak()
thumbnail(Path(sys.argv[1]), "huge.png")
print(peak() - before)
"""


@pytest.fixture
def folder(tmp_path):
    """Laid out as a dataset's."""
    for name in ("images", "thumbnails"):
        (tmp_path / name).mkdir()
    Image.new("RGB", (300, 200), "red").save(tmp_path / "images" / "small.png")
    Image.new("RGB", (1800, 1200), "red").save(tmp_path / "images" / "large.png")
    return tmp_path


@pytest.mark.parametrize("file", ["small.png", "large.png"])
def test_a_thumbnail_is_made_once(folder, file):
    made = thumbnail(folder, file)
    with Image.open(io.BytesIO(made)) as picture:
        assert (picture.format, picture.size) == ("JPEG", (THUMBNAIL_EDGE, round(THUMBNAIL_EDGE * 2 / 3)))
    (folder / "images" / file).unlink()
    assert thumbnail(folder, file) == made == thumbnail_path(folder, file).read_bytes()


@pytest.mark.skipif(sys.platform == "win32", reason="resource is of Unix")
def test_a_huge_picture_is_not_decoded_by_who_asks(folder):
    (folder / "images" / "huge.png").write_bytes(huge_png(9_999))
    done = subprocess.run([sys.executable, "-c", ASK, str(folder)], capture_output=True, text=True, check=True)
    assert int(done.stdout) < 20
    assert thumbnail_path(folder, "huge.png").is_file()


@pytest.mark.parametrize("file", ["small.png", "large.png"])
def test_why_there_is_none_is_said_wherever_it_was_decoded(folder, file):
    path = folder / "images" / file
    path.write_bytes(path.read_bytes()[:-60])
    with pytest.raises(ImageDecodeError, match=rf"{file}: the file is (damaged|cut short)"):
        thumbnail(folder, file)


@pytest.mark.parametrize("file", ["small.png", "large.png"])
def test_one_that_cannot_be_kept_is_the_disks_fault(folder, file):
    (folder / "thumbnails").rmdir()
    with pytest.raises(FileNotFoundError):
        thumbnail(folder, file)
