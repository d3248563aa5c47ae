"""The profile gives limits to folders that have none, and what is stored goes before it."""

from __future__ import annotations

import pytest

from core.cli import main
from core.errors import WorkspaceError
from core.store.limits import MACHINE, WORKSPACE, Limits, MachineLimits
from core.store.machine import Machine
from core.store.workspace import Workspace


@pytest.fixture
def root(tmp_path, monkeypatch):
    monkeypatch.setenv("GRAFT_WORKSPACE", str(tmp_path / "served"))
    monkeypatch.delenv("GRAFT_PROFILE", raising=False)
    return tmp_path / "served"


def test_without_a_profile_nothing_is_stored(root):
    assert Workspace.default().limits == Limits()
    assert not list(root.glob("*.json"))


def test_the_demo_has_its_limits_in_every_process_that_opens_the_folder(root, monkeypatch):
    monkeypatch.setenv("GRAFT_PROFILE", "demo")
    opened = Workspace.default()
    monkeypatch.delenv("GRAFT_PROFILE")
    for workspace in (opened, Workspace(root), Workspace.default()):
        assert workspace.limits == Limits.demo() and workspace.machine.limits == MachineLimits.demo()


def test_what_the_owner_has_stored_goes_before_the_profile(root, monkeypatch):
    monkeypatch.setenv("GRAFT_PROFILE", "demo")
    Workspace(root, Limits(upload_bytes=5))
    assert Workspace.default().limits == Limits(upload_bytes=5)
    assert Workspace(root).machine.limits == MachineLimits.demo()


def test_a_machine_that_workspaces_share_is_given_its_limits_too(root, tmp_path, monkeypatch):
    Workspace(root, machine=Machine(tmp_path / "shared"))
    monkeypatch.setenv("GRAFT_PROFILE", "demo")
    assert Workspace.default().machine.limits == MachineLimits.demo()
    assert MACHINE.read_stored(tmp_path / "shared")["limits"] and WORKSPACE.read_stored(root)["machine"]


def test_an_unknown_profile_opens_nothing_and_is_said_in_a_line(root, monkeypatch, capsys):
    monkeypatch.setenv("GRAFT_PROFILE", "Demo")
    with pytest.raises(WorkspaceError, match="'Demo'") as caught:
        Workspace.default()
    assert caught.value.hint == "Use local or demo." and not root.exists()
    assert main(["runs"]) == 2
    assert len(capsys.readouterr().err.splitlines()) <= 2
