"""A run folder is there as a whole or not at all, whatever the disk says."""

from __future__ import annotations

import json
import os
import resource
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from core import api
from core.errors import WorkspaceError
from core.runs.index import list_runs
from core.runs.run import Run
from tests.tiny import tiny_recipe

PROJECT = Path(__file__).resolve().parents[2]
MAKE_RUNS_ON_A_FULL_DISK = """
import json, os, sys, time
from dataclasses import replace
from pathlib import Path
from core import api
from core.api import delete_dataset
from core.data.library import ingest
from core.errors import DiskFullError
from core.runs.index import list_runs
from core.store.limits import MachineLimits
from core.store.machine import Machine
from core.store.workspace import Workspace
from tests.tiny import coloured_folder, tiny_recipe

root, pictures = Path(sys.argv[1]), Path(sys.argv[2])
workspace = Workspace(root / "workspace", machine=Machine(root / "workspace", MachineLimits(max_parallel_runs=0)))
dataset = ingest(pictures, workspace)
first = api.start(dataset, tiny_recipe(), workspace)

def fill(free):  # all but so many bytes
    with open(root / "ballast", "ab", buffering=0) as file:
        try:
            while file.write(bytes(4096)):
                pass
        except OSError:
            pass
        file.truncate(max(0, file.tell() - free))

def files():
    return sorted(str(path.relative_to(root)) for path in (root / "workspace").rglob("*") if path.suffix != ".lock")

told, left = [], []
for pages in range(40):
    before = files()
    fill(4096 * pages)
    try:
        api.start(dataset, tiny_recipe(), workspace, run_dir=root / "workspace" / "own" / "run" if pages % 2 else None)
    except DiskFullError as error:
        told.append(str(error))
        left += [name for name in files() if name not in before]
    else:
        break
    (root / "ballast").unlink()
fill(0)
first.write_status(replace(first.status(), state="failed", message="The disk is full."))
print(json.dumps({"told": told, "left": left, "state": first.status().state}))
"""


def in_a_small_disk(folder: Path, code: str, *arguments: object) -> dict[str, object]:
    """Run Python where `folder` is a disk of its own of one megabyte; skips where this machine does not allow it."""
    folder.mkdir()
    mount = f'mount -t tmpfs -o size=1m none "{folder}" || exit 77; exec "$@"'
    command = ["unshare", "--mount", *(["--user", "--map-root-user"] if os.geteuid() else []), "sh", "-c", mount, "sh"]
    if shutil.which("unshare") is None:
        pytest.skip("no unshare")
    done = subprocess.run([*command, sys.executable, "-c", code, str(folder), *map(str, arguments)], cwd=PROJECT,
                          capture_output=True, text=True, timeout=300)
    if done.returncode in (1, 77) and "Traceback" not in done.stderr:
        pytest.skip(f"no disk of one's own here: {done.stderr.strip()}")
    assert done.returncode == 0, done.stderr
    return dict(json.loads(done.stdout))


def test_a_full_disk_is_said_and_leaves_nothing(tmp_path):
    """With room for none, one, two ... of the files of a run, and of the queue."""
    from tests.tiny import coloured_folder

    pictures = coloured_folder(tmp_path / "pictures", per_class=4)
    found = in_a_small_disk(tmp_path / "disk", MAKE_RUNS_ON_A_FULL_DISK, pictures)
    assert isinstance(found["told"], list) and 3 <= len(found["told"]) < 40
    assert set(found["told"]) == {"The disk is full. Delete datasets or runs that are not needed."}
    assert found["left"] == [] and found["state"] == "failed"


@pytest.fixture
def no_file_grows():
    """As on a disk that takes no byte more: the system refuses what is longer than nothing."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.mark.parametrize("place", ["workspace", "new", "there"])
def test_what_the_system_refuses_to_write_is_one_error(colours, workspace, tmp_path, place, no_file_grows):
    own = {"workspace": None, "new": tmp_path / "a" / "b" / "run", "there": tmp_path / "there"}[place]
    if place == "there":
        own.mkdir()
    with pytest.raises(WorkspaceError, match="cannot be written: File too large"):
        api.start(colours, tiny_recipe(), workspace, run_dir=own)
    assert not list(workspace.runs.iterdir()) and not list(workspace.incoming.iterdir())
    assert not (tmp_path / "a").exists() and list((tmp_path / "there").glob("*")) == []


def test_a_folder_that_is_there_and_empty_is_used_as_it_is(colours, workspace, tmp_path):
    """It may be a mount, or somebody's current folder: it is filled, not replaced."""
    folder = tmp_path / "there"
    folder.mkdir()
    inode = folder.stat().st_ino
    run = Run.create(colours, tiny_recipe(), workspace, folder)
    assert folder.stat().st_ino == inode and run.readable
    assert {path.name for path in folder.iterdir()} == {
        "recipe.json", "dataset.json", "splits.csv", "status.json", "job.json"}
    assert list_runs(workspace) == []
    assert run.workspace.root == workspace.root


def test_splits_can_be_given(colours, workspace):
    table = Run.create(colours, tiny_recipe(), workspace).splits()
    table["split"] = ["train", "validation"] * (len(table) // 2)
    assert list(Run.create(colours, tiny_recipe(), workspace, splits=table).splits()["split"]) == list(table["split"])
