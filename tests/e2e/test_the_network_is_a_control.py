"""The picture of the network, clicked and driven by the keyboard in a real browser."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from core.data.library import ingest
from core.recipe.fields import Recipe
from core.store.workspace import Workspace
from tests.e2e.conftest import Server
from tests.pages.conftest import coloured_zip

pytestmark = pytest.mark.browser


def recipe(server: Server) -> Recipe:
    document = json.loads((server.workspace / "chosen.json").read_text("utf-8"))
    return Recipe.model_validate_json(next(value for name, value in document.items() if name.startswith("recipe-")))


def until(page: Page, server: Server, freeze: str, cut: str | None) -> None:
    """Wait until the recipe says so, and the page is drawn after it: a click means what is seen."""
    for _ in range(100):
        now = recipe(server)
        if (now.train.phases[0].freeze, now.model.cut_layer) == (freeze, cut):
            return expect(page.locator('[data-test-script-state="running"]')).to_have_count(0)
        page.wait_for_timeout(100)
    raise AssertionError(f"{now.train.phases[0].freeze}, {now.model.cut_layer}")


def block(page: Page, name: str):
    return page.get_by_role("button", name=re.compile(rf"^{name}: "))


def test_a_click_on_a_block_freezes_and_the_scissors_cut(page: Page, server: Server, tmp_path: Path) -> None:
    ingest(coloured_zip(tmp_path / "first.zip", per_class=8, side=90), Workspace(server.workspace))
    page.goto(f"{server.url}/model")
    page.get_by_role("button", name="Choose Custom").click()
    expect(block(page, "block4b")).to_be_visible()
    assert recipe(server).model.backbone == "EfficientNetLite0"

    block(page, "block4b").click()
    until(page, server, "block4b", None)
    expect(block(page, "block4b")).to_have_attribute("aria-pressed", "true")
    expect(block(page, "block4c")).to_have_attribute("aria-label", re.compile("trained again"))
    block(page, "block4b").click()  # once more: it learns, too
    until(page, server, "block4a", None)

    block(page, "block3b").focus()
    page.keyboard.press("Enter")
    until(page, server, "block3b", None)
    expect(block(page, "block3b")).to_have_attribute("aria-pressed", "true")
    expect(block(page, "block3b")).to_be_focused()  # and drawn anew under the finger
    page.get_by_role("button", name="Freeze nothing").press("Space")
    until(page, server, "none", None)
    block(page, "block3b").click()
    until(page, server, "block3b", None)

    page.get_by_role("button", name=re.compile("^Cut the network off behind block5b,")).click()
    expect(page.get_by_text(re.compile("dropped: [1-9]"))).to_be_visible()
    layer = recipe(server).model.cut_layer
    assert layer == "block5b_add"
    block(page, "block6a").click()  # beyond the cut
    expect(page.get_by_text("lies beyond the cut")).to_be_visible()
    until(page, server, "block3b", layer)
    page.get_by_role("button", name=re.compile("^Remove the cut")).click()
    until(page, server, "block3b", None)
