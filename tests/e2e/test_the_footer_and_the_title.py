"""What is always to be seen: the footer with the way on, on a desk and on a phone, and the title of the tab."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from core.data.library import ingest
from core.store.workspace import Workspace
from tests.e2e.conftest import Server
from tests.pages.conftest import coloured_zip

pytestmark = pytest.mark.browser
GREEN = "[data-testid=stBaseButton-primary]"


@pytest.mark.parametrize("width", [pytest.param(1440, marks=pytest.mark.slow), 390])
def test_the_way_on_is_in_the_window_and_covers_nothing(
        page: Page, server: Server, tmp_path: Path, width: int) -> None:
    ingest(coloured_zip(tmp_path / "colours.zip"), Workspace(server.workspace))
    page.set_viewport_size({"width": width, "height": 800})
    for place, name in (("", "Choose a model"), ("model", "Set up the training"), ("train", "Start training"),
                        ("results", "Train a model")):
        page.goto(f"{server.url}/{place}")
        way_on = page.get_by_role("button", name=name)
        expect(way_on).to_be_in_viewport(ratio=1.0)
        expect(page.locator(".graft-steps span")).to_have_count(5)
        expect(page.locator(GREEN)).to_have_count(1)
        footer, content = page.get_by_test_id("stBottom"), page.get_by_test_id("stMainBlockContainer")
        for _ in range(50):  # charts and pictures come last, and the page grows by them
            page.get_by_test_id("stMain").evaluate("element => element.scrollTop = element.scrollHeight")
            last = content.evaluate("element => element.firstElementChild.getBoundingClientRect().bottom")
            if last <= footer.evaluate("element => element.getBoundingClientRect().top") + 1:
                break
            page.wait_for_timeout(200)
        assert last <= footer.evaluate("element => element.getBoundingClientRect().top") + 1
        expect(way_on).to_be_in_viewport(ratio=1.0)
        assert page.evaluate("document.documentElement.scrollWidth") <= width


@pytest.mark.slow
def test_the_title_says_where_a_run_stands(page: Page, server: Server, tmp_path: Path) -> None:
    ingest(coloured_zip(tmp_path / "colours.zip"), Workspace(server.workspace))
    page.goto(f"{server.url}/model")
    expect(page).to_have_title("Graft")
    page.get_by_role("button", name="Set up the training").click()
    page.get_by_role("button", name="Start training").click()
    expect(page).to_have_title(re.compile(r"^▶ \d+ % · Graft$"))
    page.get_by_role("link", name="Model").click()  # also seen from another page
    expect(page).to_have_title(re.compile(r"^✓ \d+\.\d % · Graft$"), timeout=240_000)
    page.get_by_role("link", name="Train").click()
    expect(page.get_by_role("button", name="See the results")).to_be_visible()
    expect(page).to_have_title(re.compile(r"^✓ \d+\.\d % · Graft$"))
