"""How far a run is: told what happened and when, it says what there is to show.

Tally
  expect(...)                        nodes by class, and how they were found
  started / ended / owner_ended      what happens to them
  look(now)                       -> Snapshot: a value that everything shown is made from
"""

from __future__ import annotations

from collections import Counter, deque
from dataclasses import dataclass
from enum import StrEnum
from itertools import islice
from statistics import median
from typing import TYPE_CHECKING, Final, NamedTuple

from furu.execution.scheduling.outcomes import Status

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

SHOWN_RUNNING: Final = 5
"""How many of the running nodes a snapshot names."""

_KEPT_WALLS: Final = 64
_RATE_SPAN_SEC: Final = 30


class State(StrEnum):
    """What a run has to say about a node; every node is in exactly one."""

    DONE = "done"
    RUNNING = "running"
    WAITING = "waiting"
    ELSEWHERE = "elsewhere"
    """Somebody else computes it."""
    FAILED = "failed"
    SKIPPED = "skipped"


# A retry that pauses and a node whose dependencies are done both wait for a worker, for whoever looks on.
STATE_OF: Final = {
    Status.WAITING: State.WAITING,
    Status.READY: State.WAITING,
    Status.DELAYED: State.WAITING,
    Status.RUNNING: State.RUNNING,
    Status.EXTERNAL: State.ELSEWHERE,
    Status.SUCCEEDED: State.DONE,
    Status.FAILED: State.FAILED,
    Status.SKIPPED: State.SKIPPED,
}


class Running(NamedTuple):
    """A node that runs.

    Attributes:
        node: its hash.
        namespace: of its class.
        age_sec: how long it has been running.
    """

    node: str
    namespace: str
    age_sec: float


class Eta(NamedTuple):
    """When the run will be over.

    Attributes:
        sec: from now.
        is_complete: whether it counts everything; otherwise it will take longer, nobody knows how much.
    """

    sec: float
    is_complete: bool


@dataclass(frozen=True, slots=True)
class ClassCount:
    """The nodes of one class.

    Attributes:
        namespace: of the class.
        counts: nodes by state.
        typical_sec: median wall time of a node: of those that this run computed, else as recorded; None if unknown.
    """

    namespace: str
    counts: Mapping[State, int]
    typical_sec: float | None

    @property
    def total(self) -> int:
        """All its nodes."""
        return sum(self.counts.values())

    @property
    def left(self) -> int:
        """Nodes that will still end."""
        return self.counts[State.RUNNING] + self.counts[State.WAITING] + self.counts[State.ELSEWHERE]


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A run at one moment.

    Attributes:
        elapsed_sec: since it began.
        classes: in the order in which the plan met them.
        oldest: some running nodes, the one that runs longest first.
        rate: nodes that ended well, per second of the last half minute; None before the first.
        eta: when it will be over; None if nothing is known.
        last_error: the last failure, in words; empty without one.
    """

    elapsed_sec: float
    classes: tuple[ClassCount, ...]
    oldest: tuple[Running, ...]
    rate: float | None
    eta: Eta | None
    last_error: str

    def count(self, state: State) -> int:
        """Nodes of all classes in a state."""
        return sum(entry.counts[state] for entry in self.classes)

    @property
    def total(self) -> int:
        """All nodes."""
        return sum(entry.total for entry in self.classes)


class _ClassTally:
    """What is kept of a class; of its durations the last few, which is enough for a median."""

    __slots__ = ("counts", "walls")

    def __init__(self) -> None:
        self.counts: Counter[State] = Counter()
        self.walls: deque[float] = deque(maxlen=_KEPT_WALLS)

    def move(self, before: State, after: State) -> None:
        self.counts[before] -= 1
        self.counts[after] += 1


class Tally:
    """The running count of a run. Every event costs the same, however many nodes there are. Not thread-safe."""

    def __init__(self, namespace_of: Callable[[str], str], now: float) -> None:
        """Begin at `now`, in seconds on the clock that all later times are of.

        Args:
            namespace_of: the namespace of a node's class, by its hash.
            now: when the run began.
        """
        self._namespace_of = namespace_of
        self._began = now
        self._classes: dict[str, _ClassTally] = {}
        self._running: dict[str, float] = {}  # since when; in that order, for time does not run backwards
        self._workers = 1  # busy after the last start: between an end and the next start there is one less
        self._ends: deque[tuple[int, int]] = deque(maxlen=_RATE_SPAN_SEC + 1)  # (second, how many in it)
        self.last_error = ""

    def expect(self, states: Iterable[tuple[str, State]]) -> None:
        """Count nodes in: the namespace of each, and how it was found."""
        for (namespace, state), count in Counter(states).items():
            self._class(namespace).counts[state] += count

    def started(self, node: str, now: float) -> None:
        """A worker begins with a node."""
        self._running[node] = now
        self._workers = len(self._running)
        self._class(self._namespace_of(node)).move(State.WAITING, State.RUNNING)

    def ended(self, node: str, status: Status, skipped: Iterable[str], now: float, wall_sec: float | None) -> None:
        """A worker is through with a node.

        Args:
            node: its hash.
            status: what the schedule made of it.
            skipped: nodes that can't run any more because of it.
            now: when.
            wall_sec: how long it was computed; None if it was not.
        """
        self._running.pop(node, None)
        entry = self._class(self._namespace_of(node))
        entry.move(State.RUNNING, STATE_OF[status])
        if status is Status.SUCCEEDED:
            if wall_sec is not None:
                entry.walls.append(wall_sec)
            self._count_end(int(now - self._began))
        self._skip(skipped)

    def owner_ended(self, node: str, status: Status, skipped: Iterable[str]) -> None:
        """Somebody else is through with a node."""
        self._class(self._namespace_of(node)).move(State.ELSEWHERE, STATE_OF[status])
        self._skip(skipped)

    def unknown(self) -> list[str]:
        """Namespaces of classes with nodes to come whose duration this run has not seen; none before work begins."""
        if not self._running and not self._ends:
            return []
        return [name for name, entry in self._classes.items() if entry.counts[State.WAITING] and not entry.walls]

    def snapshot(self, now: float, recorded: Mapping[str, float | None]) -> Snapshot:
        """All of it, as a value.

        Args:
            now: the present moment.
            recorded: typical durations by namespace, in seconds, for classes that this run has not computed yet.
        """
        classes = tuple(
            ClassCount(name, entry.counts.copy(), median(entry.walls) if entry.walls else recorded.get(name))
            for name, entry in self._classes.items()
        )
        running = [Running(node, self._namespace_of(node), now - since) for node, since in self._running.items()]
        return Snapshot(
            elapsed_sec=now - self._began,
            classes=classes,
            oldest=tuple(islice(running, SHOWN_RUNNING)),
            rate=self._rate(now - self._began),
            eta=estimate(classes, running, self._workers),
            last_error=self.last_error,
        )

    def _class(self, namespace: str) -> _ClassTally:
        try:
            return self._classes[namespace]
        except KeyError:
            return self._classes.setdefault(namespace, _ClassTally())

    def _skip(self, nodes: Iterable[str]) -> None:
        for node in nodes:
            self._class(self._namespace_of(node)).move(State.WAITING, State.SKIPPED)

    def _count_end(self, second: int) -> None:
        if self._ends and self._ends[-1][0] == second:
            self._ends[-1] = second, self._ends[-1][1] + 1
        else:
            self._ends.append((second, 1))

    def _rate(self, elapsed_sec: float) -> float | None:
        if not self._ends or elapsed_sec <= 0:
            return None
        first = int(elapsed_sec) - _RATE_SPAN_SEC + 1
        count = sum(count for second, count in self._ends if second >= first)
        return count / (elapsed_sec - max(0, first))


def estimate(classes: Iterable[ClassCount], running: Iterable[Running], workers: int) -> Eta | None:
    """When all nodes will have ended, if as many `workers` stay busy as are now.

    What is left of each class by its typical duration, shared out among the workers, and never less than the longest
    node. A node that runs longer than its class typically does may take any time; so may one that somebody else
    computes.
    """
    typical = {entry.namespace: entry.typical_sec for entry in classes}
    pieces: list[float] = []
    total_sec = 0.0
    is_complete = True
    for entry in classes:
        waiting = entry.counts[State.WAITING]
        if entry.typical_sec is not None and waiting:
            pieces.append(entry.typical_sec)
            total_sec += entry.typical_sec * waiting
        is_complete &= not entry.counts[State.ELSEWHERE] and (entry.typical_sec is not None or not waiting)
    for each in running:
        usual = typical.get(each.namespace)
        rest_sec = max(0.0, usual - each.age_sec) if usual is not None else 0.0
        pieces.append(rest_sec)
        total_sec += rest_sec
        is_complete &= rest_sec > 0
    sec = max(total_sec / workers, *pieces, 0.0)
    return Eta(sec, is_complete) if is_complete or sec > 0 else None
