"""The words of a schedule: how attempts end, what state a node is in, and what may follow what."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Final, NamedTuple

from furu.errors import FuruError

if TYPE_CHECKING:
    from collections.abc import Mapping


class ScheduleMisuse(FuruError, ValueError):
    """The schedule was told something that can't be true; the backend has a bug."""


class Outcome(StrEnum):
    """How an attempt that the schedule started came to its end."""

    SUCCEEDED = "succeeded"
    COMPUTE_FAILED = "compute failed"
    """`_create()` raised: tried again as often as the user allows."""
    PROTOCOL_FAILED = "protocol failed"
    """A rule of executor mode was broken (`FuruProtocolError`, a bad payload): never tried again."""
    INVALID = "invalid"
    """It was published, but `_validate()` does not accept it."""
    WORKER_LOST = "worker lost"
    """The thread, process or machine went away; says nothing about the computation."""
    PREEMPTED = "preempted"
    """The worker was told to stop: a signal, a time limit, a drained machine."""
    LEASED_ELSEWHERE = "leased elsewhere"
    """Somebody else computes this artifact: wait for them, and use the worker for something else."""
    NOT_STARTED = "not started"
    """It was taken back before a worker began with it; counts as no attempt."""


NO_ATTEMPT: Final = frozenset({Outcome.LEASED_ELSEWHERE, Outcome.NOT_STARTED})
"""Ends of something that computed nothing: they cost a node nothing, however often they come."""


class Status(StrEnum):
    """What state a node is in, for the schedule of one run."""

    WAITING = "waiting"
    READY = "ready"
    RUNNING = "running"
    DELAYED = "delayed"
    EXTERNAL = "external"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    SKIPPED = "skipped"


class Event(StrEnum):
    """What can happen to a node; each has one cause, so that a wrong report can't pass for another one."""

    DEPS_DONE = "its dependencies are done"
    DEP_FAILED = "a dependency failed"
    FOUND_EXTERNAL = "somebody else computes it"
    TAKEN = "a worker takes it"
    FINISHED = "its attempt succeeded"
    RETRY = "its attempt failed and is tried again"
    REQUEUE = "its attempt was interrupted"
    GIVE_UP = "its attempt failed for good"
    FOUND_LEASED = "its attempt met another owner"
    DUE = "its pause is over"
    STOPPED = "the run stops during its pause"
    OWNER_FINISHED = "the other owner succeeded"
    OWNER_FAILED = "the other owner failed"
    OWNER_GONE = "the other owner is gone"


LEGAL: Final = {
    (Status.WAITING, Event.DEPS_DONE): Status.READY,
    (Status.WAITING, Event.DEP_FAILED): Status.SKIPPED,
    (Status.WAITING, Event.FOUND_EXTERNAL): Status.EXTERNAL,
    (Status.READY, Event.TAKEN): Status.RUNNING,
    (Status.RUNNING, Event.FINISHED): Status.SUCCEEDED,
    (Status.RUNNING, Event.RETRY): Status.DELAYED,
    (Status.RUNNING, Event.REQUEUE): Status.READY,
    (Status.RUNNING, Event.GIVE_UP): Status.FAILED,
    (Status.RUNNING, Event.FOUND_LEASED): Status.EXTERNAL,
    (Status.DELAYED, Event.DUE): Status.READY,
    (Status.DELAYED, Event.STOPPED): Status.FAILED,
    (Status.EXTERNAL, Event.OWNER_FINISHED): Status.SUCCEEDED,
    (Status.EXTERNAL, Event.OWNER_FAILED): Status.FAILED,
    (Status.EXTERNAL, Event.OWNER_GONE): Status.WAITING,
}
"""Every move of a node; what is not listed is a bug of the backend."""

TERMINAL: Final = frozenset({Status.SUCCEEDED, Status.FAILED, Status.SKIPPED})


def next_status(node: str, status: Status, event: Event) -> Status:
    """Where `event` leads from `status`.

    Raises:
        ScheduleMisuse: nowhere; names the node, both words and the events that would do.
    """
    try:
        return LEGAL[status, event]
    except KeyError:
        legal = [repr(each.value) for before, each in LEGAL if before is status]
        may_follow = f"only this may follow: {', '.join(legal)}" if legal else "nothing may follow"
        raise ScheduleMisuse(f"{node} is {status}: {event.value!r} can't be; {may_follow}") from None


class Node(NamedTuple):
    """What a schedule is told of a node.

    Attributes:
        hash: its `furu_hash`.
        deps: hashes of what must be done before it.
        spec_key: the name of the resources it wants.
        is_external: somebody else is computing it. Then `deps` matter only if they give up.
    """

    hash: str
    deps: tuple[str, ...] = ()
    spec_key: str = "default"
    is_external: bool = False


class Start(NamedTuple):
    """A command: start this node now.

    Attributes:
        hash: which node.
        attempt: 1 for the first start of it in this run.
        spec_key: the resources it wants.
        after: how the attempt before ended (a retry may want more memory or time), None for the first.
    """

    hash: str
    attempt: int
    spec_key: str
    after: Outcome | None


class Verdict(NamedTuple):
    """What the schedule made of an event.

    Attributes:
        status: the node's state now.
        because: why, when it is not simply done.
        due_at: when a delayed node may start again, on the clock of `now`.
        skipped: nodes that can't run any more because of it.
    """

    status: Status
    because: str = ""
    due_at: float | None = None
    skipped: tuple[str, ...] = ()


class Failure(NamedTuple):
    """How a node failed for good.

    Attributes:
        outcome: of its last attempt.
        error: what the backend reported with it: an exception, a text, None.
        attempts: how often it was started in this run.
        because: why it is not tried again.
    """

    outcome: Outcome
    error: object
    attempts: int
    because: str


@dataclass(frozen=True, slots=True)
class RunReport:
    """What became of every node that the roots need; each hash is in exactly one of the four.

    Attributes:
        succeeded: done, by this run or by another owner, in the order in which they ended.
        failed: in the order in which they failed.
        skipped: with the failed nodes that each of them needs.
        unstarted: neither done nor given up: the run was stopped before, or is not finished.
    """

    succeeded: tuple[str, ...]
    failed: Mapping[str, Failure]
    skipped: Mapping[str, tuple[str, ...]]
    unstarted: tuple[str, ...]
