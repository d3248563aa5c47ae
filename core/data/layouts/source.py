"""What a strategy reads: the paths of the images of a source, and the tables beside them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from core.data.layouts import tree
from core.data.sources.table import Table


@dataclass(frozen=True)
class Contents:
    """What lies in a source."""

    paths: Sequence[str]
    """Of the images, with `/`."""
    tables: Sequence[Table] = ()

    @cached_property
    def root(self) -> tree.Folder:
        """The tree of the folders that hold images."""
        return tree.tree(self.paths)

    @cached_property
    def trunk(self) -> tuple[tree.Folder, list[str]]:
        """See `tree.trunk`."""
        return tree.trunk(self.root)
