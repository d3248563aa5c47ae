"""What a page shows is what the recipe says, and only an act of the user's changes it.

In a real browser: it alone knows what a widget that is drawn anew sends back.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from core.backbones.catalogue import BACKBONES
from core.data.dataset import Dataset
from core.data.library import ingest
from core.recipe.fields import Recipe
from core.store.workspace import Workspace
from tests.e2e.conftest import Server
from tests.pages.conftest import coloured_zip

pytestmark = pytest.mark.browser


@pytest.fixture
def dataset(server: Server, tmp_path: Path) -> Dataset:
    return ingest(coloured_zip(tmp_path / "first.zip", per_class=16), Workspace(server.workspace))


def recipes(server: Server) -> dict[str, Recipe]:
    """The recipes that the pages keep, by dataset."""
    document = json.loads((server.workspace / "chosen.json").read_text("utf-8"))
    return {name.removeprefix("recipe-"): Recipe.model_validate_json(value)
            for name, value in document.items() if name.startswith("recipe-")}


def go(page: Page, name: str) -> None:
    page.get_by_role("link", name=name).click()
    expect(page.get_by_role("heading", name=name, exact=True)).to_be_visible()


def wait_for(page: Page, holds: Callable[[], bool], seconds: float = 20.0) -> None:
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, "it never came about"
        page.wait_for_timeout(100)


def slider(page: Page, label: str) -> str:
    return page.get_by_role("slider", name=label).input_value()


@pytest.mark.slow
def test_a_second_archive_leaves_the_validation_share_alone(
        page: Page, server: Server, dataset: Dataset, tmp_path: Path) -> None:
    page.goto(server.url)
    expect(page.get_by_text("training · ").first).to_be_visible()
    assert slider(page, "Validation share") == "0.2"
    page.get_by_role("button", name="Add a dataset").click()
    page.locator("input[type=file]").first.set_input_files(coloured_zip(tmp_path / "second.zip", per_class=20))
    expect(page.get_by_text("48 training").first).to_be_visible()
    assert slider(page, "Validation share") == "0.2"
    page.get_by_role("button", name="Choose a model").click()
    expect(page.get_by_role("heading", name="Model", exact=True)).to_be_visible()
    assert {name: recipe.data.validation for name, recipe in recipes(server).items()} == {
        name: 0.2 for name in recipes(server)}
    assert len(recipes(server)) == 2
    go(page, "Data")
    expect(page.get_by_text("48 training").first).to_be_visible()
    assert slider(page, "Validation share") == "0.2"


def test_walking_over_all_pages_changes_nothing(page: Page, server: Server, dataset: Dataset) -> None:
    """Every page with every box opened, twice, with a button pressed on each: buttons send what all widgets hold."""
    page.goto(server.url)
    expect(page.get_by_role("button", name="Choose a model")).to_be_visible()
    go(page, "Model")
    page.get_by_role("button", name="Choose Custom").click()
    expect(page.locator(".st-key-ticked-custom")).to_be_visible()
    expect(page.locator('[data-test-script-state="running"]')).to_have_count(0)  # what moves away is not hit
    page.locator(".st-key-hidden-count").get_by_text("2", exact=True).click()
    expect(page.get_by_text("Hidden layer 2")).to_be_visible()
    before = recipes(server)
    for _ in range(2):
        go(page, "Train")
        page.get_by_text("Advanced", exact=True).click()
        expect(page.get_by_role("spinbutton", name="Weight decay")).to_be_visible()
        go(page, "Model")
        page.get_by_text("Advanced", exact=True).click()
        expect(page.get_by_role("spinbutton", name="Image size")).to_be_visible()
        page.get_by_role("button", name="Set up the training").click()
        expect(page.get_by_role("heading", name="Train", exact=True)).to_be_visible()
        go(page, "Data")
        page.get_by_text("Advanced", exact=True).click()
        expect(page.get_by_role("spinbutton", name="Split seed")).to_be_visible()
        page.get_by_role("button", name="Choose a model").click()
        expect(page.get_by_role("heading", name="Model", exact=True)).to_be_visible()
    assert recipes(server) == before


@pytest.mark.slow
def test_the_keyboard_walks_over_the_backbones_without_choosing_one(
        page: Page, server: Server, dataset: Dataset) -> None:
    page.goto(f"{server.url}/model")
    page.get_by_role("button", name="Choose Custom").click()
    expect(page.get_by_test_id("stDataFrame").locator("canvas").first).to_be_visible()
    before = recipes(server)
    page.get_by_role("link", name="Predict").focus()
    for _ in range(25):
        page.keyboard.press("Tab")
        page.wait_for_timeout(80)
        if page.evaluate("document.activeElement.closest('[data-testid=stDataFrame]') !== null"):
            for key in ("ArrowDown", "ArrowRight", "ArrowDown"):
                page.keyboard.press(key)
                page.wait_for_timeout(150)
    page.wait_for_timeout(1500)
    assert recipes(server) == before
    box = page.get_by_test_id("stDataFrame").bounding_box()
    assert box is not None
    page.mouse.click(box["x"] + 200, box["y"] + 35 * 4 + 17)  # a click into a cell only looks
    page.wait_for_timeout(1500)
    assert recipes(server) == before


@pytest.mark.slow
def test_the_box_of_a_row_chooses_and_the_rows_stay_where_they_are(
        page: Page, server: Server, dataset: Dataset) -> None:
    page.goto(f"{server.url}/model")
    page.get_by_role("button", name="Choose Custom").click()
    table = page.get_by_test_id("stDataFrame")
    expect(page.get_by_role("button", name="Set up the training")).to_be_visible()
    expect(table.locator("canvas").first).to_be_visible()
    titles = {backbone.title: backbone.name for backbone in BACKBONES.values()}
    shown = [table.get_by_test_id(f"glide-cell-1-{row}").text_content() for row in range(6)]
    for row in (3, 5, 2):
        table.evaluate("element => element.scrollIntoView({block: 'center'})")
        box = table.bounding_box()
        assert box is not None
        page.mouse.click(box["x"] + 15, box["y"] + 35 * (row + 1) + 17)
        chosen = titles[shown[row] or ""]
        wait_for(page, lambda name=chosen: recipes(server)[dataset.id].model.backbone == name)
        expect(page.get_by_text(BACKBONES[chosen].description)).to_be_visible()
        assert [table.get_by_test_id(f"glide-cell-1-{row}").text_content() for row in range(6)] == shown
