"""Configs for graphs in one process: they note that they were created, and do before what a test tells them."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any, Final

import furu
from furu.execution.reporting.reporter import Reporter
from furu.execution.scheduling.outcomes import Outcome

if TYPE_CHECKING:
    from collections.abc import Callable

    from furu.execution import DependencyPlan
    from furu.execution.scheduling.outcomes import RunReport, Start, Verdict
    from furu.execution.worker import NodeEnd

PATIENCE_SEC: Final = 30.0
"""How long to wait for what should happen at once; the machine may be busy."""

CREATED: Final[list[str]] = []
"""Names of nodes, in the order in which their `_create()` began."""

DOES: Final[dict[str, Callable[[], object]]] = {}
"""What a node does in its `_create()`, by name; it may raise."""

REFUSED: Final[set[str]] = set()
"""Names of nodes whose `_validate()` says no."""


def forget() -> None:
    """Begin anew."""
    CREATED.clear()
    DOES.clear()
    REFUSED.clear()


def failing(error: BaseException | None = None, *, times: int = 1_000_000) -> Callable[[], None]:
    """A deed that raises, the first so many times."""
    left = [times]

    def fail() -> None:
        left[0] -= 1
        if left[0] >= 0:
            raise error or ValueError("told to fail")

    return fail


class Node(furu.Furu[int]):
    """One more than the sum of what it needs."""

    name: str
    needs: tuple[furu.Furu[Any], ...] = ()
    key: str = furu.field(default="default", identity=False)

    def _executor_spec_key(self) -> str:
        return self.key

    def _create(self) -> int:
        CREATED.append(self.name)
        DOES.get(self.name, int)()
        return 1 + sum(int(need.get()) for need in self.needs)


class Other(Node):
    """The same under another name."""


class Checked(Node):
    """May refuse its published result."""

    def _validate(self) -> bool:
        DOES.get(f"validate {self.name}", int)()
        return self.name not in REFUSED


class Declaring(furu.Furu[int]):
    """Needs something that no field names."""

    name: str

    def _dependencies(self) -> list[furu.Furu[Any]]:
        return [Node(name="declared")]

    def _create(self) -> int:
        CREATED.append(self.name)
        return 1 + Node(name="declared").get()


class Undeclared(furu.Furu[int]):
    """Needs something that it doesn't declare."""

    name: str = "undeclared"

    def _create(self) -> int:
        CREATED.append(self.name)
        return 1 + Node(name="hidden").get()


class Ring(furu.Furu[int]):
    """Two of them depend on each other."""

    number: int

    def _dependencies(self) -> furu.Furu[int]:
        return Ring(number=1 - self.number)

    def _create(self) -> int:
        return self.number


def leaf(name: str, **fields: Any) -> Node:
    """A node that needs nothing."""
    return Node(name=name, **fields)


def fan(width: int, **fields: Any) -> list[Node]:
    """Leaves, as many as that."""
    return [leaf(f"n{number}", **fields) for number in range(width)]


def chain(length: int) -> list[Node]:
    """`n0`, which needs nothing, up to `n<length - 1>`; each needs the one before."""
    nodes: list[Node] = []
    for number in range(length):
        nodes.append(Node(name=f"n{number}", needs=tuple(nodes[-1:])))
    return nodes


def layers(width: int, depth: int) -> list[Node]:
    """The top of `depth` layers of `width` nodes, each of which needs three of the layer below."""
    row = [leaf(f"0-{number}") for number in range(width)]
    for level in range(1, depth):
        row = [
            Node(name=f"{level}-{number}", needs=tuple({row[(number + step) % width]: 0 for step in range(3)}))
            for number in range(width)
        ]
    return row


class Gate:
    """Nodes wait in it until the test lets them through."""

    def __init__(self) -> None:
        self._arrived = threading.Semaphore(0)
        self._is_open = threading.Event()
        self.inside = 0
        self.most_inside = 0
        self._guard = threading.Lock()

    def __call__(self) -> None:
        """Wait in it."""
        with self._guard:
            self.inside += 1
            self.most_inside = max(self.most_inside, self.inside)
        self._arrived.release()
        assert self._is_open.wait(PATIENCE_SEC)
        with self._guard:
            self.inside -= 1

    def await_arrivals(self, number: int = 1) -> None:
        """Until so many more have come."""
        for _ in range(number):
            assert self._arrived.acquire(timeout=PATIENCE_SEC)

    def open(self) -> None:
        """Let all through, now and later."""
        self._is_open.set()


class Heard(Reporter):
    """What a run reported, by the names of nodes: `start a`, `end a succeeded`, `owner a succeeded`."""

    def __init__(self) -> None:
        self.events: list[str] = []
        self.verdicts: list[str] = []
        self.ends: dict[str, NodeEnd] = {}
        self.lost: dict[str, NodeEnd] = {}
        self.report: RunReport | None = None
        self.error: BaseException | None = None
        self.run_id = ""
        self._plan: DependencyPlan | None = None
        self._changed = threading.Condition()

    def name(self, furu_hash: str) -> str:
        """Of the node with that hash."""
        assert self._plan is not None
        return str(getattr(self._plan.nodes[furu_hash].obj, "name", "?"))

    def await_event(self, event: str) -> None:
        """Until it is heard."""
        with self._changed:
            assert self._changed.wait_for(lambda: event in self.events, PATIENCE_SEC), self.events

    def starts(self) -> list[str]:
        """Names of the nodes that were started, in order."""
        return [event.split()[1] for event in self.events if event.startswith("start ")]

    def _hear(self, event: str) -> None:
        with self._changed:
            self.events.append(event)
            self._changed.notify_all()

    def run_started(self, run_id: str, plan: DependencyPlan) -> None:
        self.run_id, self._plan = run_id, plan

    def node_started(self, start: Start) -> None:
        self._hear(f"start {self.name(start.hash)}")

    def node_ended(self, start: Start, end: NodeEnd, verdict: Verdict) -> None:
        self.ends[self.name(start.hash)] = end
        if end.outcome is Outcome.WORKER_LOST:
            self.lost[self.name(start.hash)] = end
        self.verdicts.append(f"{self.name(start.hash)} {verdict.status}: {verdict.because}")
        self._hear(f"end {self.name(start.hash)} {end.outcome}")

    def owner_ended(self, furu_hash: str, verdict: Verdict) -> None:
        self._hear(f"owner {self.name(furu_hash)} {verdict.status}")

    def run_ended(self, report: RunReport, error: BaseException | None) -> None:
        self.report, self.error = report, error
