"""Jobs that are no runs: what is kept of them and what is not."""

from __future__ import annotations

import errno

import pytest

from core.errors import DiskFullError
from core.jobs import requests
from core.jobs.job import Job
from core.runs.status import Status
from core.store.files import read_json, write_json


def test_the_request_is_read_back_and_the_newest_is_found(workspace):
    first = requests.made(workspace, "measure", {"subjects": [1]})
    assert requests.asked(first)["subjects"] == [1] and requests.newest(workspace, "measure").id == first.id
    assert requests.newest(workspace, "check") is None


def test_what_has_ended_is_removed_and_what_works_or_is_of_a_newer_version_is_not(workspace):
    ended, works, newer = (requests.made(workspace, "measure", {"number": number}) for number in range(3))
    ended.write_status(Status(state="completed"))
    write_json(newer.path / "status.json", {**read_json(newer.path / "status.json"), "schema": 99})
    requests.made(workspace, "measure", {})
    assert not ended.path.exists() and works.path.exists() and newer.path.exists()


def test_a_full_disk_leaves_no_half_of_a_job(workspace, monkeypatch):
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Job, "describe", full)
    with pytest.raises(DiskFullError):
        requests.made(workspace, "measure", {})
    assert list(workspace.jobs.iterdir()) == []
