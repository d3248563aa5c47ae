"""The mean of pictures."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from core.data.checks.means import mean_picture
from core.data.library import ingest
from core.store.workspace import Workspace


@pytest.fixture
def dataset(tmp_path):
    """Left half black in one class, white in the other; the right half is gray on average."""
    for label, left in (("a", 0), ("b", 255)):
        (tmp_path / "photos" / label).mkdir(parents=True)
        for number, right in enumerate((64, 192)):
            pixels = np.full((40, 60, 3), right, np.uint8)
            pixels[:, :30] = left
            Image.fromarray(pixels).save(tmp_path / "photos" / label / f"{number}.png")
    return ingest(tmp_path / "photos", Workspace(tmp_path / "w"))


def test_it_shows_what_pictures_have_in_common(dataset):
    files = dataset.usable().groupby("class")["file"].agg(list)
    mean = mean_picture(dataset, files["a"], edge=48)
    assert mean.shape == (48, 48, 3) and mean.dtype == np.uint8
    assert mean[:, :20].max() <= 8 and abs(int(mean[:, -16:].mean()) - 128) <= 4
    assert mean_picture(dataset, files["b"], edge=48)[:, :20].min() >= 247


def test_what_cannot_be_read_is_passed_over(dataset):
    files = dataset.usable().loc[dataset.usable()["class"] == "b", "file"].tolist()
    assert np.array_equal(mean_picture(dataset, [*files, "999999.png"]), mean_picture(dataset, files))
    assert mean_picture(dataset, ["999999.png"]) is None and mean_picture(dataset, []) is None
