"""What one workspace may take, and what a machine gives to all of them. Stored beside what they limit, so that they
reach every process."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

from core.errors import WorkspaceError
from core.store.documents import Document, Format


@dataclass(frozen=True)
class Limits:
    """What one workspace may take. Sizes in bytes, times in seconds."""

    upload_bytes: int = 20 * 2**30
    archive_members: int = 1_000_000
    member_bytes: int = 500 * 2**20
    archive_bytes: int = 100 * 2**30
    ratio: int = 200
    """Largest unpacked : packed size of one member above 1 MB."""
    name_bytes: int = 1024
    depth: int = 16
    image_pixels: int = 100_000_000
    table_bytes: int = 50 * 2**20
    """Largest table of labels beside the images."""
    table_rows: int = 1_000_000
    bad_share: float = 0.2
    """Above this share of unreadable files ingestion stops and asks."""
    server_paths: bool = True
    """The pages may be given a path of this machine, as on one's own; a visitor could read the server's files."""
    private_addresses: bool = True
    """Archives may be fetched from addresses that are not public, as at home; a visitor could reach the server's
    neighbours."""

    @classmethod
    def demo(cls) -> Limits:
        """Limits of a public demo: anonymous visitors on a small machine."""
        return cls(
            upload_bytes=200 * 2**20, archive_members=10_000, member_bytes=20 * 2**20, archive_bytes=2**30,
            ratio=100, depth=8, image_pixels=25_000_000, table_bytes=5 * 2**20, table_rows=20_000,
            server_paths=False, private_addresses=False,
        )

    @classmethod
    def stored(cls, root: Path) -> Limits:
        """The limits of the workspace in a folder; the default ones where none are stored, or no workspace is.

        Raises:
            NewerFormatError, WorkspaceError: they cannot be read. Nothing is allowed then, rather than everything.
        """
        document = WORKSPACE.read_stored(root)
        return cls(**document.get("limits", {}))


@dataclass(frozen=True)
class MachineLimits:
    """What a machine gives to all its workspaces together."""

    max_parallel_runs: int = 1
    """Jobs that work at a time; the others wait."""
    cache_bytes: int = 20 * 2**30
    backend: str = "local"
    """Where jobs are carried out, a row of `core.jobs.backends.BACKENDS`."""

    @classmethod
    def demo(cls) -> MachineLimits:
        """Limits of a small machine that serves anonymous visitors."""
        return cls(cache_bytes=2 * 2**30)


class Stored:
    """A file in the root of a workspace or a machine: its limits, and what else must be known of it."""

    def __init__(self, format: Format, limits: type[Limits] | type[MachineLimits]) -> None:
        self.format, self._limits = format, TypeAdapter(limits)

    def path(self, root: Path) -> Path:
        """Where it lies."""
        return root / f"{self.format.name}.json"

    def read_stored(self, root: Path) -> Document:
        """What is stored; nothing when there is no file. Raises NewerFormatError and WorkspaceError."""
        path = self.path(root)
        try:
            document = self.format.read(path)
            given = document.get("limits")
            if given is not None:
                document["limits"] = asdict(self._limits.validate_python(given))
            return document
        except FileNotFoundError:
            return {}
        except (OSError, ValueError) as error:  # pydantic's errors are ValueErrors
            raise WorkspaceError(f"The limits in {path} cannot be read: {' '.join(str(error).split())}.",
                                 "Put the file right, or remove it to go back to the limits of one's own machine."
                                 ) from error

    def change(self, root: Path, **values: Any) -> None:
        """Store these values with what is there; a file that says so already is left alone. Raises OSError."""
        before = self.read_stored(root)
        after = {**before, **values}
        if after != before:
            self.format.write(self.path(root), after)


WORKSPACE = Stored(Format("workspace"), Limits)
"""`workspace.json`: limits, and `machine`, the machine's folder where it is not the workspace's own."""
MACHINE = Stored(Format("machine"), MachineLimits)
"""`machine.json`: limits, and `workspaces`, those that lie elsewhere."""
