"""The table of moves: complete, with ends that are ends."""

from __future__ import annotations

import itertools

import pytest

from furu.execution.scheduling.outcomes import LEGAL, TERMINAL, Event, ScheduleMisuse, Status, next_status


@pytest.mark.parametrize(
    ("status", "event"),
    list(itertools.product(Status, Event)),
    ids=lambda word: word.name.lower().replace("_", "-"),
)
def test_every_pair_is_listed_or_refused(status: Status, event: Event) -> None:
    if (status, event) in LEGAL:
        assert LEGAL[status, event] is next_status("n1", status, event)
        return
    with pytest.raises(ScheduleMisuse) as caught:
        next_status("n1", status, event)
    assert caught.value.message.startswith(f"n1 is {status}: {event.value!r} can't be")


def test_nothing_follows_on_a_terminal_status_and_something_on_every_other() -> None:
    assert {before for before, _ in LEGAL} == set(Status) - TERMINAL


def test_every_status_and_event_is_used() -> None:
    assert set(LEGAL.values()) | {Status.WAITING} == set(Status)
    assert {event for _, event in LEGAL} == set(Event)


def test_a_refusal_says_what_may_follow() -> None:
    with pytest.raises(ScheduleMisuse, match=r"only this may follow: 'a worker takes it'$"):
        next_status("n1", Status.READY, Event.FINISHED)
    with pytest.raises(ScheduleMisuse, match=r"n1 is failed: .*; nothing may follow$"):
        next_status("n1", Status.FAILED, Event.FINISHED)
