"""How long a waiter sleeps between two looks."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from furu.lifecycle.waiting import nap_sec

WAITED = st.floats(0, 1e9)
LONGEST = st.floats(0.01, 1e4)
CHANCE = st.floats(0, 1, exclude_max=True)


@given(WAITED, LONGEST, CHANCE)
def test_a_nap_is_never_nothing_and_never_longer_than_allowed(waited_sec, longest_sec, chance) -> None:
    assert 0.0007 <= nap_sec(waited_sec, longest_sec, chance) <= longest_sec * 1.3


@given(WAITED, LONGEST, CHANCE)
def test_a_waiter_is_late_by_little_more_than_a_twentieth(waited_sec, longest_sec, chance) -> None:
    assert nap_sec(waited_sec, longest_sec, chance) <= max(0.001, waited_sec * 0.05) * 1.3


@given(WAITED, WAITED, LONGEST, CHANCE)
def test_naps_grow_with_the_wait(one_sec, other_sec, longest_sec, chance) -> None:
    shorter_sec, longer_sec = sorted((one_sec, other_sec))
    assert nap_sec(shorter_sec, longest_sec, chance) <= nap_sec(longer_sec, longest_sec, chance)


@given(WAITED, LONGEST)
def test_waiters_spread_evenly_over_a_third_to_either_side(waited_sec, longest_sec) -> None:
    lowest, middle = nap_sec(waited_sec, longest_sec, 0.0), nap_sec(waited_sec, longest_sec, 0.5)
    assert abs(lowest / middle - 0.7) < 1e-9


@given(st.floats(1, 1e6), CHANCE)
def test_the_first_hundred_seconds_take_few_looks(total_sec, chance) -> None:
    waited_sec, looks = 0.0, 0
    while waited_sec < 100 and looks < 1000:
        waited_sec += nap_sec(waited_sec, total_sec, chance)
        looks += 1
    assert looks < 420
