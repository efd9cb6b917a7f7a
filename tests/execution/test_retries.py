"""Which ends are followed by another attempt, and after what pause."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from furu.execution.scheduling.arguments import FuruArgumentError
from furu.execution.scheduling.outcomes import Event, Outcome
from furu.execution.scheduling.retries import Decision, RetryPolicy, exponential_backoff, no_backoff

POLICY = RetryPolicy(max_retries=2, max_invalid=1, max_worker_losses=3, max_preemptions=5, backoff=lambda n: 10.0 * n)


@pytest.mark.parametrize(
    ("outcome", "times", "expected"),
    [
        pytest.param(Outcome.SUCCEEDED, 1, Decision(Event.FINISHED), id="success"),
        pytest.param(
            Outcome.COMPUTE_FAILED, 1, Decision(Event.RETRY, "compute failed once of 3", 10.0), id="first failure"
        ),
        pytest.param(
            Outcome.COMPUTE_FAILED, 2, Decision(Event.RETRY, "compute failed twice of 3", 20.0), id="last retry"
        ),
        pytest.param(
            Outcome.COMPUTE_FAILED,
            3,
            Decision(Event.GIVE_UP, "compute failed 3 times, and twice is forgiven"),
            id="retries used up",
        ),
        pytest.param(
            Outcome.PROTOCOL_FAILED,
            1,
            Decision(Event.GIVE_UP, "protocol failures are never tried again"),
            id="protocol failure",
        ),
        pytest.param(Outcome.INVALID, 1, Decision(Event.RETRY, "invalid once of 2", 10.0), id="first invalid"),
        pytest.param(
            Outcome.INVALID, 2, Decision(Event.GIVE_UP, "invalid twice, and once is forgiven"), id="never validates"
        ),
        pytest.param(Outcome.WORKER_LOST, 3, Decision(Event.REQUEUE, "worker lost 3 times of 4"), id="last loss"),
        pytest.param(
            Outcome.WORKER_LOST,
            4,
            Decision(Event.GIVE_UP, "worker lost 4 times, and 3 times is forgiven"),
            id="kills workers",
        ),
        pytest.param(Outcome.PREEMPTED, 5, Decision(Event.REQUEUE, "preempted 5 times of 6"), id="preempted"),
        pytest.param(
            Outcome.PREEMPTED,
            6,
            Decision(Event.GIVE_UP, "preempted 6 times, and 5 times is forgiven"),
            id="always preempted",
        ),
        pytest.param(
            Outcome.LEASED_ELSEWHERE,
            99,
            Decision(Event.FOUND_LEASED, "somebody else holds its lease"),
            id="leased, any number of times",
        ),
        pytest.param(
            Outcome.NOT_STARTED, 99, Decision(Event.REQUEUE, "it was not started"), id="handed back, any number"
        ),
    ],
)
def test_what_follows_on_the_nth_end_of_a_kind(outcome: Outcome, times: int, expected: Decision) -> None:
    assert expected == POLICY.decide(outcome, times)


@pytest.mark.parametrize(
    ("outcome", "expected"),
    [
        pytest.param(Outcome.COMPUTE_FAILED, Event.GIVE_UP, id="a failure is final"),
        pytest.param(Outcome.INVALID, Event.GIVE_UP, id="so is an invalid result"),
        pytest.param(Outcome.WORKER_LOST, Event.REQUEUE, id="a lost worker leaves it unfinished"),
        pytest.param(Outcome.PREEMPTED, Event.REQUEUE, id="so does an interruption"),
        pytest.param(Outcome.SUCCEEDED, Event.FINISHED, id="success counts"),
    ],
)
def test_while_the_run_stops(outcome: Outcome, expected: Event) -> None:
    assert expected is POLICY.decide(outcome, 1, is_stopping=True).event


def test_no_retry_by_default() -> None:
    decision = RetryPolicy().decide(Outcome.COMPUTE_FAILED, 1)
    assert decision == Decision(Event.GIVE_UP, "compute failed once, and none is forgiven")


def test_every_outcome_has_an_answer() -> None:
    assert all(POLICY.decide(outcome, 1).event in Event for outcome in Outcome)


@pytest.mark.parametrize("name", ["max_retries", "max_invalid", "max_worker_losses", "max_preemptions"])
def test_budgets_are_checked_by_name(name: str) -> None:
    options: dict[str, Any] = {name: -1}
    with pytest.raises(FuruArgumentError, match=f"^{name} must be a whole number >= 0, not -1$"):
        RetryPolicy(**options)


class TestBackoff:
    def test_none_by_default(self) -> None:
        assert [no_backoff(n) for n in (1, 2, 1000)] == [0, 0, 0]

    @pytest.mark.parametrize(
        ("options", "pauses"),
        [
            pytest.param({}, [1, 2, 4, 8, 16, 32, 60, 60], id="default"),
            pytest.param({"first_sec": 3, "factor": 10, "max_sec": 100}, [3, 30, 100, 100], id="own numbers"),
            pytest.param({"first_sec": 5, "factor": 1}, [5, 5, 5], id="constant"),
            pytest.param({"first_sec": 0}, [0, 0, 0], id="zero"),
            pytest.param({"first_sec": 90}, [60, 60], id="first above the longest"),
        ],
    )
    def test_grows_up_to_its_limit(self, options: dict[str, Any], pauses: list[float]) -> None:
        backoff = exponential_backoff(**options)
        assert pauses == [backoff(n) for n in range(1, len(pauses) + 1)]

    def test_jitter_takes_up_to_half_away(self) -> None:
        numbers = iter([0.0, 0.5, 1.0])
        backoff = exponential_backoff(first_sec=8, factor=1, jitter=lambda: next(numbers))
        assert [backoff(1) for _ in range(3)] == [8.0, 6.0, 4.0]

    @given(
        failures=st.integers(1, 10**9),
        first_sec=st.floats(0, 1e300),
        factor=st.floats(1, 1e300),
        max_sec=st.floats(0, 1e300),
    )
    def test_never_overflows_or_leaves_its_range(
        self, failures: int, first_sec: float, factor: float, max_sec: float
    ) -> None:
        pause = exponential_backoff(first_sec=first_sec, factor=factor, max_sec=max_sec)(failures)
        assert 0 <= pause <= max_sec

    @pytest.mark.parametrize("name", ["first_sec", "factor", "max_sec"])
    def test_numbers_are_checked_by_name(self, name: str) -> None:
        options: dict[str, Any] = {name: -1}
        with pytest.raises(FuruArgumentError, match=f"^{name} must be a finite number >= 0, not -1$"):
            exponential_backoff(**options)

    def test_pauses_do_not_shrink(self) -> None:
        with pytest.raises(FuruArgumentError, match=r"^factor must be a finite number >= 1, not 0.5$"):
            exponential_backoff(factor=0.5)
