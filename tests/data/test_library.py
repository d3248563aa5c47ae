import io
import os
import shutil
import subprocess
import sys
import time

import pytest

from core.api import delete_dataset
from core.data.dataset import Dataset
from core.data.library import (
    ingest,
    list_datasets,
    rename_dataset,
    resolve_dataset,
)
from core.data.mending import rename_class
from core.data.uploads import clean_incoming, save_upload
from core.errors import ArchiveError, DataError, NotFoundError
from core.store.files import read_json, write_json
from core.store.limits import Limits
from core.store.workspace import Workspace


def test_a_dataset_is_found_again(workspace, dataset):
    again = Dataset.open(Workspace(workspace.root), dataset.id)
    assert again == dataset and again.name == "pets" and again.classes == ["cats", "dogs"]
    assert again.manifest.equals(dataset.manifest)
    assert again.source == "pets.zip" and again.created[:2] == "20"


@pytest.mark.parametrize("bad_id", ["nothing-here", "..", "../..", "", "/etc", "a/b", "PETS", "pets\0"])
def test_a_guessed_id_is_not_found(workspace, dataset, bad_id):
    for call in (Dataset.open, delete_dataset):
        with pytest.raises(NotFoundError, match="There is no dataset"):
            call(workspace, bad_id)


def test_list_shows_newest_first_and_passes_over_broken_folders(workspace, dataset, pets, make_zip):
    other = ingest(make_zip(pets, "later.zip"), workspace, name="Later")
    (workspace.datasets / "broken").mkdir()
    (workspace.datasets / "torn").mkdir()
    (workspace.datasets / "torn" / "dataset.json").write_text('{"id": ')
    (workspace.datasets / "file").write_text("x")
    assert {found.id for found in list_datasets(workspace)} == {dataset.id, other.id}
    assert list_datasets(workspace)[0].created >= list_datasets(workspace)[1].created


def test_a_broken_dataset_says_so(workspace, dataset):
    (dataset.path / "manifest.parquet").write_bytes(b"PAR1 no")
    with pytest.raises(DataError, match="cannot be read"):
        Dataset.open(workspace, dataset.id).usable()
    (dataset.path / "dataset.json").unlink()
    with pytest.raises(DataError, match="cannot be read"):
        Dataset.open(workspace, dataset.id)


def test_descriptions_of_earlier_versions_are_migrated_as_they_are_read(workspace, dataset):
    file = dataset.path / "dataset.json"
    document = read_json(file)
    second = {key: value for key, value in document.items() if key not in ("layout", "skipped")} | {"schema": 2}
    write_json(file, second)
    found = Dataset.open(workspace, dataset.id)
    assert found.layout == {"reading": "", "text": ""} and found.skipped == []
    assert (found.classes, found.images) == (dataset.classes, dataset.images)
    first = {**second, "schema": 1, "images": 3, "classes": ["cats"]}  # a crash came between the two files
    write_json(file, first)
    found = Dataset.open(workspace, dataset.id)
    assert (found.classes, found.images, found.layout["text"]) == (dataset.classes, dataset.images, "")
    assert read_json(file) == first  # reading writes nothing


def test_rename_keeps_the_id(workspace, dataset):
    assert rename_dataset(workspace, dataset.id, "  My   pets ").name == "My pets"
    again = Dataset.open(workspace, dataset.id)
    assert again.name == "My pets" and again.fingerprint == dataset.fingerprint


@pytest.mark.parametrize("name", ["", "   ", "x" * 300, "a\0b"])
def test_unusable_names_are_refused(workspace, dataset, name):
    with pytest.raises(DataError, match="cannot be the name"):
        rename_dataset(workspace, dataset.id, name)


def test_delete(workspace, dataset, leftovers):
    delete_dataset(workspace, dataset.id)
    assert leftovers(workspace) == []
    with pytest.raises(NotFoundError):
        Dataset.open(workspace, dataset.id)


def test_a_dataset_that_a_run_needs_is_not_deleted(workspace, tiny_run):
    run = tiny_run()
    with pytest.raises(DataError, match=run.id):
        delete_dataset(workspace, run.dataset["id"])
    assert run.dataset_path.is_dir()
    run.request_stop()
    delete_dataset(workspace, run.dataset["id"])
    assert not run.dataset_path.exists()


def test_a_run_that_a_newer_version_drives_keeps_its_dataset(workspace, tiny_run):
    run = tiny_run()
    write_json(run.path / "status.json", {**read_json(run.path / "status.json"), "schema": 99})
    with pytest.raises(DataError, match=run.id):
        delete_dataset(workspace, run.dataset["id"])


def test_rename_class(workspace, dataset):
    assert set(dataset.usable()["class"]) == {"cats", "dogs"}
    changed = rename_class(workspace, dataset.id, "cats", "Zebras")
    assert changed.classes == ["dogs", "Zebras"]
    again = Dataset.open(workspace, dataset.id)
    assert again.classes == ["dogs", "Zebras"] and set(again.usable()["class"]) == {"dogs", "Zebras"}
    assert again.fingerprint != dataset.fingerprint and len(again.usable()) == len(dataset.usable())
    assert set(dataset.usable()["class"]) == {"cats", "dogs"}  # what somebody else holds is not changed under them
    assert rename_class(workspace, dataset.id, "Zebras", "cats").fingerprint == dataset.fingerprint


def test_rename_class_refuses_what_would_merge_or_is_unknown(workspace, dataset):
    with pytest.raises(DataError, match="already a class 'dogs'"):
        rename_class(workspace, dataset.id, "cats", "dogs")
    with pytest.raises(NotFoundError, match="no class 'birds'"):
        rename_class(workspace, dataset.id, "birds", "owls")
    for label in ("", "a/b", "a\0b"):
        with pytest.raises(DataError, match="cannot be the name of a class"):
            rename_class(workspace, dataset.id, "cats", label)


def test_the_fingerprint_is_of_the_content(workspace, dataset, pets, make_zip, picture):
    turned = dict(reversed([(f"wrapped/{name}", data) for name, data in pets.items()]))
    assert ingest(make_zip(turned, "other.zip"), workspace).fingerprint == dataset.fingerprint
    moved = {**pets, "dogs/9.png": pets["cats/0.png"]}
    del moved["cats/0.png"]
    other = {**pets, "cats/0.png": picture(500)}
    prints = {ingest(make_zip(members, "x.zip"), workspace).fingerprint for members in (moved, other)}
    assert len(prints | {dataset.fingerprint}) == 3


def test_two_workspaces_share_nothing(tmp_path, dataset, pets, make_zip):
    other = Workspace(tmp_path / "other")
    assert list_datasets(other) == []
    with pytest.raises(NotFoundError):
        Dataset.open(other, dataset.id)
    assert ingest(make_zip(pets), other).id != dataset.id


# --- uploads ----------------------------------------------------------------------------------------------------------


def test_an_upload_is_spooled_and_used_up(workspace, pets, make_zip, leftovers):
    data = make_zip(pets).read_bytes()
    path = save_upload(io.BytesIO(data), "../../My pets (1).zip", workspace)
    assert path.parent == workspace.incoming and path.read_bytes() == data and path.suffix == ".zip"
    dataset = ingest(path, workspace, name="My pets")
    assert leftovers(workspace) == [dataset.id]


def test_two_uploads_of_one_name_are_two_files(workspace):
    paths = {save_upload(io.BytesIO(b"x"), "pets.tar.gz", workspace) for _ in range(3)}
    assert len(paths) == 3 and all(path.name.endswith(".gz") for path in paths)


def test_an_upload_is_read_in_pieces_and_stopped_at_the_limit(tmp_path, leftovers):
    class Endless(io.RawIOBase):
        largest = total = 0

        def read(self, size=-1):
            self.largest, self.total = max(self.largest, size), self.total + size
            return bytes(size)

    small, stream = Workspace(tmp_path / "small", Limits(upload_bytes=5 * 2**20)), Endless()
    with pytest.raises(ArchiveError, match="larger than 5 MB"):
        save_upload(stream, "endless.zip", small)
    assert stream.largest == 2**20 and stream.total <= 7 * 2**20
    assert leftovers(small) == []


def test_clean_incoming_takes_only_what_is_old(workspace):
    old, new = workspace.incoming / "old", workspace.incoming / "new"
    for folder in (old, new):
        (folder / "images").mkdir(parents=True)
    (workspace.incoming / "old.zip").write_bytes(b"x")
    long_ago = time.time() - 2 * 24 * 3600
    for path in (old / "images", old, workspace.incoming / "old.zip", new):
        os.utime(path, (long_ago, long_ago))
    assert clean_incoming(workspace) == 2
    assert [path.name for path in workspace.incoming.iterdir()] == ["new"]


# --- what a command line means ----------------------------------------------------------------------------------------


def test_a_path_is_ingested_once_and_again_when_it_changed(workspace, pets, make_zip, picture):
    source = make_zip(pets)
    first = resolve_dataset(str(source), workspace)
    assert resolve_dataset(str(source), workspace).id == first.id
    make_zip({**pets, "cats/9.png": picture(9)})
    assert resolve_dataset(str(source), workspace).images == first.images + 1
    assert len(list_datasets(workspace)) == 2


def test_a_folder_is_ingested_once_and_again_when_it_changed(workspace, pets, make_zip, tmp_path):
    folder = tmp_path / "pets"
    shutil.unpack_archive(make_zip(pets), folder)
    first = resolve_dataset(str(folder), workspace)
    assert resolve_dataset(str(folder), workspace).id == first.id
    (folder / "cats" / "0.png").unlink()
    assert resolve_dataset(str(folder), workspace).images == first.images - 1


def test_an_id_a_sample_and_nothing(workspace, dataset):
    assert resolve_dataset(dataset.id, workspace) == dataset
    with pytest.raises(NotFoundError, match="'nonsense' is not a zip") as caught:
        resolve_dataset("nonsense", workspace)
    assert "digits" in caught.value.hint and dataset.id in caught.value.hint


def test_importing_is_light():
    script = (
        "import sys, core.data.library, core.data.samples, core.data.splits.split, core.data.checks.overview;"
        "print([name for name in ('pandas', 'pyarrow', 'sklearn', 'scipy', 'streamlit', 'keras', 'tensorflow')"
        " if name in sys.modules])"
    )
    assert (
        subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout.strip()
        == "[]"
    )


def test_listing_reads_no_manifest(workspace, dataset):
    (dataset.path / "manifest.parquet").write_bytes(b"")
    assert [found.images for found in list_datasets(workspace)] == [8]
