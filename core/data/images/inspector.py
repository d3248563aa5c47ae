"""The process that checks images for ingestion: `python -m core.data.images.inspector FOLDER MAX_PIXELS`.

Hostile and huge images are decoded here and not in the page server. File names come on standard input, one a line;
answers go to standard output, a JSON document a line: `{}` once at the start, then `{file, width, height, reason}` in
whatever order they are done, or `{file, failed}` with an error that is not the image's. Thumbnails are written beside
the images. When standard input ends, because the reader is done or gone, so does the process, whatever it is doing.
"""

from __future__ import annotations

import json
import os
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from core.data.images.decode import IMAGES
from core.data.images.inspection import inspect
from core.data.images.thumbnails import thumbnail_path
from core.store.processes import cores

_writing = threading.Lock()


def check(folder: Path, file: str, max_pixels: int) -> dict[str, Any]:
    """Decode one file of a dataset's folder, and keep its thumbnail where it has one."""
    try:
        result = inspect(folder / IMAGES / file, max_pixels)
        if result.thumbnail is not None:
            thumbnail_path(folder, file).write_bytes(result.thumbnail)
    except Exception as error:  # the boundary of the thread: the reader raises it
        return {"file": file, "failed": f"{type(error).__name__}: {error}", "errno": getattr(error, "errno", None)}
    return {"file": file, "width": result.width, "height": result.height, "reason": result.reason}


def _answer(document: dict[str, Any]) -> None:
    with _writing:
        print(json.dumps(document), flush=True)


def main(folder: str, max_pixels: str) -> None:
    """Answer until standard input ends."""
    _answer({})
    with ThreadPoolExecutor(cores(), thread_name_prefix="check") as pool:
        for line in sys.stdin:
            pool.submit(lambda file: _answer(check(Path(folder), file, int(max_pixels))), line.rstrip("\n"))
        os._exit(0)


if __name__ == "__main__":
    main(*sys.argv[1:3])
