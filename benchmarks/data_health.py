"""Planted faults, and how many of them the thorough checks find.

    python -m benchmarks.data_health [ARCHIVE ...] [--seed 0] [--each 300] [--parts clean,near,labels,shortcut] \
        [--json FILE]

On hymenoptera.zip, flowers128.zip and catsdogs.zip of $GRAFT_REAL_DATA:

- clean: the set as it is: what the checks say, and how long they take.
- near: near-copies of each kind in KINDS (up to `--each`, no picture twice), put among the images of another split.
  Found: the copy is in a group with its original. False groups: groups that hold two pictures of which neither is a
  planted copy of the other, and that the clean set did not have.
- labels: 5 % of the labels flipped to another class. `in_first_tenth`: the share of them among the first 10 % of all
  images, the most suspicious first. Then the accuracy (on validation images, by true labels) of the default recipe
  with the clean labels, with the flipped ones, and mended: by somebody who believes every suspect (`mended_believing`),
  and by somebody who looks at them (`mended_looking`).
- shortcut: every picture of the first class gets a border of 4 % of its width in one colour.
"""

from __future__ import annotations

import argparse
import io
import json
import os
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageOps

from benchmarks.lite0_training import ARCHIVES
from benchmarks.results import machine
from core import api
from core.data import mending
from core.data.checks import evidence
from core.data.checks.evidence import Evidence
from core.data.dataset import Dataset
from core.data.library import ingest
from core.recipe.proposals import propose
from core.store.files import write_json
from core.store.workspace import Workspace

RESULTS = Path(__file__).with_name("results") / "data_health.json"
FLIPPED = 0.05
BORDER = 0.04
PARTS = ("clean", "near", "labels", "shortcut")


def main() -> None:
    """Measure, print and write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    real = os.environ.get("GRAFT_REAL_DATA")
    parser.add_argument("archives", nargs="*", type=Path,
                        default=[Path(real, name) for name in ARCHIVES] if real else [])
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--each", type=int, default=300)
    parser.add_argument("--parts", type=lambda text: text.split(","), default=list(PARTS))
    parser.add_argument("--json", type=Path, default=RESULTS)
    args = parser.parse_args()
    if not args.archives:
        parser.error("name an archive, or set GRAFT_REAL_DATA")
    found = json.loads(args.json.read_text("utf-8")) if args.json.is_file() else {}
    for archive in args.archives:
        with tempfile.TemporaryDirectory() as folder:
            planting = Planting(archive, Path(folder), args.seed, args.each)
            for part in args.parts:
                result = {"load_when_it_began": round(os.getloadavg()[0], 1), **getattr(planting, part)()}
                found.setdefault(archive.stem, {})[part] = result
                print(f"{archive.stem:12} {part:9} {json.dumps(result)}", flush=True)
                write_json(args.json, {**found, "machine": machine()})


class Planting:
    """One data set, and what is planted into copies of it."""

    def __init__(self, archive: Path, folder: Path, seed: int, each: int) -> None:
        self.folder, self.each = folder, each
        self.random = np.random.default_rng(seed)
        self.workspace = Workspace(folder / "workspace")
        self.dataset = ingest(archive, self.workspace)
        self.seen = checked(self.dataset, self.workspace)

    def clean(self) -> dict[str, Any]:
        """What is said of the set as it is."""
        again = checked(self.dataset, self.workspace)
        return {"images": self.dataset.images, "seconds": self.seen.seconds, "seconds_features_known": again.seconds,
                **counted(self.seen)}

    def near(self) -> dict[str, Any]:
        """Near-copies of each kind."""
        source = self.copied("near")
        rows = self.dataset.usable()
        rows = rows[rows[["width", "height"]].min(axis=1) >= 64]
        each = min(self.each, len(rows) // len(KINDS))
        chosen = rows.iloc[self.random.permutation(len(rows))[:each * len(KINDS)]]
        planted: dict[str, tuple[str, str]] = {}
        for number, row in enumerate(chosen.itertuples()):
            kind = list(KINDS)[number // each]
            split = "val" if row.split == "train" else "train"
            target = source / split / rows.loc[row.Index, "class"]
            target.mkdir(parents=True, exist_ok=True)
            copy = target / f"planted-{number:05d}.jpg"
            with Image.open(self.dataset.image_path(row.file)) as image:
                copy.write_bytes(KINDS[kind](ImageOps.exif_transpose(image).convert("RGB"), self.random))
            planted[copy.name] = (kind, self.placed(row.path).name)
        seen = checked(ingest(source, self.workspace), self.workspace)
        names = [{Path(path).name for path in group} for group in seen.seen[evidence.NEAR]]
        of = {name: group for group in names for name in group}
        found = {kind: [copy for copy, (what, original) in planted.items()
                        if what == kind and original in of.get(copy, ())] for kind in KINDS}
        before = [{self.placed(path).name for path in group} for group in self.seen.seen[evidence.NEAR]]
        false = [group for group in names if not explained(group, planted, before)]
        total = sum(map(len, found.values()))
        return {"planted": len(planted), "share_found": round(total / max(len(planted), 1), 4),
                "by_kind": {kind: round(len(copies) / each, 4) for kind, copies in found.items()},
                "groups": len(names), "false_groups": len(false), "seconds": seen.seconds}

    def labels(self) -> dict[str, Any]:
        """Flipped labels."""
        rows = self.dataset.usable()
        true = dict(zip(rows["path"], rows["class"], strict=True))
        flipped = rows.iloc[self.random.permutation(len(rows))[:round(FLIPPED * len(rows))]]
        work = Workspace(self.folder / "flipped", machine=self.workspace.machine)
        shutil.copytree(self.dataset.path, work.datasets / self.dataset.id)
        for label in self.dataset.classes:
            others = [other for other in self.dataset.classes if other != label]
            which = flipped[flipped["class"] == label]["path"].to_numpy()
            for other, paths in zip(others, np.array_split(which, len(others)), strict=True):
                if len(paths):
                    mending.relabel(work, self.dataset.id, paths.tolist(), other)
        wrong = set(flipped["path"])
        dataset = Dataset.open(work, self.dataset.id)
        seen = checked(dataset, work)
        suspects = seen.seen["labels"]
        first = ranked(dataset, work)[:round(0.1 * len(rows))]
        result = {
            "flipped": len(wrong), "in_first_tenth": round(len(wrong & set(first)) / len(wrong), 4),
            "suspects": len(suspects), "suspects_flipped": len(wrong & {one["path"] for one in suspects}),
            "clean": self.accuracy(self.dataset, self.workspace, true), "flipped_accuracy":
            self.accuracy(dataset, work, true),
        }
        for name, believed in (("mended_looking", [one for one in suspects if one["path"] in wrong]),
                               ("mended_believing", suspects)):
            result[name] = self.mended(name, dataset, believed, true)
        return result

    def mended(self, name: str, dataset: Dataset, suspects: list[dict[str, Any]], true: dict[str, str]) -> float:
        """Accuracy after labels were set: to the true one where somebody looked, else to the suggested one."""
        work = Workspace(self.folder / name, machine=self.workspace.machine)
        shutil.copytree(dataset.path, work.datasets / dataset.id)
        for label in dataset.classes:
            paths = [one["path"] for one in suspects
                     if (true[one["path"]] if name == "mended_looking" else one["suggested"]) == label]
            if paths:
                mending.relabel(work, dataset.id, paths, label)
        return self.accuracy(Dataset.open(work, dataset.id), work, true)

    def accuracy(self, dataset: Dataset, workspace: Workspace, true: dict[str, str]) -> float:
        """Mean over three seeds of the default recipe, on validation images by their true labels."""
        scores = []
        for seed in range(3):
            recipe = propose(dataset, lambda: False).override([f"train.seed={seed}", "data.keep_together=false"])
            table = api.train(dataset, recipe, workspace).predictions()
            assert table is not None
            table = table[table["split"] == "validation"]
            scores.append(float((table["predicted"] == table["path"].map(true)).mean()))
        return round(sum(scores) / len(scores), 4)

    def shortcut(self) -> dict[str, Any]:
        """A border of one colour around every picture of the first class."""
        source = self.copied("border")
        label = self.dataset.classes[0]
        for path in source.glob(f"*/{label}/*"):
            with Image.open(path) as image:
                picture = ImageOps.exif_transpose(image).convert("RGB")
            width = max(1, round(BORDER * picture.width))
            picture = ImageOps.expand(ImageOps.crop(picture, width), width, (200, 40, 40))
            picture.save(path.with_suffix(".jpg"), quality=90)
        found = checked(ingest(source, self.workspace), self.workspace).seen["shortcuts"]
        return {"found": [one for one in found if one["property"] == "border"],
                "others": [one["property"] for one in found if one["property"] != "border"]}

    def copied(self, name: str) -> Path:
        """A folder with the set's images in split and class folders."""
        source = self.folder / name
        for row, label in zip(self.dataset.usable().itertuples(), self.dataset.usable()["class"], strict=True):
            split = {"validation": "val", "": "train"}.get(row.split, row.split)
            target = source / split / label / self.placed(row.path).name
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(self.dataset.image_path(row.file), target)
        return source

    @staticmethod
    def placed(path: str) -> Path:
        """A name that no other picture has."""
        return Path(path.replace("/", "-"))


def checked(dataset: Dataset, workspace: Workspace) -> Evidence:
    """Check a dataset, whether it was before or not."""
    (dataset.path / evidence.FILE).unlink(missing_ok=True)
    api.check(dataset, workspace)
    found = evidence.read(dataset)
    assert found is not None
    return found


def counted(seen: Evidence) -> dict[str, Any]:
    """How much was seen of each kind."""
    near, light = seen.seen[evidence.NEAR], seen.seen["light"]
    return {"near_groups": len(near), "near_images": sum(map(len, near)), "label_suspects": len(seen.seen["labels"]),
            "outliers": len(seen.seen["outliers"]), **{kind: len(paths) for kind, paths in light.items()},
            "shortcuts": [one["property"] for one in seen.seen["shortcuts"]]}


def ranked(dataset: Dataset, workspace: Workspace) -> list[str]:
    """All paths, the most suspicious label first: as the check itself judges them, which keeps but its suspects."""
    from core import checking
    from core.data.checks import labels
    from core.data.checks.deep import Deep
    from core.data.checks.seen import look_at
    from core.data.checks.small import small_pictures
    from core.engine.check import pooled_features
    from core.engine.reporter import Reporter
    from core.jobs import requests

    seen = look_at(dataset)
    quiet = Reporter(requests.made(workspace, checking.KIND, {}))
    features = pooled_features(dataset, checking.recipe_of(*checking.chosen()), workspace, quiet)
    deep = Deep(dataset, seen, features, small_pictures(dataset, seen.good), lambda *told: None)
    return [str(path) for path in deep.paths[labels.suspicion(*labels.out_of_fold(deep), deep.labels)]]


def explained(group: set[str], planted: dict[str, tuple[str, str]], before: list[set[str]]) -> bool:
    """Whether a group holds nothing but pictures that belong together: those of one group of the clean set, and copies
    of them."""
    originals = {planted[name][1] if name in planted else name for name in group}
    return len(originals) == 1 or any(originals <= one for one in before)


def _jpeg(image: Image.Image, quality: int = 90) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=quality)
    return buffer.getvalue()


def _cropped(image: Image.Image, random: np.random.Generator) -> bytes:
    share = random.uniform(0.75, 0.95)
    wide, high = round(image.width * share), round(image.height * share)
    left, top = (int(random.integers(0, room + 1)) for room in (image.width - wide, image.height - high))
    return _jpeg(image.crop((left, top, left + wide, top + high)))


def _tinted(image: Image.Image, random: np.random.Generator) -> bytes:
    factors = random.uniform(0.7, 1.3, 3)
    return _jpeg(Image.fromarray(np.clip(np.asarray(image) * factors, 0, 255).astype(np.uint8)))


def _mirrored_crop(image: Image.Image, random: np.random.Generator) -> bytes:
    with Image.open(io.BytesIO(_cropped(image, random))) as cropped:
        return _jpeg(ImageOps.mirror(cropped))


KINDS: dict[str, Callable[[Image.Image, np.random.Generator], bytes]] = {
    "mirrored": lambda image, random: _jpeg(ImageOps.mirror(image)),
    "compressed": lambda image, random: _jpeg(image, int(random.integers(15, 40))),
    "scaled": lambda image, random: _jpeg(image.resize((max(image.width // 2, 32), max(image.height // 2, 32)))),
    "cropped": _cropped,
    "tinted": _tinted,
    "cropped and mirrored": _mirrored_crop,
}
"""What is made of a picture: a JPEG."""


if __name__ == "__main__":
    main()
