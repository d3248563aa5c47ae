"""Uploaded weights files: kept under names of ours, once each, within the workspace's limit."""

from __future__ import annotations

import io
import os
import time

import pytest

from core.backbones.kept_files import WEEK, clean, folder, keep
from core.errors import WeightsError
from core.store.limits import Limits
from core.store.workspace import Workspace


def test_a_file_is_kept_once_whatever_it_is_called(tmp_path):
    workspace = Workspace(tmp_path / "w")
    first = keep(io.BytesIO(b"numbers"), "../../etc/a b.weights.h5", workspace)
    assert keep(io.BytesIO(b"numbers"), "Other.H5", workspace) == first
    assert first.parent == folder(workspace) and first.read_bytes() == b"numbers"
    assert first.stem.isalnum() and list(folder(workspace).iterdir()) == [first]


def test_what_is_too_large_leaves_nothing_behind(tmp_path):
    workspace = Workspace(tmp_path / "w", Limits(upload_bytes=10))
    with pytest.raises(WeightsError, match="larger than"):
        keep(io.BytesIO(b"x" * 11), "a.h5", workspace)
    assert not list(folder(workspace).iterdir())


def test_other_endings_are_refused(tmp_path):
    with pytest.raises(WeightsError, match="ends in .h5"):
        keep(io.BytesIO(b"x"), "model.pth", Workspace(tmp_path / "w"))


def test_old_files_go_unless_a_run_began_with_them(tmp_path):
    workspace = Workspace(tmp_path / "w")
    assert clean(workspace) == 0
    used, unused, new = (keep(io.BytesIO(content), "a.h5", workspace) for content in (b"1", b"2", b"3"))
    for path in (used, unused):
        os.utime(path, (time.time() - WEEK - 10,) * 2)
    (workspace.runs / "run-1").mkdir()
    (workspace.runs / "run-1" / "recipe.json").write_text(f'{{"schema_version": 99, "from": "{used}"}}')
    assert clean(workspace) == 1
    assert set(folder(workspace).iterdir()) == {used, new}
