"""Every check has something to find, and leaves clean data alone."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pandas as pd
import pytest

from core.data import mending
from core.data.checks.inspection import inspection
from core.data.checks.seen import Seen
from core.data.checks.table import QUICK, quick
from core.data.library import ingest
from core.recipe.fields import Recipe


def row(path: str, split: str = "train", content: str = "", size: tuple[int, int] = (300, 200),
        status: str = "ok") -> dict[str, Any]:
    return {"path": path, "class": path.split("/")[0], "split": split, "hash": content or path, "status": status,
            "width": size[0], "height": size[1], "reason": ""}


CLEAN = [row(f"{label}/{index}.jpg", "validation" if index == 0 else "train")
         for label in ("cats", "dogs", "sheep") for index in range(8)]
FAULTY = {
    "unusable": [row("cats/bad.jpg", status="bad")],
    "leaks": [row("cats/x.jpg", "train", "same"), row("cats/y.jpg", "validation", "same")],
    "two_classes": [row("cats/x.jpg", content="same"), row("dogs/x.jpg", content="same")],
    "duplicates": [row("cats/x.jpg", content="same"), row("cats/y.jpg", content="same")],
    "few": [row("bats/1.jpg")],
    "imbalance": [row(f"cats/more{index}.jpg") for index in range(60)],
    "class_names": [row(f"Cats /{index}.jpg") for index in range(8)],
    "tiny": [row("cats/small.jpg", size=(20, 16))],
    "extreme_aspect": [row("cats/panorama.jpg", size=(3000, 300))],
}


def seen(rows: list[dict[str, Any]], unsplit: str = "") -> Seen:
    table = pd.DataFrame(rows)
    good = table[table["status"] == "ok"].reset_index(drop=True)
    return Seen(sorted(good["class"].unique()), table[table["status"] == "bad"], good, unsplit)


@pytest.mark.parametrize("name", QUICK)
def test_a_check_finds_its_fault_and_nothing_in_clean_data(name):
    assert list(QUICK[name](seen(CLEAN))) == []
    faulty = seen(CLEAN, "Nothing can be split.") if name == "unsplit" else seen([*CLEAN, *FAULTY[name]])
    (finding,) = QUICK[name](faulty)
    assert finding.kind == name and finding.message.endswith((".", "?"))
    assert {path for group in finding.groups for path in group} <= set(finding.paths)


@pytest.mark.parametrize(("one", "other", "alike"), [
    ("Forest", "forest", True), ("sea lake", "SeaLake", True), ("forest", "forrest", True), ("caf\u00e9", "cafe", True),
    ("class_10", "class_11", False), ("cat", "rat", False), ("tulip", "tulips", True), ("horse", "zebra", False),
    ("\u732b", "\u72ac", False), ("...", "---", False),
])
def test_names_that_may_mean_the_same(one, other, alike):
    rows = [row(f"{label}/{index}.jpg") for label in (one, other, "something else") for index in range(8)]
    assert bool(list(QUICK["class_names"](seen(rows)))) == alike


def test_a_set_of_small_images_is_meant_so():
    small = [{**each, "width": 28, "height": 28} for each in CLEAN]
    assert not list(QUICK["tiny"](seen(small)))


def test_what_mends_a_finding_puts_it_right(workspace, pets, make_zip):
    """Each button of a real dataset's report does what it says."""
    members = {f"{split}/{path}": data for split, kept in (("train", "0123"), ("val", "3"))
               for path, data in pets.items() if path[5] in kept}
    members["train/birds/9.png"] = pets["cats/1.png"]
    members |= {f"train/Cats/{index}.png": data for index, data in enumerate(
        data for path, data in pets.items() if path.startswith("cats"))}
    dataset = ingest(make_zip(members), workspace)
    kinds = {finding.kind for finding in quick(dataset).findings}
    assert {"leaks", "two_classes", "class_names", "few"} <= kinds
    for kind in ("class_names", "two_classes", "leaks"):
        for finding in quick(dataset).of(kind):
            if finding.mends:
                mend = finding.mends[0]
                dataset = getattr(mending, mend.kind)(workspace, dataset.id, **mend.values)
        assert not quick(dataset).of(kind)


def test_settings_that_mend_are_settings():
    (finding,) = QUICK["imbalance"](seen([*CLEAN, *FAULTY["imbalance"]]))
    (mend,) = finding.mends
    recipe = Recipe().override([f"{path}={value}" for path, value in mend.values.items()])
    assert mend.kind == "set" and recipe.train.class_weights == "balanced"


def test_the_most_severe_comes_first(workspace, pets, make_zip):
    dataset = ingest(make_zip({**pets, "cats/copy.png": pets["dogs/1.png"], "cats/bad.jpg": b"none"}), workspace)
    found = quick(dataset)
    order = [finding.severity for finding in found.findings]
    assert order == sorted(order, key=["error", "warning", "hint"].index) and order[0] == "error"


def test_the_object_that_inspect_prints(workspace, pets, make_zip):
    members = {**pets, "cats/copy.png": pets["cats/1.png"], "cats/bad.jpg": b"none", "notes.txt": b"x"}
    dataset = ingest(make_zip(members), workspace)
    found = inspection(dataset, quick(dataset))
    assert json.loads(json.dumps(found)) == found
    assert list(found) == ["id", "images", "classes", "splits", "layout", "bad", "skipped", "duplicates",
                           "near_duplicates", "leaks", "label_suspects", "warnings", "seconds"]
    assert found["images"] == sum(found["classes"].values()) == sum(found["splits"].values()) == 9
    assert [sorted(group) for group in found["duplicates"]] == [["cats/1.png", "cats/copy.png"]]
    assert found["bad"][0]["path"] == "cats/bad.jpg" and found["skipped"][0]["member"] == "notes.txt"
    assert all(set(each) == {"kind", "severity", "message", "paths"} for each in found["warnings"])
    assert {"unusable", "reading"} <= {each["kind"] for each in found["warnings"]}


def test_a_hundred_thousand_rows_are_checked_in_a_moment():
    """Not timed: it would not end if it compared all with all."""
    random = np.random.default_rng(0)
    rows = [row(f"class {index % 50}/{index}.jpg", content=str(random.integers(10**6))) for index in range(100_000)]
    found = [finding for check in QUICK.values() for finding in check(seen(rows))]
    assert {finding.kind for finding in found} == {"duplicates", "two_classes"}
