"""Images are checked outside the page server: it stays small, and neither crashes nor leaves a process behind."""

import signal
import subprocess
import sys
import time
import zipfile

import psutil
import pytest

from core.data.checker import Checker
from core.data.images.formats import CRASHED
from core.data.images.memory import Budget
from core.data.library import ingest
from tests.tiny import huge_png

CRASHING = """
import ctypes
from PIL import Image
whole = Image.open
def opened(file, *rest, **options):
    if b"CRASH" in open(file, "rb").read():
        ctypes.string_at(0)  # in this very thread: one that sends a signal may answer before it arrives
    return whole(file, *rest, **options)
Image.open = opened
"""


@pytest.fixture
def crashing(tmp_path, monkeypatch):
    """A decoder with a fault: it takes its process down with every file that says CRASH."""
    (tmp_path / "faulty").mkdir()
    (tmp_path / "faulty" / "sitecustomize.py").write_text(CRASHING)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path / "faulty"))


def children():
    """Checking processes that run; other tests have processes of their own."""
    return [child for child in psutil.Process().children()
            if child.status() != psutil.STATUS_ZOMBIE and "core.data.images.inspector" in child.cmdline()]


def test_an_image_that_kills_the_decoder_is_bad_and_the_rest_go_on(workspace, pets, make_zip, picture, crashing):
    more = {f"cats/more{index:02d}.png": picture(100 + index) for index in range(20)}
    hostile = {name: picture(7, (50, 50)) + b"CRASH" for name in ("cats/bad1.png", "dogs/bad2.png")}
    dataset = ingest(make_zip({**pets, **hostile, **more}), workspace)
    bad = dataset.manifest[dataset.manifest["status"] == "bad"]
    assert dict(zip(bad["path"], bad["reason"], strict=True)) == dict.fromkeys(hostile, CRASHED)
    assert dataset.images == len(pets) + len(more)
    assert len(list((dataset.path / "images").iterdir())) == dataset.images
    assert children() == []


def test_cancelling_ends_the_process_at_once(workspace, make_zip, leftovers, picture):
    class Cancelled(BaseException):
        pass

    def cancel(what, fraction):
        if "last" in what:
            raise Cancelled

    source = make_zip({f"{label}/{index}.png": picture(index, (900, 900)) for label in "ab" for index in range(8)})
    with pytest.raises(Cancelled):
        ingest(source, workspace, progress=cancel)
    assert leftovers(workspace) == [] and children() == []


PARENT = """
import sys, time
from pathlib import Path
from core.data.checker import Checker
checker = Checker(Path(sys.argv[1]), 10**9)
checker.ask("000000.png")
while checker.answer(True) is None:
    pass
print(checker._process.pid, flush=True)
time.sleep(60)
"""


def test_it_dies_with_its_parent(tmp_path, picture):
    (tmp_path / "images").mkdir()
    (tmp_path / "images" / "000000.png").write_bytes(picture())
    parent = subprocess.Popen([sys.executable, "-c", PARENT, str(tmp_path)], stdout=subprocess.PIPE, text=True)
    child = psutil.Process(int(parent.stdout.readline()))
    assert child.is_running()
    parent.send_signal(signal.SIGKILL)
    parent.wait()
    gone, alive = psutil.wait_procs([child], timeout=10)
    assert not alive


def test_an_answer_that_does_not_fit_on_the_disk_is_the_disks_fault(tmp_path, picture):
    (tmp_path / "images").mkdir()
    (tmp_path / "images" / "000000.png").write_bytes(picture(0, (1600, 1400)))  # its thumbnail has no folder
    with Checker(tmp_path, 10**9) as checker:
        checker.ask("000000.png")
        with pytest.raises(OSError, match="thumbnails"):
            while checker.answer(wait=True) is None:
                pass


# --- memory -----------------------------------------------------------------------------------------------------------

INGEST = """
import json, resource, sys
from pathlib import Path
from core.data.library import ingest
from core.store.workspace import Workspace

def peaks():
    return [resource.getrusage(who).ru_maxrss // 1024 for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]

workspace = Workspace(sys.argv[1])
ingest(Path(sys.argv[2]), workspace)
idle = peaks()
dataset = ingest(Path(sys.argv[3]), workspace)
print(json.dumps([idle, peaks(), dataset.images, dataset.bad]))
"""


def test_huge_images_take_at_most_400_mb_more_whatever_the_number_of_cores(tmp_path, pets, make_zip):
    import json

    source = tmp_path / "huge.zip"
    with zipfile.ZipFile(source, "w") as archive:
        huge = huge_png(9_999)
        for index in range(3):
            archive.writestr(f"a/{index}.png", huge)
        for name, data in pets.items():
            archive.writestr(name, data)
    done = subprocess.run([sys.executable, "-c", INGEST, str(tmp_path / "workspace"), str(make_zip(pets)), str(source)],
                          capture_output=True, text=True, check=True, timeout=300)
    (idle, idle_child), (peak, peak_child), images, bad = json.loads(done.stdout)
    assert (images, bad) == (len(pets) + 3, 0)
    assert peak - idle < 50  # nothing of it is decoded where the pages are served
    assert peak - idle + peak_child - idle_child <= 400


def test_a_budget_lends_no_more_than_there_is_and_more_than_all_to_one_alone():
    import threading

    budget, lock, held, most, alone = Budget(10), threading.Lock(), [], [], []

    def work(size):
        for _ in range(20):
            with budget.lent(size):
                with lock:
                    held.append(size)
                    most.append(sum(held))
                    if size > 10:
                        alone.append(len(held))
                time.sleep(0.0005)
                with lock:
                    held.remove(size)

    threads = [threading.Thread(target=work, args=(size,)) for size in (3, 3, 4, 6, 25, 1)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    assert not any(thread.is_alive() for thread in threads)  # the large one is not overtaken for ever
    assert set(alone) == {1} and max(size for size in most if size != 25) <= 10
