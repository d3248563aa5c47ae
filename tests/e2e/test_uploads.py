"""What is dropped on a page is answered for: used, waiting, or left out with a reason. In a real browser, which has its
own mind about the files that it hands on."""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from core.data.library import list_datasets
from core.runs.run import Run
from core.store.workspace import Workspace
from tests.e2e.conftest import Server
from tests.pages.conftest import coloured_zip

pytestmark = pytest.mark.browser
HEIC = b"\x00\x00\x00\x18ftypheic\x00\x00\x00\x00mif1heic" + b"\x00" * 400


@pytest.fixture
def trained_server(trained: Run) -> Iterator[Server]:
    """A server on a workspace with a completed run."""
    running = Server(trained.path.parents[1], GRAFT_WEIGHTS_DIR=str(trained.path.parents[2]))
    running.start()
    yield running
    running.stop()


def test_a_picture_that_cannot_be_read_is_answered_with_the_reason(
        page: Page, trained_server: Server, tmp_path: Path) -> None:
    with zipfile.ZipFile(coloured_zip(tmp_path / "pictures.zip", per_class=3)) as archive:
        names = archive.namelist()[:7]
        archive.extractall(tmp_path, names)
    (tmp_path / "IMG_0001.heic").write_bytes(HEIC)
    page.goto(f"{trained_server.url}/predict")
    dropped = [*(tmp_path / name for name in names), tmp_path / "IMG_0001.heic"]
    page.locator("input[type=file]").set_input_files(dropped)
    expect(page.locator(".graft-hit")).to_have_count(8, timeout=60_000)
    expect(page.locator(".graft-hit").last).to_contain_text("starts like a HEIC image")
    expect(page.get_by_text("1 of 8 files could not be read: IMG")).to_be_visible()


def test_what_an_archive_of_pictures_holds_besides_is_listed(
        page: Page, trained_server: Server, tmp_path: Path) -> None:
    archive = coloured_zip(tmp_path / "pictures.zip", per_class=1)
    with zipfile.ZipFile(archive, "a") as more:
        more.writestr("notes/reading.txt", "words")
    page.goto(f"{trained_server.url}/predict")
    page.locator("input[type=file]").set_input_files(archive)
    expect(page.locator(".graft-hit")).to_have_count(3, timeout=60_000)
    expect(page.get_by_text("reading.txt")).to_be_visible()
    expect(page.get_by_text("not an image")).to_be_visible()


def test_what_is_no_archive_is_refused_in_words(page: Page, server: Server, tmp_path: Path) -> None:
    (tmp_path / "photo.heic").write_bytes(HEIC)
    page.goto(server.url)
    page.locator("input[type=file]").set_input_files(tmp_path / "photo.heic")
    expect(page.get_by_text("photo.heic").first).to_be_visible()
    expect(page.get_by_text("Make a .zip").first).to_be_visible()


@pytest.mark.slow
def test_a_second_archive_waits_while_the_first_is_read(
        browser: Browser, page: Page, server: Server, tmp_path: Path) -> None:
    first, second = coloured_zip(tmp_path / "first.zip", per_class=120, side=160), coloured_zip(tmp_path / "second.zip")
    other = browser.new_context(viewport={"width": 1440, "height": 900}).new_page()
    try:
        for tab in (page, other):
            tab.goto(server.url)
            expect(tab.get_by_text("Upload a zip, 7z or tar archive")).to_be_visible()
        page.locator("input[type=file]").set_input_files(first)
        expect(page.get_by_text("Reading first")).to_be_visible()
        other.locator("input[type=file]").set_input_files(second)
        for tab in (page, other):
            expect(tab.get_by_role("heading", name="Images per class")).to_be_visible(timeout=120_000)
        expect(other.get_by_test_id("stSidebar").get_by_text("second · 3 classes")).to_be_visible()
    finally:
        other.context.close()
    assert sorted(dataset.name for dataset in list_datasets(Workspace(server.workspace))) == ["first", "second"]
