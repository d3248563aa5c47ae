"""Pages on a workspace of their own, with a small real dataset."""

from __future__ import annotations

import io
import json
import re
import time
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from streamlit.testing.v1 import AppTest
from streamlit.testing.v1.element_tree import WidgetList

from core.data.dataset import Dataset
from core.data.library import ingest
from core.store.workspace import Workspace
from tests.tiny import copied

PROJECT = Path(__file__).resolve().parents[2]
COLORS = {"blue": (40, 80, 200), "green": (50, 160, 60), "red": (200, 60, 50)}


def coloured_zip(path: Path, per_class: int = 10, side: int = 40, broken: int = 0) -> Path:
    """A zip with a folder of noisy coloured PNGs per class; `broken`: so many files that are no pictures."""
    random = np.random.default_rng(0)
    with zipfile.ZipFile(path, "w") as archive:
        for name, color in COLORS.items():
            for index in range(per_class):
                noise = random.normal(0, 30, (side, side, 3))
                buffer = io.BytesIO()
                Image.fromarray(np.clip(noise + color, 0, 255).astype("uint8")).save(buffer, "PNG")
                archive.writestr(f"{name}/{name}_{index:02d}.png", buffer.getvalue())
        for index in range(broken):
            archive.writestr(f"red/broken_{index:02d}.png", b"this is no picture")
    return path


@pytest.fixture
def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Workspace:
    """An empty workspace that the pages use; no pretrained weights on this machine."""
    monkeypatch.setenv("GRAFT_WORKSPACE", str(tmp_path / "workspace"))
    monkeypatch.setenv("GRAFT_WEIGHTS_DIR", str(tmp_path))
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    monkeypatch.chdir(PROJECT)
    return Workspace.default()


@pytest.fixture(scope="session")
def _dataset_once(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    folder = tmp_path_factory.mktemp("once")
    return ingest(coloured_zip(folder / "colours.zip", broken=1), Workspace(folder / "workspace"))


@pytest.fixture
def dataset(_dataset_once: Dataset, workspace: Workspace) -> Dataset:
    """Three classes of ten pictures and one file that is none."""
    return copied(_dataset_once, workspace)


@pytest.fixture
def open_page() -> Callable[[str], AppTest]:
    """Open the app at a page (`data`, `model`, ...)."""

    def opened(name: str) -> AppTest:
        test = AppTest.from_file(str(PROJECT / "app.py"), default_timeout=20).run()
        return test if name == "data" else test.switch_page(f"pages/{name}.py").run()

    return opened


def wait_until(test: AppTest, done: Callable[[AppTest], bool], seconds: float = 20.0) -> AppTest:
    """Run the page again, as its polling does, until something is to be seen."""
    deadline = time.monotonic() + seconds
    while not done(test):
        if time.monotonic() > deadline:
            raise TimeoutError(f"{[item.value for item in test.markdown]} {[item.value for item in test.error]}")
        time.sleep(0.1)
        test.run()
    return test


def widget(elements: WidgetList[Any], name: str) -> Any:
    """The widget called `name`: its key, or one that it got when it was drawn anew (`name-1`, ...)."""
    return next(item for item in elements if re.fullmatch(rf"{re.escape(name)}(-\d+)?", item.key or ""))


def tiles_of(test: AppTest) -> list[dict[str, Any]]:
    """The pictures that are shown in tiles."""
    walls = [item.proto for item in test.get("bidi_component") if item.proto.component_name == "graft_wall"]
    return [tile for proto in walls for tile in json.loads(proto.json)["tiles"]]


def said(test: AppTest) -> str:
    """Everything a reader sees in text."""
    alerts = [item for group in (test.error, test.warning, test.info, test.success) for item in group]
    lines = [item.value for group in (test.markdown, test.caption) for item in group]
    lines += [f"{item.proto.title} {item.value}" for item in alerts]
    return "\n".join(lines).replace("\\", "").replace("\u2060", "")
