"""The benchmark's own parts, and one job done for real on a handful of images."""

from __future__ import annotations

import json
import os
import sys
import xml.etree.ElementTree as ElementTree
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from benchmarks import __main__ as benchmarks
from benchmarks import backbones, lite0_training, look_ahead, runtimes, without
from benchmarks.chart import chart
from benchmarks.images import ImageSets
from benchmarks.jobs import ALPHA, BACKBONE, JOBS
from benchmarks.report import report
from benchmarks.results import Measurement, OtherSettings, Results
from benchmarks.stopwatch import MeasuredProcessFailed, timed
from benchmarks.systems import recipe
from core.backbones.catalogue import get
from core.store.workspace import Workspace

SETTINGS = {"data": "flowers", "images": 100, "backbone": "MobileNetV2 0.35", "size": 224, "weights": "imagenet",
            "epochs_scale": 1.0}
MACHINE = {"processor": "A processor", "cores": 2, "memory_gb": 8.0, "system": "Linux x86_64", "python": "3.11.7",
           "versions": {"keras": "3.15.1"}, "date": "2026-01-31"}


def measured(job: str, system: str, wall: float, repeat: int = 0, images: int = 100, **more: object) -> Measurement:
    values = {"cpu_s": wall, "peak_mb": 500.0, "images_per_second": 10.0, "val_accuracy": 0.7, **more}
    return Measurement(job, system, images, repeat, wall, **values)  # type: ignore[arg-type]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two classes, 20 and 10 small pictures."""
    rng = np.random.default_rng(0)
    for label, count in (("round", 20), ("square", 10)):
        (tmp_path / "pictures" / label).mkdir(parents=True)
        for number in range(count):
            pixels = rng.integers(0, 256, (40, 48, 3), np.uint8)
            Image.fromarray(pixels).save(tmp_path / "pictures" / label / f"{number}.png")
    return tmp_path / "pictures"


def test_a_process_is_timed_without_the_memory_of_the_one_that_asks(tmp_path):
    ballast = np.ones(60 * 2**20)  # 480 MB
    small = timed([sys.executable, "-S", "-c", "import time; time.sleep(0.3)"], tmp_path / "a.log", tmp_path,
                  dict(os.environ))
    large = timed([sys.executable, "-S", "-c", "x = b'1' * (200 * 2**20)"],
                  tmp_path / "b.log", tmp_path, dict(os.environ))
    assert 0.3 <= small.wall_s < 30
    assert small.peak_mb < 50 < 200 < large.peak_mb < 300 < ballast.nbytes / 2**20


def test_a_process_that_fails_says_why(tmp_path):
    with pytest.raises(MeasuredProcessFailed, match="no such thing"):
        timed([sys.executable, "-c", "raise SystemExit('no such thing')"], tmp_path / "a.log", tmp_path,
              dict(os.environ))


@pytest.mark.parametrize("name", ["frozen", "head", "last-two", "all"])
def test_graft_trains_with_the_settings_of_the_script(name):
    job = JOBS[name]
    found = recipe(job.freeze, job.hidden, job.learning_rate, job.epochs, 0, None)
    (phase,) = found.train.phases
    assert (found.model.dropout, phase.optimizer, phase.schedule) == (0.2, "adam", "constant")
    assert (phase.learning_rate, phase.freeze, phase.epochs) == (job.learning_rate, job.freeze, job.epochs)
    assert (phase.warmup, phase.weight_decay, found.train.label_smoothing) == (0, None, 0)


def test_scripts_see_the_split_that_graft_sees(folder, tmp_path):
    sets = ImageSets(folder, Workspace(tmp_path / "workspace"), tmp_path / "work")
    found = sets.of_size(15, predicted=4)
    assert (found.images, found.train, found.validation, found.copies) == (15, 12, 3, False)
    on_disk = {split: sorted(path.parent.name for path in (found.folder / split).rglob("*.png"))
               for split in ("train", "val")}
    assert on_disk == {"train": ["round"] * 8 + ["square"] * 4, "val": ["round"] * 2 + ["square"]}
    assert len(list((found.folder / "predict").iterdir())) == 4
    assert sorted(found.true.values()) == ["round", "round", "square"]
    assert set(found.true) == {path.name for path in (found.folder / "val").rglob("*.png")}


def test_more_images_than_there_are_become_changed_copies(folder, tmp_path):
    sets = ImageSets(folder, Workspace(tmp_path / "workspace"), tmp_path / "work")
    found = sets.of_size(120, predicted=1)
    table = found.dataset.usable()
    assert found.copies and found.images == 120
    assert table["hash"].nunique() == 120
    assert table["class"].value_counts().to_dict() == {"round": 80, "square": 40}


def test_results_of_several_calls_are_merged(tmp_path):
    path = tmp_path / "results.json"
    first = Results(path, SETTINGS)
    for repeat in range(3):
        first.add(measured("frozen", "script", 100 + repeat, repeat))
    second = Results(path, SETTINGS)
    second.add(measured("frozen", "graft", 10))
    second.add(measured("frozen", "script", 200))
    second.add(measured("frozen", "script", 210, 1))
    third = Results(path, SETTINGS)
    assert third.next_repeat() == 2
    third.add(measured("frozen", "graft", 20, third.next_repeat()), append=True)
    walls = {item.system: (item.repeats, item.wall_s) for item in Results(path, SETTINGS).summaries()}
    assert walls == {"graft": (2, 15.0), "script": (2, 205.0)}


def test_results_of_other_images_are_not_mixed(tmp_path):
    Results(tmp_path / "results.json", SETTINGS).add(measured("frozen", "graft", 10))
    with pytest.raises(OtherSettings, match="--out"):
        Results(tmp_path / "results.json", {**SETTINGS, "images": 64})


@pytest.fixture
def results(tmp_path: Path) -> Results:
    """One measurement or more of every row there is."""
    found = Results(tmp_path / "results.json", SETTINGS)
    walls = {"graft": 20.0, "script": 400.0, "cached": 300.0, "floor": 25.0, "graft-warm": 1.0, "script-warm": 8.0,
             "decode": 2.0, "onnx": 8.0, "keras": 16.0}
    for job in JOBS.values():
        for images in (100, 400, 1600) if job.kind == "growth" else (100,):
            for system in job.systems:
                found.add(measured(job.name, system, walls[system], images=images, peak_mb=400 + images / 10))
    found.add(measured("frozen", "graft", 24.0, 1))
    return found


def test_the_report_has_every_ratio(results):
    text = report(results.summaries(), MACHINE, SETTINGS)
    assert "| Frozen backbone, 20 epochs | 22.0 | 400 | **18.2×** | ≥ 12× | 13.6× | 70.0% / 70.0% |" in text
    assert "second time in one process | 1.00 | 8.00 | **8.0×**" in text
    assert "22.0 (20.0 to 24.0)" in text
    assert "takes 2.20 times as long" in text
    assert "| 1,600 | 20.0 | 10 | 560 | 1.37× |" in text
    assert "/work" not in text and "/home" not in text


def test_the_report_of_one_job_leaves_the_rest_out(tmp_path):
    found = Results(tmp_path / "results.json", SETTINGS)
    found.add(measured("frozen", "graft", 10, val_accuracy=None))
    text = report(found.summaries(), MACHINE, SETTINGS)
    assert "## Every system" in text
    assert "Against" not in text and "avoided" not in text and "More images" not in text


def test_the_chart_is_drawn_to_scale(results):
    root = ElementTree.fromstring(chart(results.summaries()))
    space = "{http://www.w3.org/2000/svg}"
    bars = [float(bar.get("width", 0)) for bar in root.iter(f"{space}rect")][1:]
    assert len(bars) == sum(len(job.systems) for job in JOBS.values() if job.kind in ("train", "predict"))
    assert bars[3] / bars[0] == pytest.approx(400 / 22, rel=0.01)
    words = [text.text or "" for text in root.iter(f"{space}text")]
    assert "22.0 s   18.2× as fast" in words and JOBS["predict"].title in words


@pytest.mark.parametrize("text", ["frozen,head", "frozen head", " frozen,  head "])
def test_jobs_are_named_with_commas_or_blanks(text):
    assert benchmarks.parser().parse_args(["--jobs", text]).jobs == ("frozen", "head")


@pytest.mark.parametrize("text", ["", "frozen,nothing"])
def test_unknown_jobs_are_refused(text, capsys):
    with pytest.raises(SystemExit):
        benchmarks.parser().parse_args(["--jobs", text])
    assert "growth-large" in capsys.readouterr().err


def test_growth_ends_with_all_images_unless_told_otherwise():
    assert list(benchmarks.sizes(JOBS["growth"], 4317, None)) == [270, 1079, 4317]
    assert list(benchmarks.sizes(JOBS["growth"], 4317, 100)) == [100, 400, 1600]
    assert list(benchmarks.sizes(JOBS["growth-large"], 4317, 100)) == [4317, 17268, 69072]


def test_without_images_it_says_what_to_set(monkeypatch, capsys):
    monkeypatch.delenv("GRAFT_REAL_DATA", raising=False)
    assert benchmarks.main([]) == 2
    assert "GRAFT_REAL_DATA" in capsys.readouterr().err


def test_the_runtimes_table_goes_without_openvino():
    rows = [{"network": "ResNet50", "runtime": runtime, "repeat": 0, "images": 256, "seconds": seconds,
             "cpu_s": 2 * seconds, "load_s": 0.5, "difference": 1e-6}
            for runtime, seconds in (("keras", 25.6), ("onnxruntime", 12.8))]
    text = runtimes.report(rows, MACHINE)
    assert "| ResNet50 | 10 (1.0×) | 20 (2.0×) |" in text
    assert "| ResNet50 | 200.0 (1.0×) | 100.0 (2.0×) |" in text
    assert "OpenVINO was not installed" in text


@pytest.mark.slow
def test_graft_and_the_script_do_the_same_job(folder, tmp_path):
    out = tmp_path / "out"
    code = benchmarks.main([
        "--data", str(folder), "--weights", "none", "--jobs", "last-two", "--systems", "graft,script", "--images", "24",
        "--repeats", "1", "--epochs-scale", "0.1", "--out", str(out), "--work", str(tmp_path / "work")])
    assert code == 0
    graft, script = json.loads((out / "results.json").read_text("utf-8"))["measurements"]
    assert (graft["system"], script["system"]) == ("graft", "script")
    norms = sum(block.batch_norm for block in get(BACKBONE, ALPHA)[1].blocks[-3:])  # trained from random weights only
    assert graft["trainable_parameters"] == script["trainable_parameters"] + norms > 200_000
    assert graft["peak_mb"] > 100 and graft["wall_s"] > 0.5
    for name in ("results.json", "results.md", "results.svg"):
        assert str(tmp_path) not in (out / name).read_text("utf-8")


@pytest.mark.slow
def test_a_part_is_compared_with_and_without_it_in_turns(folder, tmp_path, capsys):
    arguments = ["--only", "prediction-ahead", "--pairs", "2", "--weights", "none", "--data", str(folder)]
    assert look_ahead.main([*arguments, "--work", str(tmp_path / "work")]) == 0
    *measured, told = capsys.readouterr().out.splitlines()
    assert [line.split()[3] for line in measured] == ["nothing", "prediction-ahead", "prediction-ahead", "nothing"]
    assert told.startswith("prediction-ahead  predict") and "wall" in told and "cpu" in told


@pytest.mark.parametrize("row", look_ahead.COMPARISONS, ids=lambda row: f"{row.part} {row.job}")
def test_both_sides_of_a_comparison_differ_in_the_part_alone(row):
    (job, kept), (same, left_out) = look_ahead._processes(row)
    assert job == same and set(left_out.split("+")) - set(kept.split("+")) == {row.part}
    assert set(left_out.split("+")) <= set(without.PARTS)


def test_splits_under_other_names_are_laid_out_as_train_and_val(folder, tmp_path):
    plain, other = tmp_path / "plain.zip", tmp_path / "other.zip"
    pictures = sorted(folder.glob("*/*.png"))
    for archive, splits in ((plain, ("train", "val")), (other, ("training_set", "test_set"))):
        with zipfile.ZipFile(archive, "w") as file:
            for index, picture in enumerate(pictures):
                file.write(picture, f"dataset/{splits[index % 3 == 0]}/{picture.parent.name}/{picture.name}")
    assert lite0_training.laid_out(plain, tmp_path / "a") == plain
    found = lite0_training.laid_out(other, tmp_path / "b")
    assert sorted(path.name for path in found.iterdir()) == ["train", "val"]
    assert len(list(found.glob("val/*/*.png"))) == 10 and len(list(found.glob("train/*/*.png"))) == 20
    picture = pictures[0]
    assert (found / "val" / picture.parent.name / picture.name).read_bytes() == picture.read_bytes()


def test_a_backbone_is_compared_with_keras_and_timed():
    assert {"MobileNet", "ResNet50", "EfficientNetB0", "EfficientNetLite0"} <= set(backbones.smallest())
    found = backbones.measured("MobileNet", 2)
    assert 1e-9 < found["difference"] < 1e-3 and found["onnx_difference"] < 1e-3 and not found["why"]
    assert found["keras"] > 0 and found["onnx"] > 0
