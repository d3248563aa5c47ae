"""How quick the pages are: server start, page changes, memory, upload to gallery, prediction of dropped pictures.

    python -m benchmarks.pages [ARCHIVE]      default: $GRAFT_REAL_DATA/hymenoptera.zip

Prints medians, and writes `benchmarks/results/pages.json`. The pretrained weights of MobileNetV2 0.35 are needed for
the predictions, in `$GRAFT_WEIGHTS_DIR` or from the internet.
"""

from __future__ import annotations

import argparse
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import psutil
from playwright.sync_api import Browser, Page, expect, sync_playwright

from core.api import train
from core.data.dataset import Dataset
from core.data.images.decode import decode
from core.data.library import ingest
from core.recipe.fields import Recipe
from core.store.files import write_json
from core.store.workspace import Workspace
from tests import browser as browsers
from tests.e2e.conftest import BROWSER_ARGUMENTS, Server

RESULTS = Path(__file__).with_name("results")
PAGES = ("Model", "Train", "Results", "Predict", "Data")
ROUNDS = 5
CHOOSING = 6.0
"""Seconds that somebody takes to find the archive in the file dialog."""
PICTURES = 100
"""Dropped on the Predict page at once."""
EMPTY_APP = 'import streamlit as st\n\nst.title("Data")\n'
UPLOAD_APP = """import streamlit as st

st.title("Data")
if files := st.file_uploader("Pictures", accept_multiple_files=True):
    st.html(f'<p class="taken">{len(files)}</p>')
"""


def main() -> None:
    """Measure, print and write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    real = os.environ.get("GRAFT_REAL_DATA", "")
    parser.add_argument("archive", nargs="?", type=Path, default=Path(real) / "hymenoptera.zip" if real else None)
    archive = parser.parse_args().archive
    if archive is None or not archive.is_file():
        sys.exit("Name an archive, or set GRAFT_REAL_DATA.")
    path = browsers.find()
    assert path, "No Chromium or Chrome on this machine."
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=BROWSER_ARGUMENTS)
        rounds = [{**_empty(browser.new_page()), **_round(browser.new_page(), archive)} for _ in range(ROUNDS)]
        predictions = _predictions(browser, archive)
        browser.close()
    found = {name: round(statistics.median(one[name] for one in rounds), 3) for name in rounds[0]}
    found["upload_limit_s"] = round(3 * found["unzip_s"] + found["decode_once_s"], 3)
    found |= predictions
    RESULTS.mkdir(exist_ok=True)
    write_json(RESULTS / "pages.json", found)
    for name, value in found.items():
        print(f"{name:32} {value}")


def _empty(page: Page) -> dict[str, float]:
    """The floor: an app of one line, from the server's start to its heading in this browser."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "app.py").write_text(EMPTY_APP, "utf-8")
        server = Server(Path(folder) / "workspace", Path(folder))
        try:
            return {"empty_streamlit_app_s": _first_page(server, page)}
        finally:
            server.stop()
            page.context.close()


def _first_page(server: Server, page: Page) -> float:
    began = time.perf_counter()
    server.start()
    page.goto(server.url)
    expect(page.get_by_role("heading", name="Data", exact=True)).to_be_visible()
    return time.perf_counter() - began


def _round(page: Page, archive: Path) -> dict[str, float]:
    with tempfile.TemporaryDirectory() as folder:
        server = Server(Path(folder) / "workspace")
        try:
            found = {"start_to_first_page_s": _first_page(server, page)}
            page.wait_for_timeout(1000 * CHOOSING)
            found["upload_to_gallery_s"] = _upload(page, archive)
            changes = [_change(page, name) for name in PAGES * 2]
            found["page_change_median_s"], found["page_change_max_s"] = statistics.median(changes), max(changes)
            assert server.process is not None
            process = psutil.Process(server.process.pid)
            found["page_process_mb"] = process.memory_info().rss / 2**20
            found["tensorflow_mapped"] = float(any("tensorflow" in item.path for item in process.memory_maps()))
        finally:
            server.stop()
        page.context.close()
        return {**found, **_plain(archive, Path(folder) / "unzipped")}


def _upload(page: Page, archive: Path) -> float:
    began = time.perf_counter()
    page.locator("input[type=file]").first.set_input_files(archive)
    expect(page.locator(".graft-tile").first).to_be_visible(timeout=120_000)
    page.wait_for_function("tile => tile.complete", arg=page.locator(".graft-tile img").first.element_handle())
    return time.perf_counter() - began


def _change(page: Page, name: str) -> float:
    began = time.perf_counter()
    page.get_by_role("link", name=name).click()
    expect(page.get_by_role("heading", name=name, exact=True)).to_be_visible()
    return time.perf_counter() - began


def _predictions(browser: Browser, archive: Path) -> dict[str, float]:
    """From the drop of pictures on the Predict page to the first answers in view; all are answered by then."""
    with tempfile.TemporaryDirectory() as folder:
        workspace = Workspace(Path(folder) / "workspace")
        dataset = ingest(archive, workspace)
        train(dataset, Recipe().override(["model.alpha=0.35", "train.phases.0.epochs=1"]), workspace)
        pictures = _pictures(dataset, Path(folder) / "pictures")
        server = Server(workspace.root)
        server.start()
        try:
            page = browser.new_page()
            page.goto(f"{server.url}/predict")
            expect(page.get_by_role("heading", name="Predict", exact=True)).to_be_visible()
            page.wait_for_timeout(1000 * CHOOSING)
            times = [_answered(page, pictures) for _ in range(ROUNDS)]
        finally:
            server.stop()
        floor = [_uploaded(browser.new_page(), pictures) for _ in range(ROUNDS)]
    name = f"predict_{PICTURES}_dropped"
    return {f"{name}_first_s": round(times[0], 3), f"{name}_median_s": round(statistics.median(times), 3),
            f"empty_streamlit_upload_{PICTURES}_s": round(statistics.median(floor), 3)}


def _uploaded(page: Page, pictures: list[Path]) -> float:
    """The floor: an app that does nothing with the pictures but count them."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "app.py").write_text(UPLOAD_APP, "utf-8")
        server = Server(Path(folder) / "workspace", Path(folder))
        try:
            _first_page(server, page)
            page.wait_for_timeout(1000 * CHOOSING)
            began = time.perf_counter()
            page.locator("input[type=file]").set_input_files(pictures)
            expect(page.locator(".taken")).to_have_text(str(len(pictures)))
            return time.perf_counter() - began
        finally:
            server.stop()
            page.context.close()


def _pictures(dataset: Dataset, folder: Path) -> list[Path]:
    folder.mkdir()
    rows = dataset.usable().sample(PICTURES, random_state=0)
    found = [folder / f"{number:03}{Path(file).suffix}" for number, file in enumerate(rows["file"])]
    for path, file in zip(found, rows["file"], strict=True):
        shutil.copyfile(dataset.image_path(file), path)
    return found


def _answered(page: Page, pictures: list[Path]) -> float:
    began = time.perf_counter()
    page.locator("input[type=file]").set_input_files(pictures)
    expect(page.locator(".graft-hit .first").first).to_be_visible()
    took = time.perf_counter() - began
    expect(page.get_by_role("button", name="Results as CSV")).to_be_visible()
    page.get_by_role("button", name="Clear").click()
    expect(page.locator(".graft-hit")).to_have_count(0)
    return took


def _plain(archive: Path, folder: Path) -> dict[str, float]:
    """The yardstick: `unzip` (Python's zipfile where there is no such command), then decoding every file once."""
    began = time.perf_counter()
    command = ["unzip", "-q", str(archive), "-d", str(folder)]
    if shutil.which("unzip") is None:
        command = [sys.executable, "-m", "zipfile", "-e", str(archive), str(folder)]
    subprocess.run(command, check=True)
    unzipped = time.perf_counter()
    for path in folder.rglob("*"):
        if path.is_file():
            decode(path)
    return {"unzip_s": unzipped - began, "decode_once_s": time.perf_counter() - unzipped}


if __name__ == "__main__":
    main()
