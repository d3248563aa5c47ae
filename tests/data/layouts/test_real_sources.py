"""Small real inputs of kinds that were once read wrong, and a course's cats and dogs."""

import os
from pathlib import Path

import pytest

from core.data.library import ingest
from core.errors import UnclearLayoutError

DATA = Path(os.environ.get("GRAFT_REAL_DATA", "/nowhere"))

pytestmark = pytest.mark.skipif(not (DATA / "cases").is_dir(), reason="needs GRAFT_REAL_DATA")


def test_training_set_and_test_set_are_splits(workspace):
    dataset = ingest(DATA / "cases" / "training_set-test_set.zip", workspace)
    assert dataset.classes == ["ants", "bees"]
    assert dataset.usable().groupby("split").size().to_dict() == {"test": 20, "train": 40}
    assert dataset.layout["text"].endswith("2 splits: training_set → training, test_set → test")


def test_cats_and_dogs_in_a_wrapping_folder(workspace):
    dataset = ingest(DATA / "catsdogs.zip", workspace)
    assert dataset.classes == ["cats", "dogs"]
    assert dataset.usable().groupby("split").size().to_dict() == {"test": 300, "train": 600}


def test_backslash_names_are_folders_and_that_is_said(workspace):
    dataset = ingest(DATA / "cases" / "backslash-names.zip", workspace)
    assert dataset.classes == ["ants", "bees"] and dataset.images == 30 and "backslashes" in dataset.notes[0]


def test_train_and_test_without_labels_for_most_are_asked_for(workspace, leftovers):
    with pytest.raises(UnclearLayoutError, match="names of splits"):
        ingest(DATA / "cases" / "flat-train-test-csv.zip", workspace)
    assert leftovers(workspace) == []
