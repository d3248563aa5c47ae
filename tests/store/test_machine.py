"""What the workspaces of one computer share."""

from __future__ import annotations

import shutil

import pytest

from core.errors import WorkspaceError
from core.store.files import read_json, write_text
from core.store.machine import Machine
from core.store.workspace import Workspace


def test_a_workspace_is_a_machine_of_its_own(tmp_path):
    workspace = Workspace(tmp_path)
    assert workspace.machine.root == workspace.root and workspace.cache == tmp_path / "cache"
    assert workspace.machine.workspaces == [workspace.root]


def test_workspaces_that_share_a_machine_share_its_cache_whoever_opens_them(tmp_path):
    machine = Machine(tmp_path / "machine")
    for name in ("ada", "bob"):
        Workspace(tmp_path / name, machine=machine)
        assert Workspace(tmp_path / name).cache == tmp_path / "machine" / "cache"
        assert not (tmp_path / name / "cache").exists()
    assert machine.workspaces == [machine.root, tmp_path / "ada", tmp_path / "bob"]
    Workspace(tmp_path / "ada", machine=machine)
    assert len(machine.workspaces) == 3


def test_a_machine_that_is_gone_is_not_made_anew_without_its_limits(tmp_path):
    Workspace(tmp_path / "ada", machine=Machine(tmp_path / "machine"))
    shutil.rmtree(tmp_path / "machine")
    with pytest.raises(WorkspaceError, match="is gone"):
        Workspace(tmp_path / "ada")
    assert not (tmp_path / "machine").exists()


def test_what_was_measured_is_known_to_all(tmp_path):
    machine = Machine(tmp_path)
    assert machine.speeds() == {}
    machine.record("forward", 2e9)
    machine.record("start", 3.5)
    machine.record("start", -1.0)  # a clock that was set
    assert Machine(tmp_path).speeds() == {"forward": 2e9, "start": 3.5}
    found = read_json(tmp_path / "cache" / "speed.json")  # where it always was
    assert found == {"schema": 1, "forward": 2e9, "start": 3.5}


def test_figures_of_a_newer_version_are_left_alone(tmp_path):
    machine, file = Machine(tmp_path), tmp_path / "cache" / "speed.json"
    newer = '{"schema": 99, "forward": {"cpu": 1e9}}'
    write_text(file, newer)
    assert machine.speeds() == {}
    machine.record("forward", 2e9)
    assert file.read_text() == newer


@pytest.mark.parametrize("content", ["", "[1]", '{"forward": "fast"}', '{"forward": null}'])
def test_figures_that_cannot_be_read_are_measured_again(tmp_path, content):
    machine = Machine(tmp_path)
    write_text(tmp_path / "cache" / "speed.json", content)
    assert machine.speeds() == {}
    machine.record("forward", 1e9)
    assert machine.speeds() == {"forward": 1e9}
