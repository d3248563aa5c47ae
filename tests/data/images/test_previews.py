"""Previews: large, kept, and made in another process where the image is large."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from core.data.images import previews
from core.data.images.decode import IMAGES
from core.data.images.thumbnails import THUMBNAILS
from core.errors import ImageDecodeError


def folder_with(tmp_path: Path, name: str, width: int, height: int) -> Path:
    (tmp_path / IMAGES).mkdir()
    (tmp_path / THUMBNAILS).mkdir()
    Image.fromarray(np.full((height, width, 3), (200, 60, 50), np.uint8)).save(tmp_path / IMAGES / name)
    return tmp_path


def size(picture: bytes) -> tuple[int, int]:
    return Image.open(io.BytesIO(picture)).size


def test_a_small_image_keeps_its_size(tmp_path):
    folder = folder_with(tmp_path, "a.png", 60, 40)
    assert size(previews.preview(folder, "a.png", 60 * 40)) == (60, 40)


def test_a_large_image_is_scaled_in_another_process_and_kept(tmp_path, monkeypatch):
    folder = folder_with(tmp_path, "a.png", 2400, 1200)
    monkeypatch.setattr(previews, "thumbnail", kept_only)  # in this process
    picture = previews.preview(folder, "a.png", 2400 * 1200)
    assert size(picture) == (1024, 512)
    (folder / IMAGES / "a.png").unlink()
    assert previews.preview(folder, "a.png", 2400 * 1200) == picture


def kept_only(folder, file, edge, max_pixels):
    return previews.thumbnail_path(folder, file, edge).read_bytes()


@pytest.mark.parametrize("pixels", [100, 3_000_000])
def test_what_cannot_be_read_is_an_error_with_words(tmp_path, pixels):
    folder = folder_with(tmp_path, "a.png", 10, 10)
    (folder / IMAGES / "a.png").write_bytes(b"this is no picture")
    with pytest.raises(ImageDecodeError, match="a.png"):
        previews.preview(folder, "a.png", pixels)


def test_more_pixels_than_the_limit_are_not_decoded(tmp_path):
    folder = folder_with(tmp_path, "a.png", 2000, 1500)
    with pytest.raises(ImageDecodeError, match="over the limit"):
        previews.preview(folder, "a.png", 2000 * 1500, max_pixels=1_000_000)
