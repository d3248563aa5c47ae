"""The same images for every system: as a Graft dataset, and as train/ and val/ folders for the scripts."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image, ImageEnhance, ImageOps

from core.data.dataset import Dataset
from core.data.library import resolve_dataset
from core.data.splits import dividing
from core.recipe.fields import DataSettings
from core.store.workspace import Workspace

DONE = ".done"


@dataclass(frozen=True)
class ImageSet:
    """Images at hand in both forms, with one split."""

    dataset: Dataset
    folder: Path
    """With train/ and val/, one folder a class; and predict/, flat."""
    train: int
    validation: int
    true: dict[str, str]
    """Label of each file of predict/ that is a validation image."""
    copies: bool
    """Some are changed copies, so that accuracy means nothing."""

    @property
    def images(self) -> int:
        """Images in all."""
        return self.train + self.validation


class ImageSets:
    """Makes image sets of any size out of one archive, and keeps them between runs.

    Args:
        source: The archive or folder.
        work: Where everything is kept.
    """

    def __init__(self, source: Path, workspace: Workspace, work: Path) -> None:
        self.workspace, self.work = workspace, work
        self.whole = resolve_dataset(str(source), workspace)
        self._made: dict[tuple[int, int], ImageSet] = {}

    def of_size(self, count: int, predicted: int) -> ImageSet:
        """So many images, the classes in their shares: the first ones of a fixed order, then changed copies of all.

        Args:
            predicted: Files wanted in predict/.
        """
        if (count, predicted) not in self._made:
            self._made[count, predicted] = self._make(count, predicted)
        return self._made[count, predicted]

    def _make(self, count: int, predicted: int) -> ImageSet:
        tree, folder = self.work / "images" / str(count), self.work / "folders" / str(count)
        if not (tree.parent / f"{count}{DONE}").exists():
            shutil.rmtree(tree, ignore_errors=True)
            self._write(tree, count)
            (tree.parent / f"{count}{DONE}").touch()
        dataset = resolve_dataset(str(tree), self.workspace)
        table = dividing.divided(dataset, DataSettings())
        if not (folder / DONE).exists():
            shutil.rmtree(folder, ignore_errors=True)
            for file, label, split in zip(table["file"], table["class"], table["split"], strict=True):
                name = "train" if split == "train" else "val"
                _link(dataset.image_path(file), folder / name / label / file)
            checked = table.sort_values("split", ascending=False, kind="stable").head(predicted)  # validation first
            for file in checked["file"]:
                _link(dataset.image_path(file), folder / "predict" / file)
            (folder / DONE).touch()
        validation = table[table["split"] == "validation"]
        true = {file: label for file, label in zip(validation["file"], validation["class"], strict=True)
                if (folder / "predict" / file).exists()}
        return ImageSet(dataset, folder, int((table["split"] == "train").sum()), len(validation), true,
                        count > self.whole.images)

    def _write(self, tree: Path, count: int) -> None:
        for number, (source, label, round_) in enumerate(self._chosen(count)):
            target = tree / label / f"{number:06d}{source.suffix}"
            if round_:
                target.parent.mkdir(parents=True, exist_ok=True)
                changed_copy(source, target.with_suffix(".jpg"), round_)
            else:
                _link(source, target)

    def _chosen(self, count: int) -> Iterator[tuple[Path, str, int]]:
        """Source, label and round of each image: round 0 are the images themselves."""
        table = self.whole.usable().sort_values("path", kind="stable", ignore_index=True)
        table = table.iloc[np.random.default_rng(0).permutation(len(table))]
        place = table.groupby("class").cumcount() / table.groupby("class")["class"].transform("size")
        table = table.iloc[np.argsort(place.to_numpy(), kind="stable")]  # any beginning has every class in its share
        for number in range(count):
            row = table.iloc[number % len(table)]
            yield self.whole.image_path(row["file"]), row["class"], number // len(table)


def changed_copy(source: Path, target: Path, variant: int) -> None:
    """Write an image with another brightness, cut by a pixel or two, mirrored every other time."""
    with Image.open(source) as image:
        copy = image.convert("RGB")
    copy = ImageOps.mirror(copy) if variant % 2 else copy
    copy = copy.crop((variant % 3, variant % 2, copy.width, copy.height))
    ImageEnhance.Brightness(copy).enhance(1 + (variant % 16 - 7.5) / 40).save(target, quality=90)


def _link(source: Path, target: Path) -> None:
    """The same file under another name; a copy where links cannot be made."""
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        os.link(source, target)
    except OSError:
        shutil.copyfile(source, target)
