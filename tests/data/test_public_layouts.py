"""Twenty and more layouts of public data sets: what is read and what is asked; the documentation says the same."""

import os
from pathlib import Path

import pytest

from core.data.layouts import choose
from core.errors import UnclearLayoutError
from tests.data.public_layouts import LAYOUTS, as_markdown, read

DOCS = Path(__file__).resolve().parents[2] / "docs" / "layouts.md"


@pytest.mark.parametrize("layout", LAYOUTS, ids=lambda layout: layout.name)
def test_it_is_read_right_or_asked_for(layout, tmp_path):
    found, counted = read(layout, tmp_path)
    assert (found[0].id, counted) == (layout.reading, layout.counts)
    assert found[0].text and found[0].certain != layout.asks and bool(found[0].question) == layout.asks
    if layout.asks:
        with pytest.raises(UnclearLayoutError, match="not clear") as caught:
            choose(found, layout.paths)
        assert caught.value.readings == found and f"{found[0].id}: {found[0].text}" in caught.value.hint
    assert choose(found, layout.paths, found[-1].id) is found[-1]


@pytest.mark.parametrize("layout", LAYOUTS, ids=lambda layout: layout.name)
def test_a_reading_is_the_same_when_it_comes_back_from_disk(layout, tmp_path):
    from core.data.layouts import Reading

    for reading in read(layout, tmp_path)[0]:
        again = Reading.from_dict(reading.as_dict())
        assert again == reading and [again.class_of(p) for p in layout.paths] == [
            reading.class_of(p) for p in layout.paths]


def test_the_documentation_has_this_table(tmp_path):
    """`GRAFT_WRITE_DOCS=1` writes it anew."""
    head, _, _ = DOCS.read_text("utf-8").partition("| layout |")
    text = head + as_markdown(tmp_path)
    if os.environ.get("GRAFT_WRITE_DOCS"):
        DOCS.write_text(text, "utf-8")
    assert DOCS.read_text("utf-8") == text
