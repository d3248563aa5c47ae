"""The time left of several phases: each by its own cost."""

from __future__ import annotations

import pytest

from core.engine.callbacks.remaining import PhaseCost, Remaining

HEAD, DEEP = PhaseCost(10, 0.05, 30.0), PhaseCost(5, 20.0, 8.0)


def test_the_phases_to_come_count_with_their_own_cost():
    remaining = Remaining([HEAD, DEEP])
    assert remaining.seconds(0, 0, 0.5, 0.1) == pytest.approx(9 * 0.2 + 0.1 + 8 + 5 * 20)


def test_epochs_that_are_mostly_overhead_tell_nothing_of_costly_ones():
    remaining = Remaining([HEAD, DEEP])
    remaining.measured(0, 0.5)  # ten times the estimate
    assert remaining.seconds(0, 1, 0.5, 0.25) == pytest.approx(8 * 0.5 + 0.25 + 8 + 5 * 20)


def test_a_machine_that_is_slower_than_thought_is_slower_in_like_phases_too():
    remaining = Remaining([PhaseCost(3, 10.0, 0.0), DEEP])
    for seconds in (14.0, 15.0, 90.0):
        remaining.measured(0, seconds)  # half as fast again, and once disturbed
    assert remaining.seconds(0, 2, 0.5, 7.5) == pytest.approx(7.5 + 8 + 5 * 20 * 1.5)


def test_the_phase_in_work_counts_with_what_it_takes():
    remaining = Remaining([HEAD, DEEP])
    for seconds in (0.1, 0.1):
        remaining.measured(0, seconds)
    remaining.measured(1, 30.0)
    assert remaining.seconds(1, 1, 0.1, 3.0) == pytest.approx(3 * 30 + 27)
    assert remaining.seconds(1, 4, 1.0, 40.0) == 0, "a long epoch has nothing left, not less"
