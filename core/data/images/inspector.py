"""The process that checks images for ingestion: `python -m core.data.images.inspector FOLDER MAX_PIXELS`.

Hostile and huge images are decoded here and not in the page server. File names come on standard input, a few a line
with blanks between; a JSON list answers each line on standard output, in whatever order they are done:
`{file, width, height, reason}` for each file, or `{file, failed, errno}` with an error that is not the image's. An
empty list at the start says that the process is there. Thumbnails are written beside the images. When standard input
ends, because the reader is done or gone, so does the process, whatever it is doing.
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


def _answer(answers: list[dict[str, Any]]) -> None:
    with _writing:
        print(json.dumps(answers), flush=True)


def main(folder: str, max_pixels: str) -> None:
    """Answer until standard input ends."""
    def work(files: list[str]) -> None:
        _answer([check(Path(folder), file, int(max_pixels)) for file in files])

    _answer([])
    with ThreadPoolExecutor(cores(), thread_name_prefix="check") as pool:
        for line in sys.stdin:
            pool.submit(work, line.split())
        os._exit(0)


if __name__ == "__main__":
    main(*sys.argv[1:3])
