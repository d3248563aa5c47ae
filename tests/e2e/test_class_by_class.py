"""Pictures dropped into classes that are typed in the page, in a real browser."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from core.data.library import ingest, list_datasets
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
    page.wait_for_function("""() => {
        const boxes = ["archive", "classes", "sample"].map(
            (name) => document.querySelector(`.st-key-tile-${name}`)?.getBoundingClientRect());
        return boxes.every((box) => box && box.top === boxes[0].top && Math.abs(box.height - boxes[0].height) < 1
            && Math.abs(box.width - boxes[0].width) < 1);
    }""")
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


@pytest.mark.slow
def test_starting_over_lets_go_of_everything_once_it_is_confirmed(page: Page, server: Server, tmp_path: Path) -> None:
    page.goto(server.url)
    add_class(page, "red")
    page.locator("input[type=file]").nth(1).set_input_files(coloured_zip(tmp_path / "all.zip", per_class=2))
    expect(page.get_by_text("6 pictures", exact=True)).to_be_visible()
    page.get_by_role("button", name="Start over").click()
    page.get_by_role("button", name="Remove them").click()
    expect(page.get_by_text("Your classes")).to_have_count(0)
    assert not list(Workspace(server.workspace).incoming.iterdir())


@pytest.mark.slow
def test_a_dataset_gets_a_class_more(page: Page, server: Server, tmp_path: Path) -> None:
    dataset = ingest(coloured_zip(tmp_path / "colours.zip", per_class=4), Workspace(server.workspace))
    page.goto(server.url)
    page.get_by_role("button", name="Add pictures").click()
    page.get_by_role("combobox", name="Class", exact=True).fill("yellow things")
    page.get_by_role("combobox", name="Class", exact=True).press("Enter")
    page.get_by_role("button", name="Add to this class").click()
    expect(page.get_by_test_id("stMain").get_by_text("yellow things", exact=True)).to_be_visible()
    page.locator("input[type=file]").set_input_files(coloured_zip(tmp_path / "more.zip", per_class=2, side=50))
    page.get_by_role("button", name="Add 6 pictures to the dataset").click()
    expect(page.get_by_text("6 images added: yellow things 6")).to_be_visible()
    (grown,) = list_datasets(Workspace(server.workspace))
    assert grown.id == dataset.id and grown.images == 18 and len(grown.classes) == 4
    page.get_by_role("button", name="Undo").first.click()  # beside what was added; another one heads the changes
    expect(page.get_by_text("images added")).to_have_count(0)
    assert list_datasets(Workspace(server.workspace))[0].fingerprint == dataset.fingerprint
