import json

from core.data.checks.overview import overview
from core.data.library import ingest
from core.recipe.fields import DataSettings


def test_the_summary_of_a_dataset(workspace, pets, make_zip, picture):
    members = {**pets, "cats/wide.png": picture(70, (20, 4)), "cats/bad.jpg": b"%PDF-", "notes.txt": b"x"}
    summary = overview(ingest(make_zip(members), workspace), DataSettings(validation=0.25))
    assert json.loads(json.dumps(summary)) == summary
    assert list(summary) == [
        "id",
        "name",
        "fingerprint",
        "classes",
        "images",
        "bad",
        "bytes",
        "per_class",
        "sizes",
        "bad_files",
        "notes",
        "has_own_split",
    ]
    assert summary["images"] == 9 and summary["bad"] == 1 and summary["classes"] == ["cats", "dogs"]
    assert summary["per_class"] == {
        "cats": {"total": 5, "train": 4, "validation": 1, "test": 0, "bad": 1},
        "dogs": {"total": 4, "train": 3, "validation": 1, "test": 0, "bad": 0},
    }
    assert summary["sizes"] == {
        "min": {"width": 8, "height": 4},
        "median": {"width": 8, "height": 6},
        "max": {"width": 20, "height": 6},
    }
    assert summary["bad_files"][0]["path"] == "cats/bad.jpg" and "PDF" in summary["bad_files"][0]["reason"]
    assert summary["bytes"] == sum(len(data) for name, data in members.items() if name.endswith(".png"))
    assert summary["notes"] and not summary["has_own_split"]


def test_its_own_split_is_shown(workspace, pets, make_zip):
    members = {f"{'val' if name[-5] == '0' else 'train'}/{name}": data for name, data in pets.items()}
    summary = overview(ingest(make_zip(members), workspace))
    assert summary["has_own_split"] and summary["per_class"]["cats"] == {
        "total": 4,
        "train": 3,
        "validation": 1,
        "test": 0,
        "bad": 0,
    }


def test_what_cannot_be_split_is_still_summarised(workspace, pets, make_zip, picture):
    summary = overview(ingest(make_zip({**pets, "birds/1.png": picture(60)}), workspace))
    assert summary["per_class"]["birds"] == {"total": 1, "train": 0, "validation": 0, "test": 0, "bad": 0}
    assert any("'birds'" in note for note in summary["notes"])
