"""Pictures are looked at one by one, with the mouse and by the keyboard, in a real browser."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from core.data.library import ingest
from core.store.workspace import Workspace
from tests.e2e.conftest import Server
from tests.pages.conftest import coloured_zip

pytestmark = pytest.mark.browser


def test_a_click_opens_a_picture_and_the_arrow_keys_go_on(page: Page, server: Server, tmp_path: Path) -> None:
    ingest(coloured_zip(tmp_path / "first.zip", per_class=6, side=90), Workspace(server.workspace))
    page.goto(server.url)
    tiles = page.locator(".graft-tile button")
    expect(tiles).to_have_count(18)

    tiles.nth(1).click()
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_role("img", name="blue_01.png")).to_be_visible()
    expect(dialog.get_by_text("2 of 18")).to_be_visible()
    page.keyboard.press("ArrowRight")
    expect(dialog.get_by_role("img", name="blue_02.png")).to_be_visible()
    dialog.get_by_role("button", name="Previous").click()
    expect(dialog.get_by_role("img", name="blue_01.png")).to_be_visible()
    page.keyboard.press("Escape")
    expect(dialog).to_have_count(0)

    tiles.first.focus()
    page.keyboard.press("ArrowRight")
    expect(tiles.nth(1)).to_be_focused()
    page.keyboard.press("Enter")
    expect(dialog.get_by_role("img", name="blue_01.png")).to_be_visible()
