"""Hostile names in a real browser, which alone knows what Markdown, charts and tables make of text."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from core import escape
from core.data.library import ingest
from core.store.workspace import Workspace
from tests.e2e.conftest import Server
from tests.pages.test_hostile_names import finished_run, hostile_folder

pytestmark = pytest.mark.browser


def test_names_are_text_on_every_page(page: Page, server: Server, tmp_path: Path) -> None:
    workspace = Workspace(server.workspace)
    folder = hostile_folder(tmp_path / ":material-home: <b>")
    dataset = ingest(folder, workspace, name=":material/home: www.evil.org <b>")
    run = finished_run(dataset, workspace)
    main = page.get_by_test_id("stMain")
    page.goto(server.url)
    expect(page.locator(".ytick text")).to_have_count(len(dataset.classes))
    ticks = [text.strip() for text in page.locator(".ytick text").all_text_contents()]
    assert sorted(ticks) == sorted(escape.visible(name) for name in dataset.classes)
    chooser = main.locator("[class*=st-key-class-pills]")
    shown = chooser.inner_text().replace("\u2060", "")
    assert [name for name in dataset.classes if escape.visible(name) not in shown] == []
    for place in ("", "train", f"results?run={run.id}", "predict"):
        page.goto(f"{server.url}/{place}")
        expect(page.get_by_test_id("stSidebar").get_by_text(":material/home: www.evil.org <b> · 4")).to_be_visible()
        expect(main.get_by_role("heading", level=1)).to_be_visible()
        page.wait_for_timeout(2500)
        assert page.locator("a[href*=evil]").count() == 0
        assert main.locator("img[src=x], b:text-is('bold'), .katex, span[aria-label='home icon']").count() == 0
        assert "\u202e" not in main.inner_text()
