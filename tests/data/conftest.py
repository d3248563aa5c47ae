"""What the data tests share: a workspace, tiny images, and archives made of them."""

import io
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from core.data.dataset import Dataset
from core.data.library import ingest
from core.store.limits import Limits
from core.store.workspace import Workspace
from tests.tiny import copied


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return Workspace(tmp_path / "workspace")


@pytest.fixture
def demo(tmp_path: Path) -> Workspace:
    return Workspace(tmp_path / "demo", Limits.demo())


@pytest.fixture(scope="session")
def picture() -> Callable[..., bytes]:
    """A tiny image of random pixels in any format: `picture(seed, size=(8, 6), format="PNG")`."""

    def make(seed: int = 0, size: tuple[int, int] = (8, 6), format: str = "PNG", **options: object) -> bytes:
        pixels = np.random.default_rng(seed).integers(0, 256, (size[1], size[0], 3), np.uint8)
        buffer = io.BytesIO()
        Image.fromarray(pixels).save(buffer, format, **options)
        return buffer.getvalue()

    return make


@pytest.fixture(scope="session")
def _pets(picture: Callable[..., bytes]) -> dict[str, bytes]:
    return {
        f"{label}/{index}.png": picture(10 * number + index)
        for number, label in enumerate(("cats", "dogs"))
        for index in range(4)
    }


@pytest.fixture
def pets(_pets: dict[str, bytes]) -> dict[str, bytes]:
    """Two classes of four good images: members of a minimal good archive."""
    return dict(_pets)


@pytest.fixture(scope="session")
def _pets_once(_pets: dict[str, bytes], tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    folder = tmp_path_factory.mktemp("pets")
    with zipfile.ZipFile(folder / "pets.zip", "w") as archive:
        for member, data in _pets.items():
            archive.writestr(member, data)
    return ingest(folder / "pets.zip", Workspace(folder / "workspace"))


@pytest.fixture
def dataset(_pets_once: Dataset, workspace: Workspace) -> Dataset:
    """`pets` as a dataset of the workspace."""
    return copied(_pets_once, workspace)


@pytest.fixture
def make_zip(tmp_path: Path) -> Callable[..., Path]:
    def make(members: Mapping[str, bytes], name: str = "pets.zip") -> Path:
        with zipfile.ZipFile(tmp_path / name, "w", zipfile.ZIP_DEFLATED) as archive:
            for member, data in members.items():
                archive.writestr(member, data)
        return tmp_path / name

    return make


@pytest.fixture
def leftovers() -> Callable[[Workspace], list[str]]:
    """What stands in the workspace's datasets and incoming folders."""

    def find(workspace: Workspace) -> list[str]:
        return sorted(path.name for folder in (workspace.datasets, workspace.incoming) for path in folder.iterdir())

    return find
