import io
import struct
import subprocess
import sys
import threading
import tracemalloc
import zlib

import numpy as np
import pytest
from PIL import Image

from core.data.images import decode as images
from core.data.images import upright
from core.data.images.inspection import inspect
from core.data.images.thumbnails import thumbnail
from core.errors import ImageDecodeError


def gradient(width=40, height=30):
    """Smooth and different in every corner, so that turning and lossy formats can be told apart."""
    y, x = np.mgrid[0:height, 0:width]
    return np.stack([255 * x / (width - 1), 255 * y / (height - 1), 120 + 0 * x], -1).round().astype(np.uint8)


def encoded(image, format, **options):
    buffer = io.BytesIO()
    (Image.fromarray(image) if isinstance(image, np.ndarray) else image).save(buffer, format, **options)
    return buffer.getvalue()


def png_header(width, height):
    """A PNG that declares a size and has next to no data."""

    def chunk(kind, body):
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(bytes(100))) + chunk(b"IEND", b"")
    )


# --- formats and modes ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("format", "options", "tolerance"),
    [
        ("PNG", {}, 0),
        ("BMP", {}, 0),
        ("TIFF", {}, 0),
        ("TIFF", {"compression": "tiff_lzw"}, 0),
        ("WEBP", {"lossless": True}, 0),
        ("WEBP", {"quality": 95}, 12),
        ("JPEG", {"quality": 95}, 12),
        ("JPEG", {"quality": 95, "progressive": True}, 12),
        ("GIF", {}, 40),
    ],
)
def test_every_format_gives_the_same_picture(format, options, tolerance):
    result = images.decode(encoded(gradient(), format, **options))
    assert result.dtype == np.uint8 and result.shape == (30, 40, 3)
    assert np.abs(result.astype(int) - gradient()).max() <= tolerance


def test_path_bytes_and_file_are_read_alike(tmp_path):
    data = encoded(gradient(), "PNG")
    (tmp_path / "a.png").write_bytes(data)
    for source in (tmp_path / "a.png", data, io.BytesIO(data)):
        assert np.array_equal(images.decode(source), gradient())
    images.decode(data)[0, 0, 0] = 7  # may be written to


def test_the_name_does_not_decide_the_format(tmp_path):
    (tmp_path / "a.jpg").write_bytes(encoded(gradient(), "PNG"))
    assert np.array_equal(images.decode(tmp_path / "a.jpg"), gradient())


def test_formats_beyond_the_list_are_refused(tmp_path):
    for format in ("ICO", "TGA", "EPS", "PDF"):
        with pytest.raises(ImageDecodeError):
            images.decode(encoded(gradient(), format))


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("format", ["PNG", "JPEG", "TIFF", "WEBP"])
@pytest.mark.parametrize("resize", ["crop", "pad", "squash"])
def test_exif_orientation_gives_one_upright_picture(orientation, format, resize):
    undo = {
        2: "FLIP_LEFT_RIGHT",
        3: "ROTATE_180",
        4: "FLIP_TOP_BOTTOM",
        5: "TRANSPOSE",
        6: "ROTATE_90",
        7: "TRANSVERSE",
        8: "ROTATE_270",
    }
    upright = Image.fromarray(gradient(64, 48))
    stored = upright.transpose(Image.Transpose[undo[orientation]]) if orientation in undo else upright
    exif = Image.Exif()
    exif[0x0112] = orientation
    options = {"quality": 100, "subsampling": 0} if format == "JPEG" else {"lossless": True} if format == "WEBP" else {}
    data = encoded(stored, format, exif=exif, **options)
    tolerance = 6 if format == "JPEG" else 0
    assert np.abs(images.decode(data).astype(int) - np.asarray(upright)).max() <= tolerance
    squares = [images.decode(source, 32, resize).astype(int) for source in (data, encoded(upright, "PNG"))]
    assert np.abs(squares[0] - squares[1]).max() <= tolerance


def test_an_orientation_in_a_drafted_jpeg(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6
    for width, height, small in ((1800, 1200, (160, 107)), (1200, 800, None), (5, 3, None)):
        lying = Image.fromarray(gradient(width, height)).transpose(Image.Transpose.ROTATE_90)
        lying.save(tmp_path / "a.jpg", exif=exif)
        found = inspect(tmp_path / "a.jpg")
        assert (found.width, found.height, found.reason) == (width, height, "")
        assert (Image.open(io.BytesIO(found.thumbnail)).size if small else found.thumbnail) == small


@pytest.mark.filterwarnings("ignore")
def test_broken_exif_does_not_lose_the_photo():
    data = encoded(gradient(), "JPEG", exif=b"Exif\0\0MM\0*\0\0\0\x08\xff\xff" + b"\xff" * 40)
    assert images.decode(data).shape == (30, 40, 3)


def test_transparency_is_shown_on_white():
    rgba = np.dstack([gradient(), np.zeros((30, 40), np.uint8)])
    rgba[:, :20, 3] = 255
    for source in (encoded(rgba, "PNG"), encoded(rgba, "WEBP", lossless=True), encoded(rgba, "TIFF")):
        result = images.decode(source)
        assert np.array_equal(result[:, :20], gradient()[:, :20]) and (result[:, 20:] == 255).all()


def test_grey_with_alpha_palette_with_transparency_and_bilevel():
    grey = Image.new("LA", (4, 4), (10, 0))
    grey.putpixel((0, 0), (10, 255))
    assert images.decode(encoded(grey, "PNG"))[0, :2].tolist() == [[10] * 3, [255] * 3]
    palette = Image.new("P", (4, 4), 1)
    palette.putpalette([0, 0, 0, 200, 0, 0])
    palette.putpixel((0, 0), 0)
    for format in ("PNG", "GIF"):
        assert images.decode(encoded(palette, format, transparency=0))[0, :2].tolist() == [[255] * 3, [200, 0, 0]]
    assert images.decode(encoded(Image.new("1", (4, 4), 1), "PNG")).min() == 255


def test_cmyk_is_converted():
    cmyk = Image.new("CMYK", (16, 16), (0, 255, 255, 0))  # magenta and yellow ink: red
    for format, options in (("JPEG", {"quality": 95}), ("TIFF", {})):
        red, green, blue = images.decode(encoded(cmyk, format, **options))[8, 8]
        assert red > 200 and green < 60 and blue < 60


@pytest.mark.parametrize("dtype", [np.uint16, np.int32, np.float32])
@pytest.mark.parametrize("top", [4095, 65535])
def test_wide_values_are_scaled_by_their_own_range(dtype, top):
    ramp = np.linspace(0, top, 64).astype(dtype).reshape(8, 8)
    result = images.decode(encoded(ramp, "TIFF"))
    assert result[0, 0].tolist() == [0] * 3 and result[-1, -1].tolist() == [255] * 3
    assert np.abs(result[..., 0].ravel().astype(float) - np.linspace(0, 255, 64)).max() <= 1.5


def test_sixteen_bit_png_and_even_and_infinite_values():
    ramp = np.linspace(0, 65535, 64).astype(np.uint16).reshape(8, 8)
    assert images.decode(encoded(ramp, "PNG"))[4, 4, 0] == pytest.approx(146, abs=2)
    assert (images.decode(encoded(np.full((8, 8), 7, np.uint16), "PNG")) == 128).all()
    holes = np.array([[np.nan, 0.0], [np.inf, 1.0]], np.float32)
    assert images.decode(encoded(holes, "TIFF"))[..., 0].tolist() == [[0, 0], [0, 255]]


@pytest.mark.parametrize("format", ["GIF", "WEBP", "PNG"])
def test_of_an_animation_the_first_frame_is_taken(format):
    frames = [Image.new("RGB", (16, 16), colour) for colour in ("red", "lime", "blue")]
    data = encoded(
        frames[0],
        format,
        save_all=True,
        append_images=frames[1:],
        duration=50,
        **({"lossless": True} if format == "WEBP" else {}),
    )
    assert images.decode(data)[8, 8].tolist() == [255, 0, 0]


# --- bad files --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "empty"),
        (b"%PDF-1.7 whatever" * 10, "PDF"),
        (b"\x89HDF\r\n\x1a\n" + bytes(200), "HDF5"),
        (b"hello world" * 9, "not a JPEG"),
        (b"PK\x03\x04" + bytes(100), "zip"),
        (b"<svg xmlns='x'/>", "SVG"),
        (b"\0\0\0\x18ftypheic" + bytes(50), "HEIC"),
        (b"\xff\xd8\xff\xe0" + bytes(20), "damaged"),
    ],
)
def test_what_is_not_an_image_says_what_it_is(tmp_path, data, reason):
    path = tmp_path / "photo.jpg"
    path.write_bytes(data)
    with pytest.raises(ImageDecodeError, match=reason) as caught:
        images.decode(path)
    assert caught.value.message.startswith("photo.jpg: ")
    assert reason in inspect(path).reason
    with pytest.raises(ImageDecodeError, match=reason):
        images.decode(data)


@pytest.mark.parametrize(
    ("format", "options"),
    [
        ("JPEG", {}),
        ("JPEG", {"progressive": True}),
        ("PNG", {}),
        ("GIF", {}),
        ("BMP", {}),
        ("TIFF", {}),
        ("TIFF", {"compression": "tiff_lzw"}),
        ("WEBP", {}),
    ],
)
@pytest.mark.parametrize("part", [0.2, 0.5, 0.9])
@pytest.mark.filterwarnings("ignore")
def test_a_truncated_file_is_bad_also_when_drafted(tmp_path, format, options, part):
    noise = np.random.default_rng(0).integers(0, 256, (300, 400, 3), np.uint8)
    data = encoded(noise, format, **options)
    (tmp_path / "a").write_bytes(data[: int(len(data) * part)])
    assert inspect(tmp_path / "a").reason
    for size in (None, 64):
        with pytest.raises(ImageDecodeError):
            images.decode(tmp_path / "a", size)


@pytest.mark.filterwarnings("ignore")
def test_fuzzed_files_raise_nothing_else(picture, tmp_path):
    import random

    dice = random.Random(3)
    for format in ("JPEG", "PNG", "GIF", "BMP", "TIFF", "WEBP"):
        data = picture(1, (24, 24), format)
        for _ in range(60):
            broken = bytearray(data)
            for _ in range(dice.randint(1, 8)):
                broken[dice.randrange(min(len(broken), 200))] = dice.randrange(256)
            try:
                assert images.decode(bytes(broken), 16, max_pixels=10**6).shape == (16, 16, 3)
            except ImageDecodeError as error:
                assert error.message


def test_over_the_pixel_limit():
    data = encoded(gradient(100, 100), "PNG")
    assert images.decode(data, max_pixels=10_000).shape == (100, 100, 3)
    with pytest.raises(ImageDecodeError, match="over the limit"):
        images.decode(data, max_pixels=9_999)


BOMBS = """
import io, resource, struct, sys
from core.data.images import decode as images
from core.errors import ImageDecodeError
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
for path in sys.argv[1:]:
    try:
        images.decode(open(path, "rb").read(), 64)
        print("decoded", path)
    except ImageDecodeError as error:
        pass
print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) // 1024)
"""


def test_bombs_are_refused_under_100_mb_of_memory(tmp_path):
    webp = encoded(Image.new("RGBA", (16, 16), (0, 0, 0, 0)), "WEBP", lossless=True, exif=b"Exif\0\0x")
    at = webp.find(b"VP8X") + 12
    bombs = {
        "a.png": png_header(60_000, 60_000),
        "b.png": png_header(20_000, 20_000),
        "c.gif": b"GIF89a"
        + struct.pack("<HH", 65535, 65535)
        + b"\x80\0\0"
        + bytes(6)
        + b",\0\0\0\0\x01\0\x01\0\0\x02\x02D\x01\0;",
        "d.bmp": encoded(gradient(), "BMP")[:18] + struct.pack("<ii", 50_000, 50_000) + encoded(gradient(), "BMP")[26:],
        "e.webp": webp[:at] + (16_382).to_bytes(3, "little") * 2 + webp[at + 6 :],
    }
    for name, data in bombs.items():
        (tmp_path / name).write_bytes(data)
        assert inspect(tmp_path / name).reason
    done = subprocess.run(
        [sys.executable, "-c", BOMBS, *[str(tmp_path / name) for name in bombs]],
        capture_output=True,
        text=True,
        check=True,
    )
    assert "decoded" not in done.stdout and int(done.stdout) < 100


# --- squares ----------------------------------------------------------------------------------------------------------


def test_crop_takes_the_middle_pad_adds_white_squash_keeps_all():
    wide = np.zeros((20, 60, 3), np.uint8)
    wide[:, 20:40] = (0, 200, 0)
    data = encoded(wide, "PNG")
    assert (images.decode(data, 20, "crop") == (0, 200, 0)).all()
    padded = images.decode(data, 60, "pad")
    assert (padded[:20] == 255).all() and (padded[40:] == 255).all() and np.array_equal(padded[20:40], wide)
    squashed = images.decode(data, 30, "squash")
    assert (squashed[:, :8] == 0).all() and (squashed[:, 13:17] == (0, 200, 0)).all()


@pytest.mark.parametrize("shape", [(1, 300), (300, 1), (1, 1), (3, 5)])
@pytest.mark.parametrize("resize", ["crop", "pad", "squash"])
def test_odd_shapes(shape, resize):
    pixels = np.full((*shape, 3), 90, np.uint8)
    assert images.decode(encoded(pixels, "PNG"), 16, resize).shape == (16, 16, 3)


def test_shrinking_does_not_alias():
    stripes = np.zeros((512, 512, 3), np.uint8)
    stripes[:, ::2] = 255
    assert np.abs(images.decode(encoded(stripes, "PNG"), 64).astype(int) - 128).max() < 6


def test_a_drafted_jpeg_looks_like_the_whole_one():
    rng = np.random.default_rng(0)
    smooth = Image.fromarray(rng.integers(0, 256, (12, 16, 3), np.uint8)).resize((1600, 1200), Image.Resampling.BICUBIC)
    drafted = images.decode(encoded(smooth, "JPEG", quality=95), 96).astype(int)
    whole = images.decode(encoded(smooth, "PNG"), 96).astype(int)
    assert np.abs(drafted - whole).mean() < 2 and np.abs(drafted - whole).max() < 16


# --- many at once -----------------------------------------------------------------------------------------------------


@pytest.fixture
def files(tmp_path):
    paths = []
    for index in range(150):
        paths.append(tmp_path / f"{index}.png")
        Image.new("RGB", (20, 20), (index, 0, 0)).save(paths[-1])
    return paths


def test_decode_batch_equals_decode_one_by_one(files):
    batch = images.decode_batch(files, 8)
    assert batch.shape == (150, 8, 8, 3) and batch.dtype == np.uint8
    assert all(np.array_equal(batch[index], images.decode(path, 8)) for index, path in enumerate(files))
    out = np.zeros((150, 8, 8, 3), np.uint8)
    assert images.decode_batch(files, 8, "crop", threads=3, out=out) is out and np.array_equal(out, batch)
    assert images.decode_batch([], 8).shape == (0, 8, 8, 3)


def test_a_bad_file_among_many_is_named(files):
    files[70].write_bytes(b"no")
    with pytest.raises(ImageDecodeError, match=r"70\.png"):
        images.decode_batch(files, 8)


def test_threads_do_not_disturb_each_other(files):
    expected, results = images.decode_batch(files, 16), []
    threads = [threading.Thread(target=lambda: results.append(images.decode_batch(files, 16))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(results) == 4 and all(np.array_equal(result, expected) for result in results)


@pytest.mark.parametrize(("edge", "size"), [(160, (160, 80)), (40, (40, 20))])
def test_a_thumbnail_is_a_small_jpeg_and_made_once(tmp_path, edge, size):
    for folder in ("images", "thumbnails"):
        (tmp_path / folder).mkdir()
    Image.fromarray(gradient(800, 400)).save(tmp_path / "images" / "000001.png")
    made = thumbnail(tmp_path, "000001.png", edge)
    with Image.open(io.BytesIO(made)) as small:
        assert small.format == "JPEG" and small.size == size
    (tmp_path / "images" / "000001.png").unlink()
    assert thumbnail(tmp_path, "000001.png", edge) == made
    with pytest.raises(ImageDecodeError, match="there is no file"):
        thumbnail(tmp_path, "000002.png", edge)


@pytest.mark.parametrize("mode", ["I;16", "F", "I"])
def test_deep_images_are_scaled_alike_in_strips(mode, monkeypatch):
    values = np.random.default_rng(0).integers(0, 5000, (300, 70)).astype({"I;16": "u2", "F": "f4", "I": "i4"}[mode])
    if mode == "F":
        values[7, 3] = np.nan
    wanted = (np.where(np.isfinite(values), values, np.nanmin(values)).astype(float) - np.nanmin(values))
    wanted = np.round(wanted / (np.nanmax(values) - np.nanmin(values)) * 255).astype(np.uint8)
    picture = Image.fromarray(values)
    assert picture.mode == mode
    monkeypatch.setattr(upright, "STRIP_PIXELS", 1000)
    assert np.array_equal(upright.Upright(picture).pixels()[..., 0], wanted)


def test_a_large_deep_image_takes_little_more_than_itself():
    picture = Image.new("I;16", (6000, 5000), 7)
    tracemalloc.start()
    upright._scaled(picture, *upright._value_range(picture))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 3 * 6000 * 5000  # float64 temporaries of the whole would be eight bytes a pixel and more, each


MODES = {
    "RGB": {}, "RGBA": {}, "L": {}, "LA": {}, "P": {}, "1": {}, "I;16": {}, "F": {"format": "TIFF"},
    "CMYK": {"format": "TIFF"}, "JPEG": {"format": "JPEG"},
}


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("mode", MODES)
def test_strips_give_the_very_pixels_of_the_whole(orientation, mode, monkeypatch, tmp_path):
    """A large image is never copied as a whole; nobody is to see that."""
    rng = np.random.default_rng(orientation)
    rgb = Image.fromarray(rng.integers(0, 256, (203, 150, 3), np.uint8))
    if mode in ("RGBA", "LA"):
        rgb.putalpha(Image.fromarray(rng.integers(0, 256, (203, 150), np.uint8)))
    deep = np.asarray(rgb.convert("L"))
    picture = {"I;16": lambda: Image.fromarray(deep.astype("u2") * 9), "JPEG": lambda: rgb,
               "F": lambda: Image.fromarray(deep / np.float32(7))}.get(mode, lambda: rgb.convert(mode))()
    exif = Image.Exif()
    exif[0x0112] = orientation
    data = encoded(picture, MODES[mode].get("format", "PNG"), exif=exif)

    def results():
        sizes = ((None, "crop"), (20, "crop"), (33, "pad"), (16, "squash"))
        return [images.decode(data, size, resize) for size, resize in sizes]

    whole = results()
    monkeypatch.setattr(upright, "STRIP_PIXELS", 997)
    monkeypatch.setattr(upright, "_WHOLE_PIXELS", 5_000)
    assert all(np.array_equal(one, other) for one, other in zip(whole, results(), strict=True))
