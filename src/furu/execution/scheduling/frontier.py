"""How far a run has come: its nodes in order, what dependencies and window allow, and what is left to do."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from furu.execution.scheduling.graph import ReadyGraph
from furu.execution.scheduling.outcomes import Status
from furu.execution.scheduling.windows import RollingWindow

if TYPE_CHECKING:
    from collections.abc import Iterable
    from collections.abc import Set as AbstractSet

    from furu.execution.scheduling.outcomes import Node, Outcome


class Task:
    """A node, and what the schedule remembers of it.

    Attributes:
        order: those with lower numbers start first.
        root: number of the root that brings it in; -1 while no root does.
        is_open: that root is, or was, in the window.
        ends: how often its attempts ended in each way.
        after: how its last attempt ended, and `error` what was reported with it.
    """

    __slots__ = (
        "after",
        "attempts",
        "deps",
        "ends",
        "error",
        "is_external",
        "is_open",
        "node",
        "order",
        "root",
        "spec_key",
        "status",
    )

    def __init__(self, node: Node, deps: tuple[str, ...]) -> None:
        self.node = node.hash
        self.spec_key = node.spec_key
        self.is_external = node.is_external
        # What it needs once its owner is gone; what a node of ours needs, the graph knows.
        self.deps = deps if node.is_external else ()
        self.status = Status.WAITING
        self.order = 0
        self.root = -1
        self.is_open = False
        self.attempts = 0
        self.ends: dict[Outcome, int] | None = None
        self.after: Outcome | None = None
        self.error: object = None


class Found(NamedTuple):
    """What a closer look at a node brought.

    Attributes:
        opened: nodes that are open now and were not before.
        ready: nodes that need nothing else, now that this is known.
        lost: nodes that can't run.
    """

    opened: list[Task]
    ready: list[Task]
    lost: list[Task]


class Frontier:
    """Graph and window of one run; decides nothing about failures and knows no limits."""

    def __init__(self) -> None:
        self.tasks: dict[str, Task] = {}
        self.unsettled = 0
        self._graph = ReadyGraph()
        self._lowest_order = 0
        self._roots: list[str] = []
        # What each root brings in, until it is open.
        self._parts: list[list[Task]] = []
        # Roots that an earlier root needs too: their own work is part of that one's.
        self._needed_before: dict[str, int] = {}
        self._window = RollingWindow([], None)

    @property
    def open_roots(self) -> list[str]:
        """The roots that are worked on, in order."""
        return [self._roots[number] for number in self._window.open_roots]

    def add(self, node: Node, done: AbstractSet[str]) -> None:
        """Add `node`, whose dependencies are nodes too or `done`."""
        deps = pending(node.deps, done)
        self._graph.add(node.hash, () if node.is_external else deps)
        self.tasks[node.hash] = Task(node, deps)

    def walk(self, roots: Iterable[str], size: int | None) -> list[Task]:
        """Put in order what `roots` need, with a window of `size` over them: the nodes that need nothing else.

        A node belongs to the first root that needs it.
        """
        self._roots = list(dict.fromkeys(roots))
        ready: list[str] = []
        for number, root in enumerate(self._roots):
            walk = self._graph.walk(root)
            part = [self.tasks[node] for node in walk.order]
            for order, task in enumerate(part, self.unsettled):
                task.order = order
                task.root = number
            self.unsettled += len(part)
            if not part:
                self._needed_before[root] = number
            self._parts.append(part)
            ready += walk.ready
        self._window = RollingWindow([len(part) or 1 for part in self._parts], size)
        return [self.tasks[node] for node in ready]

    def roll(self) -> list[Task]:
        """Open the roots that the window has come to: the nodes that are open now and were not before."""
        opened: list[Task] = []
        for number in self._window.roll():
            # What became part of an earlier root meanwhile is open with that one.
            opened += [task for task in self._parts[number] if task.root == number]
            self._parts[number] = []
        for task in opened:
            task.is_open = True
        return opened

    def succeeded(self, task: Task) -> list[Task]:
        """`task` is done: the nodes that need nothing else now."""
        self._settle(task)
        return [self.tasks[node] for node in self._graph.done(task.node)]

    def failed(self, task: Task) -> list[Task]:
        """`task` will never be done: the nodes that can't run because of it."""
        self._settle(task)
        return self._give_up(self._graph.failed(task.node))

    def again(self, task: Task, deps: tuple[str, ...]) -> Found:
        """`task` was ready, but needs `deps` first.

        What was not known before becomes part of the root of `task`, and so does what a later root would have
        brought in: that root may open only after this one is finished. It all comes first: somebody wanted it.
        """
        walk = self._graph.again(task.node, deps)
        needed = [self.tasks[node] for node in walk.order]
        part = [each for each in needed if each.root < 0 or (each.root > task.root and not each.is_open)]
        self._lowest_order -= len(part)
        for order, each in enumerate(part, self._lowest_order):
            each.order = order
            self._move(each, task)
        return Found(
            opened=part if task.is_open else [],
            ready=[self.tasks[node] for node in walk.ready],
            lost=self._give_up(walk.doomed),
        )

    def causes(self) -> dict[str, tuple[str, ...]]:
        """For each node that can't run, the failed nodes that it needs."""
        return self._graph.causes()

    def _move(self, each: Task, task: Task) -> None:
        """Make `each` part of the root of `task`."""
        self._window.grow(task.root, 1)
        if each.root < 0:
            self.unsettled += 1
        else:
            if each.node == self._roots[each.root]:
                self._needed_before[each.node] = each.root
                self._window.grow(each.root, 1)
            self._window.settle(each.root)
        each.root = task.root
        each.is_open = task.is_open
        if not task.is_open:
            self._parts[task.root].append(each)

    def _give_up(self, nodes: list[str]) -> list[Task]:
        tasks = [self.tasks[node] for node in nodes]
        for task in tasks:
            self._settle(task)
        return tasks

    def _settle(self, task: Task) -> None:
        self.unsettled -= 1
        self._window.settle(task.root)
        if task.node in self._needed_before:
            self._window.settle(self._needed_before[task.node])


def pending(deps: tuple[str, ...], done: AbstractSet[str]) -> tuple[str, ...]:
    """Those of `deps` that are not `done`."""
    return tuple(dep for dep in deps if dep not in done) if done else deps
