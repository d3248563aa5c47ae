"""Exports: written to disk in pieces, whole or not at all."""

from __future__ import annotations

import tracemalloc
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest

from core.errors import GraftError, RunError
from core.exports import formats
from core.exports.formats import FORMATS, export


def test_model_and_labels_in_one_zip(tiny_run, tmp_path):
    run = tiny_run()
    with pytest.raises(RunError, match="no model"):
        export(run, "keras", tmp_path / "model.zip")
    (run.path / "model.keras").write_bytes(b"the model")
    (run.path / "labels.txt").write_text("blue\n")
    out = export(run, "keras", tmp_path / "model.zip")
    with zipfile.ZipFile(out) as archive:
        assert {name: archive.read(name) for name in archive.namelist()} == {
            "model.keras": b"the model", "labels.txt": b"blue\n"}
    assert list(tmp_path.glob("*.zip")) == [out]


def test_a_large_model_is_never_whole_in_memory(tiny_run, tmp_path):
    run = tiny_run()
    with open(run.path / "model.keras", "wb") as file:
        file.truncate(200 * 2**20)
    (run.path / "labels.txt").write_text("blue\n")
    tracemalloc.start()
    export(run, "keras", tmp_path / "model.zip")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 5 * 2**20
    assert (tmp_path / "model.zip").stat().st_size > 200 * 2**20


def test_what_fails_leaves_the_earlier_file_and_nothing_beside_it(tiny_run, tmp_path, monkeypatch):
    run = tiny_run()
    (run.path / "model.keras").write_bytes(b"the model")
    out = tmp_path / "exported" / "model.zip"
    out.parent.mkdir()
    out.write_bytes(b"earlier")
    with pytest.raises(GraftError, match="Cannot write"):  # there is no labels.txt: it ends in the middle
        export(run, "keras", out)
    assert out.read_bytes() == b"earlier" and list(out.parent.iterdir()) == [out]
    with pytest.raises(GraftError, match="Cannot write"):
        export(run, "keras", tmp_path / "no" / "such" / "model.zip")


def test_an_unknown_format_names_those_there_are(tiny_run, tmp_path):
    with pytest.raises(GraftError, match="keras"):
        export(tiny_run(), "tflite", tmp_path / "m.tflite")


@pytest.mark.parametrize("kind", FORMATS.values(), ids=FORMATS)
def test_every_format_says_what_it_is(kind):
    assert FORMATS[kind.name] is kind and formats.get(kind.name) is kind
    assert kind.title and kind.description and kind.suffix.startswith(".") and "/" in kind.mime


def test_a_further_format_is_a_row(trained, tmp_path, monkeypatch):
    def labels(run: object, path: Path) -> None:
        path.write_text("\n".join(trained.classes))

    monkeypatch.setitem(FORMATS, "labels", replace(FORMATS["keras"], name="labels", suffix=".txt", write=labels))
    assert export(trained, "labels", tmp_path / "labels.txt").read_text().split() == trained.classes
