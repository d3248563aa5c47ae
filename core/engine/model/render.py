"""JSON that reads well in a difference: small things on one line, long lists filled to the width of a line."""

from __future__ import annotations

import json
import textwrap
from typing import Any

WIDTH = 120


def render(document: Any) -> str:
    """A document as JSON text."""
    return _render(document, 0) + "\n"


def _render(value: Any, depth: int) -> str:
    indent, inner = " " * depth, " " * (depth + 1)
    line = json.dumps(value, ensure_ascii=False)
    if len(line) + depth <= WIDTH or not isinstance(value, dict | list):
        return line
    if isinstance(value, dict):
        parts = [f"{inner}{json.dumps(key)}: {_render(item, depth + 1)}" for key, item in value.items()]
        return "{\n" + ",\n".join(parts) + f"\n{indent}}}"
    if any(isinstance(item, dict) for item in value):
        return "[\n" + ",\n".join(inner + _render(item, depth + 1) for item in value) + f"\n{indent}]"
    filled = textwrap.fill(line[1:-1], WIDTH, initial_indent=inner, subsequent_indent=inner, break_long_words=False,
                           break_on_hyphens=False)
    return f"[\n{filled}\n{indent}]"
