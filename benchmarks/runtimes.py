"""Which runtime is fastest at a backbone's forward pass: `python -m benchmarks.runtimes`.

Keras, ONNX Runtime and, where it is installed, OpenVINO run the same network over the same decoded images, in turns,
each in a process of its own. The other two read what `core.engine.model.onnx_graph` writes. Random weights: they do not
change the time.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.report import table
from benchmarks.results import machine
from core.engine.model.onnx_session import PIECE
from core.jobs.backends import PROJECT, worker_environment
from core.store.files import read_json, write_json, write_text

NETWORKS: dict[str, tuple[str, float | None]] = {
    "MobileNetV2 0.35": ("MobileNetV2", 0.35), "MobileNet 0.25": ("MobileNet", 0.25),
    "EfficientNetV2B0": ("EfficientNetV2B0", None), "ResNet50": ("ResNet50", None),
}
RUNTIMES = {"keras": "Keras", "onnxruntime": "ONNX Runtime", "onnxruntime-parallel": "ONNX Runtime, a batch a core",
            "openvino": "OpenVINO", "openvino-parallel": "OpenVINO, a batch a core"}
SIZE, BATCH = 224, 32

Forward = Callable[[np.ndarray], np.ndarray]


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure, and write runtimes.json and runtimes.md."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.runtimes", description=__doc__)
    parser.add_argument("--networks", nargs="+", choices=NETWORKS, default=list(NETWORKS), metavar="NETWORK")
    parser.add_argument("--images", type=int, default=256)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--out", type=Path, default=Path("benchmarks/results"))
    parser.add_argument("--work", type=Path, default=Path("build/runtimes"))
    parser.add_argument("--one", nargs=2, metavar=("NETWORK", "RUNTIME"), help=argparse.SUPPRESS)
    args = parser.parse_args(arguments)
    if args.one:
        network, runtime = args.one
        print(json.dumps(measure(network, runtime, args.images, args.work)))
        return
    compare(args)


def compare(args: argparse.Namespace) -> None:
    """All runtimes, in turns; earlier results of networks that are not named stay."""
    work, results = args.work.resolve(), args.out / "runtimes.json"
    for folder in (work, args.out):
        folder.mkdir(parents=True, exist_ok=True)
    earlier = read_json(results)["measurements"] if results.is_file() else []
    found = [row for row in earlier if row["network"] not in args.networks]
    usable = [name for name in RUNTIMES if importlib.util.find_spec(name.partition("-")[0])]
    for network in args.networks:
        for repeat in range(args.repeats):
            for runtime in usable:  # Keras first: it writes the ONNX file
                output = subprocess.run(
                    [sys.executable, "-m", "benchmarks.runtimes", "--one", network, runtime, "--work", str(work),
                     "--images", str(args.images)], cwd=PROJECT, env=worker_environment(), check=True,
                    stdout=subprocess.PIPE, text=True).stdout
                row = {"network": network, "runtime": runtime, "repeat": repeat, "images": args.images,
                       **json.loads(output.splitlines()[-1])}
                print(f"{repeat + 1}  {network:<18} {RUNTIMES[runtime]:<28} {row['seconds']:6.2f} s, of which "
                      f"processor {row['cpu_s']:6.2f} s", flush=True)
                found.append(row)
    write_json(results, {"machine": machine(), "measurements": found})
    write_text(args.out / "runtimes.md", report(found, machine()))


def report(found: list[dict[str, Any]], about: dict[str, Any]) -> str:
    """Medians as Markdown tables."""
    present = [name for name in RUNTIMES if any(row["runtime"] == name for row in found)]
    missing = "" if "openvino" in present else "OpenVINO was not installed; it is not needed.\n\n"
    versions = ", ".join(f"{name} {version}" for name, version in about["versions"].items()
                         if name in ("tensorflow", "keras", "onnxruntime", "openvino"))
    head = ("network", *(RUNTIMES[name] for name in present))

    def row(network: str, key: str, text: Callable[[float, float], str]) -> tuple[str, ...]:
        values = {name: _median(found, network, name, key) for name in present}
        return (network, *(text(value, values["keras"]) for value in values.values()))

    networks = [name for name in NETWORKS if any(item["network"] == name for item in found)]
    speeds = [row(name, "seconds", lambda own, keras: f"{1 / own:.0f} ({keras / own:.1f}×)") for name in networks]
    work = [row(name, "cpu_s", lambda own, keras: f"{1000 * own:.1f} ({keras / own:.1f}×)") for name in networks]
    differences = max(item["difference"] for item in found)
    counts = [item["images"] for item in found]
    images = f"{min(counts)}" + (f" to {max(counts)}" if len(set(counts)) > 1 else "")
    return (
        "# Forward pass: which runtime\n\n"
        f"{about['processor']}, {about['cores']} cores; {versions}; {about['date']}. {images} decoded "
        f"images of {SIZE} px, {BATCH} at a time, medians of {1 + max(item['repeat'] for item in found)} in turns; in "
        "brackets how many times better than Keras. \"A batch a core\": every core runs single-threaded batches of "
        f"{PIECE}. The largest difference from Keras is {differences:.0e} of the largest value.\n\n{missing}"
        f"Images a second:\n\n{table(head, speeds)}\n\n"
        "Processor milliseconds an image, which other programs on the machine disturb less; waiting threads that spin "
        f"count:\n\n{table(head, work)}\n"
    )


def measure(network: str, runtime: str, images: int, work: Path) -> dict[str, float]:
    """One runtime over the images: seconds, processor seconds, seconds to load, difference from Keras."""
    name = network.replace(" ", "-")
    pixels = np.random.default_rng(0).integers(0, 256, (images, SIZE, SIZE, 3), np.uint8)
    began = time.monotonic()
    forward = LOADERS[runtime](network, work / f"{name}.onnx")
    load_s = time.monotonic() - began
    sample = forward(pixels[:BATCH])
    if runtime == "keras":
        np.save(work / f"{name}.npy", sample)
    expected = np.load(work / f"{name}.npy")
    began, cpu = time.monotonic(), time.process_time()
    for start in range(0, images, BATCH):
        forward(pixels[start:start + BATCH])
    return {"seconds": time.monotonic() - began, "cpu_s": time.process_time() - cpu, "load_s": load_s,
            "difference": float(np.abs(sample - expected).max() / np.abs(expected).max())}


def _keras(network: str, path: Path) -> Forward:
    import keras

    from core.engine.model.network import build_network
    from core.engine.model.onnx_graph import to_onnx
    from core.recipe.fields import ModelSettings

    backbone, alpha = NETWORKS[network]
    built = build_network(ModelSettings(backbone=backbone, alpha=alpha, weights="none"), SIZE, 2, None, 0)
    model = keras.Model(built.whole.input, built.features)
    path.write_bytes(to_onnx(model).SerializeToString())
    model.compile(jit_compile=False)
    return lambda images: np.asarray(model.predict_on_batch(images))


def _onnxruntime(network: str, path: Path) -> Forward:
    """As it comes: one batch at a time, by its own threads."""
    import onnxruntime

    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    return lambda images: session.run(None, {"images": images})[0]


def _onnxruntime_parallel(network: str, path: Path) -> Forward:
    """As Graft uses it."""
    from core.engine.model.onnx_session import onnx_runner

    return onnx_runner(path)


def _openvino(network: str, path: Path) -> Forward:
    """One request at a time that uses all cores."""
    compiled = _compiled(path, "LATENCY", BATCH)
    return lambda images: compiled(images)[0]


def _openvino_parallel(network: str, path: Path) -> Forward:
    """Several requests at a time, each with a part of the batch."""
    from openvino import AsyncInferQueue

    queue = AsyncInferQueue(_compiled(path, "THROUGHPUT", PIECE))

    def run(images: np.ndarray) -> np.ndarray:
        found: dict[int, np.ndarray] = {}
        queue.set_callback(lambda request, start: found.__setitem__(start, request.get_output_tensor().data.copy()))
        for start in range(0, len(images), PIECE):
            queue.start_async([images[start:start + PIECE]], start)
        queue.wait_all()
        return np.concatenate([found[start] for start in sorted(found)])

    return run


def _compiled(path: Path, hint: str, batch: int) -> Any:
    import openvino

    core = openvino.Core()
    model = core.read_model(path)
    model.reshape([batch, SIZE, SIZE, 3])  # a fixed shape is what it is fastest at
    return core.compile_model(model, "CPU", {"PERFORMANCE_HINT": hint})


LOADERS: dict[str, Callable[[str, Path], Forward]] = {
    "keras": _keras, "onnxruntime": _onnxruntime, "onnxruntime-parallel": _onnxruntime_parallel,
    "openvino": _openvino, "openvino-parallel": _openvino_parallel,
}


def _median(found: list[dict[str, Any]], network: str, runtime: str, key: str) -> float:
    """Of a value an image."""
    return statistics.median(row[key] / row["images"] for row in found
                             if (row["network"], row["runtime"]) == (network, runtime))


if __name__ == "__main__":
    main()
