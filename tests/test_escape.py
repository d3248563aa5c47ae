"""Text of others, shown as text."""

from __future__ import annotations

import html
import json

import pytest

from core import escape


@pytest.mark.parametrize("text, shown", [
    ("photo.jpg", "photo.jpg"),
    ("日本 übung – 50 % 👩‍🔬", "日本 übung – 50 % 👩‍🔬"),
    ("a\x1b[2Jb", "a\\x1b[2Jb"),
    ("a\rb\nc\td\x00", "a\\x0db\\x0ac\\x09d\\x00"),
    ("\x9b31m", "\\x9b31m"),
    ("gpj.\u202eexe", "gpj.\\u202eexe"),
    ("a\u2066b\u200bc\ufeff", "a\\u2066b\\u200bc\\ufeff"),
    ("a\u2028b", "a\\u2028b"),
    ("tag \U000e0041", "tag \\U000e0041"),
    ("half \udc80", "half \\udc80"),
    ("filler \u3164\uffa0", "filler \\u3164\\uffa0"),
])
def test_what_cannot_be_seen_is_written_out(text, shown):
    assert escape.visible(text) == escape.terminal(text) == shown
    shown.encode()


def test_a_traceback_keeps_its_lines():
    assert escape.terminal_lines("one\n\ttwo\x1b[0m\r") == "one\n        two\\x1b[0m\\x0d"


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@SUM(A1)", "\uff1d1"])
def test_a_spreadsheet_does_not_compute_it(text):
    assert escape.csv_cell(text) == f"'{text}"


@pytest.mark.parametrize("value, cell", [
    ("a=b", "a=b"), ("\t=1", "\\x09=1"), ("\r=1", "\\x0d=1"), (-0.5, -0.5), (None, None),
])
def test_other_cells_stay(value, cell):
    assert escape.csv_cell(value) == cell


@pytest.mark.parametrize("text", ["=1+1", "'=1+1", "''-a", "'quoted'", "a=b", "\u202e@", "", "'"])
def test_a_table_that_graft_reads_again_is_safe_and_loses_nothing(text):
    written = escape.csv_field(text)
    assert escape.csv_read(written) == text and not written.startswith(("=", "+", "-", "@"))


@pytest.mark.parametrize("text", ["<a href='x'>b</a>", "<b>", "&lt;", "a & b"])
def test_charts_and_html_read_it_back_as_it_is(text):
    for function in (escape.chart, escape.html):
        assert "<" not in function(text) and html.unescape(function(text)) == text
    assert '"' not in escape.html('"') and "'" not in escape.html("'")


@pytest.mark.parametrize("document", [
    {"path": "a\x1b\u202e\x9b\udc80\U000e0041\n", "n": [1, 2.5, None]}, ["\\x1b", "日本"],
])
@pytest.mark.parametrize("indent", [None, 2])
def test_json_reads_as_the_same_document_and_hides_nothing(document, indent):
    text = escape.json_text(document, indent)
    assert json.loads(text) == document
    assert "".join(text.split("\n")) == escape.visible("".join(text.split("\n")))


def test_markdown_leaves_sentences_with_addresses_alone_when_told():
    sentence = "Place the file from https://a.org/b in the folder, or use --set a.b=1"
    assert "\u2060" not in escape.markdown(sentence, links=True)
    assert "\u2060" in escape.markdown(sentence)
