"""Image formats, and telling them from what else ends up among images, by a file's first bytes."""

from __future__ import annotations

EXTENSIONS = {"JPEG": ".jpg", "PNG": ".png", "WEBP": ".webp", "GIF": ".gif", "BMP": ".bmp", "TIFF": ".tif"}
"""The formats that are read, each with the extension its files get. Phone photos in MPO open as JPEG."""

_MAGIC = {
    "JPEG": (b"\xff\xd8\xff",), "PNG": (b"\x89PNG\r\n\x1a\n",), "GIF": (b"GIF87a", b"GIF89a"), "BMP": (b"BM",),
    "TIFF": (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"),
}
_NOT_IMAGES = {
    b"%PDF": "a PDF document", b"\x89HDF": "an HDF5 file", b"PK\x03\x04": "a zip archive", b"<svg": "an SVG drawing",
    b"<?xml": "an XML or SVG file", b"<!DOC": "a web page", b"<html": "a web page", b"8BPS": "a Photoshop file",
    b"\x1f\x8b": "a gzip archive", b"%!PS": "a PostScript file",
}

def sniff(head: bytes) -> str | None:
    """The image format that a file's first 16 bytes announce, or None."""
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return "WEBP"
    return next((name for name, marks in _MAGIC.items() if head.startswith(marks)), None)


def what_it_is(head: bytes) -> str:
    """What a file that no decoder recognised is instead, for its owner."""
    if head[4:12] in (b"ftypheic", b"ftypheix", b"ftypmif1", b"ftypmsf1"):
        return "it is a HEIC photo, which cannot be read; export it as JPEG"
    if head[4:12] == b"ftypavif":
        return "it is an AVIF image, which cannot be read; export it as JPEG"
    for mark, what in _NOT_IMAGES.items():
        if head.lower().startswith(mark.lower()):
            return f"it is {what}, not an image"
    if sniff(head):
        return f"the file is damaged (it starts like a {sniff(head)} image but cannot be read)"
    return "it is not a JPEG, PNG, WebP, GIF, BMP or TIFF image"
