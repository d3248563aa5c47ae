"""Images that are mixed in pairs."""

from __future__ import annotations

import numpy as np
import pytest

from core.augment.mixing import MIXES, Pairs, cutmix, mixup
from core.engine.feed.batches import Batch, Mixed

CONTENTS = [f"{index:064x}" for index in range(16)]
IMAGES = np.random.default_rng(0).integers(0, 256, (16, 20, 30, 3), np.uint8)


def pairs(seed: int = 0, view: int = 1, contents: list[str] = CONTENTS, alpha: float = 1.0) -> Pairs:
    return Pairs(seed, view, contents, alpha)


def test_everybody_has_one_partner_and_is_one_to_somebody():
    found = pairs().partners
    assert sorted(found) == list(range(16)) and not (found == np.arange(16)).any()
    assert list(pairs(contents=CONTENTS[:1]).partners) == [0]


def test_shares_are_a_function_of_seed_view_and_content_and_partners_of_the_company():
    first = pairs()
    np.testing.assert_array_equal(first.shares[5:9], pairs(contents=CONTENTS[5:9]).shares)
    turned = pairs(contents=CONTENTS[::-1])
    np.testing.assert_array_equal(15 - turned.partners[::-1], first.partners)
    for other in (pairs(seed=1), pairs(view=2)):
        assert not np.array_equal(other.shares, first.shares) and not np.array_equal(other.partners, first.partners)


@pytest.mark.parametrize("alpha", [0.2, 1.0, 4.0])
def test_shares_are_those_of_the_beta_distribution(alpha):
    shares = np.concatenate([pairs(view=view, alpha=alpha).shares for view in range(200)])
    assert shares.mean() == pytest.approx(0.5, abs=0.02)
    assert shares.var() == pytest.approx(1 / (4 * (2 * alpha + 1)), rel=0.06)


def test_mixup_is_the_weighted_sum():
    given = pairs()
    mixed, shares = mixup(IMAGES, given)
    for index in range(16):
        expected = shares[index] * IMAGES[index] + (1 - shares[index]) * IMAGES[given.partners[index]]
        np.testing.assert_allclose(mixed[index], expected, atol=1e-3)


def test_cutmix_puts_a_rectangle_of_the_partner_in_and_counts_what_stays():
    given = pairs()
    mixed, shares = cutmix(IMAGES, given)
    assert mixed.dtype == np.uint8
    for index in range(16):
        foreign = (mixed[index] != IMAGES[index]).any(axis=2)
        assert foreign.mean() == pytest.approx(1 - shares[index], abs=0.02)
        np.testing.assert_array_equal(mixed[index][foreign], IMAGES[given.partners[index]][foreign])
        if foreign.any():
            rows, columns = np.flatnonzero(foreign.any(1)), np.flatnonzero(foreign.any(0))
            assert (np.ptp(rows) + 1) * (np.ptp(columns) + 1) == pytest.approx(foreign.sum(), rel=0.02)
        assert shares[index] >= given.shares[index] - 0.05  # at the border a piece is smaller than was drawn


def test_rows_of_numbers_have_no_piece_to_be_cut_out():
    rows = np.random.default_rng(1).normal(size=(16, 8)).astype(np.float32)
    for found, expected in zip(cutmix(rows, pairs()), mixup(rows, pairs()), strict=True):
        np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("name", sorted(MIXES))
def test_targets_and_weights_are_mixed_as_the_images_are(name):
    rows = np.arange(16)
    batch = Batch(IMAGES, np.eye(4, dtype=np.float32)[rows % 4], rows.astype(np.float32))
    mixed = Mixed(MIXES[name], 1.0, 0, lambda found: [CONTENTS[row] for row in found], before=3)
    found = mixed(batch, rows, 2)
    given = pairs(view=5)
    _, shares = MIXES[name](IMAGES, given)
    assert found.x.dtype == np.float32 and found.weight is not None
    np.testing.assert_allclose(found.y.sum(axis=1), 1, atol=1e-6)
    np.testing.assert_allclose(found.weight, shares * rows + (1 - shares) * given.partners, atol=1e-4)
    same = given.partners % 4 == rows % 4
    np.testing.assert_allclose(found.y[rows, rows % 4], np.where(same, 1, shares), atol=1e-6)
    assert mixed(batch._replace(weight=None), rows, 2).weight is None
