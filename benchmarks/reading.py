"""How quickly, and in how much memory, archives become datasets.

    python -m benchmarks.reading [--images 100000] [--gigabytes 2]

For each zip of $GRAFT_REAL_DATA: reading it with the quick checks, in a process of its own, beside `unzip` followed by
one Pillow decode of every file in as many threads as there are cores. Then two zips that are made here: many small
pictures, and few large files. They are read by a process that answers requests meanwhile, as the page server does,
ten a second: how long the slowest answer took. Memory: the peak of the process and its children together, sampled ten
times a second. Prints a table and writes `benchmarks/results/reading.json`.
"""

from __future__ import annotations

import argparse
import io
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import psutil
from PIL import Image

from core.store.files import write_json
from core.store.processes import cores

ARCHIVES = ("hymenoptera", "catsdogs", "flowers128")
RESULTS = Path(__file__).with_name("results") / "reading.json"
PROJECT = Path(__file__).resolve().parent.parent
READ = """
import json, sys, time
from pathlib import Path
began = time.perf_counter()
from core.data.checks import table
from core.data.library import ingest
from core.store.workspace import Workspace
dataset = ingest(Path(sys.argv[1]), Workspace(Path(sys.argv[2])))
read = time.perf_counter() - began
table.quick(dataset)
print(json.dumps({"images": dataset.images, "read": read, "checked": time.perf_counter() - began - read}))
"""
PLAIN = """
import os, sys, zipfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from PIL import Image
with zipfile.ZipFile(sys.argv[1]) as archive:
    archive.extractall(sys.argv[2])
def decode(path):
    try:
        with Image.open(path) as image:
            image.convert("RGB")
    except OSError:
        pass
files = [path for path in Path(sys.argv[2]).rglob("*") if path.is_file()]
with ThreadPoolExecutor(int(sys.argv[3])) as pool:
    list(pool.map(decode, files))
"""
SERVE = """
import sys, threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from core.data.library import ingest
from core.store.workspace import Workspace
class Page(BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"ok")
    def log_message(self, *_):
        pass
server = ThreadingHTTPServer(("127.0.0.1", 0), Page)
threading.Thread(target=server.serve_forever, daemon=True).start()
print(server.server_port, flush=True)
dataset = ingest(Path(sys.argv[1]), Workspace(Path(sys.argv[2])))
print(dataset.images, flush=True)
"""


def main() -> None:
    """Measure, print and write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--images", type=int, default=100_000)
    parser.add_argument("--gigabytes", type=float, default=2.0)
    given = parser.parse_args()
    found: dict[str, Any] = {}
    real = os.environ.get("GRAFT_REAL_DATA")
    for name in ARCHIVES if real else ():
        found[name] = _real(Path(str(real), f"{name}.zip"))
        print(f"{name:14} {found[name]}", flush=True)
    for name, make in (("small pictures", lambda path: many_small(path, given.images)),
                       ("large files", lambda path: few_large(path, given.gigabytes))):
        with tempfile.TemporaryDirectory() as folder:
            archive = Path(folder, "made.zip")
            make(archive)
            found[name] = {"archive_mb": round(archive.stat().st_size / 2**20), **_served(archive, Path(folder, "w"))}
        print(f"{name:14} {found[name]}", flush=True)
    write_json(RESULTS, found)


def _real(archive: Path) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as folder:
        began = time.perf_counter()
        subprocess.run([sys.executable, "-c", PLAIN, str(archive), folder, str(cores())], check=True)
        plain = time.perf_counter() - began
    with tempfile.TemporaryDirectory() as folder:
        process = subprocess.Popen([sys.executable, "-c", READ, str(archive), folder], cwd=PROJECT,
                                   stdout=subprocess.PIPE, text=True)
        peak = _peak_until_end(process)
        assert process.stdout is not None
        told = json.loads(process.stdout.read())
    whole = told["read"] + told["checked"]
    return {"images": told["images"], "seconds": round(whole, 2), "images_per_second": round(told["images"] / whole),
            "checks_seconds": round(told["checked"], 2), "peak_mb": peak, "unzip_and_decode_seconds": round(plain, 2)}


def _served(archive: Path, workspace: Path) -> dict[str, Any]:
    began = time.perf_counter()
    process = subprocess.Popen([sys.executable, "-c", SERVE, str(archive), str(workspace)], cwd=PROJECT,
                               stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    port, answers = int(process.stdout.readline()), []

    def ask() -> None:
        while process.poll() is None:
            asked = time.perf_counter()
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=30).read()
            except OSError:
                return
            answers.append(time.perf_counter() - asked)
            time.sleep(0.1)

    asking = threading.Thread(target=ask, daemon=True)
    asking.start()
    peak = _peak_until_end(process)
    seconds = time.perf_counter() - began
    images = int(process.stdout.read())
    return {"images": images, "seconds": round(seconds, 1), "images_per_second": round(images / seconds),
            "peak_mb": peak, "slowest_answer_s": round(max(answers), 3),
            "median_answer_s": round(float(np.median(answers)), 4)}


def _peak_until_end(process: subprocess.Popen[str]) -> int:
    """MiB of a process and its children together, their shared pages counted once each."""
    peak, watched = 0, psutil.Process(process.pid)
    while process.poll() is None:
        total = 0
        for one in [watched, *_children(watched)]:
            try:
                total += one.memory_info().rss - one.memory_info().shared
            except psutil.Error:
                continue
        peak = max(peak, total)
        time.sleep(0.1)
    return round(peak / 2**20)


def _children(process: psutil.Process) -> list[psutil.Process]:
    try:
        return process.children(recursive=True)
    except psutil.Error:
        return []


def many_small(path: Path, count: int) -> None:
    """Pictures of 64 pixels in ten classes, no two alike."""
    random = np.random.default_rng(0)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:
        for number in range(count):
            small = random.integers(0, 256, (8, 8, 3), np.uint8)
            picture = Image.fromarray(small).resize((64, 64))
            archive.writestr(f"class {number % 10}/{number:06d}.jpg", _jpeg(picture, 85))


def few_large(path: Path, gigabytes: float) -> None:
    """Photos of 12 megapixels in two classes, together as large as asked for."""
    random, number = np.random.default_rng(0), 0
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:
        while path.stat().st_size < gigabytes * 2**30:
            coarse = Image.fromarray(random.integers(0, 256, (750, 1000, 3), np.uint8)).resize((4000, 3000))
            photo = _jpeg(coarse, 95)
            for copy in range(10):  # other bytes behind the same pixels: to make each anew takes longer than to read it
                archive.writestr(f"{'ab'[number % 2]}/{number:05d}.jpg", photo + f"{number} {copy}".encode())
                number += 1


def _jpeg(image: Image.Image, quality: int) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=quality)
    return buffer.getvalue()


if __name__ == "__main__":
    main()
