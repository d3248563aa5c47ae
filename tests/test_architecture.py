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


UNNAMED = {"core/api.py", *(f"core/cli/{name}.py" for name in ("after", "commands", "datasets", "models", "options"))}
MAY_MAKE_A_WORKSPACE = {
    "core/store/workspace.py",  # the class itself
    *UNNAMED,  # where nobody has named one
    "core/runs/run.py", "core/engine/train.py",
    "core/engine/measure.py", "core/engine/check.py",  # the one that a given run or job lies in
}


def makes_a_workspace(code: str) -> bool:
    """Whether code makes a workspace, or could come to one, in whatever way: then it must be looked at by a person."""
    tree = ast.parse(code)
    names = {"Workspace", *(alias.asname for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)
                            for alias in node.names if alias.name == "Workspace" and alias.asname)}
    types = {inner for node in ast.walk(tree) for field in ("annotation", "returns")
             if (kind := getattr(node, field, None)) is not None for inner in ast.walk(kind)}
    ways = {"DEFAULT_FOLDER", "default_root", "GRAFT_WORKSPACE"}
    for node in ast.walk(tree):
        if node in types:
            continue
        if isinstance(node, ast.Name) and node.id in names | ways or \
                isinstance(node, ast.Attribute) and node.attr in names | ways or \
                isinstance(node, ast.Constant) and node.value in names | ways or \
                isinstance(node, ast.alias) and node.name in ways:
            return True
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)) and defaults_a_workspace(node.args, names):
            return True
    return False


def defaults_a_workspace(arguments: ast.arguments, names: set[str]) -> bool:
    """Whether a workspace may be left out of a call."""
    plain = [*arguments.posonlyargs, *arguments.args]
    left_out = plain[len(plain) - len(arguments.defaults):]
    left_out += [one for one, value in zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True) if value]
    return any(isinstance(inner, ast.Name) and inner.id in names
               for one in left_out if one.annotation for inner in ast.walk(one.annotation))


@pytest.mark.parametrize("code", [
    "def f(w: Workspace = Workspace('here')): ...",
    "def f(w: Workspace = HERE): ...",
    "def f(*, w: Workspace | None = None): ...",
    "def f(w=None):\n    w = w or Workspace.default()",
    "HERE = Workspace(ROOT)",
    "from core.store.workspace import Workspace as W\nmake = W",
    "from core.store import workspace\nopened = workspace.Workspace(path)",
    "from core.store import workspace\nopened = getattr(workspace, 'Workspace')(path)",
    "from core.store.workspace import DEFAULT_FOLDER",
    "path = os.environ['GRAFT_WORKSPACE']",
])
def test_any_way_to_a_workspace_would_be_seen(code):
    assert makes_a_workspace(code)


@pytest.mark.parametrize("code", [
    "from core.store.workspace import Workspace\ndef f(w: Workspace, *, n: int = 1) -> Workspace | None: ...",
    "class A:\n    home: Workspace",
])
def test_to_be_given_one_is_no_way_to_it(code):
    assert not makes_a_workspace(code)


def test_a_workspace_is_passed_in_below_the_api():
    """Only `core.api`, the command line and the pages may take the one that nobody has named."""
    found = {path.relative_to(PROJECT).as_posix() for path in modules("core")
             if path.name != "__init__.py" and makes_a_workspace(path.read_text("utf-8"))}
    assert found == MAY_MAKE_A_WORKSPACE
    takes = {path.relative_to(PROJECT).as_posix() for path in modules("core", "benchmarks")
             if "Workspace.default" in path.read_text("utf-8")}
    assert takes == UNNAMED


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


def graph_of(package: str) -> dict[str, set[str]]:
    """Every module with the modules of its package that it imports, function bodies included, types alone not."""
    named = {".".join(path.relative_to(PROJECT).with_suffix("").parts).removesuffix(".__init__"): path
             for path in modules(package)}
    return {name: {found for found in imports_at_run_time(path) if found in named and found != name}
            for name, path in named.items()}


def imports_at_run_time(path: Path) -> Iterator[str]:
    tree = ast.parse(path.read_text("utf-8"))
    for node in ast.walk(tree):
        if isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING":
            node.body = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def circles(graph: dict[str, set[str]]) -> list[set[str]]:
    """Groups of modules of which each leads to each other one."""

    def reached(start: str) -> set[str]:
        found: set[str] = set()
        ahead = list(graph[start])
        while ahead:
            if (name := ahead.pop()) not in found:
                found.add(name)
                ahead += graph[name]
        return found

    everything = {name: reached(name) for name in graph}
    return [{name, *(other for other in found if name in everything[other])}
            for name, found in everything.items() if name in found]


def test_a_circle_would_be_found():
    assert circles({"a": {"b"}, "b": {"c"}, "c": {"b"}}) == [{"b", "c"}, {"b", "c"}]


@pytest.mark.parametrize("package", ["core", "pages"])
def test_no_import_goes_round_in_a_circle_not_even_inside_a_function(package):
    everything = graph_of(package)
    packages = {name for name in everything if (PROJECT / Path(*name.split("."))).is_dir()}
    graph = {name: found - packages for name, found in everything.items() if name not in packages}
    assert sum(map(len, graph.values())) > 100
    assert not circles(graph)


@pytest.mark.parametrize(("place", "forbidden"), [
    ("core/data", ("core.runs", "core.jobs", "core.api", "core.engine")),
    ("core/data/splits", ("core.data.dataset", "core.data.library")),
    ("core/data/samples.py", ("core.data.dataset", "core.data.library")),
    ("core/data/images", ("core.data.dataset", "core.data.library", "core.data.sources")),
    ("core/runs", ("core.data.library", "core.data.dataset", "core.api")),
    ("core/jobs", ("core.runs", "core.data", "core.recipe", "core.api")),
])
def test_datasets_do_not_know_runs_nor_parts_of_them_the_whole(place, forbidden):
    found = {f"{path.relative_to(PROJECT)} imports {name}" for path in modules(place)
             for name in imports_at_run_time(path)
             if any(name == root or name.startswith(f"{root}.") for root in forbidden)}
    assert not found
