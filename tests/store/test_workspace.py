"""The workspace folder: made on first use, and closed to guessed names."""

from __future__ import annotations

import re

import pytest

from core.errors import NotFoundError, WorkspaceError
from core.store.limits import Limits
from core.store.workspace import Workspace


def test_its_folders_are_made(tmp_path):
    workspace = Workspace(tmp_path / "new" / "workspace")
    for folder in (workspace.datasets, workspace.runs, workspace.cache, workspace.incoming):
        assert folder.is_dir() and folder.is_relative_to(tmp_path / "new" / "workspace")


def test_the_default_one_follows_the_environment(tmp_path, monkeypatch):
    monkeypatch.setenv("GRAFT_WORKSPACE", str(tmp_path / "mine"))
    assert Workspace.default().root == (tmp_path / "mine").resolve()
    monkeypatch.delenv("GRAFT_WORKSPACE")
    monkeypatch.chdir(tmp_path)
    assert Workspace.default().root == (tmp_path / "workspace").resolve()


def test_a_folder_that_cannot_be_made_is_the_users_to_put_right(tmp_path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(WorkspaceError, match="cannot be written") as caught:
        Workspace(tmp_path / "file" / "workspace")
    assert "GRAFT_WORKSPACE" in caught.value.hint


@pytest.mark.parametrize("guess", [
    "nothing-like-it", "..", "../runs/real", "real/../real", "/etc", "", ".", "Real", "real\n", "réal", "a" * 200,
])
def test_a_guessed_name_and_a_missing_one_get_the_same_answer(tmp_path, guess):
    workspace = Workspace(tmp_path)
    (workspace.runs / "real").mkdir()
    (workspace.datasets / "real").mkdir()
    for find, what in ((workspace.run_dir, "run"), (workspace.dataset_dir, "dataset")):
        with pytest.raises(NotFoundError) as caught:
            find(guess)
        assert caught.value.message == f"There is no {what} '{guess}'."


def test_what_exists_is_found(tmp_path):
    workspace = Workspace(tmp_path)
    (workspace.runs / "real").mkdir()
    assert workspace.run_dir("real") == workspace.runs / "real"


@pytest.mark.parametrize("prefix", ["Ants & Bees", "花", "../../etc", "x" * 300])
def test_new_ids_are_safe_and_different(tmp_path, prefix):
    workspace = Workspace(tmp_path)
    ids = {workspace.new_id(prefix) for _ in range(50)}
    assert len(ids) == 50
    for name in ids:
        assert re.fullmatch(r"[a-z0-9-]+-\d{8}-\d{6}-[0-9a-f]{8}", name)
        (workspace.datasets / name).mkdir()
        assert workspace.dataset_dir(name).name == name


def test_the_demo_limits_are_tighter_everywhere():
    local, demo = Limits(), Limits.demo()
    for name in ("upload_bytes", "archive_members", "member_bytes", "archive_bytes", "ratio", "depth", "image_pixels"):
        assert getattr(demo, name) < getattr(local, name)
