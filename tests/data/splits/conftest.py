import pytest

from core.data import manifest


@pytest.fixture
def make_table():
    """Rows of a manifest: `make_table([(path, class, split), ...], hashes={path: content})`."""

    def make(content, hashes=None):
        return manifest.build([
            {"path": path, "class": label, "split": split, "group": "", "width": 8, "height": 8, "bytes": 1,
             "hash": (hashes or {}).get(path, f"content of {path}"), "status": "ok", "reason": "",
             "file": f"{index:06d}.png"}
            for index, (path, label, split) in enumerate(content)
        ])

    return make
