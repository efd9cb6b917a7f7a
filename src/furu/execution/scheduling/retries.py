"""Which attempts are made again, how often and when: each kind of end has a budget of its own."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, NamedTuple

from furu.execution.scheduling.arguments import FuruArgumentValueError, check_count, check_seconds
from furu.execution.scheduling.outcomes import Event, Outcome

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


class Decision(NamedTuple):
    """What follows on the end of an attempt, and why.

    Attributes:
        event: what it is for the node.
        because: the reason, as a sentence without its full stop.
        wait_sec: pause before the node may start again.
    """

    event: Event
    because: str = ""
    wait_sec: float = 0.0


def no_backoff(failures: int) -> float:  # noqa: ARG001 -- the signature of a backoff
    """No pause, after any number of failures."""
    return 0.0


def exponential_backoff(
    *, first_sec: float = 1.0, factor: float = 2.0, max_sec: float = 60.0, jitter: Callable[[], float] | None = None
) -> Callable[[int], float]:
    """Pauses that grow: `first_sec`, times `factor` for each further failure, at most `max_sec`.

    Args:
        first_sec: pause after the first failure, in seconds.
        factor: growth, at least 1.
        max_sec: longest pause, in seconds.
        jitter: source of numbers in [0, 1) that take up to half of each pause away, so that nodes
            that failed together don't start together; None for exact pauses.

    Raises:
        FuruArgumentError: a value is no number or out of its range.
    """
    first_sec = check_seconds(first_sec, "first_sec")
    max_sec = check_seconds(max_sec, "max_sec")
    if check_seconds(factor, "factor") < 1:
        raise FuruArgumentValueError(argument="factor", value=factor, accepts="a finite number >= 1")

    def pause_sec(failures: int) -> float:
        try:
            growth = float(factor) ** (failures - 1)
        except OverflowError:
            growth = math.inf
        pause = min(max_sec, first_sec * growth) if first_sec else 0.0
        return pause * (1 - jitter() / 2) if jitter else pause

    return pause_sec


_SIMPLE: Final[Mapping[Outcome, Decision]] = {
    Outcome.SUCCEEDED: Decision(Event.FINISHED),
    Outcome.LEASED_ELSEWHERE: Decision(Event.FOUND_LEASED, "somebody else holds its lease"),
    Outcome.NOT_STARTED: Decision(Event.REQUEUE, "it was not started"),
    Outcome.PROTOCOL_FAILED: Decision(Event.GIVE_UP, "protocol failures are never tried again"),
}
# An interrupted attempt says nothing about the computation, so it goes on at once.
_WHEN_ALLOWED: Final[Mapping[Outcome, Event]] = {
    Outcome.COMPUTE_FAILED: Event.RETRY,
    Outcome.INVALID: Event.RETRY,
    Outcome.WORKER_LOST: Event.REQUEUE,
    Outcome.PREEMPTED: Event.REQUEUE,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryPolicy:
    """How often a node is started again, per node and run.

    Attributes:
        max_retries: after failed computations: retries after the first attempt.
        max_invalid: after results that `_validate()` does not accept.
        max_worker_losses: after workers that went away; bounded, since the node may be what kills them.
        max_preemptions: after polite interruptions; generous, since long work on busy machines sees many.
        backoff: pause in seconds before a node starts again, given how often it failed in this way (1, 2, ...).

    Raises:
        FuruArgumentError: a budget is no whole number >= 0.
    """

    max_retries: int = 0
    max_invalid: int = 1
    max_worker_losses: int = 3
    max_preemptions: int = 100
    backoff: Callable[[int], float] = no_backoff

    def __post_init__(self) -> None:
        for name in ("max_retries", "max_invalid", "max_worker_losses", "max_preemptions"):
            check_count(getattr(self, name), name, at_least=0)

    def budget(self, outcome: Outcome) -> int:
        """How often an attempt that ended in this way is made again."""
        return {
            Outcome.COMPUTE_FAILED: self.max_retries,
            Outcome.INVALID: self.max_invalid,
            Outcome.WORKER_LOST: self.max_worker_losses,
            Outcome.PREEMPTED: self.max_preemptions,
        }[outcome]

    def decide(self, outcome: Outcome, times: int, *, is_stopping: bool = False) -> Decision:
        """What follows on `outcome`, the node's `times`-th of this kind.

        While the run stops, a failure is final even if retries are left; an interrupted node is just not finished.
        """
        if outcome in _SIMPLE:
            return _SIMPLE[outcome]
        event = _WHEN_ALLOWED[outcome]
        budget = self.budget(outcome)
        if times > budget:
            return Decision(Event.GIVE_UP, f"{outcome} {_times(times)}, and {_times(budget)} is forgiven")
        if event is Event.RETRY:
            if is_stopping:
                return Decision(Event.GIVE_UP, f"{outcome}, and the run stops")
            return Decision(event, f"{outcome} {_times(times)} of {budget + 1}", self.backoff(times))
        return Decision(event, f"{outcome} {_times(times)} of {budget + 1}")


def _times(number: int) -> str:
    return {0: "none", 1: "once", 2: "twice"}.get(number, f"{number} times")
