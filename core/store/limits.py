"""What one workspace may take."""

from __future__ import annotations

from dataclasses import dataclass


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
    bad_share: float = 0.2
    """Above this share of unreadable files ingestion stops and asks."""
    cache_bytes: int = 20 * 2**30
    max_parallel_runs: int = 1

    @classmethod
    def demo(cls) -> Limits:
        """Limits of a public demo: anonymous visitors on a small machine."""
        return cls(
            upload_bytes=200 * 2**20, archive_members=10_000, member_bytes=20 * 2**20, archive_bytes=2**30,
            ratio=100, depth=8, image_pixels=25_000_000, cache_bytes=2 * 2**30,
        )
