"""Reading a 7z. Its members are packed together, in an order of its own, and take up to gigabytes of memory: so a
process of its own unpacks them, into files under names of ours, within the limits, and tells of them line by line.

`python -m core.data.sources.seven_zip SOURCE FOLDER LIMITS` leaves the files in the folder and prints one JSON object a
member: `{name, folder}`, `{name, file}` or `{name, left_out}`; at the end `{error, hint}` or `{done: true}`.
"""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import IO, Any

from core.data.sources import names
from core.data.sources.members import (
    CHUNK,
    MAKE_A_ZIP,
    MAYBE_A_BOMB,
    UPLOAD_AGAIN,
    Member,
    Notes,
    beside,
    check_count,
    check_ratio,
    check_total,
    judge,
    mapped,
    too_large,
)
from core.errors import ArchiveError
from core.store.limits import Limits

MARK = b"7z\xbc\xaf\x27\x1c"
_MEMORY = 3 * 2**30
"""Address space of the process that unpacks. With 7-Zip's presets that takes up to 200 MB, at most 1.5 GB."""
_PROJECT = Path(__file__).resolve().parents[3]


def seven_zip_members(source: Path, limits: Limits, notes: Notes) -> Iterator[Member]:
    """Yield the members of a 7z that may be read. What is unpacked lies beside the archive until it was read.

    Raises:
        ArchiveError: encrypted, damaged, or over a limit.
    """
    with tempfile.TemporaryDirectory(prefix=".unpacked-", dir=beside(source)) as folder:
        with _unpacking(source, Path(folder), limits) as lines:
            count = 0
            for line in lines:
                told = json.loads(line)
                if "error" in told:
                    raise ArchiveError(told["error"], told["hint"])
                if told.get("done"):
                    if not count:
                        raise ArchiveError(f"The archive '{source.name}' is empty.", MAKE_A_ZIP)
                    return
                count += 1
                check_count(count, source, limits)
                name = judge(told["name"], limits, notes)
                if name is None:
                    continue
                if reason := told.get("left_out"):
                    notes.add(reason, name)
                elif told.get("folder"):
                    yield Member(name, True, told["fraction"])
                else:
                    yield Member(name, False, told["fraction"], partial(_chunks, Path(folder) / told["file"]))
                    (Path(folder) / told["file"]).unlink(missing_ok=True)
        raise ArchiveError(f"'{source.name}' cannot be unpacked: it takes too much memory, or is damaged.",
                           f"{UPLOAD_AGAIN} {MAKE_A_ZIP}")


@contextlib.contextmanager
def _unpacking(source: Path, folder: Path, limits: Limits) -> Iterator[IO[str]]:
    command = [sys.executable, "-m", "core.data.sources.seven_zip", str(source.resolve()), str(folder),
               json.dumps(asdict(limits))]
    process = subprocess.Popen(command, cwd=_PROJECT, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                               stderr=subprocess.DEVNULL, text=True, encoding="ascii")
    assert process.stdout is not None
    try:
        yield process.stdout
    finally:
        process.kill()
        process.stdout.close()
        process.wait()


def _chunks(path: Path) -> Iterator[bytes]:
    with open(path, "rb") as file:
        while piece := file.read(CHUNK):
            yield piece


def main(source: Path, folder: Path, limits: Limits) -> None:
    """Unpack, and tell. Every byte is counted as it comes, whatever the archive says of itself."""
    import py7zr
    from py7zr import exceptions, io

    packed, written, number = source.stat().st_size, 0, 0

    class Counted(io.Py7zIO):
        def __init__(self, name: str) -> None:
            nonlocal number
            number += 1
            self.name, self.file, self.length = name, f"{number:06d}", 0
            self.handle = open(folder / self.file, "wb")  # noqa: SIM115  closed by `close`
            self.too_large = False

        def write(self, s: bytes | bytearray) -> int:
            nonlocal written
            written, self.length = written + len(s), self.length + len(s)
            check_total(written, source, limits)
            check_ratio(written, packed, source.name, source, limits)
            self.too_large = self.too_large or too_large(self.name, self.length, limits)
            if not self.too_large:
                self.handle.write(s)
            return len(s)

        def read(self, size: int | None = None) -> bytes:
            return b""

        def seek(self, offset: int, whence: int = 0) -> int:
            return offset

        def flush(self) -> None:
            self.handle.flush()

        def size(self) -> int:
            return self.length

        def close(self) -> None:
            if self.handle.closed:
                return
            self.handle.close()
            told: dict[str, Any] = {"name": self.name, "file": self.file, "fraction": min(written / max(total, 1), 1.0)}
            if self.too_large:
                (folder / self.file).unlink()
                told = {"name": self.name, "left_out": f"larger than {limits.member_bytes / 2**20:,.0f} MB"}
            _tell(told)

    class Factory(io.WriterFactory):
        def create(self, filename: str) -> io.Py7zIO:
            return Counted(filename)

    try:
        with mapped(source), py7zr.SevenZipFile(source, "r") as archive:
            if archive.needs_password():
                raise ArchiveError(f"'{source.name}' is encrypted.", "Make it again without a password.")
            listed = archive.list()
            check_count(len(listed), source, limits)
            total = sum(int(one.uncompressed or 0) for one in listed)
            check_total(total, source, limits)
            odd = {one.filename for one in archive.files if one.is_symlink or one.is_junction or one.is_socket}
            refused = {one.filename for one in listed if names.refusal(one.filename, limits)}
            for one in listed:
                if one.is_directory:
                    _tell({"name": one.filename, "folder": True, "fraction": 0.0})
                elif one.filename in odd | refused:
                    _tell({"name": one.filename, "left_out": "a link or device"})
            wanted = [one.filename for one in listed if not one.is_directory and one.filename not in odd | refused]
            archive.extract(targets=wanted, factory=Factory())
        _tell({"done": True})
    except ArchiveError as error:
        cause = error.__cause__
        if isinstance(cause, exceptions.PasswordRequired):
            error = ArchiveError(f"'{source.name}' is encrypted.", "Make it again without a password.")
        elif isinstance(cause, exceptions.DecompressionBombError):
            error = ArchiveError(f"'{source.name}' unpacks to far more than it says.", MAYBE_A_BOMB)
        _tell({"error": error.message, "hint": error.hint})


def _tell(document: dict[str, Any]) -> None:
    print(json.dumps(document), flush=True)


if __name__ == "__main__":
    with contextlib.suppress(ImportError, ValueError, OSError):  # there is no such thing on Windows
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (_MEMORY, _MEMORY))
    main(Path(sys.argv[1]), Path(sys.argv[2]), Limits(**json.loads(sys.argv[3])))
