"""Pictures dropped into classes that are typed in the page, in a real browser."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from core.data.library import list_datasets
from core.store.workspace import Workspace
from tests.e2e.conftest import Server
from tests.pages.conftest import coloured_zip

pytestmark = pytest.mark.browser


def add_class(page: Page, label: str) -> None:
    page.get_by_label("New class").fill(label)
    page.get_by_label("New class").press("Enter")
    expect(page.get_by_test_id("stMain").get_by_text(label, exact=True)).to_be_visible()


def test_three_tiles_of_one_height_and_a_dataset_class_by_class(page: Page, server: Server, tmp_path: Path) -> None:
    with zipfile.ZipFile(coloured_zip(tmp_path / "any.zip", per_class=6)) as archive:
        archive.extractall(tmp_path / "photos")
    page.goto(server.url)
    expect(page.get_by_role("heading", name="Try a sample")).to_be_visible()
    expect(page.get_by_text("How to lay it out")).to_be_visible()
    expect(page.locator('[data-test-script-state="running"]')).to_have_count(0)
    boxes = [page.locator(f".st-key-tile-{name}").bounding_box() for name in ("archive", "classes", "sample")]
    assert len({(round(box["y"]), round(box["height"]), round(box["width"])) for box in boxes if box}) == 1
    for number, label in enumerate(("red", "blue"), start=1):
        add_class(page, label)
        page.locator("input[type=file]").nth(number).set_input_files(sorted((tmp_path / "photos" / label).iterdir()))
        expect(page.get_by_text("6 pictures", exact=True)).to_have_count(number)
    page.reload()
    expect(page.get_by_text("6 pictures", exact=True)).to_have_count(2)
    expect(page.locator(".graft-strip img")).to_have_count(12)
    add_class(page, "owls")
    page.get_by_role("button", name="Make the dataset").click()
    expect(page.get_by_text("gathered class by class")).to_be_visible()
    (made,) = list_datasets(Workspace(server.workspace))
    assert made.classes == ["blue", "red"] and made.images == 12


def test_starting_over_lets_go_of_everything_once_it_is_confirmed(page: Page, server: Server, tmp_path: Path) -> None:
    page.goto(server.url)
    add_class(page, "red")
    page.locator("input[type=file]").nth(1).set_input_files(coloured_zip(tmp_path / "all.zip", per_class=2))
    expect(page.get_by_text("6 pictures", exact=True)).to_be_visible()
    page.get_by_role("button", name="Start over").click()
    page.get_by_role("button", name="Remove them").click()
    expect(page.get_by_text("Your classes")).to_have_count(0)
    assert not list(Workspace(server.workspace).incoming.iterdir())
