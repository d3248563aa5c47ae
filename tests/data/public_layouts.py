"""Layouts met in public data sets, each with a handful of paths: what is read, and what is asked."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from core.data import layouts
from core.data.layouts.reading import counts
from core.data.sources.table import Table, read_table
from core.store.limits import Limits


@dataclass(frozen=True)
class Layout:
    """A way in which somebody published images."""

    name: str
    met_in: str
    paths: Sequence[str]
    reading: str
    """The id of the best reading."""
    counts: Mapping[str, Mapping[str, int]]
    """Class → split → images by it."""
    asks: bool = False
    tables: Mapping[str, str] = field(default_factory=dict)
    """Files beside the images."""


def grid(outer, inner, images=2, ending="jpg"):
    return [f"{a}/{b}/{number}.{ending}" for a in outer for b in inner for number in range(images)]


def every(classes, **splits):
    return {label: splits or {"": 2} for label in classes}


CATS_DOGS = ("cats", "dogs")
TWO = every(CATS_DOGS, train=2, test=2)
COCO = json.dumps({"images": [{"id": n, "file_name": f"{n}.jpg"} for n in range(4)],
                   "annotations": [{"image_id": n, "category_id": n % 2} for n in range(4)],
                   "categories": [{"id": 0, "name": "cats"}, {"id": 1, "name": "dogs"}]})

LAYOUTS = [
    Layout("a folder for each class", "Flowers recognition",
           [f"flowers/{c}/{n}.jpg" for c in CATS_DOGS for n in (0, 1)], "class-folders", every(CATS_DOGS)),
    Layout("train and val", "hymenoptera", grid(("train", "val"), CATS_DOGS), "split-folders",
           every(CATS_DOGS, train=2, validation=2)),
    Layout("training_set and test_set", "Cats and dogs of a course",
           grid(("dataset/training_set", "dataset/test_set"), CATS_DOGS), "split-folders", TWO),
    Layout("folders in folders of the same name, and pictures to predict", "Intel image classification",
           [*grid(("seg_train/seg_train", "seg_test/seg_test"), CATS_DOGS), "seg_pred/seg_pred/5.jpg"], "split-folders",
           TWO),
    Layout("train in train", "Re-zipped sets", grid(("train/train", "test/test"), CATS_DOGS), "split-folders", TWO),
    Layout("training, validation, evaluation", "Food-11", grid(("training", "validation", "evaluation"), CATS_DOGS),
           "split-folders", every(CATS_DOGS, train=2, validation=2, test=2)),
    Layout("Training and Testing", "Brain tumor MRI", grid(("Training", "Testing"), CATS_DOGS), "split-folders", TWO),
    Layout("train and dev", "Speech and text sets", grid(("train", "dev"), CATS_DOGS), "split-folders",
           every(CATS_DOGS, train=2, validation=2)),
    Layout("train and holdout", "Competitions", grid(("train", "holdout"), CATS_DOGS), "split-folders-validation",
           every(CATS_DOGS, train=2, validation=2), asks=True),
    Layout("numbered folds", "UrbanSound8K, Adience", grid(("fold_1", "fold_2", "fold_3"), CATS_DOGS),
           "split-folders-last-validation", every(CATS_DOGS, train=4, validation=2), asks=True),
    Layout("splits with a word in common", "Single-subject sets", grid(("pets_train", "pets_test"), CATS_DOGS),
           "split-folders", TWO),
    Layout("other wrapping folders for each split", "Two archives in one", grid(("a/train/a", "b/test"), CATS_DOGS),
           "split-folders", TWO),
    Layout("splits in the class folders", "Weather and plant sets", grid(CATS_DOGS, ("train", "test")),
           "class-split-folders", TWO),
    Layout("a class called train, with the same subfolders as the others", "Vehicles",
           grid(("train", "car", "bus"), ("day", "night")), "split-folders-validation",
           {"day": {"train": 2, "validation": 4}, "night": {"train": 2, "validation": 4}}, asks=True),
    Layout("a class called train", "Vehicles", ["train/1.jpg", "car/1.jpg"], "class-folders",
           every(("car", "train"), **{"": 1})),
    Layout("the same subfolders in every class", "Wild and domestic", grid(("wild", "domestic"), CATS_DOGS),
           "split-folders-last-validation", every(CATS_DOGS, train=2, validation=2), asks=True),
    Layout("the name of the class before the number", "Dogs vs. Cats",
           [*(f"train/{c}.{n}.jpg" for c in CATS_DOGS for n in (0, 1)), "test/1.jpg", "test/2.jpg"], "file-names",
           every(CATS_DOGS, train=2)),
    Layout("flat, with several words before the number", "Oxford pets",
           [f"images/{c}_{n}.jpg" for c in ("great_pyrenees", "Birman") for n in (1, 20)], "file-names",
           every(("great_pyrenees", "Birman"))),
    Layout("a folder for training, one to predict, and a table of ids", "Dog breed identification",
           [f"{s}/{n:04d}.jpg" for s in ("train", "test") for n in range(4)], "table", every(CATS_DOGS, train=2),
           tables={"labels.csv": "id,breed\n0000,cats\n0001,cats\n0002,dogs\n0003,dogs\n",
                   "sample_submission.csv": "id,cats,dogs\n0000,0.5,0.5\n0001,0.5,0.5\n"}),
    Layout("train.csv and val.csv with paths", "Imagewoof", [f"images/{n}.jpg" for n in range(8)], "table",
           every(CATS_DOGS, train=2, validation=2),
           tables={"train.csv": "path\tlabel\nimages/0.jpg\tcats\nimages/1.jpg\tcats\nimages/2.jpg\tdogs\n"
                                "images/3.jpg\tdogs\n",
                   "val.csv": "path\tlabel\nimages/4.jpg\tcats\nimages/5.jpg\tcats\nimages/6.jpg\tdogs\n"
                              "images/7.jpg\tdogs\n"}),
    Layout("a column for each class", "Plant pathology", [f"images/Train_{n}.jpg" for n in range(4)], "table",
           every(("healthy", "rust"), train=2), tables={
               "train.csv": "image_id,healthy,rust\nTrain_0,1,0\nTrain_1,1,0\nTrain_2,0,1\nTrain_3,0,1\n"}),
    Layout("numbered parts and a table of several columns", "HAM10000",
           [f"images_part_{1 + n // 4}/ISIC_{n}.jpg" for n in range(8)], "table", every(("mel", "nv"), **{"": 4}),
           asks=True, tables={"metadata.csv": "image_id,dx,sex\n" + "".join(
               f"ISIC_{n},{'mel' if n < 3 or n == 7 else 'nv'},{'male' if n % 2 else 'female'}\n" for n in range(8))}),
    Layout("a list of records", "Exports of labelling tools", [f"img/{n}.png" for n in range(4)], "table",
           every(CATS_DOGS), tables={"labels.json": json.dumps(
               [{"file": f"{n}.png", "label": CATS_DOGS[n % 2]} for n in range(4)])}),
    Layout("COCO annotations", "Roboflow", [f"{s}/{n}.jpg" for s in ("train", "valid") for n in range(4)], "coco",
           every(CATS_DOGS, train=2, validation=2),
           tables={"train/_annotations.coco.json": COCO, "valid/_annotations.coco.json": COCO}),
    Layout("YOLO classification", "Ultralytics", grid(("train", "val", "test"), CATS_DOGS), "split-folders",
           every(CATS_DOGS, train=2, validation=2, test=2), tables={"data.yaml": "names: [cats, dogs]\n"}),
    Layout("YOLO boxes of one class an image", "Roboflow, Ultralytics", [
        f"{s}/images/{n}.jpg" for s in ("train", "valid") for n in range(4)], "yolo",
        every(CATS_DOGS, train=2, validation=2), tables={"data.yaml": "names:\n  0: cats\n  1: dogs\n", **{
            f"{s}/labels/{n}.txt": f"{n % 2} 0.5 0.5 1.0 1.0\n" for s in ("train", "valid") for n in range(4)}}),
    Layout("only train and test, and no labels", "Half a download", [
        f"{s}/{n}.jpg" for s in ("train", "test") for n in range(2)], "class-folders", every(("test", "train")),
        asks=True),
]


def tables_of(layout: Layout, folder) -> list[Table]:
    found = []
    for name, text in layout.tables.items():
        file = folder / "table"
        file.write_text(text, "utf-8")
        table = read_table(file, name, Limits())
        if table is not None:
            found.append(table)
    return found


def as_markdown(folder) -> str:
    """The table of the documentation."""
    lines = ["| layout | met in | read as | asked |", "|---|---|---|---|"]
    for layout in LAYOUTS:
        best = layouts.readings(layout.paths, tables_of(layout, folder))[0]
        lines.append(f"| {layout.name} | {layout.met_in} | {best.text} | {best.question or 'nothing'} |")
    return "\n".join(lines) + "\n"


def read(layout: Layout, folder):
    """The readings, and how many images the best one has by class and split."""
    found = layouts.readings(layout.paths, tables_of(layout, folder))
    return found, counts(found[0], layout.paths)
