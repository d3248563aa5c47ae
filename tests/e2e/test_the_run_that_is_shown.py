"""Which run Results and Predict show, and what Back leads to. In a real browser."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import replace

import pytest
from playwright.sync_api import Page, expect

from core.data.library import ingest
from core.runs.run import Run
from core.store.files import write_json
from core.store.workspace import Workspace
from tests.e2e.conftest import Server
from tests.pages.conftest import coloured_zip

pytestmark = pytest.mark.browser


@pytest.fixture
def stopped(trained: Run) -> Run:
    """A newer run on the same pictures that was stopped in its first epoch."""
    run = Run(shutil.copytree(trained.path, trained.path.with_name("run-29990101-000000-0000aaaa")))
    run.write_status(replace(run.status(), state="stopped", epoch=1))
    metrics = run.metrics() or {}
    metrics["validation"].update(accuracy=0.471)
    write_json(run.path / "metrics.json", metrics)
    return run


@pytest.fixture
def server_of_both(trained: Run, stopped: Run) -> Iterator[Server]:
    running = Server(trained.path.parents[1], GRAFT_WEIGHTS_DIR=str(trained.path.parents[2]))
    running.start()
    yield running
    running.stop()


@pytest.mark.slow
def test_the_best_completed_run_is_shown_unless_another_is_opened(
        page: Page, server_of_both: Server, trained: Run, stopped: Run) -> None:
    score = f"{100 * (trained.metrics() or {})['validation']['accuracy']:.1f} %"
    assert score != "47.1 %"
    page.goto(f"{server_of_both.url}/train")
    expect(page.get_by_text("Stopped in epoch 1 of")).to_be_visible()
    sidebar = page.get_by_test_id("stSidebar")
    expect(sidebar.get_by_text(f"{score} on validation")).to_be_visible()
    page.get_by_role("link", name="Results").click()
    expect(page.get_by_role("heading", name="Confusion matrix")).to_be_visible()
    expect(page.get_by_test_id("stMetricValue").first).to_have_text(score)
    page.get_by_role("link", name="Predict").click()
    expect(page.get_by_text(f"{score} on validation").last).to_be_visible()
    page.get_by_role("link", name="Train").click()
    page.get_by_role("button", name="See the results").click()  # of the stopped one, on purpose
    expect(page.get_by_role("heading", name="Confusion matrix")).to_be_visible()
    expect(page.get_by_test_id("stMetricValue").first).to_have_text("47.1 %")
    expect(sidebar.get_by_text("47.1 % on validation")).to_be_visible()


def test_the_sidebar_is_of_one_dataset(page: Page, server_of_both: Server, tmp_path_factory: pytest.TempPathFactory,
                                       trained: Run) -> None:
    other = ingest(coloured_zip(tmp_path_factory.mktemp("other") / "other.zip"), Workspace(server_of_both.workspace))
    page.goto(f"{server_of_both.url}/?dataset={other.id}")
    sidebar = page.get_by_test_id("stSidebar")
    expect(sidebar.get_by_text("other · 3 classes")).to_be_visible()
    expect(sidebar.get_by_text("on validation")).to_have_count(0)
    page.goto(f"{server_of_both.url}/results?run={trained.id}")
    expect(page.get_by_role("heading", name="Confusion matrix")).to_be_visible()
    expect(sidebar.get_by_text("colours · 3 classes")).to_be_visible()
    expect(sidebar.get_by_text("on validation")).to_have_count(1)


@pytest.mark.slow
def test_back_leads_to_the_page_before(page: Page, server: Server, tmp_path_factory: pytest.TempPathFactory) -> None:
    ingest(coloured_zip(tmp_path_factory.mktemp("some") / "some.zip"), Workspace(server.workspace))
    page.goto(f"{server.url}/model")
    page.get_by_role("button", name="Set up the training").click()
    expect(page.get_by_role("heading", name="Train", exact=True)).to_be_visible()
    page.get_by_role("spinbutton", name="Epochs").fill("500")  # not over before it is stopped
    page.get_by_role("spinbutton", name="Epochs").press("Enter")
    page.get_by_role("button", name="Start training").click()
    expect(page.get_by_role("button", name="Stop", exact=True)).to_be_visible()
    page.get_by_role("button", name="Stop", exact=True).click()
    page.go_back()
    expect(page.get_by_role("heading", name="Model", exact=True)).to_be_visible()
