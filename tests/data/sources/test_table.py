"""Tables of labels come from anybody: they stay text, are held to limits, and what a reader raises is one error."""

import io
import zipfile
from dataclasses import replace

import openpyxl
import pytest

from core.data.library import ingest
from core.data.sources.table import TableError, read_table
from core.store.limits import Limits
from core.store.workspace import Workspace


def read(tmp_path, name, data, **limits):
    file = tmp_path / "spooled"
    file.write_bytes(data)
    return read_table(file, name, replace(Limits(), **limits))


def workbook(rows):
    book, buffer = openpyxl.Workbook(), io.BytesIO()
    for row in rows:
        book.active.append(row)
    book.save(buffer)
    return buffer.getvalue()


ROWS = [("file", "label"), ("1.png", "=1+1"), ("2.png", "<b>x</b>")]


@pytest.mark.parametrize(("name", "data"), [
    ("t.csv", b"file,label\r\n1.png,=1+1\r\n\r\n2.png,<b>x</b>\r\n"),
    ("t.csv", "\ufefffile;label\n1.png;=1+1\n2.png;<b>x</b>\n".encode()),
    ("t.csv", "file\tlabel\n1.png\t=1+1\n2.png\t<b>x</b>\n".encode("utf-16")),
    ("t.tsv", b"file\tlabel\n1.png\t=1+1\n2.png\t<b>x</b>\n"),
    ("t.txt", b"file label\n1.png =1+1\n2.png <b>x</b>\n"),
    ("t.json", b'[{"file": "1.png", "label": "=1+1"}, {"file": "2.png", "label": "<b>x</b>"}]'),
    ("t.jsonl", b'{"file": "1.png", "label": "=1+1"}\n{"file": "2.png", "label": "<b>x</b>"}\n'),
    ("t.json", b'{"1.png": "=1+1", "2.png": "<b>x</b>"}'),
    ("t.json", b'{"file": {"0": "1.png", "1": "2.png"}, "label": {"0": "=1+1", "1": "<b>x</b>"}}'),
])
def test_every_form_is_the_same_text(tmp_path, name, data):
    table = read(tmp_path, name, data)
    assert [table.columns, *table.rows] == ROWS and table.kind == "cells"


def test_a_workbook_gives_what_its_cells_hold_and_numbers_without_a_point(tmp_path):
    table = read(tmp_path, "t.xlsx", workbook([("id", "label"), (7.0, "a"), ("x", None)]))
    assert table.rows == [("7", "a"), ("x", "")]


@pytest.mark.parametrize(("name", "data"), [
    ("t.xlsx", b"PK\x03\x04 no"), ("t.json", b"{"), ("t.json", b"[" * 200_000), ("t.yaml", b"names: [a"),
    ("t.yaml", b"!!python/object/apply:os.system ['true']"), ("t.csv", b"a,b\n" + b'"' + b"x" * 200_000)])
def test_what_a_reader_raises_is_one_error_that_names_the_table(tmp_path, name, data):
    with pytest.raises(TableError, match="'t\\."):
        read(tmp_path, name, data)


def test_limits(tmp_path):
    with pytest.raises(TableError, match="more than 0 MB"):
        read(tmp_path, "t.csv", b"a,b\n" * 100, table_bytes=100)
    with pytest.raises(TableError, match="more than 5 rows"):
        read(tmp_path, "t.csv", b"a,b\n" * 100, table_rows=5)
    bomb = io.BytesIO()
    with zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/worksheets/sheet1.xml", b"0" * 2**20)
    with pytest.raises(TableError, match="unpacks to more"):
        read(tmp_path, "t.xlsx", bomb.getvalue(), table_bytes=2**16)


def flat(pets):
    return {f"images/{number}.png": data for number, data in enumerate(pets.values())}


def test_a_workbook_beside_the_images_labels_them(workspace, pets, make_zip):
    rows = [("file", "label"), *((f"{n}.png", "ants" if n < 4 else "<b>bees/x</b>") for n in range(8))]
    dataset = ingest(make_zip({**flat(pets), "labels.xlsx": workbook(rows)}), workspace)
    assert set(dataset.classes) == {"ants", "<b>bees-x<-b>"}
    assert dataset.layout["reading"] == "table" and "'label' of labels.xlsx" in dataset.layout["text"]
    assert not any("labels.xlsx" in note for note in dataset.notes)


def test_a_table_over_the_limit_is_named_as_left_out(tmp_path, pets, make_zip):
    small = Workspace(tmp_path / "small", Limits(table_bytes=50))
    dataset = ingest(make_zip({**pets, "big.csv": b"x" * 60, "broken.json": b"{"}), small)
    reasons = {entry["member"]: entry["reason"] for entry in dataset.skipped}
    assert "larger" in reasons["big.csv"] and "cannot be read" in reasons["broken.json"]


def test_images_with_several_classes_are_said(workspace, pets, make_zip):
    import json

    from core.errors import DatasetShapeError

    coco = {"images": [{"id": n, "file_name": f"{n}.png"} for n in range(8)],
            "annotations": [{"image_id": n, "category_id": c} for n in range(8) for c in (0, 1)],
            "categories": [{"id": 0, "name": "cat"}, {"id": 1, "name": "dog"}]}
    with pytest.raises(DatasetShapeError, match="8 images have several classes by a.json"):
        ingest(make_zip({**flat(pets), "a.json": json.dumps(coco)}), workspace)
