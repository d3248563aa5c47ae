"""What a weights file would give a backbone, as the process says it and as its asker reads it."""

from __future__ import annotations

import json
from pathlib import Path

import h5py
import keras
import numpy as np
import pytest

from core.backbones import comparison
from core.engine.model.compare_weights import compared, main
from core.engine.model.small_net import SmallNet
from core.errors import WeightsError
from core.store.files import digest
from core.store.machine import Machine
from tests.tiny import tiny_recipe


@pytest.fixture
def file(tmp_path: Path) -> Path:
    keras.utils.clear_session()
    path = tmp_path / "mine.weights.h5"
    SmallNet(input_shape=(32, 32, 3)).save_weights(path)
    return path


def spoiled(path: Path, change) -> Path:
    """Every array of a file, changed."""
    with h5py.File(path, "a") as handle:
        places: list[str] = []
        handle.visititems(lambda name, item: places.append(name) if isinstance(item, h5py.Dataset) else None)
        for place in places:
            values = handle[place][()]
            del handle[place]
            handle[place] = change(values)
    return path


def test_a_file_of_the_same_backbone_gives_every_layer(file):
    found = compared(tiny_recipe(), file)
    assert found["name"]["loaded"] and not found["name"]["missing"] and not found["name"]["mismatched"]
    assert {row["result"] for row in found["name"]["table"]} == {"loaded"}


def test_layers_behind_the_cut_are_not_wanted(file):
    whole = compared(tiny_recipe(), file)
    names = [row["layer"] for row in whole["name"]["table"]]
    cut = compared(tiny_recipe(f"model.cut_layer={names[0]}", "train.phases.0.freeze=none"), file)
    assert cut["name"]["loaded"] == 1 and not cut["name"]["missing"]
    assert cut["name"]["unused"] == whole["name"]["loaded"] - 1


def test_what_does_not_fit_is_told_with_both_shapes(file):
    spoiled(file, lambda values: np.zeros((*values.shape, 2), np.float32))
    found = compared(tiny_recipe(), file)["name"]
    assert found["mismatched"] and not found["loaded"]
    row = next(row for row in found["table"] if row["result"] == "mismatched")
    assert row["wanted"] and row["found"] and row["wanted"] != row["found"]


def test_the_asker_gets_the_same_and_keeps_it(file, tmp_path, monkeypatch):
    machine, told = Machine(tmp_path / "machine"), []
    first = comparison.compare(tiny_recipe(), file, machine, told.append)
    assert first.by_name.complete and first.by_name.loaded == compared(tiny_recipe(), file)["name"]["loaded"]
    assert len(told) == 2
    monkeypatch.setattr(comparison.subprocess, "run", None)  # no process is asked again
    assert comparison.compare(tiny_recipe(), file, machine) == first


def test_a_process_that_takes_too_long_is_ended(file, tmp_path):
    with pytest.raises(WeightsError, match="more than 0 s"):
        comparison.compare(tiny_recipe(), file, Machine(tmp_path / "machine"), seconds=0.2)


def test_numbers_that_are_none_are_refused_across_the_process(file, tmp_path):
    spoiled(file, lambda values: np.full_like(values, np.nan))
    with pytest.raises(WeightsError, match="not finite numbers"):
        comparison.compare(tiny_recipe(), file, Machine(tmp_path / "machine"))


@pytest.mark.parametrize("harm", ["hollow", "linked", "garbage"])
def test_hostile_files_are_sentences(tmp_path, harm, capsys):
    path = tmp_path / "bad.h5"
    if harm == "garbage":
        path.write_bytes(b"this is no weights file" * 100)
    else:
        with h5py.File(path, "w") as handle:
            if harm == "linked":
                handle["layer"] = h5py.ExternalLink("/etc/passwd", "/x")
            else:
                handle.create_dataset("layer/vars/0", (2**40,), "f4", chunks=(1024,))
    recipe = tmp_path / "recipe.json"
    recipe.write_text(tiny_recipe().model_dump_json())
    assert main([str(recipe), str(path)]) == 2
    error = json.loads(capsys.readouterr().out)["error"]
    expected = {"hollow": "says that it holds", "linked": "outside itself", "garbage": "cannot be read"}[harm]
    assert error["kind"] == "WeightsError" and expected in error["message"] and error["hint"]


def test_a_file_that_is_not_there(tmp_path):
    with pytest.raises(WeightsError, match="no weights file"):
        comparison.compare(tiny_recipe(), tmp_path / "none.h5", Machine(tmp_path / "machine"))


def test_what_the_process_said_before_it_died_is_in_the_log(file, tmp_path, monkeypatch, caplog):
    monkeypatch.setattr(comparison, "worker_environment", lambda: {"PYTHONPATH": str(tmp_path)})
    (tmp_path / "keras.py").write_text("import os\nos.write(2, b'no room left')\nos._exit(9)\n")
    with pytest.raises(WeightsError, match="ended with 9"):
        comparison.compare(tiny_recipe(), file, Machine(tmp_path / "machine"))
    assert "no room left" in caplog.text


def test_a_file_is_read_again_only_when_it_has_changed(file, tmp_path, monkeypatch):
    machine, reads = Machine(tmp_path / "machine"), []
    monkeypatch.setattr(comparison, "digest", lambda path: reads.append(path) or digest(path))
    before = [comparison._place(tiny_recipe(), file, machine) for _ in range(3)]
    assert len(set(before)) == 1 and len(reads) == 1
    spoiled(file, lambda values: values + 1)
    assert comparison._place(tiny_recipe(), file, machine) != before[0] and len(reads) == 2
