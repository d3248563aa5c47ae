"""Every check has something to find, and leaves clean data alone."""

from __future__ import annotations

from typing import Any

import pytest

from core.data.checks.table import CHECKS, findings


def row(path: str, label: str, split: str = "", content: str = "") -> dict[str, Any]:
    return {"path": path, "class": label, "split": split, "hash": content or path, "status": "ok"}


CLEAN = [row(f"{label}/{index}.jpg", label) for label in ("cats", "dogs") for index in range(3)]
FAULTY = {"copies": [row("train/cats/1.jpg", "cats", "train", "x"), row("test/cats/2.jpg", "cats", "test", "x")]}


@pytest.mark.parametrize("name", CHECKS)
def test_a_check_finds_its_fault_and_nothing_in_clean_data(name):
    assert CHECKS[name](CLEAN) == []
    assert CHECKS[name](FAULTY[name])


def test_what_all_checks_find_is_told():
    assert findings([*CLEAN, *FAULTY["copies"]]) == CHECKS["copies"]([*CLEAN, *FAULTY["copies"]]) != []
