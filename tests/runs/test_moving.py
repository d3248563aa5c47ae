"""A run as one file, to another workspace and back."""

from __future__ import annotations

import zipfile

import pytest

from core import api, moving
from core.data.dataset import Dataset
from core.errors import ArchiveError, GraftError, NewerFormatError, RunError, WeightsError
from core.moving import pack, unpack
from core.runs.index import list_runs
from core.store.limits import Limits
from core.store.workspace import Workspace


@pytest.fixture
def elsewhere(tmp_path) -> Workspace:
    return Workspace(tmp_path / "elsewhere")


@pytest.mark.parametrize("with_dataset", [pytest.param(False, marks=pytest.mark.slow), True])
def test_it_is_the_same_run_there(trained, elsewhere, tmp_path, with_dataset):
    pack(trained, tmp_path / "run.zip", with_dataset)
    there = unpack(tmp_path / "run.zip", elsewhere)
    assert there.id == trained.id and there.recipe == trained.recipe and there.status().state == "completed"
    assert there.metrics() == trained.metrics() and there.history().equals(trained.history())
    assert there.predictions().equals(trained.predictions()) and there.has_model
    picture = next(trained.dataset_path.glob("images/*"))
    (said,), (expected,) = api.predict(there, [picture]), api.predict(trained, [picture])
    assert said.label == expected.label and said.probability == pytest.approx(expected.probability, abs=5e-3)
    assert there.dataset_path == elsewhere.datasets / trained.dataset["id"]
    assert there.dataset_path.is_dir() == with_dataset
    if with_dataset:
        before, after = Dataset.load(trained.dataset_path), Dataset.open(elsewhere, trained.dataset["id"])
        assert after.fingerprint == before.fingerprint
        assert all(after.image_path(file).is_file() for file in after.usable()["file"])
    again = unpack(tmp_path / "run.zip", elsewhere)
    assert again.id != there.id and len(list_runs(elsewhere)) == 2
    assert not list(elsewhere.incoming.iterdir())


def test_one_that_works_stays_where_it_is(tiny_run, tmp_path):
    with pytest.raises(RunError, match="queued"):
        pack(tiny_run(), tmp_path / "run.zip")


def test_what_cannot_be_written_leaves_nothing(trained, tmp_path):
    with pytest.raises(GraftError, match="Cannot write"):
        pack(trained, tmp_path / "no" / "run.zip")
    assert not (tmp_path / "no").exists()


@pytest.mark.parametrize("name", ["../evil", "/etc/evil", "sub/model.keras", "dataset/images/../../x", "evil.py",
                                  "dataset/images/a/b.png", "dataset/x.exe"])
def test_what_is_no_part_of_a_run_is_refused(trained, elsewhere, tmp_path, name):
    pack(trained, tmp_path / "run.zip")
    with zipfile.ZipFile(tmp_path / "run.zip", "a") as archive:
        archive.writestr(name, b"x")
    with pytest.raises(ArchiveError, match="no part of a run"):
        unpack(tmp_path / "run.zip", elsewhere)
    assert not list(elsewhere.incoming.iterdir()) and not list(elsewhere.runs.iterdir())


def test_files_that_are_none_and_newer_ones_are_said(trained, elsewhere, tmp_path, monkeypatch):
    with pytest.raises(ArchiveError, match="no file"):
        unpack(tmp_path / "none.zip", elsewhere)
    (tmp_path / "bad.zip").write_bytes(b"nothing")
    with pytest.raises(ArchiveError, match="cannot be read"):
        unpack(tmp_path / "bad.zip", elsewhere)
    with zipfile.ZipFile(tmp_path / "other.zip", "w") as archive:
        archive.writestr("recipe.json", "{}")
    with pytest.raises(ArchiveError, match="no run of Graft"):
        unpack(tmp_path / "other.zip", elsewhere)
    with monkeypatch.context() as later:
        later.setattr(moving, "FORMAT", type(moving.FORMAT)("run file", 2, {1: dict}))
        pack(trained, tmp_path / "newer.zip")
    with pytest.raises(NewerFormatError):
        unpack(tmp_path / "newer.zip", elsewhere)
    pack(trained, tmp_path / "run.zip")
    with pytest.raises(ArchiveError, match="unpacks to more"):
        unpack(tmp_path / "run.zip", Workspace(tmp_path / "small", Limits(archive_bytes=1000)))
    assert not list(elsewhere.incoming.iterdir()) and not list(elsewhere.runs.iterdir())


def test_a_model_is_never_loaded_as_its_author_wrote_it(trained, elsewhere, tmp_path):
    """The configuration in the file is not read: one that says nonsense is no matter; numbers that do not fit are."""
    pack(trained, tmp_path / "run.zip")
    with zipfile.ZipFile(trained.path / "model.keras") as inner, zipfile.ZipFile(tmp_path / "evil.keras", "w") as evil:
        for name in inner.namelist():
            evil.writestr(name, b'{"class_name": "Lambda"}' if name == "config.json" else inner.read(name))
    replaced(tmp_path / "run.zip", tmp_path / "evil.zip", "model.keras", (tmp_path / "evil.keras").read_bytes())
    there = unpack(tmp_path / "evil.zip", elsewhere)
    with zipfile.ZipFile(there.path / "model.keras") as archive:
        assert b"SmallNet" in archive.read("config.json") or b"Functional" in archive.read("config.json")
    replaced(tmp_path / "run.zip", tmp_path / "torn.zip", "model.keras", b"nothing at all")
    with pytest.raises(WeightsError):
        unpack(tmp_path / "torn.zip", elsewhere)
    assert not list(elsewhere.incoming.iterdir()) and len(list(elsewhere.runs.iterdir())) == 1


def replaced(source, target, name, content):
    with zipfile.ZipFile(source) as before, zipfile.ZipFile(target, "w") as after:
        for member in before.namelist():
            after.writestr(member, content if member == name else before.read(member))
