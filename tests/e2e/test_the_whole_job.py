"""The whole job in a real browser: upload, model, train, results, predict; and what must survive on the way."""

from __future__ import annotations

import json
import os
import time
import zipfile
from pathlib import Path

import psutil
import pytest
from playwright.sync_api import Page, expect

from core.data.library import list_datasets
from core.runs.index import list_runs
from core.runs.run import Run
from core.store.workspace import Workspace
from tests.e2e.conftest import Server
from tests.pages.conftest import coloured_zip

pytestmark = pytest.mark.browser


def open_data_page(page: Page, server: Server) -> None:
    page.goto(server.url)
    expect(page.get_by_role("heading", name="Data", exact=True)).to_be_visible()


def upload(page: Page, path: Path) -> None:
    page.locator("input[type=file]").first.set_input_files(path)
    expect(page.get_by_role("heading", name="Images per class")).to_be_visible(timeout=240_000)


def choose_the_smallest_network(page: Page) -> None:
    """By way of another one: the small network at 32 px trains on a laptop in seconds."""
    page.get_by_role("button", name="Choose Custom").click()
    backbone = page.get_by_role("combobox", name="Backbone")
    backbone.click()
    backbone.press_sequentially("MobileNetV2")
    page.get_by_role("option", name="MobileNetV2", exact=True).click()
    expect(page.locator("[class*=st-key-alpha]").get_by_text("0.35", exact=True)).to_be_visible()
    backbone.click()
    backbone.fill("SmallNet")
    page.get_by_role("option", name="SmallNet", exact=True).click()
    expect(page.locator("section.main, [data-testid=stMain]").get_by_text("random weights")).to_be_visible()
    page.get_by_text("Advanced", exact=True).click()
    size = page.get_by_role("spinbutton", name="Image size")
    size.fill("32")
    size.press("Enter")


def the_run(server: Server) -> Run:
    runs = list_runs(Workspace(server.workspace))
    assert len(runs) == 1
    return runs[0]


def test_from_upload_to_prediction(page: Page, server: Server, tmp_path: Path) -> None:
    archive = coloured_zip(tmp_path / "colours.zip", per_class=16, side=48)

    open_data_page(page, server)
    upload(page, archive)
    expect(page.locator(".graft-tile")).to_have_count(24)
    page.get_by_role("button", name="Choose a model").click()

    expect(page.get_by_role("heading", name="Model", exact=True)).to_be_visible()
    choose_the_smallest_network(page)
    page.get_by_role("button", name="Set up the training").click()

    expect(page.get_by_role("heading", name="Train", exact=True)).to_be_visible()
    epochs = page.get_by_role("spinbutton", name="Epochs")
    epochs.fill("60")
    epochs.press("Enter")
    page.get_by_role("button", name="Start training").click()
    stop = page.get_by_role("button", name="Stop", exact=True)
    expect(stop).to_be_visible()
    run = the_run(server)
    assert run.recipe.train.epochs == 60
    assert run.recipe.data.image_size == 32
    assert run.recipe.model.weights == "none"

    page.reload()  # in the middle: the page finds the run again
    expect(stop).to_be_visible()

    server.stop()  # the page server is restarted: the run goes on, and a link to it still works
    assert run.status().active
    server.start()
    page.goto(f"{server.url}/train?run={run.id}")
    expect(page.get_by_role("link", name="Results")).to_be_visible()
    expect(page.get_by_text("of 60").first).to_be_visible()
    expect(page.get_by_role("button", name="See the results")).to_be_visible(timeout=240_000)
    assert run.status().state == "completed", run.log_tail()
    expect(page.locator(".js-plotly-plot")).to_have_count(2)
    page.get_by_role("button", name="See the results").click()

    expect(page.get_by_role("heading", name="Confusion matrix")).to_be_visible()
    shown = page.get_by_test_id("stMetricValue").first.inner_text()
    assert shown == f"{100 * run.metrics()['validation']['accuracy']:.1f} %"
    page.get_by_role("button", name="Predict on new pictures").click()

    expect(page.get_by_role("heading", name="Predict", exact=True)).to_be_visible()
    with zipfile.ZipFile(archive) as pictures:
        for name in ("blue/blue_00.png", "red/red_00.png"):
            (tmp_path / Path(name).name).write_bytes(pictures.read(name))
    page.locator("input[type=file]").set_input_files([tmp_path / "blue_00.png", tmp_path / "red_00.png"])
    expect(page.locator(".graft-hit")).to_have_count(2, timeout=60_000)
    assert len(page.locator(".graft-hit").first.locator(".row").all()) == 3
    page.get_by_role("button", name="Make it").click()
    expect(page.get_by_text("The same answer on 100.0%")).to_be_visible(timeout=120_000)
    with page.expect_download() as download:
        page.get_by_role("link", name="Download, ").click()
    assert download.value.suggested_filename.endswith("-keras.zip")
    with zipfile.ZipFile(download.value.path()) as model:
        assert {"labels.txt", "model.keras", "predict.py", "README.md"} < set(model.namelist())
        assert model.read("labels.txt").decode().split() == ["blue", "green", "red"]


@pytest.mark.slow
def test_datasets_are_renamed_and_deleted_after_a_confirmation(page: Page, server: Server, tmp_path: Path) -> None:
    workspace = Workspace(server.workspace)
    open_data_page(page, server)
    upload(page, coloured_zip(tmp_path / "colours.zip"))

    def choose(action: str) -> None:
        page.get_by_role("button", name="Edit").click()
        page.get_by_text(action, exact=True).last.click()

    choose("Rename")
    page.get_by_role("dialog").get_by_label("Name").fill("paints")
    page.get_by_role("dialog").get_by_label("Name").press("Enter")
    page.get_by_role("dialog").get_by_role("button", name="Rename").click()
    expect(page.get_by_role("dialog")).to_have_count(0)
    assert list_datasets(workspace)[0].name == "paints"

    choose("Classes")
    dialog = page.get_by_role("dialog")
    dialog.get_by_test_id("stDataFrame").click(position={"x": 15, "y": 52})
    dialog.get_by_label("New name").fill("sky")
    dialog.get_by_label("New name").press("Enter")
    dialog.get_by_role("button", name="Rename").click()
    expect(dialog.get_by_role("button", name="1 change")).to_be_visible()
    assert list_datasets(workspace)[0].classes == ["green", "red", "sky"]
    page.keyboard.press("Escape")
    expect(dialog).to_have_count(0)

    choose("Delete")
    page.get_by_role("dialog").get_by_role("button", name="Delete").click()
    expect(page.get_by_text("No pictures at hand?")).to_be_visible()
    assert list_datasets(workspace) == []


def test_the_page_process_stays_small(page: Page, server: Server, tmp_path: Path) -> None:
    """On real photos where they are, else on coloured squares."""
    real = Path(os.environ.get("GRAFT_REAL_DATA", "")) / "hymenoptera.zip"
    open_data_page(page, server)
    upload(page, real if real.is_file() else coloured_zip(tmp_path / "colours.zip", side=400))
    expect(page.locator(".graft-tile").first).to_be_visible()
    for name in ("Model", "Train", "Results", "Predict", "Data"):
        page.get_by_role("link", name=name).click()
        expect(page.get_by_role("heading", name=name, exact=True)).to_be_visible()
    assert server.process is not None
    resident = psutil.Process(server.process.pid).memory_info().rss
    print(json.dumps({"resident_mb": round(resident / 1e6)}))
    assert resident < 300e6


@pytest.mark.slow
def test_a_number_that_is_emptied_is_automatic_again(page: Page, server: Server, tmp_path: Path) -> None:
    """The browser decides what an emptied box sends; it must not be the smallest number."""
    def kept() -> int | None:
        document = json.loads((server.workspace / "chosen.json").read_text("utf-8"))
        recipe = next(json.loads(value) for name, value in document.items() if name.startswith("recipe-"))
        return recipe["data"]["image_size"]

    open_data_page(page, server)
    upload(page, coloured_zip(tmp_path / "colours.zip"))
    page.get_by_role("button", name="Choose a model").click()
    expect(page.get_by_role("button", name="Set up the training")).to_be_visible()  # the Data page has an Advanced, too
    page.get_by_role("button", name="Choose Custom").click()
    expect(page.get_by_text("Advanced", exact=True)).to_have_count(1)
    page.get_by_text("Advanced", exact=True).click()
    size = page.get_by_role("spinbutton", name="Image size")
    for text, wanted in (("160", 160), ("", None), ("64", 64)):
        size.fill(text)
        size.press("Enter")
        deadline = time.monotonic() + 20
        while kept() != wanted and time.monotonic() < deadline:
            page.wait_for_timeout(100)
        assert kept() == wanted
    page.reload()  # a link to a page other than the first works, too
    expect(page.get_by_role("heading", name="Model", exact=True)).to_be_visible()
