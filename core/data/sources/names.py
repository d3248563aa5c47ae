"""The names of an archive's members: read in whatever encoding they were written, judged, and kept as text only."""

from __future__ import annotations

import os
import re
import struct
import tarfile
import unicodedata
import zipfile
import zlib
from collections.abc import Container, Sequence
from pathlib import Path

from core import escape
from core.data.images import formats
from core.errors import DataError
from core.store.limits import Limits

IMAGE_SUFFIXES = formats.SUFFIXES | formats.RAW_SUFFIXES | {".svg"}
"""What calls itself an image. Whether it is one that can be read, its bytes tell."""
ARCHIVE_SUFFIXES = frozenset(".zip .tar .gz .tgz .bz2 .tbz2 .xz .txz .7z .rar .zst".split())
LONGEST = 200
"""Characters of the name of a dataset or a class."""

_LITTER_FOLDERS = frozenset({"__macosx", "@eadir", "$recycle.bin", "system volume information"})
_LITTER_FILES = frozenset({"thumbs.db", "ehthumbs.db", "desktop.ini"})
_UTF8_FLAG = 0x800
_UNICODE_PATH = 0x7075
"""Info-ZIP's Unicode Path extra field (APPNOTE.TXT, section 4.6.9)."""
_MIXED_WITH_LETTERS = re.compile(r"[A-Za-z][^\x00-\x7f]|[^\x00-\x7f][A-Za-z]")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")
_JOINERS = "\u200c\u200d"
"""They shape the letters and emoji beside them, so that text may have them; a name does without."""
_INVISIBLE = re.compile(f"[{escape.UNSEEN}{_JOINERS}]")
"""A name that looks like another one is told by these alone."""
_JAPANESE = re.compile(r"[\u3040-\u30ff\u4e00-\u9fff々ー\x00-\x7f]+")


def zip_name(info: zipfile.ZipInfo) -> str:
    """A zip member's name as its author wrote it, as well as that can be told."""
    if info.flag_bits & _UTF8_FLAG:
        return unicodedata.normalize("NFC", info.orig_filename)
    raw = info.orig_filename.encode("cp437", "replace")
    return unicodedata.normalize("NFC", _unicode_path(info.extra, raw) or readable(raw))


def tar_name(info: tarfile.TarInfo) -> str:
    """A tar member's name; expects an archive opened with utf-8 and surrogateescape."""
    return unicodedata.normalize("NFC", readable(info.name.encode("utf-8", "surrogateescape")))


def readable(raw: bytes) -> str:
    """Decode a path whose encoding nobody recorded, folder by folder, so that one folder always reads the same."""
    if raw.isascii():
        return raw.decode("ascii")
    return "/".join(_readable_part(part) for part in raw.split(b"/"))


def of_path(path: Path) -> str:
    """A path on this machine as text that can be shown, written and compared, whatever bytes its name has."""
    return unicodedata.normalize("NFC", readable(os.fsencode(path.as_posix())))


def refusal(name: str, limits: Limits) -> str:
    """Why a member with this name is left out, or "" when it may be read."""
    parts = name.split("/")
    if _CONTROL.search(name):
        return "a control character in the name"
    if name.startswith("/"):
        return "an absolute path"
    if "\\" in name:
        return "a backslash in the name"
    if re.match(r"[A-Za-z]:", name):
        return "a drive letter in the name"
    if ".." in parts:
        return "a path that leads outside the archive"
    if len(name.encode("utf-8", "surrogatepass")) > limits.name_bytes:
        return f"a name longer than {limits.name_bytes} bytes"
    if len(parts) > limits.depth:
        return f"more than {limits.depth} folders deep"
    return ""


def windows_made(members: Sequence[str]) -> bool:
    r"""True for an archive of a Windows tool that writes folders as `a\b.jpg`: no `/` anywhere, and nothing that leads
    outside or to a drive when `\` is read as `/`."""
    def stays_inside(name: str) -> bool:
        parts = name.replace("\\", "/").split("/")
        return bool(parts[0]) and ".." not in parts and not re.match(r"[A-Za-z]:", parts[0])

    return any("\\" in name for name in members) and all(
        "/" not in name and stays_inside(name) for name in members)


def tidy(name: str) -> str:
    """The path without characters that nobody sees, and without empty and `.` parts."""
    parts = (part.strip() for part in _INVISIBLE.sub("", name).split("/"))
    return "/".join(part for part in parts if part not in ("", "."))


def is_litter(name: str) -> bool:
    """True for what operating systems leave behind: `__MACOSX`, `._x`, `.DS_Store`, `Thumbs.db`, hidden folders."""
    parts = [part.lower() for part in name.split("/") if part not in ("", ".")]
    hidden = any(part.startswith(".") and not part.startswith("..") for part in parts)
    return hidden or not _LITTER_FOLDERS.isdisjoint(parts) or parts[-1:] in [[file] for file in _LITTER_FILES]


def suffix(name: str) -> str:
    """The extension in lower case, with its dot."""
    stem, dot, extension = name.rpartition("/")[2].rpartition(".")
    return f".{extension.lower()}" if dot and stem else ""


def stem(filename: str) -> str:
    """A file's name for people, without what says how it is packed: `flowers.tar.gz` → `flowers`."""
    kept = filename.rpartition("/")[2]
    while suffix(kept) in ARCHIVE_SUFFIXES:
        kept = kept[:-len(suffix(kept))]
    cleaned = "".join(char for char in kept if char.isprintable()).strip()
    return cleaned[:LONGEST] or "dataset"


def checked(text: str, what: str = "dataset") -> str:
    """A name for a dataset or a label for a class, without blanks around it. Raises DataError."""
    name = " ".join(text.split())
    if not name or len(name) > LONGEST or not name.isprintable() or (what == "class" and "/" in name):
        raise DataError(f"{text[:50]!r} cannot be the name of a {what}.", f"Use 1 to {LONGEST} ordinary characters.")
    return name


def unused(path: str, taken: Container[str]) -> str:
    """The path itself, or where it is taken the first free one of `a (2).jpg`, `a (3).jpg` ..."""
    folder, slash, file = path.rpartition("/")
    ending = suffix(file)
    bare, found, number = file[:len(file) - len(ending)], path, 1
    ending = file[len(bare):]
    while found in taken:
        number += 1
        found = f"{folder}{slash}{bare} ({number}){ending}"
    return found


def natural(text: str) -> tuple[list[tuple[int, int, str]], str]:
    """Sort key: case does not count, and `2` comes before `10`."""
    parts = re.split(r"(\d+)", text.casefold())
    return [(0, int(part), "") if part.isdecimal() else (1, 0, part) for part in parts if part], text


def _unicode_path(extra: bytes, raw: bytes) -> str | None:
    while len(extra) >= 4:
        kind, length = struct.unpack_from("<HH", extra)
        body, extra = extra[4:4 + length], extra[4 + length:]
        if kind == _UNICODE_PATH and len(body) > 5 and struct.unpack_from("<I", body, 1)[0] == zlib.crc32(raw):
            return body[5:].decode("utf-8", "replace")
    return None


def _readable_part(raw: bytes) -> str:
    """UTF-8 when it is; else Chinese or Japanese when it reads like that; else the zip format's own cp437."""
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        pass
    for encoding, plausible in (("gb2312", None), ("shift_jis", _JAPANESE), ("gbk", None)):
        try:
            text = raw.decode(encoding)
        except UnicodeDecodeError:
            continue
        # An accented letter stands inside a word of plain letters; a Chinese or Japanese word stands by itself.
        if not _MIXED_WITH_LETTERS.search(text) and (plausible is None or plausible.fullmatch(text)):
            return text
    return raw.decode("cp437")
