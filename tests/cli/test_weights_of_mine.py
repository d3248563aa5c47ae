"""`train --weights FILE` says how many layers of the backbone the file gave."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import keras

from core.engine.model.small_net import SmallNet
from tests.tiny import coloured_folder, tiny_recipe

PROJECT = Path(__file__).resolve().parents[2]


def test_one_line_tells_how_many_layers_were_loaded(tmp_path):
    keras.utils.clear_session()
    net = SmallNet(input_shape=(32, 32, 3))
    half = keras.Model(net.input, net.layers[len(net.layers) // 2].output)
    half.save_weights(tmp_path / "half.weights.h5")
    recipe = tmp_path / "recipe.json"
    recipe.write_text(tiny_recipe("train.phases.0.epochs=1", "model.weights_match=partial").model_dump_json())
    result = subprocess.run(
        [sys.executable, "-m", "core", "train", str(coloured_folder(tmp_path / "data", 6)), "--recipe", str(recipe),
         "--weights", str(tmp_path / "half.weights.h5")],
        cwd=PROJECT, env={**os.environ, "GRAFT_WORKSPACE": str(tmp_path / "w")}, capture_output=True, text=True,
        timeout=200)
    assert result.returncode == 0, result.stderr
    line = next(line for line in result.stderr.splitlines() if "layers of the backbone" in line)
    assert "start from the file's weights" in line and "start from random weights" in line
