"""Splits of real datasets: what is shown is what a run gets, and what stands in tables and in the photos' EXIF."""

from __future__ import annotations

import io
import zipfile

import pytest
from PIL import ExifTags, Image

from core.data.library import ingest
from core.data.splits import columns
from core.data.splits.dividing import divided
from core.data.splits.shots import shots
from core.recipe.fields import DataSettings
from core.runs.run import Run
from tests.tiny import tiny_recipe


def photo(number, camera=None, day="2021:03:04"):
    image = Image.new("RGB", (12, 9), (number % 256, 40 + number // 256, 90))
    exif = Image.Exif()
    if camera:
        exif[ExifTags.Base.Make], exif[ExifTags.Base.Model] = "Graft", camera
        exif.get_ifd(ExifTags.IFD.Exif)[ExifTags.Base.DateTimeOriginal] = f"{day} 10:11:12"
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", exif=exif, quality=95)
    return buffer.getvalue()


@pytest.fixture
def flat(tmp_path, workspace):
    """48 photos in a folder with a table: class and patient; four cameras on three days, some that say neither."""
    path = tmp_path / "flat.zip"
    lines = ["file,species,patient,site"]
    with zipfile.ZipFile(path, "w") as archive:
        for number in range(48):
            name, label = f"{number:03d}.jpg", "cat" if number % 2 else "dog"
            camera = f"Camera {number % 4}" if number < 40 else None
            archive.writestr(f"photos/{name}", photo(5 * number, camera, f"2021:03:0{1 + number % 3}"))
            lines.append(f"{name},{label},p{number // 6},{'north' if number < 24 else ''}")
        archive.writestr("labels.csv", "\n".join(lines))
    return ingest(path, workspace, layout="table")


def test_columns_of_the_table_are_kept_and_group(flat):
    kept = columns.read(flat.path)
    assert set(kept) == {"species", "patient", "site"} and len(kept["patient"]) == 48 and len(kept["site"]) == 24
    found = divided(flat, DataSettings(group_by="column", group_column="patient"))
    assert found["group"].nunique() == 8 and (found.groupby("group")["split"].nunique() == 1).all()


def test_a_table_beside_class_folders_groups_too(tmp_path, workspace):
    path = tmp_path / "folders.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for number in range(24):
            archive.writestr(f"{'cat' if number % 2 else 'dog'}/{number}.jpg", photo(9 * number))
        archive.writestr("patients.tsv", "image\tpatient\n" + "".join(f"{n}.jpg\tp{n // 4}\n" for n in range(24)))
    dataset = ingest(path, workspace, layout="class-folders")
    found = divided(dataset, DataSettings(group_by="column", group_column="patient"))
    assert found["group"].nunique() == 6 and (found.groupby("group")["split"].nunique() == 1).all()


def test_camera_and_day_are_read_once_from_the_photos(flat):
    found = shots(flat)
    assert len(found) == 40 and set(found.values()) == {
        f"Graft Camera {camera}, 2021-03-0{day}" for camera in range(4) for day in (1, 2, 3)}
    for file in flat.usable()["file"]:
        flat.image_path(file).unlink()
    assert shots(flat) == found
    table = divided(flat, DataSettings(group_by="shot", test=0.1))
    assert table["group"].nunique() == 12 + 8 and (table.groupby("group")["split"].nunique() == 1).all()


@pytest.mark.parametrize("settings", [
    "data.test=0.2", "data.folds=4", "data.group_by=shot", "data.group_column=patient", "data.stratified=false",
])
def test_the_split_of_a_run_is_the_split_that_is_shown(flat, workspace, settings):
    recipe = tiny_recipe(settings)
    shown, run = divided(flat, recipe.data), Run.create(flat, recipe, workspace)
    assert run.splits().to_dict("list") == shown[["file", "path", "class", "split"]].to_dict("list")


def test_runs_on_one_split_say_so(colours, tiny_run):
    one, two, part = tiny_run(), tiny_run("model.dropout=0.4", "train.seed=3"), tiny_run("data.subset=0.5")
    assert one.split_id == two.split_id == part.split_id
    assert len({one.split_id, *(tiny_run(other).split_id for other in (
        "data.seed=1", "data.test=0.1", "data.folds=3"))}) == 4
