"""Features that are kept: the score of a moment and the map."""

from __future__ import annotations

import numpy as np
import pytest

from core.data import mending
from core.data.checks import evidence, features, probe
from core.data.checks.evidence import Evidence


def seen(dataset, spread: float = 0.5) -> np.ndarray:
    """Features that tell the three colours apart."""
    random = np.random.default_rng(0)
    centre = {label: random.normal(size=40) * 3 for label in dataset.classes}
    return np.stack([centre[label] + random.normal(size=40) * spread for label in dataset.usable()["class"]])


def test_a_wrong_label_costs_its_share_and_mending_it_brings_it_back(colours, workspace):
    assert probe.score(colours) is None
    features.keep(colours, colours.usable()["path"].tolist(), seen(colours))
    assert probe.score(colours) == 1.0
    wrong = mending.relabel(workspace, colours.id, ["red/01.png"], "blue")
    assert probe.score(wrong) == pytest.approx(35 / 36)
    assert probe.score(mending.undo(workspace, colours.id)) == 1.0


def test_the_score_is_that_of_leaving_each_out_in_turn():
    """Against fitting as often as there are pictures."""
    random = np.random.default_rng(1)
    rows, labels = random.normal(size=(30, 6)), random.integers(0, 3, 30)
    inputs = np.column_stack([rows - rows.mean(0), np.ones(30)])
    targets = np.eye(3)[labels] - 1 / 3
    best = []
    for penalty in probe.PENALTIES:
        held = []
        for one in range(30):
            rest, wanted = np.delete(inputs, one, 0), np.delete(targets, one, 0)
            held.append(inputs[one] @ np.linalg.solve(rest.T @ rest + penalty * 30 * np.eye(7), rest.T @ wanted))
        best.append((((np.array(held) - targets)**2).mean(), (np.array(held).argmax(1) == labels).mean()))
    assert probe.accuracy(rows, labels) == pytest.approx(min(best)[1])


def test_of_near_copies_one_is_judged(colours):
    values = seen(colours, 30.0)
    rows = colours.usable().reset_index(drop=True)
    twins = {int(rows.index[rows["path"] == f"red/{even:02d}.png"][0]):
             int(rows.index[rows["path"] == f"red/{even + 1:02d}.png"][0]) for even in range(0, 12, 2)}
    for one, other in twins.items():
        values[other] = values[one]
    features.keep(colours, rows["path"].tolist(), values)
    flattered = probe.score(colours)
    evidence.write(colours, Evidence("", 1.0, "", {evidence.NEAR: [
        [rows["path"][one], rows["path"][other]] for one, other in twins.items()]}))
    assert probe.score(colours) < flattered


def test_alike_is_near_on_the_map_and_every_picture_has_a_place(monkeypatch):
    monkeypatch.setattr(features, "ON_THE_MAP", 60)
    random = np.random.default_rng(0)
    groups = np.repeat(np.arange(3), 40)
    rows = features.components((np.eye(3)[groups] * 8) @ random.normal(size=(3, 50)) + random.normal(size=(120, 50)))
    places = features.places(rows)
    assert places.shape == (120, 2) and places.min() == 0 and places.max() == 1
    centres = np.stack([places[groups == group].mean(0) for group in range(3)])
    nearest = ((places[:, None] - centres) ** 2).sum(2).argmin(1)
    assert (nearest == groups).mean() > 0.95


@pytest.mark.parametrize("count", [1, 4, 6])
def test_few_pictures_have_places_too(count):
    rows = features.components(np.random.default_rng(0).normal(size=(max(count, 2), 8)))
    assert features.places(rows[:count]).shape == (count, 2)


def test_what_is_broken_is_none(colours):
    features.keep(colours, colours.usable()["path"].tolist(), seen(colours))
    assert features.read(colours).of(["red/01.png", "new.png"]).tolist()[1] == -1
    (colours.path / features.FILE).write_bytes(b"none")
    assert features.read(colours) is None and probe.score(colours) is None
