"""Pictures of every page for README and docs, taken in a real browser from a real run.

    python -m benchmarks.screenshots [ARCHIVE]      default: the sample of handwritten digits

Writes `docs/images/PAGE-THEME[-390].png`: 1440 and 390 pixels wide, light and dark.
"""

from __future__ import annotations

import argparse
import io
import tempfile
from pathlib import Path

from PIL import Image
from playwright.sync_api import Browser, Locator, Page, expect, sync_playwright

from core.data.dataset import Dataset
from core.data.library import list_datasets
from core.runs.index import list_runs
from core.store.workspace import Workspace
from tests import browser as browsers
from tests.e2e.conftest import BROWSER_ARGUMENTS, PROJECT, Server

IMAGES = PROJECT / "docs" / "images"
VIEWS = [(theme, width) for theme in ("light", "dark") for width in (1440, 390)]
SETTLE_MS = 1500


def main() -> None:
    """Do the whole job once and take the pictures on the way."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("archive", nargs="?", type=Path, help="a zip or tar of class folders")
    archive = parser.parse_args().archive
    IMAGES.mkdir(parents=True, exist_ok=True)
    path = browsers.find()
    assert path, "No Chromium or Chrome on this machine."
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        server = Server(Path(folder) / "workspace")
        server.start()
        try:
            browser = playwright.chromium.launch(executable_path=path, args=BROWSER_ARGUMENTS)
            _tour(browser, server, archive)
            browser.close()
        finally:
            server.stop()


def _tour(browser: Browser, server: Server, archive: Path | None) -> None:
    expect.set_options(timeout=180_000)
    page = _open(browser, server, "", "light", 1440)
    if archive is None:
        page.get_by_role("button", name="Start with").click()
    else:
        page.locator("input[type=file]").first.set_input_files(archive)
    expect(page.locator(".graft-tile").first).to_be_visible()
    _take(browser, server, "", "data")
    _take(browser, server, "model", "model")

    page.get_by_role("link", name="Train").click()
    page.get_by_role("button", name="Start training").click()
    _wait_for_curves(page)
    _take(browser, server, "train", "train")
    expect(page.get_by_role("button", name="See the results")).to_be_visible()
    _take(browser, server, "results", "results")
    pictures = _some_pictures(server)
    for theme, width in VIEWS:
        predict = _open(browser, server, "predict", theme, width)
        predict.locator("input[type=file]").set_input_files(pictures)
        expect(predict.locator(".graft-hit")).to_have_count(len(pictures))
        _save(predict, predict.get_by_test_id("stMain"), "predict", theme, width)
    page.context.close()


def _take(browser: Browser, server: Server, place: str, name: str) -> None:
    for theme, width in VIEWS:
        page = _open(browser, server, place, theme, width)
        _save(page, page.get_by_test_id("stMain"), name, theme, width)


def _open(browser: Browser, server: Server, place: str, theme: str, width: int) -> Page:
    context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=theme)  # type: ignore[arg-type]
    page = context.new_page()
    page.goto(f"{server.url}/{place}")
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    return page


def _save(page: Page, content: Locator, name: str, theme: str, width: int) -> None:
    """The whole page, in 256 colours: half a megabyte less and hardly to be told from the original."""
    if name in ("data", "train", "results"):
        expect(page.locator(".js-plotly-plot .main-svg").first).to_be_visible()
    page.wait_for_timeout(SETTLE_MS)
    height = int(content.evaluate("element => element.firstElementChild.scrollHeight"))
    page.set_viewport_size({"width": width, "height": min(max(height, 700), 2200)})
    page.wait_for_timeout(SETTLE_MS // 2)
    if name in ("data", "train", "results"):  # drawn anew at this size
        expect(page.locator(".js-plotly-plot .main-svg").first).to_be_visible()
    image = Image.open(io.BytesIO(page.screenshot())).convert("RGB")
    ending = "" if width == 1440 else f"-{width}"
    image.quantize(256, dither=Image.Dither.NONE).save(IMAGES / f"{name}-{theme}{ending}.png", optimize=True)
    page.context.close()


def _wait_for_curves(page: Page) -> None:
    """Until the validation curve has a few points."""
    page.wait_for_function(
        "[...document.querySelectorAll('[data-testid=stMetricValue]')]"
        ".some(element => (/^(\\d+) of \\d+$/.exec(element.innerText) || [0, 0])[1] > 3)",
        timeout=180_000,
    )


def _some_pictures(server: Server) -> list[Path]:
    """Six validation pictures, under their own names."""
    workspace = Workspace(server.workspace)
    dataset: Dataset = list_datasets(workspace)[0]
    rows = list_runs(workspace)[0].splits()
    rows = rows[rows["split"] == "validation"]
    folder = workspace.root.parent / "pictures"
    folder.mkdir()
    taken = []
    for row in rows.iloc[:: max(1, len(rows) // 6)].head(6).itertuples():
        target = folder / str(row.path).rsplit("/", 1)[-1]
        target.write_bytes(dataset.image_path(row.file).read_bytes())
        taken.append(target)
    return taken


if __name__ == "__main__":
    main()
