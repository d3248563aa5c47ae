"""The job that checks a dataset, with the features of the backbone that comes along."""

from __future__ import annotations

import pytest
from PIL import ImageOps

from core import api, checking
from core.data.checks import evidence
from core.data.library import ingest
from core.engine import worker
from core.errors import RunError
from core.jobs import requests
from core.jobs.job import Job
from core.runs.status import Status
from tests.drawn import drawn, folder_of

PICTURES = {f"{label}/{index}.png": drawn(100 * number + index, (120, 90))
            for number, label in enumerate(("cats", "dogs")) for index in range(10)}
PICTURES["dogs/copy.png"] = ImageOps.mirror(PICTURES["cats/3.png"])


@pytest.fixture
def dataset(workspace, tmp_path):
    return ingest(folder_of(tmp_path / "pictures", PICTURES), workspace)


@pytest.fixture
def job(workspace, dataset) -> Job:
    """A check that waits, entered nowhere."""
    backbone, variant = checking.chosen()
    return requests.made(workspace, checking.KIND, {
        "dataset": dataset.id, "backbone": backbone.name, "alpha": variant.alpha}, [dataset.id])


def test_everything_is_looked_at_and_kept_beside_the_dataset(workspace, dataset, job):
    assert not checking.up_to_date(dataset)
    assert worker.main([str(job.path)]) == 0
    assert (job.status().state, job.status().message) == ("completed", "21 pictures checked.")
    found = evidence.read(dataset)
    assert checking.up_to_date(dataset) and found.backbone == checking.chosen()[0].title and found.seconds > 0
    assert [sorted(group) for group in found.seen[evidence.NEAR]] == [["cats/3.png", "dogs/copy.png"]]
    kinds = {finding.kind for finding in api.check(dataset, workspace).findings}  # no second job: all is known
    assert "near_two_classes" in kinds and checking.latest(workspace).id == job.id


def test_a_check_can_be_cancelled_and_leaves_nothing(dataset, job):
    job.request_stop()
    job.write_status(Status(state="running"))
    assert worker.main([str(job.path)]) == 0
    assert job.status().state == "stopped" and evidence.read(dataset) is None


def test_one_check_at_a_time_and_it_holds_its_dataset(workspace, dataset, job):
    with pytest.raises(RunError, match="being checked already"):
        checking.start(dataset, workspace)
    assert checking.checks(job, dataset) and job.datasets == [dataset.id]
    assert checking.about_seconds(dataset, workspace) > 1
