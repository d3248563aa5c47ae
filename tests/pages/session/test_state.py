"""What the pages remember, where another version or a crash has left something that cannot be read."""

from __future__ import annotations

import json

from core.data.library import ingest
from core.store.files import read_json, write_json
from tests.pages.conftest import coloured_zip, said


def test_a_recipe_of_a_newer_version_is_said_and_left_alone(workspace, tmp_path, no_weights, open_page):
    dataset = ingest(coloured_zip(tmp_path / "colours.zip"), workspace)
    open_page("model")
    file, name = workspace.root / "chosen.json", f"recipe-{dataset.id}"
    chosen = read_json(file)
    newer = json.dumps({**json.loads(chosen[name]), "schema_version": 99})
    write_json(file, {**chosen, name: newer})
    test = open_page("model")
    assert any("newer version" in (error.value + str(error)) for error in test.error) or "newer version" in said(test)
    assert read_json(file)[name] == newer


def test_what_cannot_be_read_is_kept_aside(workspace, tmp_path, no_weights, open_page):
    ingest(coloured_zip(tmp_path / "colours.zip"), workspace)
    file = workspace.root / "chosen.json"
    file.write_text("{torn")
    open_page("model")
    assert read_json(file)["schema"] == 1
    assert file.with_name("chosen-unreadable.json").read_text() == "{torn"


def test_a_file_that_holds_nothing_yet_is_no_broken_one(workspace, tmp_path, no_weights, open_page):
    file = workspace.root / "chosen.json"
    write_json(file, {"schema": 1})
    ingest(coloured_zip(tmp_path / "colours.zip"), workspace)
    open_page("model")
    assert len(read_json(file)) > 1 and not file.with_name("chosen-unreadable.json").exists()
