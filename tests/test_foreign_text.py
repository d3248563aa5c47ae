"""Names and messages of others reach people through `core.escape` alone: read off pages and command line."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parent.parent
FOREIGN = {"name", "title", "message", "hint", "path", "reason", "label", "error", "notes", "classes", "text", "source",
           "predicted", "true", "class"}
"""Attributes and keys whose text may be anybody's."""
UNESCAPED = {"run_name", "run_option", "dataset_option"}
"""What puts such text together."""
OWN = {"backbone", "chosen", "BACKBONES", "spec", "step", "steps", "block", "kind", "sample", "variant", "layer",
       "page", "download"}
"""Whose attributes are Graft's own words."""
SINKS = {"markdown", "caption", "badge", "info", "warning", "error", "success", "toast", "progress", "text", "code",
         "html", "metric", "subheader", "title", "header", "button", "download_button", "link_button", "expander",
         "page_link", "popover", "write", "dataframe", "segmented_control", "pills"}
UNESCAPED_TRACES = {"print_exc", "print_exception", "format_exc", "exception"}


def sources(*places: str) -> list[Path]:
    return sorted(path for place in places for path in (PROJECT / place).rglob("*.py"))


def raw(node: ast.AST) -> Iterator[str]:
    """Foreign text in an expression that does not pass through `core.escape`."""
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
        if isinstance(node.func.value, ast.Name) and node.func.value.id == "escape":
            return
        if node.func.attr in UNESCAPED:
            yield node.func.attr
    if isinstance(node, ast.Attribute) and node.attr in FOREIGN and not _own(node.value):
        yield ast.unparse(node)
    if (isinstance(node, ast.Subscript) and isinstance(node.slice, ast.Constant) and node.slice.value in FOREIGN
            and not _own(node.value)):
        yield ast.unparse(node)
    if isinstance(node, ast.Compare) or isinstance(node, ast.FormattedValue) and node.format_spec is not None:
        return  # a number
    for child in ast.iter_child_nodes(node):
        yield from raw(child)


def _own(node: ast.AST) -> bool:
    return isinstance(node, ast.Name) and node.id in OWN or isinstance(node, ast.Subscript) and _own(node.value)


def shown(path: Path) -> Iterator[tuple[ast.Call, ast.expr]]:
    """The arguments of whatever a page shows."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in SINKS
                and isinstance(node.func.value, ast.Name) and node.func.value.id == "st"):
            if any(word.arg == "format_func" and "escape." in ast.unparse(word.value) for word in node.keywords):
                continue
            skipped = {"key", "on_change", "on_click", "args", "kwargs", "format_func", "disabled", "column_config",
                       "file_name"}
            for argument in [*node.args, *(word.value for word in node.keywords if word.arg not in skipped)]:
                yield node, argument


@pytest.mark.parametrize("path", sources("pages"), ids=lambda path: str(path.relative_to(PROJECT)))
def test_a_page_shows_no_foreign_text_raw(path):
    found = [f"line {call.lineno}: {text}" for call, argument in shown(path) for text in raw(argument)]
    assert not found


def test_the_rule_sees_what_it_is_to_see():
    tree = ast.parse('st.markdown(f"**{dataset.name}** {wording.run_option(run)} {escape.html(run.name)} {n.name:,}")')
    assert list(raw(tree)) == ["dataset.name", "run_option"]


def test_nothing_escapes_by_other_means():
    """`html.escape` leaves what cannot be seen; one function a sink is for all."""
    for path in sources("pages", "core/cli"):
        imported = [node for node in ast.walk(ast.parse(path.read_text("utf-8")))
                    if isinstance(node, ast.ImportFrom) and node.module == "html"]
        assert not imported, path


def test_the_command_line_prints_through_its_output_module_alone():
    """There every `print` is of text that went through `core.escape`."""
    for path in sources("core/cli"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "print":
                assert path.name == "output.py", f"{path}: line {node.lineno}"
                given = ast.unparse(node.args[0])
                assert given.startswith("escape.") or given == "line", f"line {node.lineno}: {given}"


def test_a_traceback_reaches_the_terminal_through_one_function():
    """Python's own `print_exc` and a logger's `exception` write the message of the error as it is."""
    found = [f"{path}: line {node.lineno}" for path in sources("core", "pages")
             for node in ast.walk(ast.parse(path.read_text("utf-8")))
             if isinstance(node, ast.Attribute) and node.attr in UNESCAPED_TRACES
             or isinstance(node, ast.keyword) and node.arg == "exc_info"]
    assert not found
