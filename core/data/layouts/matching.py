"""Which image a cell of a table means: by its path, its file name, or its name without folder or extension."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from core.data.layouts import roles


class Images:
    """The images of a source, to be found by what tables call them.

    Args:
        paths: With `/`.
        near: The split that a table is for, by its own name; of images that are called alike it means those in a folder
            for it.
    """

    def __init__(self, paths: Sequence[str], near: str | None = None) -> None:
        self._near = near
        self._by_name: dict[str, list[str]] = {}
        self._by_stem: dict[str, list[str]] = {}
        self._by_number: dict[str, list[str]] = {}
        for path in paths:
            name = path.rpartition("/")[2].casefold()
            stem = name.rpartition(".")[0] or name
            self._by_name.setdefault(name, []).append(path)
            self._by_stem.setdefault(stem, []).append(path)
            if stem.isdecimal():  # a spreadsheet has taken the zeros off its front
                self._by_number.setdefault(stem.lstrip("0"), []).append(path)

    def find(self, cell: str) -> str | None:
        """The path of the image that a cell means, or None."""
        text = cell.replace("\\", "/").strip().lstrip("./").casefold()
        name = text.rpartition("/")[2]
        if not name:
            return None
        found = self._by_name.get(name) or self._by_stem.get(name)
        if not found and name.isdecimal():
            found = self._by_number.get(name.lstrip("0"))
        return self._one_of(found, text) if found else None

    def found(self, cells: Iterable[str]) -> int:
        """How many cells mean an image."""
        return sum(self.find(cell) is not None for cell in cells)

    def _one_of(self, paths: list[str], text: str) -> str | None:
        """Of images called alike the one whose folders the text names, too; else the one for the table's split."""
        if len(paths) == 1:
            return paths[0]
        if "/" in text:
            stem = text.rpartition("/")[0]
            inside = [path for path in paths if f"/{path.casefold()}".rpartition("/")[0].endswith(f"/{stem}")]
            return inside[0] if len(inside) == 1 else None
        wanted = self._near or "train"
        inside = [path for path in paths if roles.of_chain(path.split("/")[:-1]) == wanted]
        return inside[0] if len(inside) == 1 else None
