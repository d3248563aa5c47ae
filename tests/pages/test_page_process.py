"""The page process: light, quick, and without the training libraries."""

from __future__ import annotations

import os
import subprocess
import sys

from tests.pages.conftest import PROJECT

RENDER_ALL = """
import sys, time
from streamlit.testing.v1 import AppTest
test = AppTest.from_file(sys.argv[1], default_timeout=30).run()
slowest = 0.0
for name in ("model", "train", "results", "predict", "data"):
    began = time.perf_counter()
    test.switch_page(f"pages/{name}.py").run()
    slowest = max(slowest, time.perf_counter() - began)
    assert not test.exception, test.exception
loaded = {"tensorflow", "keras", "sklearn", "matplotlib"} & set(sys.modules)
assert not loaded, loaded
print(slowest)
"""


def test_every_page_is_drawn_without_tensorflow_and_quickly(dataset, workspace):
    result = subprocess.run(
        [sys.executable, "-c", RENDER_ALL, str(PROJECT / "app.py")], cwd=PROJECT, capture_output=True, text=True,
        env={**os.environ, "PYTHONPATH": str(PROJECT)}, timeout=120,
    )
    assert result.returncode == 0, result.stderr[-3000:]
    assert float(result.stdout) < 2.0  # 0.1 to 0.3 s on an idle machine
