"""Thorough checks: each finds its fault, and leaves clean data alone. With features that stand for a backbone's; the
whole way with a real one: tests/engine/test_check.py."""

from __future__ import annotations

import json
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageOps

from core.data import mending
from core.data.checks import evidence, labels, light, matching, near, odd, shortcuts, table
from core.data.checks.deep import Deep
from core.data.checks.evidence import Evidence
from core.data.checks.inspection import inspection
from core.data.checks.seen import look_at
from core.data.checks.small import SmallPictures, small_pictures
from core.data.dataset import Dataset
from core.data.library import ingest
from core.data.splits.dividing import divided
from core.recipe.fields import DataSettings
from core.store.workspace import Workspace
from tests.drawn import COPIES, blurred, drawn, folder_of

Pictures = dict[str, Image.Image]


def quiet(*_: object) -> None:
    """Nobody listens."""


@pytest.fixture
def made(workspace: Workspace, tmp_path: Path):
    """`made(pictures)`: a dataset of pictures by path."""
    return lambda pictures: ingest(folder_of(tmp_path / "pictures", pictures), workspace)


def plain(count: int = 8) -> Pictures:
    return {f"{label}/{index}.png": drawn(100 * number + index)
            for number, label in enumerate(("cats", "dogs")) for index in range(count)}


def deep(dataset: Dataset, features: np.ndarray | None = None, small: SmallPictures | None = None) -> Deep:
    """Features: near where the names begin alike (`3-copy.png` and `3.png`), else far."""
    seen = look_at(dataset)
    if features is None:
        names = [str(path).split(".")[0].split("-")[0] for path in seen.good["path"]]
        features = np.stack([np.random.default_rng(zlib.crc32(name.encode())).normal(size=64) for name in names])
    return Deep(dataset, seen, features.astype(np.float32),
                small_pictures(dataset, seen.good) if small is None else small, quiet)


def alike(count: int) -> np.ndarray:
    """Features of two kinds of pictures, hardly different within each."""
    kinds = np.repeat([[5.0], [-5.0]], count // 2, 0) * np.ones(64)
    return kinds + np.random.default_rng(0).normal(size=(count, 64)) / 50


@pytest.mark.parametrize("kind", COPIES)
def test_a_copy_is_found_whatever_was_done_to_it(made, kind):
    dataset = made({**plain(), "cats/3-copy.png": COPIES[kind](drawn(3)), "dogs/other-3.png": drawn(99)})
    assert sorted(map(sorted, near.look(deep(dataset)))) == [["cats/3-copy.png", "cats/3.png"]]


def test_other_pictures_of_the_same_features_are_no_copies(made):
    dataset = made(plain())
    same = alike(dataset.images)
    assert len(list(matching.candidates(same))) > dataset.images
    assert near.look(deep(dataset, same)) == []


def test_smooth_pictures_are_no_copies_of_one_another(made):
    """Skies: light above, dark below, and noise that is nobody's."""
    def sky(seed: int) -> Image.Image:
        noise = np.random.default_rng(seed).normal(0, 4, (180, 240, 3))
        return Image.fromarray(np.clip(np.linspace(230, 120, 180)[:, None, None] + noise, 0, 255).astype(np.uint8))

    dataset = made({f"{label}/{index}.png": sky(10 * number + index)
                    for number, label in enumerate(("cats", "dogs")) for index in range(5)})
    assert near.look(deep(dataset, alike(10))) == []


def test_near_copies_are_told_by_what_they_spoil_and_a_split_keeps_them_together(made, workspace):
    dataset = made({
        **{f"train/{path}": image for path, image in plain().items()},
        "val/cats/a.png": drawn(501), "val/dogs/b.png": drawn(502), "val/cats/3-copy.png": ImageOps.mirror(drawn(3)),
        "train/dogs/4-copy.png": ImageOps.mirror(drawn(4)), "train/cats/5-copy.png": COPIES["tinted"](drawn(5)),
    })
    groups = [["train/cats/3.png", "val/cats/3-copy.png"], ["train/cats/4.png", "train/dogs/4-copy.png"],
              ["train/cats/5.png", "train/cats/5-copy.png"]]
    found = {finding.kind: finding for finding in near.tell(look_at(dataset), groups)}
    assert {kind: finding.severity for kind, finding in found.items()} == {
        "near_leaks": "error", "near_two_classes": "warning", "near_duplicates": "hint"}
    assert set(found["near_leaks"].paths) == set(groups[0])
    (mend,) = found["near_leaks"].mends
    assert mend.values["paths"] == ["train/cats/3.png"]
    dataset = getattr(mending, mend.kind)(workspace, dataset.id, **mend.values)
    assert "near_leaks" not in {finding.kind for finding in near.tell(look_at(dataset), groups)}


def test_a_split_never_tears_known_near_copies_apart(made):
    dataset = made({**plain(20), **{f"cats/{index}-copy.png": ImageOps.mirror(drawn(index)) for index in range(20)}})
    seen = Evidence(evidence.contents_of(dataset), 1.0, "a network", {
        evidence.NEAR: [[f"cats/{index}.png", f"cats/{index}-copy.png"] for index in range(20)]})

    def straddling(settings: DataSettings) -> int:
        split = divided(dataset, settings).set_index("path")["split"]
        return sum(split[f"cats/{index}.png"] != split[f"cats/{index}-copy.png"] for index in range(20))

    assert straddling(DataSettings()) > 0
    evidence.write(dataset, seen)
    assert straddling(DataSettings()) == 0 and straddling(DataSettings(keep_together=False)) > 0
    assert not table.report(dataset).of("near_leaks") and table.report(dataset).of("near_duplicates")


def clustered(dataset: Dataset, random: np.random.Generator) -> np.ndarray:
    """Features by the first letter of the file's name: what it really shows."""
    rows = look_at(dataset).good
    return np.stack([random.normal(size=16) / 2 + (3 if path.split("/")[1][0] == "c" else -3)
                     for path in rows["path"]])


def test_wrong_labels_are_found_the_most_suspicious_first(made, workspace):
    pictures = {f"{label}/{label[0]}{index}.png": drawn(100 * number + index, (60, 48))
                for number, label in enumerate(("cats", "dogs")) for index in range(20)}
    pictures["cats/d99.png"] = drawn(999, (60, 48))
    dataset = made(pictures)
    found = labels.look(deep(dataset, clustered(dataset, np.random.default_rng(0))))
    assert [(one["path"], one["given"], one["suggested"]) for one in found] == [("cats/d99.png", "cats", "dogs")]
    assert found[0]["probability"] >= labels.SURE
    (finding,) = labels.tell(look_at(dataset), found)
    assert finding.kind == "label_suspects" and finding.details[0]["suggested"] == "dogs"
    dataset = mending.relabel(workspace, dataset.id, ["cats/d99.png"], "dogs")
    assert list(labels.tell(look_at(dataset), found)) == []


def test_a_wrong_label_is_not_defended_by_a_near_copy_with_the_same_one(made):
    pictures = {f"{label}/{label[0]}{index}.png": drawn(100 * number + index, (60, 48))
                for number, label in enumerate(("cats", "dogs")) for index in range(20)}
    pictures |= {"cats/d99.png": drawn(999, (60, 48)), "cats/d98.png": ImageOps.mirror(drawn(999, (60, 48)))}
    dataset = made(pictures)
    features = clustered(dataset, np.random.default_rng(0))
    paths = look_at(dataset).good["path"].tolist()
    features[paths.index("cats/d98.png")] = features[paths.index("cats/d99.png")]
    seen = deep(dataset, features)
    assert len(seen.near) == 1
    assert {one["path"] for one in labels.look(seen)} == {"cats/d99.png", "cats/d98.png"}


def test_labels_by_numbers():
    classes, given = np.array(["a", "b"]), np.array(["a", "a", "b", "b", "c"])
    probability = np.array([[0.9, 0.1], [0.05, 0.95], [0.2, 0.8], [0.45, 0.55], [np.nan, np.nan]])
    assert labels.suspects(probability, classes, given) == [(1, 1)]
    assert labels.suspicion(probability, classes, given).tolist() == [1, 3, 2, 0, 4]


def test_classes_of_few_pictures_are_not_judged(made):
    dataset = made({**plain(5), "rare/c1.png": drawn(800), "rare/c2.png": drawn(801)})
    probability, classes = labels.out_of_fold(deep(dataset))
    assert classes.tolist() == ["cats", "dogs"]
    assert np.isnan(probability).all(1).sum() == 2


def test_what_is_unlike_all_others_is_found(made):
    dataset = made(plain(15))
    features = np.random.default_rng(0).normal(size=(30, 32)) / 5 + np.repeat(np.eye(2, 32), 15, 0) * 4
    assert odd.look(deep(dataset, features)) == []
    features[7] = np.random.default_rng(9).normal(size=32) * 4
    assert odd.look(deep(dataset, features)) == [look_at(dataset).good["path"][7]]


def test_pictures_on_which_little_can_be_seen(made):
    dark, bright = Image.new("RGB", (240, 180), (9, 9, 12)), Image.new("RGB", (240, 180), (252, 252, 250))
    night = Image.new("RGB", (240, 180), (5, 5, 5))
    night.paste(Image.new("RGB", (40, 40), (250, 250, 240)), (100, 60))
    dataset = made({**plain(), "cats/dark.png": dark, "cats/bright.png": bright, "dogs/soft.png": blurred(drawn(77)),
                    "dogs/night.png": night})
    assert light.look(deep(dataset)) == {
        "blurred": ["dogs/soft.png"], "dark": ["cats/dark.png"], "bright": ["cats/bright.png"]}


def bordered(image: Image.Image) -> Image.Image:
    return ImageOps.expand(ImageOps.crop(image, 8), 8, (200, 40, 40))


def with_camera(path: Path, camera: str) -> None:
    with Image.open(path) as image:
        exif = image.getexif()
        exif[271], exif[272], exif[306] = "Maker", camera, "2024:05:12 10:00:00"
        image.save(path, exif=exif)


@pytest.mark.parametrize("planted", ["border", "file_type", "resolution", "camera", "brightness"])
def test_a_shortcut_is_found(workspace, tmp_path, planted):
    kinds = {
        "border": lambda image: bordered(image), "resolution": lambda image: image.resize((320, 240)),
        "brightness": lambda image: image.point(lambda value: value // 4),
    }
    pictures = {f"{label}/{index}.{'png' if planted == 'file_type' and label == 'cats' else 'jpg'}":
                kinds.get(planted, lambda image: image)(drawn(100 * number + index))
                if label == "cats" else drawn(100 * number + index)
                for number, label in enumerate(("cats", "dogs")) for index in range(12)}
    folder = folder_of(tmp_path / "pictures", pictures)
    if planted == "camera":
        for path in folder.glob("*/*"):
            with_camera(path, "One" if path.parent.name == "cats" else "Two")
    found = shortcuts.look(deep(ingest(folder, workspace)))
    assert planted in {one["property"] for one in found}
    assert all(0.5 == one["chance"] < one["accuracy"] <= 1 for one in found)


def test_clean_pictures_have_no_shortcut(made):
    assert shortcuts.look(deep(made(plain(20)))) == []


def test_one_class_with_a_mark_of_its_own_is_told_by_name(made):
    dataset = made({f"{label}/{index}.png": bordered(drawn(100 * number + index)) if label == "cats"
                    else drawn(100 * number + index)
                    for number, label in enumerate(("cats", "dogs", "cows", "hens", "pigs")) for index in range(12)})
    found = shortcuts.look(deep(dataset))
    assert [one["classes"] for one in found if one["property"] == "border"] == [["cats"]]
    (told, *_) = shortcuts.tell(look_at(dataset), found)
    assert told.severity == "warning" and "gives cats away" in told.message


def test_evidence_survives_the_disk_and_a_broken_one_is_none(made):
    dataset = made(plain())
    assert evidence.read(dataset) is None and evidence.stamp(dataset) == 0
    assert table.report(dataset).checks == "quick"
    seen = {name: json.loads(json.dumps(check.look(deep(dataset)))) for name, check in table.THOROUGH.items()}
    kept = Evidence(evidence.contents_of(dataset), 1.5, "a network", seen, ("One could not be made.",))
    evidence.write(dataset, kept)
    assert evidence.read(dataset) == kept and evidence.stamp(dataset) > 0
    report = table.report(dataset)
    assert report.checks == "all" and report.left_out == kept.left_out
    assert report.findings == table.quick(dataset).findings
    (dataset.path / evidence.FILE).write_text("{}")
    assert evidence.read(dataset) is None


def test_labels_do_not_make_evidence_old_but_other_pictures_do(made, workspace):
    dataset = made(plain())
    before = evidence.contents_of(dataset)
    dataset = mending.relabel(workspace, dataset.id, ["cats/1.png"], "dogs")
    assert evidence.contents_of(dataset) == before
    assert evidence.contents_of(mending.exclude(workspace, dataset.id, ["cats/2.png"])) != before


def test_inspect_has_near_copies_leaks_and_suspects_at_their_places(made):
    dataset = made({**{f"train/{path}": image for path, image in plain().items()}, "val/cats/a.png": drawn(501),
                    "val/dogs/b.png": drawn(502)})
    suspect = {"path": "train/cats/1.png", "given": "cats", "suggested": "dogs", "probability": 0.9}
    evidence.write(dataset, Evidence(evidence.contents_of(dataset), 1.0, "a network", {
        evidence.NEAR: [["train/cats/3.png", "val/cats/a.png"]], "labels": [suspect]}))
    found = inspection(dataset, table.report(dataset))
    assert [sorted(group) for group in found["near_duplicates"]] == [["train/cats/3.png", "val/cats/a.png"]]
    assert found["near_duplicates"] == found["leaks"] and found["label_suspects"] == [suspect]
    assert {"near_leaks", "label_suspects"} <= {one["kind"] for one in found["warnings"]}


def test_a_picture_that_cannot_be_read_any_more_spoils_nothing(made):
    dataset = made(plain())
    rows = dataset.usable()
    dataset.image_path(rows["file"][0]).write_bytes(b"gone")
    small = small_pictures(dataset, rows)
    assert len(small) == len(rows) and (small.gray[0] == 128).all() and np.isfinite(small.border).all()


def test_the_work_can_be_ended(made):
    dataset = made(plain())

    def end(*_: object) -> None:
        raise InterruptedError

    with pytest.raises(InterruptedError):
        small_pictures(dataset, dataset.usable(), end)
    with pytest.raises(InterruptedError):
        matching.near_copies(alike(16), small_pictures(dataset, dataset.usable()), end)
