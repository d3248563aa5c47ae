"""Files of older and newer versions of Graft."""

import pytest

from core.errors import NewerFormatError
from core.store.documents import Format
from core.store.files import read_json, write_json

COLOUR = Format("colour", 3, {1: lambda old: {"name": old["colour"]}, 2: lambda old: {**old, "shade": 0}})


def test_every_step_from_the_oldest_version_on_is_taken(tmp_path):
    write_json(tmp_path / "c.json", {"colour": "red"})
    assert COLOUR.read(tmp_path / "c.json") == {"schema": 3, "name": "red", "shade": 0}
    assert read_json(tmp_path / "c.json") == {"colour": "red"}  # reading does not write


def test_later_versions_take_the_remaining_steps(tmp_path):
    write_json(tmp_path / "c.json", {"schema": 2, "name": "red"})
    assert COLOUR.read(tmp_path / "c.json") == {"schema": 3, "name": "red", "shade": 0}


def test_what_is_written_has_the_version_and_is_read_as_it_was(tmp_path):
    COLOUR.write(tmp_path / "c.json", {"name": "red", "shade": 1})
    assert read_json(tmp_path / "c.json") == {"schema": 3, "name": "red", "shade": 1}
    assert COLOUR.read(tmp_path / "c.json") == {"schema": 3, "name": "red", "shade": 1}


def test_a_newer_version_is_refused_in_a_sentence_and_left_alone(tmp_path):
    write_json(tmp_path / "c.json", {"schema": 4, "hue": 12})
    with pytest.raises(NewerFormatError, match=r"format 4; this one knows 3.*Update Graft"):
        COLOUR.read(tmp_path / "c.json")
    assert read_json(tmp_path / "c.json") == {"schema": 4, "hue": 12}


@pytest.mark.parametrize("document", [[], "x", {"schema": "2"}, {"schema": True}, {"schema": 0}])
def test_what_is_no_such_document_is_said_to_be_none(document, tmp_path):
    write_json(tmp_path / "c.json", document)
    with pytest.raises(ValueError, match=r"c\.json"):
        COLOUR.read(tmp_path / "c.json")
