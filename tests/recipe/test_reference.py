"""docs/settings.md says what the fields say."""

from __future__ import annotations

from core.recipe.reference import REFERENCE_FILE, render
from core.recipe.specs import field_specs


def test_the_page_is_current():
    assert REFERENCE_FILE.read_text("utf-8") == render(), "run: make docs"


def test_every_field_stands_in_it():
    page = render()
    for spec in field_specs():
        section, _, name = spec.path.rpartition(".")
        assert f"## `{section}`" in page and f"| `{name}` |" in page and spec.title in page
