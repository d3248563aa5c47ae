"""Archives that come while another is read: from this window, from another one, and what is no archive at all."""

from __future__ import annotations

import threading

import pytest

from core.data.library import list_datasets
from pages.parts.data import ingestion
from tests.pages.conftest import coloured_zip, said, wait_until


@pytest.fixture
def go_on(monkeypatch):
    """Reading `slow.zip` takes until this event is set."""
    event, read = threading.Event(), ingestion.ingest

    def ingest(path, workspace, *, name, **more):
        if name == "slow":
            assert event.wait(30)
        return read(path, workspace, name=name, **more)

    monkeypatch.setattr(ingestion, "ingest", ingest)
    yield event
    event.set()


@pytest.fixture
def archive(tmp_path) -> bytes:
    return coloured_zip(tmp_path / "any.zip", per_class=4).read_bytes()


def drop(test, *files):
    """Drop files on the Data page's uploader."""
    test.file_uploader[0].set_value([(name, content, "application/zip") for name, content in files]).run()


def names(workspace):
    return sorted(dataset.name for dataset in list_datasets(workspace))


def test_two_windows_each_get_their_dataset(workspace, open_page, archive, go_on):
    one, two = open_page("data"), open_page("data")
    drop(one, ("slow.zip", archive))
    assert "Reading slow" in said(one)
    drop(two, ("quick.zip", archive))
    assert "Reading slow" in said(two) and "**quick** waits for its turn" in said(two)
    go_on.set()
    for test in (two, one):
        wait_until(test, lambda page: bool(page.metric))
    assert names(workspace) == ["quick", "slow"]
    assert two.selectbox[0].value == next(item.id for item in list_datasets(workspace) if item.name == "quick")
    assert not list(workspace.incoming.iterdir())


def test_several_archives_at_once_become_a_dataset_each(workspace, open_page, archive):
    test = open_page("data")
    drop(test, ("one.zip", archive), ("two.zip", archive), ("bad.zip", b"no archive"))
    wait_until(test, lambda page: bool(page.metric))
    assert names(workspace) == ["one", "two"]


def test_one_that_cannot_be_read_says_so_while_others_are(workspace, open_page, archive, go_on):
    test = open_page("data")
    drop(test, ("bad.zip", b"no archive"), ("slow.zip", archive))
    wait_until(test, lambda page: "is not a zip, tar or 7z archive" in said(page))
    assert "Reading slow" in said(test.run()) and "is not a zip, tar or 7z archive" in said(test)
    go_on.set()
    wait_until(test, lambda page: bool(page.metric))
    assert names(workspace) == ["slow"]


def test_one_that_waits_can_be_cancelled(workspace, open_page, archive, go_on):
    test = open_page("data")
    drop(test, ("slow.zip", archive), ("quick.zip", archive))
    wait_until(test, lambda page: "**quick** waits" in said(page))
    [item for item in test.button if item.label == "Cancel"][1].click().run()
    go_on.set()
    wait_until(test, lambda page: bool(page.metric))
    assert names(workspace) == ["slow"]
    assert not list(workspace.incoming.iterdir())


def test_what_is_no_archive_is_named(workspace, open_page, archive):
    test = open_page("data")
    drop(test, *((f"IMG_{number}.heic", b"x") for number in range(7)), ("good.zip", archive))
    assert "IMG_0.heic" in said(test) and "and 2 more" in said(test) and "Make a .zip" in said(test)
    wait_until(test, lambda page: bool(page.metric))
    assert names(workspace) == ["good"]


def test_the_tiles_close_when_an_archive_is_on_its_way(workspace, open_page, archive):
    test = open_page("data")
    drop(test, ("one.zip", archive))
    wait_until(test, lambda page: bool(page.metric))
    next(item for item in test.button if item.label == "Add a dataset").click().run()
    assert test.file_uploader
    drop(test, ("two.zip", archive))
    wait_until(test, lambda page: bool(page.metric))
    assert names(workspace) == ["one", "two"]
    assert not test.file_uploader and not any(item.label == "Close" for item in test.button)
