"""Text that did not come from Graft (names of files, classes and datasets, messages of libraries) shown as text.

One function for each place that reads more into text than its letters: a terminal, a spreadsheet, a chart, HTML,
Markdown. What cannot be seen (control characters, escape sequences, marks that turn the direction of writing) is
written out everywhere, as `\\x1b` or `\\u202e`, so that a name cannot pass for another.
"""

from __future__ import annotations

import html as html_entities
import json
import re
import sys
import traceback
from typing import Any

UNSEEN = (
    "\x00-\x1f\x7f-\x9f"  # control characters (C0, C1): \x1b begins an escape sequence
    "\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"  # direction of writing: Unicode Standard Annex 9, section 2
    "\u00ad\u180e\u200b\u2028\u2029\u2060-\u2065\u206a-\u206f\ufeff\ufff9-\ufffb"  # no width, or a new line
    "\U000e0000-\U000e007f"  # tags: no width either
    "\u115f\u1160\u3164\uffa0"  # fillers of Hangul: letters that are drawn as nothing (Unicode Standard, 18.6)
    "\ud800-\udfff"  # halves of surrogate pairs: cannot be written as UTF-8
)
"""What cannot be seen, as the inside of a regular expression's character class."""
_UNSEEN = re.compile(f"[{UNSEEN}]")
_FORMULA = tuple("=+-@\uff1d\uff0b\uff0d\uff20")
"""First characters that make a spreadsheet compute: OWASP, "CSV Injection". Tab and line end are written out anyway."""
_MARKS = re.compile(r"([\\`*_{}\[\]()<>#$~|:!&^])")
"""What Markdown (CommonMark, GFM), LaTeX and Streamlit's own directives (`:red[…]`, `:material/…:`) are made of."""
_LIST_MARK = re.compile(r"^(\s*\d*)([.+=-])(?=[\s=-]|$)", re.MULTILINE)
_INDENT = re.compile(r"^[ \t]+", re.MULTILINE)
_LINKED = re.compile(r"(?i)(?<=www)(?=\.)|(?=@)|(?<=:)(?=//)")
_ICON = re.compile(r":(?=[\w+-]+(?:/\w+)?:)")
_ARROW = re.compile(r"(?<!\S)([<>~-])(?=[=>-](?!\S))")
"""Inside of what becomes a link (`www.a.org`, `a@b.org`), an icon or an arrow (`->`) although it is escaped: Streamlit
and GFM look for these once more in the text that Markdown leaves."""
_JOINER = "\u2060"
"""Has no width, and no line is broken at it."""


def visible(text: str) -> str:
    """The text with everything written out that cannot be seen. One line; enough where text is only ever text."""
    return _UNSEEN.sub(lambda found: _written_out(found[0]), text)


def terminal(text: str) -> str:
    """One line for a terminal."""
    return visible(text)


def terminal_lines(text: str) -> str:
    """Several lines for a terminal, such as a traceback."""
    return "\n".join(visible(line.expandtabs()) for line in text.split("\n"))


def trace(error: BaseException) -> str:
    """An exception's traceback for a terminal or a log; the names in it are anybody's."""
    return terminal_lines("".join(traceback.format_exception(error)))


def print_trace(error: BaseException) -> None:
    """An exception's traceback on stderr."""
    print(trace(error), end="", file=sys.stderr, flush=True)


def csv_cell(value: object) -> object:
    """A cell that a spreadsheet takes for text; numbers stay numbers."""
    if not isinstance(value, str):
        return value
    text = visible(value)
    return f"'{text}" if text.startswith(_FORMULA) else text


def csv_field(text: str) -> str:
    """As `csv_cell`, for a file that Graft reads again: `csv_read` gives the very text back, hidden characters too."""
    return f"'{text}" if text.lstrip("'").startswith(_FORMULA) else text


def csv_read(field: str) -> str:
    """What `csv_field` was given."""
    return field[1:] if field.startswith("'") and field.lstrip("'").startswith(_FORMULA) else field


def chart(text: str) -> str:
    """A label for Plotly, which reads a few HTML tags and entities in every text."""
    return html_entities.escape(visible(text), quote=False)


def html(text: str) -> str:
    """Text inside an HTML element or a quoted attribute."""
    return html_entities.escape(visible(text), quote=True)


def markdown(text: str, links: bool = False) -> str:
    """Text for Streamlit's Markdown: labels, captions, messages. Line ends stay line ends.

    Args:
        links: Leave addresses that can be followed and copied: for sentences of Graft's own with foreign words in them.
    """
    text = "\n".join(visible(line) for line in text.split("\n"))
    text = _ARROW.sub(rf"\1{_JOINER}", _ICON.sub(f":{_JOINER}", _INDENT.sub("", text)))
    text = _MARKS.sub(r"\\\1", text if links else _LINKED.sub(_JOINER, text))
    return _LIST_MARK.sub(r"\1\\\2", text)


def badge(text: str) -> str:
    """The label of a badge: Markdown, in which Streamlit escapes brackets by itself."""
    return markdown(text).replace("\\[", "[").replace("\\]", "]")


def json_text(document: Any, indent: int | None = None) -> str:
    """A JSON document for a terminal: reads as the same document, with everything unseen as `\\uXXXX`."""
    text = json.dumps(document, indent=indent, ensure_ascii=False)
    return _UNSEEN.sub(lambda found: found[0] if found[0] == "\n" else json.dumps(found[0])[1:-1], text)


def _written_out(character: str) -> str:
    code = ord(character)
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"
