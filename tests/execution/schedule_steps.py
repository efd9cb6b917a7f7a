"""Schedules in a few words, and how to step through them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from furu.execution.scheduling.outcomes import Node, Outcome, Status, Verdict
from furu.execution.scheduling.schedule import Schedule

DIAMOND = {"top": "left right", "left": "base", "right": "base", "base": ""}
PAIRS = {"r1": "a1 b1", "r2": "a2 b2", "r3": "a3 b3"} | {f"{x}{i}": "" for x in "ab" for i in (1, 2, 3)}
FAILED = Outcome.COMPUTE_FAILED


def nodes_of(
    graph: Mapping[str, str], keys: Mapping[str, str] | None = None, external: Iterable[str] = ()
) -> list[Node]:
    """Nodes from `{"top": "left right"}`."""
    return [
        Node(node, tuple(deps.split()), (keys or {}).get(node, "default"), node in set(external))
        for node, deps in graph.items()
    ]


def schedule_of(
    graph: Mapping[str, str], roots: str, *, keys: Mapping[str, str] | None = None, external: str = "", **options: Any
) -> Schedule:
    return Schedule(nodes_of(graph, keys, external.split()), roots=roots.split(), **options)


def taken(schedule: Schedule, free: Any = None, now: float = 0) -> list[str]:
    return [start.hash for start in schedule.take(now, free)]


def succeed(schedule: Schedule, *nodes: str) -> None:
    for node in nodes:
        assert schedule.finished(node, Outcome.SUCCEEDED, 0) == Verdict(Status.SUCCEEDED)


def run_one_by_one(schedule: Schedule, *, failing: str = "") -> list[str]:
    """Run with one worker to the end; the order of starts."""
    order = []
    while not schedule.is_finished:
        (start,) = schedule.take(0, 1)
        order.append(start.hash)
        schedule.finished(start.hash, FAILED if start.hash in failing.split() else Outcome.SUCCEEDED, 0)
    return order
