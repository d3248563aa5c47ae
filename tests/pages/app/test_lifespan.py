"""The page server's own life: quick to start, and prepared by the time somebody looks."""

import subprocess
import sys

import pytest

from pages.parts.app import lifespan


def modules_after(statement: str) -> set[str]:
    """What a fresh Python has imported after a statement."""
    code = f"import sys\n{statement}\nprint(' '.join(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return set(done.stdout.split())


@pytest.mark.parametrize("heavy", ["pandas", "pyarrow", "tensorflow", "sklearn"])
def test_what_a_first_visit_needs_imports_nothing_heavy(heavy):
    parts = "; ".join(f"import pages.parts.{name}" for name in lifespan.FIRST)
    assert heavy not in modules_after(f"import streamlit; {parts}")


def test_the_parts_named_exist_and_everything_is_imported_in_the_end(monkeypatch, caplog):
    monkeypatch.setattr(lifespan, "LATER_AFTER", 0.0)
    assert {f"pages.parts.{name}" for name in lifespan.FIRST} <= set(lifespan.parts())
    lifespan.warm_up()
    assert "failed" not in caplog.text and set(lifespan.parts()) | set(lifespan.LATER) <= set(sys.modules)


def test_preparing_that_fails_is_logged_and_ends_nothing(monkeypatch, caplog):
    monkeypatch.setattr(lifespan, "FIRST", ("no_such_part",))
    lifespan.warm_up()
    assert "Preparing the pages failed" in caplog.text


def test_tensorflow_is_never_among_what_the_server_prepares():
    statement = "from pages.parts.app import lifespan; lifespan.LATER_AFTER = 0; lifespan.warm_up()"
    assert "tensorflow" not in modules_after(statement)
