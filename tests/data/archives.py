"""Reading archives whole, and making such as nobody should."""

from __future__ import annotations

import io
import tarfile

from core.data.sources.archive import walk
from core.data.sources.members import Notes
from core.store.limits import Limits

LIMITS = Limits()


def contents(source, limits=LIMITS):
    """({name: bytes}, notes) of everything that can be read."""
    notes = Notes()
    found = [(m.name, b"".join(m.chunks())) for m in walk(source, limits, notes) if not m.is_folder]
    return dict(found), notes.lines()


def make_tar(path, members, *infos, mode="w"):
    """A tar of files, and of members without data behind them."""
    with tarfile.open(path, mode) as archive:
        for name, data in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
        for info in infos:
            archive.addfile(info)
    return path


def patched(path, old, new, count=-1):
    data = path.read_bytes()
    assert old in data
    path.write_bytes(data.replace(old, new, count))
    return path
