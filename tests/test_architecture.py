"""The direction of imports: pages -> core -> core.engine, the last step across a process."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parent.parent
HEAVY = ("keras", "tensorflow")


def modules(*places: str) -> list[Path]:
    found = []
    for place in places:
        path = PROJECT / place
        found += sorted(path.rglob("*.py")) if path.is_dir() else [path]
    return found


def imports(path: Path) -> Iterator[str]:
    """Every module that a file imports, function bodies included."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module or ""
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def offenders(paths: list[Path], *forbidden: str) -> set[str]:
    return {
        f"{path.relative_to(PROJECT)} imports {name}"
        for path in paths for name in imports(path)
        if any(name == root or name.startswith(f"{root}.") for root in forbidden)
    }


def light_core() -> list[Path]:
    engine = PROJECT / "core" / "engine"
    return [path for path in modules("core") if engine not in path.parents]


def test_the_rules_look_at_something():
    assert len(light_core()) > 15
    assert len(modules("pages")) > 5
    assert offenders(modules("core/engine"), "keras")


def test_core_does_not_know_streamlit_or_the_pages():
    assert not offenders(modules("core"), "streamlit", "pages", "app")


def test_keras_and_tensorflow_are_imported_in_the_engine_only():
    assert not offenders([*light_core(), *modules("pages", "app.py")], *HEAVY)


def test_the_engine_is_reached_across_a_process_only():
    assert not offenders([*light_core(), *modules("pages", "app.py")], "core.engine")


def test_a_workspace_is_passed_in_below_the_api():
    """Only `core.api`, the command line and the pages may take the one that nobody has named."""
    takes = {
        path.relative_to(PROJECT).as_posix() for path in modules("core", "benchmarks")
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.Attribute) and node.attr == "default"
        and isinstance(node.value, ast.Name) and node.value.id in ("Workspace", "cls")
    }
    assert takes == {"core/api.py", "core/cli/commands.py"}


def test_jobs_and_the_store_do_not_know_what_they_carry():
    assert not offenders(modules("core/jobs"), "core.runs", "core.data", "core.recipe", "core.api")
    assert not offenders(modules("core/store"), "core.jobs", "core.runs", "core.data", "core.recipe", "core.api")


def test_importing_all_of_core_but_the_engine_leaves_keras_out():
    names = [".".join(path.relative_to(PROJECT).with_suffix("").parts) for path in light_core()]
    names = [name.removesuffix(".__init__") for name in names if not name.endswith("__main__")]
    code = (
        f"import importlib, sys\nfor name in {names!r}: importlib.import_module(name)\n"
        f"sys.exit(', '.join(sorted(set(sys.modules) & {{*{HEAVY!r}, 'streamlit'}})) or 0)"
    )
    result = subprocess.run([sys.executable, "-c", code], cwd=PROJECT, capture_output=True, text=True)
    assert result.returncode == 0, result.stderr


def test_the_command_line_starts_light():
    code = (
        "import sys\nfrom core.cli import main\nmain(['--help'])\n"
        "heavy = {'pandas', 'sklearn', 'numpy', 'tensorflow', 'keras', 'PIL'}\n"
        "sys.exit(', '.join(sorted(set(sys.modules) & heavy)) or 0)"
    )
    result = subprocess.run([sys.executable, "-c", code], cwd=PROJECT, capture_output=True, text=True)
    assert result.returncode == 0, result.stderr


@pytest.mark.parametrize("place", ["core", "pages", "tests"])
def test_modules_are_named_for_what_they_do(place):
    empty = {"utils", "util", "helpers", "helper", "common", "misc"}
    assert not [path for path in modules(place) if path.stem in empty or empty & set(path.parts)]


@pytest.mark.parametrize("name", ["Workspace", "Recipe", "GraftError", "ingest", "list_datasets", "Dataset", "train",
                                  "start", "Run", "list_runs", "predict", "evaluate"])
def test_the_python_api_is_there(name):
    import core

    assert getattr(core, name).__doc__
    assert name in dir(core)


def test_the_python_api_refuses_other_names():
    import core

    with pytest.raises(AttributeError, match="nothing_like_that"):
        _ = core.nothing_like_that
