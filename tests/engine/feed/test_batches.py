"""The order of images, the views in turn, and the weights of rare classes."""

from __future__ import annotations

import numpy as np
import pytest

from core.engine.feed.batches import Batch, Batches, balanced_weights

ROWS = np.array([5, 3, 8, 1, 9, 2, 7])
TARGETS = np.eye(7, dtype=np.float32)


def batches(seed: int = 0, views: int = 1, weights: np.ndarray | None = None) -> Batches:
    """Each view gives the row number, and a hundred for each view before it."""
    reads = [lambda rows, view=view: rows[:, None] + np.float16(100 * view) for view in range(views)]
    return Batches(reads, ROWS, TARGETS, weights, 3, seed)


def epoch(given: Batches) -> list[float]:
    seen = [value for index in range(len(given)) for value in given[index][0][:, 0].tolist()]
    given.on_epoch_end()
    return seen


def test_every_image_once_an_epoch_in_a_new_order():
    given = batches()
    first, second = epoch(given), epoch(given)
    assert len(given) == 3 and sorted(first) == sorted(second) == sorted(ROWS)
    assert first != second


def test_the_order_depends_on_the_seed_alone():
    left, right = batches(seed=4), batches(seed=4, views=2)
    for _ in range(2):
        assert epoch(left) == [value % 100 for value in epoch(right)]
    assert epoch(batches(seed=4)) != epoch(batches(seed=5))


def test_targets_and_weights_go_with_their_images():
    weights = np.arange(7, dtype=np.float32)
    given = batches(weights=weights)
    for index in range(len(given)):
        x, y, weight = given[index]
        assert x.dtype == np.float32
        assert [int(ROWS[place]) for place in y.argmax(1)] == x[:, 0].astype(int).tolist()
        np.testing.assert_array_equal(weight, y.argmax(1))


def test_what_is_read_is_changed_by_row_and_epoch():
    def change(batch: Batch, rows: np.ndarray, epoch: int) -> Batch:
        return batch._replace(x=batch.x + 100 * rows[:, None] + 1000 * epoch)

    given = Batches([lambda rows: rows[:, None]], ROWS, TARGETS, None, 3, 0, transforms=[change])
    assert sorted(epoch(given)) == [101 * row for row in sorted(ROWS)]
    assert sorted(epoch(given)) == [101 * row + 1000 for row in sorted(ROWS)]


def test_transforms_see_targets_and_weights_one_after_the_other():
    """As mixing does: half of the image and target beside it."""
    def mix(batch: Batch, rows: np.ndarray, epoch: int) -> Batch:
        assert batch.weight is not None
        return Batch(batch.x / 2 + batch.x[::-1] / 2, batch.y / 2 + batch.y[::-1] / 2, batch.weight * 2)

    plain = Batches([lambda rows: rows[:, None] * 1.0], ROWS, TARGETS, np.arange(7.0), 3, 0)
    mixed = Batches([lambda rows: rows[:, None] * 1.0], ROWS, TARGETS, np.arange(7.0), 3, 0, transforms=[mix, mix])
    for index in range(len(plain)):
        x, y, weight = plain[index]
        for part, expected in zip(mixed[index], (x / 2 + x[::-1] / 2, y / 2 + y[::-1] / 2, 4 * weight), strict=True):
            np.testing.assert_allclose(part, expected)


def test_a_phase_can_be_taken_up_at_any_epoch():
    whole, later = batches(views=2), batches(views=2)
    epochs = [epoch(whole) for _ in range(4)]
    later.begin_at(2)
    assert [epoch(later), epoch(later)] == epochs[2:]


def test_views_are_used_in_turn():
    given = batches(views=3)
    assert [int(min(epoch(given)) // 100) for _ in range(5)] == [0, 1, 2, 0, 1]


def test_every_class_weighs_the_same():
    labels = np.array([0, 0, 0, 0, 1, 1, 2])
    weights = balanced_weights(labels, 3)
    assert [weights[labels == label].sum() for label in range(3)] == pytest.approx([7 / 3] * 3)
