import threading

import pytest

from core.data.dataset import Dataset
from core.data.library import ingest
from core.errors import DatasetShapeError, EmptyClassError, TooManyBadFilesError
from core.store.limits import Limits
from core.store.workspace import Workspace


def bad_rows(dataset):
    table = dataset.manifest[dataset.manifest["status"] == "bad"]
    return dict(zip(table["path"], table["reason"], strict=True))


def test_the_manifest_of_a_good_archive(workspace, pets, make_zip):
    table = ingest(make_zip(pets), workspace).manifest
    assert list(table.columns) == [
        "path",
        "class",
        "split",
        "group",
        "width",
        "height",
        "bytes",
        "hash",
        "status",
        "reason",
        "file",
    ]
    assert set(table["path"]) == set(pets) and set(table["class"]) == {"cats", "dogs"}
    assert (table["width"] == 8).all() and (table["height"] == 6).all() and (table["status"] == "ok").all()
    assert (table["split"] == "").all() and table["hash"].nunique() == len(pets)


def test_the_stored_files_are_the_members(workspace, pets, make_zip):
    dataset = ingest(make_zip(pets), workspace)
    for row in dataset.usable().itertuples():
        assert dataset.image_path(row.file).read_bytes() == pets[row.path]


def test_bad_images_among_good_ones_are_rows_with_a_reason(workspace, pets, make_zip, picture):
    good = picture(5, (300, 200), "JPEG")
    members = {
        **pets,
        **{f"cats/more{index}.png": picture(100 + index) for index in range(16)},
        "cats/empty.jpg": b"",
        "cats/doc.jpg": b"%PDF-1.4 " + bytes(100),
        "dogs/model.jpg": b"\x89HDF\r\n\x1a\n" + bytes(99),
        "dogs/cut.jpg": good[: len(good) // 2],
        "dogs/really_png.jpg": picture(77),
    }
    dataset = ingest(make_zip(members), workspace)
    reasons = bad_rows(dataset)
    assert set(reasons) == {"cats/empty.jpg", "cats/doc.jpg", "dogs/model.jpg", "dogs/cut.jpg"}
    assert (
        "empty" in reasons["cats/empty.jpg"]
        and "PDF" in reasons["cats/doc.jpg"]
        and "HDF5" in reasons["dogs/model.jpg"]
    )
    assert "cut short" in reasons["dogs/cut.jpg"]
    assert dataset.bad == 4 and dataset.images == len(members) - 4
    assert len(list((dataset.path / "images").iterdir())) == dataset.images
    assert dataset.manifest.set_index("path").loc["dogs/really_png.jpg", "file"].endswith(".png")


def test_over_the_pixel_limit_is_a_bad_row(tmp_path, pets, make_zip, picture):
    small = Workspace(tmp_path / "small", Limits(image_pixels=1000))
    dataset = ingest(make_zip({**pets, "cats/large.png": picture(1, (40, 40))}), small)
    assert "over the limit" in bad_rows(dataset)["cats/large.png"]


def test_too_many_bad_files_asks_and_goes_on_when_told_to(workspace, leftovers, pets, make_zip):
    source = make_zip({**pets, **{f"dogs/bad{index}.jpg": b"no" for index in range(3)}})
    with pytest.raises(TooManyBadFilesError, match="3 of 11") as caught:
        ingest(source, workspace)
    assert "dogs/bad0.jpg" in caught.value.message and "without them" in caught.value.hint
    assert leftovers(workspace) == []
    dataset = ingest(source, workspace, accept_bad=True)
    assert (dataset.images, dataset.bad) == (8, 3)


def test_a_fifth_of_bad_files_is_still_accepted(workspace, pets, make_zip):
    assert ingest(make_zip({**pets, "dogs/bad1.jpg": b"no", "dogs/bad2.jpg": b"no"}), workspace).bad == 2


@pytest.mark.parametrize(
    ("change", "match"),
    [
        ("flat", "no folders"),
        ("one class", "only one class"),
        ("no image", "no image in it. Left out, not an image|no image in it.*labels.csv"),
        ("bad class", "'birds' has no readable image"),
        ("all bad", "None of the 8"),
    ],
)
def test_guidance_leaves_nothing_half_made(workspace, leftovers, pets, make_zip, change, match):
    members = {
        "flat": {f"{index}.png": data for index, data in enumerate(pets.values())},
        "one class": {name: data for name, data in pets.items() if name.startswith("cats")},
        "no image": {"cats/readme.txt": b"hello", "dogs/labels.csv": b"a,b"},
        "bad class": {**pets, "birds/1.jpg": b"no"},
        "all bad": {name: b"no" for name in pets},
    }[change]
    with pytest.raises(DatasetShapeError, match=match) as caught:
        ingest(make_zip(members), workspace)
    assert caught.value.hint
    assert leftovers(workspace) == []


def test_other_files_are_left_out_and_named(workspace, pets, make_zip):
    dataset = ingest(
        make_zip({**pets, "README.txt": b"hi", "notes/labels.csv": b"a", "loose.png": pets["cats/0.png"]}), workspace
    )
    assert set(dataset.usable()["path"]) == set(pets) and (dataset.images, dataset.bad) == (len(pets), 0)
    (outside,) = dataset.manifest[dataset.manifest["status"] == "outside"].itertuples()
    assert outside.path == "loose.png" and outside.split == "" and dataset.image_path(outside.file).is_file()
    assert {"member": "README.txt", "reason": "not an image"} in dataset.skipped
    assert any("not an image: 2 ('README.txt', 'notes/labels.csv')" in note for note in dataset.notes)
    assert any("outside the class folders: 1 ('loose.png')" in note for note in dataset.notes)


def test_split_folders_are_kept(workspace, pets, make_zip):
    members = {f"pets/{'train' if int(name[-5]) < 3 else 'Val'}/{name}": data for name, data in pets.items()}
    table = ingest(make_zip(members), workspace).manifest
    assert table.groupby("split").size().to_dict() == {"train": 6, "validation": 2}


def test_large_images_get_their_thumbnail_in_the_same_pass(workspace, pets, make_zip, picture):
    dataset = ingest(make_zip({**pets, "cats/large.jpg": picture(3, (2000, 1200), "JPEG")}), workspace)
    files = dataset.usable().set_index("path")["file"]
    kept = [path.stem for path in (dataset.path / "thumbnails").iterdir()]
    assert kept == [files["cats/large.jpg"].removesuffix(".jpg")]
    for file in files:
        assert dataset.thumbnail(file).startswith(b"\xff\xd8")


def test_progress_rises_and_is_reported_from_the_callers_thread(workspace, make_zip, picture):
    members = {f"{label}/{index}.png": picture(index, (50, 50)) for label in ("a", "b") for index in range(150)}
    seen, threads = [], set()

    def progress(what, fraction):
        assert what
        seen.append(fraction)
        threads.add(threading.current_thread())

    ingest(make_zip(members), workspace, progress=progress)
    assert seen and seen == sorted(seen) and 0 <= seen[0] and seen[-1] <= 1 and threads == {threading.current_thread()}


def test_cancelling_removes_everything(workspace, leftovers, pets, make_zip):
    class Cancelled(BaseException):
        pass

    def cancel(what, fraction):
        raise Cancelled

    with pytest.raises(Cancelled):
        ingest(make_zip(pets), workspace, progress=cancel)
    assert leftovers(workspace) == []


def test_the_source_may_lie_anywhere_and_stays(workspace, pets, make_zip):
    source = make_zip(pets)
    ingest(source, workspace)
    assert source.exists()


@pytest.mark.parametrize("birds", [{"birds/1.jpg": b"no"}, {"birds/1.jpg": b"no", "owls/1.jpg": b"no"}])
def test_a_class_without_images_is_left_out_when_told_to(workspace, leftovers, pets, make_zip, birds):
    source = make_zip({**pets, **birds})
    with pytest.raises(EmptyClassError, match="'birds'") as caught:
        ingest(source, workspace)
    assert "go on without it" in caught.value.hint and leftovers(workspace) == []
    dataset = ingest(source, workspace, accept_empty=True)
    assert dataset.classes == ["cats", "dogs"] and dataset.images == len(pets)
    assert any("without a usable image" in note and "'birds'" in note for note in dataset.notes)
    assert dataset.bad == sum(name.endswith(".jpg") for name in birds)


def test_a_folder_without_a_file_is_left_out_and_said_in_one_line(workspace, pets, make_zip):
    dataset = ingest(make_zip({**pets, "birds/": b"", "owls/": b""}), workspace)
    assert dataset.classes == ["cats", "dogs"] and dataset.images == len(pets)
    assert [note for note in dataset.notes if "holds no file" in note] == [
        "Left out, a class folder that holds no file: 2 ('birds', 'owls')"]


def test_what_is_left_must_still_be_two_classes(workspace, leftovers, pets, make_zip):
    cats = {name: data for name, data in pets.items() if name.startswith("cats")}
    for rest, match in (({"dogs/": b""}, "only one class"), ({"dogs/1.jpg": b"no"}, "Only one class, 'cats'")):
        with pytest.raises(DatasetShapeError, match=match):
            ingest(make_zip({**cats, **rest}), workspace, accept_empty=True)
    assert leftovers(workspace) == []


@pytest.mark.filterwarnings("ignore")
def test_the_pixel_limit_is_the_workspaces_and_reaches_every_reader(tmp_path, pets, make_zip):
    """Above and below what a process without a workspace allows."""
    from PIL import Image

    from core.data.images import reading
    from core.data.images.decode import decode
    from core.errors import ImageDecodeError

    assert Image.MAX_IMAGE_PIXELS >= reading.MAX_PIXELS
    generous = Workspace(tmp_path / "generous", Limits(image_pixels=2 * reading.MAX_PIXELS))
    dataset = ingest(make_zip(pets), generous)
    assert dataset.max_pixels == 2 * reading.MAX_PIXELS and Dataset.open(generous, dataset.id) == dataset
    header = huge_header(12_000, 12_000)
    with pytest.raises(ImageDecodeError, match="over the limit of 100 million"):
        decode(header)
    with pytest.raises(ImageDecodeError, match="damaged|cut short"):  # opened: what is missing are its pixels
        decode(header, 8, max_pixels=dataset.max_pixels)


def huge_header(width, height):
    """A PNG that declares a size and has no data behind it."""
    import struct
    import zlib

    def chunk(kind, body):
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0))
            + chunk(b"IDAT", zlib.compress(bytes(100))) + chunk(b"IEND", b""))
