"""What a phase takes of the memory: by hand, in order, and near what a process takes."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from core.memory import activation_values, slots, training_bytes
from core.plan import Plan, plan
from core.recipe.fields import Phase, Recipe
from core.recipe.optimizers import EXACT, OPTIMIZERS


def planned(*changes: str) -> Plan:
    return plan(Recipe().override(["model.backbone=SmallNet", "model.weights=none", "data.image_size=64", *changes]), 3,
                100, 80)


def test_a_trained_weight_takes_sixteen_bytes_with_adam_and_a_frozen_one_four():
    assert training_bytes(Phase(optimizer="adam"), 1000, 100, 0, 0) == 100 * 16 + 900 * 4
    assert training_bytes(Phase(optimizer="adam"), 0, 0, 8, 50) == 8 * 50 * 4


@pytest.mark.parametrize("name", sorted(set(OPTIMIZERS) - {EXACT}))
@pytest.mark.parametrize("momentum", [None, 0.0, 0.5])
def test_what_an_optimizer_keeps_is_what_keras_keeps(name, momentum):
    import keras

    from core.engine.training.optimizers import build_optimizer

    phase = Phase(optimizer=name, momentum=momentum)
    optimizer = build_optimizer(phase, 10)
    weight = keras.Variable([[0.0] * 100] * 100)
    optimizer.build([weight])
    kept = sum(variable.value.shape.num_elements() for variable in optimizer.variables)
    assert kept // 10_000 == slots(phase)


def test_more_of_anything_takes_more():
    def growing(*steps: list[str]) -> list[int]:
        return [planned(*step).memory_bytes for step in steps]

    for found in (
        growing(*([f"train.batch_size={size}", "train.phases.0.freeze=none"] for size in (8, 16, 64))),
        growing(*([f"data.image_size={size}", "train.phases.0.freeze=none"] for size in (32, 64, 128))),
        growing(*([f"train.phases.0.freeze={point}"] for point in ("all", "block_3", "block_2", "block_1", "none"))),
        growing(*([f"train.phases.0.optimizer={name}", "train.phases.0.freeze=none"] for name in ("sgd", "adam"))),
        growing([], ['model.hidden=[{"units": 512}]']),
    ):
        assert found == sorted(set(found))


def test_the_plan_takes_the_phase_that_takes_the_most():
    found = planned('train.phases=[{"name": "head", "freeze": "all"}, {"name": "all", "freeze": "none"}]')
    head, everything = (phase.memory_bytes for phase in found.phases)
    assert head < everything / 10 and found.memory_bytes == everything


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="the peak is read from Linux's /proc")
def test_the_estimate_is_near_what_a_step_takes():
    code = ("import re, sys; from pathlib import Path; import numpy as np\n"
            "from core.engine.model.network import build_network; from core.recipe.fields import Recipe\n"
            "peak = lambda: int(re.search(r'VmHWM:\\s+(\\d+)', Path('/proc/self/status').read_text())[1]) * 1024\n"
            "net = build_network(Recipe.parse_stored({'model': {'backbone': 'SmallNet', 'weights': 'none'}}).model,\n"
            "                    128, 3, None, 0).whole\n"
            "net.compile('adam', 'sparse_categorical_crossentropy', jit_compile=False)\n"
            "net.train_on_batch(np.zeros((1, 128, 128, 3)), np.zeros(1, int)); before = peak()\n"
            "for _ in range(2): net.train_on_batch(np.zeros((32, 128, 128, 3), np.float32), np.zeros(32, int))\n"
            "print(peak() - before)")
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    found = planned("data.image_size=128", "train.batch_size=32", "train.phases.0.freeze=none").memory_bytes
    assert 0.6 < int(done.stdout.splitlines()[-1]) / found < 1.6


def test_frozen_layers_that_run_keep_nothing_but_what_one_reads_and_writes():
    from core.backbones.catalogue import get

    graph = get("SmallNet")[1].graph
    largest = 3 * 64 * 64 + (64 * 64 * 32) * 2
    assert activation_values(graph, 64, graph.everything) == largest
    assert activation_values(graph, 64, graph.everything, graph.everything, 128) == 128
