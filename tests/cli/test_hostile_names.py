"""Names that hold escape sequences, formulas and marks of direction: the terminal and the CSV show them as text."""

from __future__ import annotations

import csv
import io
import json
import re
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from core import escape
from core.cli import output
from core.cli.commands import main
from core.data.library import list_datasets
from core.data.sources.pictures import Picture
from core.inference import Prediction
from core.store.workspace import Workspace

CLASSES = ("=cmd|' !A0", "gpj.\u202eexe", "\u200bcat")
UNSEEN = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u200b\u202e]")


@pytest.fixture
def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Workspace:
    monkeypatch.setenv("GRAFT_WORKSPACE", str(tmp_path / "workspace"))
    monkeypatch.chdir(tmp_path)
    return Workspace.default()


def png() -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(np.random.default_rng(0).integers(0, 255, (24, 24, 3), dtype=np.uint8)).save(buffer, "PNG")
    return buffer.getvalue()


@pytest.fixture
def hostile(tmp_path: Path) -> Path:
    """Classes with hostile names; a member whose name would clear the screen and set the title."""
    path = tmp_path / "\u202egpj.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for name in CLASSES:
            for index in range(4):
                archive.writestr(f"{name}/{index}.png", png())
        archive.writestr("=cmd|' !A0/bad\u202egnp.jpg", b"no picture")
        archive.writestr("\x1b[2J\x1b]0;owned\x07/evil.png", png())
        archive.writestr("\u202etxt.exe", b"words")
    return path


def test_inspect(workspace, hostile, capsys):
    assert main(["inspect", str(hostile)]) == 0
    shown = capsys.readouterr()
    assert not UNSEEN.search(shown.out + shown.err)
    assert "\\x1b[2J" in shown.out and "=cmd|' !A0" in shown.out


def test_inspect_as_json_is_the_same_document(workspace, hostile, capsys):
    assert main(["inspect", str(hostile), "--json"]) == 0
    shown = capsys.readouterr().out
    assert not UNSEEN.search(shown)
    kept = list_datasets(workspace)[0]
    assert list(json.loads(shown)["classes"]) == kept.classes and CLASSES[0] in kept.classes
    said = [warning["message"] for warning in json.loads(shown)["warnings"] if warning["kind"] == "reading"]
    assert kept.notes and said == kept.notes


def test_errors_and_tables_of_whatever_reaches_them(capsys):
    output.tell("Error: '\x1b]0;owned\x07\n.zip' cannot be read")
    output.print_table(["image", "label"], [["\x1b[31mred", "a\r\nb"]])
    output.Bar()("Reading \x1b[2J", 0.5)
    try:
        raise ValueError("\x1b[2J")
    except ValueError as error:
        escape.print_trace(error)
    shown = capsys.readouterr()
    assert not UNSEEN.search(shown.out + shown.err)
    assert shown.out.splitlines() == ["image        label", "\\x1b[31mred  a\\x0d\\x0ab"]
    assert "ValueError: \\x1b[2J" in shown.err


def test_an_encrypted_member_with_such_a_name(workspace, tmp_path, capsys):
    path = tmp_path / "locked.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("a/\x1b[31m.png", png())
    content = bytearray(path.read_bytes())
    for mark, place in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        content[content.index(mark) + place] |= 1
    path.write_bytes(content)
    assert main(["inspect", str(path)]) == 2
    shown = capsys.readouterr()
    assert not UNSEEN.search(shown.out + shown.err)


def test_predictions_as_csv(tmp_path):
    name = "-2+3\x1b[2J.png"
    found = [Picture(name, tmp_path / "x"), Picture("=1+1.png", tmp_path / "y"), Picture("\u202egnp", tmp_path / "z")]
    answers = [Prediction("x", CLASSES[0], 0.75, [{"label": CLASSES[0], "probability": 0.75},
                                                  {"label": CLASSES[1], "probability": 0.25}]),
               Prediction("y", "@cat", 1.0, [{"label": "@cat", "probability": 1.0}]),
               Prediction("z", "", 0.0, [], error="+unreadable")]
    target = tmp_path / "answers.csv"
    output.write_predictions_csv(output.prediction_rows(found, answers), target)
    with open(target, encoding="utf-8", newline="") as file:
        rows = list(csv.reader(file))[1:]
    cells = [cell for row in rows for cell in row if cell]
    assert not [cell for cell in cells if cell[0] in "=+-@" or UNSEEN.search(cell)]
    assert rows[0] == ["'-2+3\\x1b[2J.png", f"'{CLASSES[0]}", "0.750000", "gpj.\\u202eexe", "0.250000", ""]
    assert rows[2][-1] == "'+unreadable"
