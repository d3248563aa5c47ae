"""Every format of the table: read like the rest, wherever images are read, and held to the same limits."""

from __future__ import annotations

import base64
import builtins
import io
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pylibjxl
import pytest
from PIL import Image

from core.data.images import formats, reading
from core.data.images.decode import decode, decode_batch
from core.data.images.formats import FORMATS
from core.data.images.inspection import inspect
from core.data.library import ingest
from core.data.sources import names
from core.errors import ImageDecodeError
from core.store.limits import Limits
from core.store.workspace import Workspace

PROJECT = Path(__file__).resolve().parents[3]
TINY, TURNED = (base64.b64decode(text) for text in (
    "AAAAHGZ0eXBoZWljAAAAAG1pZjFoZWljbWlhZgAAAX1tZXRhAAAAAAAAACFoZGxyAAAAAAAAAABwaWN0AAAAAAAAAAAAAAAAAAAAACJpbG9j"
    "AAAAAERAAAEAAQAAAAABoQABAAAAAAAAAVgAAAAjaWluZgAAAAAAAQAAABVpbmZlAgAAAAABAABodmMxAAAAAA5waXRtAAAAAAABAAAA/Wlw"
    "cnAAAADdaXBjbwAAAHZodmNDAQNwAAAAkAAAAAAAHvAA/P34+AAADwNgAAEAGEABDAH//wNwAAADAJAAAAMAAAMAHroCQGEAAQAqQgEBA3AA"
    "AAMAkAAAAwAAAwAeoCCBBZbq5Ka5uAhoMCAAAAMDIAAAAwAhYgABAAZEAcFzwIkAAAATY29scm5jbHgAAQANAAaAAAAAFGlzcGUAAAAAAAAA"
    "QAAAAEAAAAAoY2xhcAAAAEAAAAABAAAAMAAAAAEAAAAAAAAAAv////AAAAACAAAAEHBpeGkAAAAAAwgICAAAABhpcG1hAAAAAAAAAAEAAQWB"
    "AgMFhAAAAWBtZGF0AAABVCgBrwT4cXXhe1tH/vNM9R6Br97+XAep/frfMXMDUR8FZiicqH/p2LP4r58+mj7W/2YXLzMq5om5KWWuwHXLoLfk"
    "OBp7ii2msnqYqPLbYUbJYom4TxpU8Lv/AW/r5l1WJhqD9FbRV2gm8P36VPUHQ9DYLQPUSu6pN83pIidPAWOB49FU+r8xtBdhrzjUrPHLOw6Y"
    "N62cRrF8h6qzJEr8MDAqBVvnvn3uq7hnM86TdfBTi7RGM7FugPGIPBp3vFuvGfYmeM//mR7tONqXSKPP8KtofuPW8byiBwQU9Ra6BGr2cf2r"
    "VwjqvMYbBalBCo3tcpodxzDixuvSIOcjitAMOvMWF178laKH3A1IJn97Z4x7iwEokPwnBJYZ/O/nl3FDckYNkEEkeVdgOtmRZUG2BEiTu0HV"
    "DOqsI80MdKhnCbh9tMSZy2YNOSGyMi7pcTYYRCYi/MA=",
    "AAAAHGZ0eXBoZWljAAAAAG1pZjFoZWljbWlhZgAAAYdtZXRhAAAAAAAAACFoZGxyAAAAAAAAAABwaWN0AAAAAAAAAAAAAAAAAAAAACJpbG9j"
    "AAAAAERAAAEAAQAAAAABqwABAAAAAAAAAUYAAAAjaWluZgAAAAAAAQAAABVpbmZlAgAAAAABAABodmMxAAAAAA5waXRtAAAAAAABAAABB2lw"
    "cnAAAADmaXBjbwAAAHZodmNDAQNwAAAAkAAAAAAAHvAA/P34+AAADwNgAAEAGEABDAH//wNwAAADAJAAAAMAAAMAHroCQGEAAQAqQgEBA3AA"
    "AAMAkAAAAwAAAwAeoCCBBZbq5Ka5uAhoMCAAAAMDIAAAAwAhYgABAAZEAcFzwIkAAAATY29scm5jbHgAAQANAAaAAAAAFGlzcGUAAAAAAAAA"
    "QAAAAEAAAAAoY2xhcAAAADAAAAABAAAAQAAAAAH////wAAAAAgAAAAAAAAACAAAAEHBpeGkAAAAAAwgICAAAAAlpcm90AQAAABlpcG1hAAAA"
    "AAAAAAEAAQaBAgMFhIYAAAFObWRhdAAAAUIoAa8E+HF5CfljUWpPHmgYIMa9VWmqQ2d6rmpmO+ZMM9QOmP6diG/QvDP2//RTgSQ/aTrYu4ro"
    "w3S1leFp0mqUvgRyfaLJuo6Ppbx7c5UDbYZYUW7mOSEG+xDsdF4owfXvcNfsn4p2NZgiC6qdbEGFzQfoJBvB+3bZ56Cp7lI47oz99Qm/N7QI"
    "4IqK0nABnNv6nfPxzxG6oK0UeSAbY4Mi3If1ZJJpegK7DAn6rlhYag5bXMxTyjoEwbOlj3+d5fWo4MAvpn/WPkddHB/jCWPLhVXvRI9j2cnn"
    "O3ezs3c+jNX9stPzC8XQ3RGY63WfDcFRwqWxnLF/P83fPhUgp5DbeQJ9yB9LNuUFKKlfWkvkPaU5ICRuO3AVesrmsxtux4JQOWbEvAHM8t4g"
    "zI20Frsi05aXTmD/D/KSGSZ+aE57Gzt0"))
"""A HEIC of `gradient()`, quality 80, and the same stored on its side with the box that turns it upright; libheif's
decoder alone is here, so they were written elsewhere."""


def gradient() -> np.ndarray:
    """uint8 [48, 64, 3]."""
    y, x = np.mgrid[0:48, 0:64]
    return np.stack([x * 4, y * 5, (x + y) * 2], -1).astype(np.uint8)


def encoded(name: str, pixels: np.ndarray, **options: object) -> bytes:
    if name == "HEIF":
        assert np.array_equal(pixels, gradient())
        return TINY
    if name == "JXL":
        return bytes(pylibjxl.encode(pixels, lossless=True))
    buffer, given = io.BytesIO(), dict(options)
    if name in ("WEBP",):
        given |= {"lossless": True}
    if name in ("AVIF", "JPEG"):
        given |= {"quality": 95, "subsampling": "4:4:4"}
    Image.fromarray(pixels).save(buffer, name, **given)
    return buffer.getvalue()


TOLERANCE = {"JPEG": 12, "AVIF": 12, "GIF": 60, "HEIF": 40}


@pytest.mark.parametrize("name", FORMATS)
def test_every_row_gives_the_picture_and_is_told_by_its_first_bytes(name, tmp_path):
    data = encoded(name, gradient())
    assert formats.sniff(data[:formats.HEAD]) == name
    for source in (data, io.BytesIO(data)):
        pixels = decode(source)
        assert pixels.shape == (48, 64, 3) and pixels.dtype == np.uint8
        assert np.abs(pixels.astype(int) - gradient()).max() <= TOLERANCE.get(name, 0)
    (tmp_path / "any.name").write_bytes(data)
    assert np.array_equal(decode(tmp_path / "any.name"), decode(data))
    squares = decode_batch([tmp_path / "any.name"] * 3, 16)
    assert all(np.array_equal(square, decode(data, 16)) for square in squares)
    found = inspect(tmp_path / "any.name")
    assert (found.width, found.height, found.reason) == (64, 48, "")


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize("part", [0.3, 0.6, 0.95])
@pytest.mark.filterwarnings("ignore")
def test_a_file_that_is_cut_short_is_bad(name, part, tmp_path):
    noise = np.random.default_rng(0).integers(0, 256, (120, 160, 3), np.uint8)
    data = TINY if name == "HEIF" else encoded(name, noise)
    (tmp_path / "cut").write_bytes(data[:int(len(data) * part)])
    assert inspect(tmp_path / "cut").reason
    with pytest.raises(ImageDecodeError):
        decode(tmp_path / "cut")


@pytest.mark.parametrize("name", [name for name in FORMATS if name != "HEIF"])
def test_the_pixel_limit_holds_before_pixels_are_decoded(name):
    with pytest.raises(ImageDecodeError, match="over the limit"):
        decode(encoded(name, gradient()), max_pixels=1000)


@pytest.mark.parametrize("name", [name for name, row in FORMATS.items() if row.pixel_bytes])
def test_formats_that_cost_more_a_pixel_may_have_fewer(name):
    most = formats.most_pixels(name, 3, 10**9)
    assert most * FORMATS[name].pixel_bytes(3) <= formats.DECODE_BYTES
    assert most > 12_000_000  # photos of a phone are let through
    assert formats.most_pixels(name, 3, 1000) == 1000 and formats.most_pixels("PNG", 3, 10**9) == 10**9


def test_an_image_over_the_limit_of_its_format_says_so(monkeypatch):
    monkeypatch.setattr(formats, "DECODE_BYTES", 20_000)
    with pytest.raises(ImageDecodeError, match=r"over the limit of 0 million for JPEG XL images"):
        decode(encoded("JXL", gradient()))
    assert decode(encoded("PNG", gradient())).shape == (48, 64, 3)


def test_a_huge_file_in_a_format_that_is_read_whole_is_refused_unread(tmp_path):
    path = tmp_path / "huge.jxl"
    path.write_bytes(encoded("JXL", gradient()))
    with open(path, "r+b") as file:
        file.truncate(formats.WHOLE_FILE_BYTES + 1)
    with pytest.raises(ImageDecodeError, match="JPEG XL image of more than 128 MB"):
        decode(path)


MEASURE = """
import sys
from core.data.images import inspection
def peak():
    return int([line for line in open("/proc/self/status") if line.startswith("VmHWM")][0].split()[1]) * 1024
before = peak()
result = inspection.inspect(__import__("pathlib").Path(sys.argv[1]))
print(peak() - before, result.width, result.reason)
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")
@pytest.mark.parametrize(("name", "size"), [("JPEG2000", (4200, 4000)), ("AVIF", (6000, 4000)), ("JXL", (6000, 4000))])
def test_decoding_takes_at_most_what_its_row_says(name, size, tmp_path):
    small = Image.fromarray(np.random.default_rng(0).integers(0, 256, (30, 40, 3), np.uint8))
    large = np.asarray(small.resize(size, Image.Resampling.BILINEAR))
    options = {"speed": 10} if name == "AVIF" else {}
    data = bytes(pylibjxl.encode(large, effort=1)) if name == "JXL" else encoded(name, large, **options)
    (tmp_path / "large").write_bytes(data)
    done = subprocess.run([sys.executable, "-c", MEASURE, str(tmp_path / "large")], cwd=PROJECT, text=True,
                          capture_output=True, check=True)
    taken, width = map(int, done.stdout.split()[:2])
    assert width == size[0], done.stdout
    assert taken < FORMATS[name].pixel_bytes(3) * size[0] * size[1] + 60 * 2**20 < 480 * 2**20


def test_a_heic_is_upright_once():
    turned = decode(TURNED)
    assert turned.shape == (48, 64, 3)
    assert np.abs(turned.astype(int) - gradient()).max() <= TOLERANCE["HEIF"]


def test_sixteen_bit_and_transparent_pictures_in_the_new_formats():
    deep = (np.arange(48 * 64).reshape(48, 64) * 20).astype(np.uint16)
    wanted = np.round((deep - deep.min()) / (deep.max() - deep.min()) * 255)
    for name in ("PPM", "JPEG2000"):
        buffer = io.BytesIO()
        Image.fromarray(deep).save(buffer, name)
        assert np.abs(decode(buffer.getvalue())[..., 0] - wanted).max() <= 1
    clear = np.zeros((48, 64, 4), np.uint8)
    for data in (encoded("JPEG2000", clear), bytes(pylibjxl.encode(clear, lossless=True)), encoded("AVIF", clear)):
        assert decode(data).min() >= 250  # over white


@pytest.mark.parametrize("text", [b"P1\n3 2\n1 0 1\n0 1 0\n", b"P4\n3 2\n\xa0\x40"])
def test_a_bitmap_is_black_where_it_says_one(text):
    assert decode(text)[..., 0].tolist() == [[0, 255, 0], [255, 0, 255]]


def test_plain_text_pixels_are_read():
    assert decode(b"P3\n# by hand\n2 1\n255\n255 0 0  0 0 255\n").tolist() == [[[255, 0, 0], [0, 0, 255]]]
    assert decode(b"P2 2 1 255 0 255")[..., 1].tolist() == [[0, 255]]


def test_of_a_moving_avif_the_first_frame_is_taken():
    frames, buffer = [Image.new("RGB", (32, 32), colour) for colour in ("red", "blue")], io.BytesIO()
    frames[0].save(buffer, "AVIF", save_all=True, append_images=frames[1:], quality=95)
    red, _, blue = decode(buffer.getvalue())[16, 16].tolist()
    assert red > 240 and blue < 15


def raw(kind: str) -> bytes:
    """The beginning of a camera's file."""
    if kind == "cr2":
        return b"II*\0\x10\0\0\0CR\x02\0" + bytes(400)
    if kind == "cr3":
        return b"\0\0\0\x18ftypcrx \0\0\0\x01" + bytes(400)
    if kind == "raf":
        return b"FUJIFILMCCD-RAW 0201" + bytes(400)
    buffer = io.BytesIO()
    Image.fromarray(gradient()).save(buffer, "TIFF", tiffinfo={0x00FE: 1, 0xC612: b"\1\4\0\0"})
    return buffer.getvalue()


@pytest.mark.parametrize("kind", ["cr2", "cr3", "raf", "dng"])
def test_a_camera_raw_is_a_bad_image_and_its_preview_is_not_taken_for_it(kind, workspace, pets, make_zip):
    dataset = ingest(make_zip({**pets, f"cats/photo.{kind}": raw(kind)}), workspace)
    (bad,) = dataset.manifest[dataset.manifest["status"] == "bad"].itertuples()
    assert bad.path == f"cats/photo.{kind}" and "camera raw" in bad.reason


def test_a_dataset_of_all_formats(workspace, make_zip, tmp_path):
    members = {f"{label}/{name}{row.extension}": encoded(name, gradient())
               for label in ("a", "b") for name, row in FORMATS.items()}
    dataset = ingest(make_zip(members), workspace)
    assert dataset.bad == 0 and dataset.images == len(members)
    table = dataset.usable()
    assert set(table["width"]) == {64} and set(table["height"]) == {48}
    assert {Path(file).suffix for file in table["file"]} == {row.extension for row in FORMATS.values()}
    for file in table["file"]:
        assert dataset.thumbnail(file).startswith(b"\xff\xd8")
    heavy = [file for file in table["file"] if any(file.endswith(row.extension) for row in FORMATS.values()
                                                  if row.pixel_bytes)]
    for file in heavy:  # made by the checking process: the page server's own decoders are spared
        dataset.image_path(file).unlink()
        assert dataset.thumbnail(file).startswith(b"\xff\xd8")


def test_what_is_no_better_than_its_name_is_a_bad_image(workspace, pets, make_zip):
    broken = {f"cats/x{suffix}": b"\0" * 40 for suffix in (".heic", ".jxl", ".ppm", ".nef")}
    dataset = ingest(make_zip({**pets, **broken}), workspace, accept_bad=True)
    assert dataset.bad == len(broken)


def test_names_of_the_table_are_those_that_prediction_and_reading_look_for():
    for row in FORMATS.values():
        assert row.extension in names.IMAGE_SUFFIXES and set(row.suffixes.split()) <= names.IMAGE_SUFFIXES


def test_a_missing_package_is_named(monkeypatch):
    real = builtins.__import__

    def without(name, *rest, **more):
        if name == "pylibjxl":
            raise ImportError(name)
        return real(name, *rest, **more)

    data = encoded("JXL", gradient())
    monkeypatch.setattr(builtins, "__import__", without)
    monkeypatch.delitem(sys.modules, "core.data.images.jpeg_xl", raising=False)
    with pytest.raises(ImageDecodeError, match="JPEG XL images needs the package pylibjxl"):
        decode(data)


def test_predicting_reads_the_archive_members_of_every_format(tmp_path):
    from core.data.sources.pictures import collect

    with zipfile.ZipFile(tmp_path / "all.zip", "w") as archive:
        for name, row in FORMATS.items():
            archive.writestr(f"photo{row.extension}", encoded(name, gradient()))
    (tmp_path / "scratch").mkdir()
    found = collect([tmp_path / "all.zip"], tmp_path / "scratch", Limits())
    assert len(found) == len(FORMATS) and all(decode(picture.path).shape == (48, 64, 3) for picture in found)


def test_a_demo_holds_its_own_limit_in_the_new_formats(tmp_path, pets, make_zip):
    small = Workspace(tmp_path / "small", Limits(image_pixels=1000))
    dataset = ingest(make_zip({**pets, "cats/large.jxl": encoded("JXL", gradient())}), small)
    (bad,) = dataset.manifest[dataset.manifest["status"] == "bad"].itertuples()
    assert "over the limit" in bad.reason
    assert reading.MAX_PIXELS > 1000
