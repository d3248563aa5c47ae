"""The cleaned dataset as a zip: what is in it, and that it reads back as it was."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import zipfile

import pytest

from core.data import cleaned, mending
from core.data.library import ingest
from core.data.splits.dividing import divided
from core.errors import DataError, GraftError
from core.recipe.fields import DataSettings


def pictures(dataset) -> list[tuple[str, str]]:
    return sorted(zip(dataset.usable()["class"], dataset.usable()["hash"], strict=True))


@pytest.fixture
def mended(colours, workspace):
    """Two moved, one left out, one class renamed."""
    mending.relabel(workspace, colours.id, ["red/01.png", "red/02.png"], "blue")
    mending.exclude(workspace, colours.id, ["green/03.png"], "blurred")
    return mending.rename_class(workspace, colours.id, "green", "a/b: grün?".replace("/", " "))


@pytest.mark.parametrize("split_folders", [False, True])
def test_it_reads_back_as_it_was(mended, workspace, tmp_path, split_folders):
    out = cleaned.write(mended, tmp_path / "clean.zip", DataSettings(test=0.2), split_folders)
    again = ingest(out, workspace)
    odd = "a b_ gr\u00fcn_" if split_folders else "a b: gr\u00fcn?"  # folders that every system can make
    assert again.classes == [odd, "blue", "red"] and again.images == 35
    assert [one for _, one in pictures(again)] == [one for _, one in pictures(mended)]
    split = divided(mended, DataSettings(test=0.2)).set_index("hash")["split"]
    assert again.usable().set_index("hash")["split"].to_dict() == split.to_dict()
    with zipfile.ZipFile(out) as archive:
        rows = list(csv.DictReader(io.StringIO(archive.read("about/split.csv").decode())))
        changes = [json.loads(line) for line in archive.read("about/changes.jsonl").decode().splitlines()]
        assert {row["file"] for row in rows} == {name for name in archive.namelist() if not name.startswith("about/")}
        assert "2 pictures moved to blue" in archive.read("about/README.txt").decode()
        files = dict(zip(mended.usable()["path"], mended.usable()["hash"], strict=True))
        assert all(hashlib.sha256(archive.read(row["file"])).hexdigest() == files[row["came_by"]] for row in rows)
    assert [one["kind"] for one in changes] == ["relabel", "exclude", "rename_class"]


def test_names_that_meet_are_kept_apart_and_suit_every_system(workspace, colours, tmp_path):
    mending.relabel(workspace, colours.id, ["red/01.png"], "blue")
    dataset = mending.rename_class(workspace, colours.id, "green", "about")
    with zipfile.ZipFile(cleaned.write(dataset, tmp_path / "clean.zip")) as archive:
        names = archive.namelist()
    assert {"blue/01.png", "blue/01 (2).png"} <= set(names) and "about (2)/split.csv" in names
    assert not any(set(name) & set('<>:"|?*\\') for name in names)


def test_what_cannot_be_split_or_written_is_said_and_leaves_nothing(colours, workspace, tmp_path):
    with pytest.raises(GraftError, match="Cannot write"):
        cleaned.write(colours, tmp_path / "nowhere" / "clean.zip")
    dataset = mending.exclude(workspace, colours.id, [f"red/{index:02d}.png" for index in range(1, 12)])
    with pytest.raises(DataError, match="'red' has 1 image"):
        cleaned.write(dataset, tmp_path / "clean.zip")
    assert not list(tmp_path.glob("clean*"))
