"""The image formats that are read, a row each, and telling them from what else ends up among images by first bytes."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module

HEAD = 16
"""Bytes of a file that tell its format."""
DECODE_BYTES = 400 * 2**20
"""Memory that decoding one image may take in the formats whose rows say what a pixel costs."""
WHOLE_FILE_BYTES = 128 * 2**20
"""Largest file in a format that is read as a whole before its size in pixels is known."""


@dataclass(frozen=True)
class Format:
    """A format that is read."""

    name: str
    """Pillow's."""
    title: str
    """For people."""
    extension: str
    """What its files are called in a dataset."""
    suffixes: str
    """What people call them."""
    marks: Callable[[bytes], bool]
    """Whether a file with these first 16 bytes announces the format."""
    pixel_bytes: Callable[[int], int] | None = None
    """Bytes that decoding a pixel of so many bands takes at its peak. None: `core.data.images.memory` reckons it."""
    plugin: str = ""
    """The module that teaches Pillow the format; "": Pillow knows it."""
    package: str = ""
    """What to install for the plugin."""


def _begins(*marks: bytes) -> Callable[[bytes], bool]:
    return lambda head: head.startswith(marks)


def _brand(*brands: bytes) -> Callable[[bytes], bool]:
    """A file of the ISO base media family (ISO/IEC 14496-12, section 4.3) with one of these major brands."""
    return lambda head: head[4:8] == b"ftyp" and head[8:12] in brands


_NETPBM = re.compile(rb"P[1-6]\s+[\d#]")

_ROWS = (
    Format("JPEG", "JPEG", ".jpg", ".jpg .jpeg .jpe .jfif .mpo", _begins(b"\xff\xd8\xff")),  # MPO opens as JPEG
    Format("PNG", "PNG", ".png", ".png .apng", _begins(b"\x89PNG\r\n\x1a\n")),
    Format("WEBP", "WebP", ".webp", ".webp", lambda head: head[:4] == b"RIFF" and head[8:12] == b"WEBP"),
    Format("GIF", "GIF", ".gif", ".gif", _begins(b"GIF87a", b"GIF89a")),
    Format("BMP", "BMP", ".bmp", ".bmp .dib", _begins(b"BM")),
    Format("TIFF", "TIFF", ".tif", ".tif .tiff", _begins(b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")),
    Format("PPM", "PPM, PGM or PBM", ".ppm", ".ppm .pgm .pbm .pnm", lambda head: bool(_NETPBM.match(head))),
    # What follows was measured at 24 million pixels, in the dearest variant that can be written here, and rounded up.
    Format("JPEG2000", "JPEG 2000", ".jp2", ".jp2 .j2k .j2c .jpf .jpx .jpc",
           _begins(b"\xff\x4f\xff\x51", b"\0\0\0\x0cjP  \r\n\x87\n"), lambda bands: 6 * bands + 4),
    Format("AVIF", "AVIF", ".avif", ".avif .avifs", _brand(b"avif", b"avis"), lambda bands: 16),
    Format("HEIF", "HEIC", ".heic", ".heic .heif .hif",
           _brand(b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1"), lambda bands: 8,
           "core.data.images.heic", "pi-heif"),
    Format("JXL", "JPEG XL", ".jxl", ".jxl", _begins(b"\xff\x0a", b"\0\0\0\x0cJXL \r\n\x87\n"), lambda bands: 16,
           "core.data.images.jpeg_xl", "pylibjxl"),
)
FORMATS = {row.name: row for row in _ROWS}
"""By Pillow's name. A format is one row here; the decoder, the suffixes and the documentation read it."""
SUFFIXES = frozenset(suffix for row in _ROWS for suffix in row.suffixes.split())
RAW_SUFFIXES = frozenset(".3fr .arw .cr2 .cr3 .dng .erf .kdc .mrw .nef .nrw .orf .pef .raf .rw2 .sr2 .srw .x3f".split())
"""Camera raw. What bears such a name is meant to be an image."""

RAW = "it is a camera raw file, which cannot be read; export it as JPEG"
CRASHED = "the decoder broke down over it, or there is not enough memory to decode it"
_RAW_MARKS = (b"FUJIFILMCCD-RAW", b"IIRO", b"IIRS", b"MMOR", b"IIU\0", b"FOVb", b"\0MRM")
_NOT_IMAGES = {
    b"%PDF": "a PDF document", b"\x89HDF": "an HDF5 file", b"PK\x03\x04": "a zip archive", b"<svg": "an SVG drawing",
    b"<?xml": "an XML or SVG file", b"<!DOC": "a web page", b"<html": "a web page", b"8BPS": "a Photoshop file",
    b"\x1f\x8b": "a gzip archive", b"%!PS": "a PostScript file",
}


def sniff(head: bytes) -> str | None:
    """The image format that a file's first 16 bytes announce, or None."""
    return next((row.name for row in _ROWS if row.marks(head)), None)


def extension(name: str | None) -> str:
    """The ending of a file of this format, or of one that no format claims."""
    return FORMATS[name].extension if name else ".bin"


def readable(head: bytes) -> tuple[str, ...]:
    """Pillow's names of the formats to try on a file with these first bytes; its plugin is loaded where it has one.

    Raises:
        ImportError: the plugin is not installed.
    """
    kind = sniff(head)
    plugin = FORMATS[kind].plugin if kind else ""
    if plugin:
        import_module(plugin)
    return tuple(row.name for row in _ROWS if not row.plugin or row.plugin == plugin)


def most_pixels(name: str | None, bands: int, limit: int) -> int:
    """How many pixels an image of a format may have: `limit`, or fewer where decoding takes more memory."""
    row = FORMATS.get(name or "")
    return limit if row is None or row.pixel_bytes is None else min(limit, DECODE_BYTES // row.pixel_bytes(bands))


def is_raw(head: bytes) -> bool:
    """Whether a file begins like the raw file of a camera. Those that begin like a TIFF are told by their tags."""
    return head.startswith(_RAW_MARKS) or head[8:10] == b"CR" and head[:2] in (b"II", b"MM") or head[4:11] == b"ftypcrx"


def what_it_is(head: bytes) -> str:
    """What a file that no decoder recognised is instead, for its owner."""
    if is_raw(head):
        return RAW
    for mark, what in _NOT_IMAGES.items():
        if head.lower().startswith(mark.lower()):
            return f"it is {what}, not an image"
    if kind := sniff(head):
        return f"the file is damaged (it starts like a {FORMATS[kind].title} image but cannot be read)"
    return "it is not a JPEG, PNG, WebP, GIF, BMP, TIFF, PPM, JPEG 2000, AVIF, HEIC or JPEG XL image"
