"""Heatmaps from outside: the prediction process, the files, the command line."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from core import explaining
from core.errors import InferenceError
from core.inference import Predictor


@pytest.fixture
def predictor():
    made = Predictor()
    yield made
    made.close()


def test_the_prediction_process_gives_heat_and_overlay_and_says_what_is_no_picture(trained, predictor, tmp_path):
    picture = next(trained.dataset_path.glob("images/*"))
    (tmp_path / "none.jpg").write_bytes(b"nothing")
    told: list[tuple[int, int]] = []
    good, bad = predictor.heatmaps(trained.path, [picture, tmp_path / "none.jpg"], progress=lambda *n: told.append(n))
    assert good.heat.shape == (32, 32) and good.heat.dtype == np.float32
    assert 0 <= good.heat.min() <= good.heat.max() <= 1
    with Image.open(io.BytesIO(good.overlay)) as image:
        assert image.size == (32, 32) and image.format == "PNG"
    assert bad.heat is None and bad.overlay is None and "none.jpg" in bad.error and told == [(1, 2), (2, 2)]
    (plain,) = predictor.heatmaps(trained.path, [picture], opacity=0.0)
    assert plain.overlay != good.overlay or good.heat.max() == 0
    with pytest.raises(InferenceError, match="no class 'zebra'"):
        predictor.heatmaps(trained.path, [picture], "zebra")


def test_files_of_one_name_are_kept_apart(trained, tmp_path):
    picture = next(trained.dataset_path.glob("images/*"))
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "same.png").write_bytes(picture.read_bytes())
    rows = explaining.explain(trained, [tmp_path / "a" / "same.png", tmp_path / "b" / "same.png"], tmp_path / "out",
                       label=trained.classes[0])
    assert {path.name for path in (tmp_path / "out").iterdir()} == {
        "same.png", "same.npy", "same (2).png", "same (2).npy"}
    heat = np.load(rows[1]["heat"])
    assert heat.dtype == np.float32 and heat.shape == (32, 32)
