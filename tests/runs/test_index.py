"""The runs of a workspace, found in different ways."""

from __future__ import annotations

from core.data.library import ingest
from core.runs.index import active_runs, list_runs, newest_run, unreadable_runs
from core.runs.run import Run
from core.store.files import read_json, write_json
from tests.tiny import coloured_folder, tiny_recipe


def test_the_newest_run_of_a_dataset(tiny_run, workspace, colours, tmp_path):
    older = tiny_run()
    other = ingest(coloured_folder(tmp_path / "other"), workspace)
    assert newest_run(workspace, other.id) is None
    newer = Run.create(other, tiny_recipe(), workspace, workspace.runs / "run-29990101-000000-00000000")
    assert [newest_run(workspace, each.id).id for each in (colours, other)] == [older.id, newer.id]


def test_what_waits_or_works_in_this_workspace_alone(tiny_run, workspace, colours, tmp_path):
    waiting, ended = tiny_run(), tiny_run()
    ended.request_stop()
    Run.create(colours, tiny_recipe(), workspace, tmp_path / "own")
    assert [run.id for run in active_runs(workspace)] == [waiting.id]


def test_runs_of_a_newer_version_are_told_in_a_sentence_and_left_alone(tiny_run, workspace):
    whole, dataset, status, job, torn = (tiny_run() for _ in range(5))
    for run, name in ((dataset, "dataset.json"), (status, "status.json"), (job, "job.json")):
        write_json(run.path / name, {**read_json(run.path / name), "schema": 99})
    (torn.path / "dataset.json").write_text("{")
    (workspace.runs / "no-run").mkdir()
    (workspace.runs / ".half").mkdir()
    told = dict(unreadable_runs(workspace))
    assert told.keys() == {dataset.id, status.id, job.id, torn.id}
    for run in (dataset, status, job):
        assert "newer version of Graft" in told[run.id] and "left as it is" in told[run.id]
    assert "cannot be read" in told[torn.id]
    assert [run.id for run in list_runs(workspace)] == [whole.id]
    assert all(run.path.is_dir() for run in (dataset, status, job, torn))
