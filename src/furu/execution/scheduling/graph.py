"""Readiness: which nodes of a graph may run, told of each end and nothing else.

`ReadyGraph` is graphlib's `TopologicalSorter` for runs in which things fail. Its users:

    add(node, deps)     any number, in any order
    walk(root)          what root needs: checked, put in order; some of it may run at once
    done(node)          -> what may run now
    failed(node)        -> what can never run now
    again(node, deps)   it was handed out, but must wait for these first

Each node is handed out, or given up, in exactly one answer. All calls together cost O(nodes + edges).
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Final, NamedTuple

from furu.errors import FuruDependencyCycle, FuruError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator


class GraphMisuse(FuruError, ValueError):
    """The graph was told something that can't be true; the caller has a bug."""


class State(StrEnum):
    """What the graph knows of a node."""

    ADDED = "added"
    WAITING = "waiting"
    HANDED_OUT = "handed out"
    DONE = "done"
    FAILED = "failed"
    DOOMED = "doomed"


class Walk(NamedTuple):
    """What a walk found.

    Attributes:
        order: the nodes that no earlier walk returned, dependencies before dependents.
        ready: those of them that may run at once.
        doomed: nodes that can never run, because the walk met failed ones.
    """

    order: list[str]
    ready: list[str]
    doomed: list[str]


_NOT_HANDED_OUT: Final = {
    State.ADDED: "was never walked",
    State.WAITING: "was never handed out: it still waits for dependencies",
    State.DONE: "was already done",
    State.FAILED: "already failed",
    State.DOOMED: "was never handed out: a dependency of it failed",
}
_NEW: Final = frozenset({State.ADDED})
_UNFINISHED: Final = frozenset({State.ADDED, State.WAITING, State.HANDED_OUT})
_LOST: Final = frozenset({State.FAILED, State.DOOMED})


class ReadyGraph:
    """The graph of one run; nodes are strings, answers are in the order in which nodes and dependencies were given."""

    def __init__(self) -> None:
        self._states: dict[str, State] = {}
        self._deps: dict[str, tuple[str, ...]] = {}
        self._dependents: dict[str, list[str]] = {}
        self._pending: dict[str, int] = {}
        self._failed: list[str] = []

    def add(self, node: str, deps: Iterable[str] = ()) -> None:
        """Add `node`, which needs `deps`; they may be added later, but before the walk that comes to them.

        Raises:
            GraphMisuse: it was added before.
        """
        if node in self._states:
            raise GraphMisuse(f"{node} was added twice")
        self._states[node] = State.ADDED
        self._deps[node] = tuple(dict.fromkeys(deps))

    def walk(self, root: str) -> Walk:
        """Take in `root` and all it needs; a node is walked once, however many roots need it.

        Raises:
            GraphMisuse: a node was never added.
            FuruDependencyCycle: the nodes of a cycle, in order. The graph is as it was.
        """
        self._known(root)
        return self._walk(self._post_order((root,), _NEW))

    def done(self, node: str) -> list[str]:
        """`node` is there: the nodes that may run now and could not before.

        Raises:
            GraphMisuse: it was not handed out, or has ended already.
        """
        self._hand_in(node, State.DONE)
        states, pending = self._states, self._pending
        ready = []
        for dependent in self._dependents.pop(node, ()):
            pending[dependent] -= 1
            if not pending[dependent]:
                states[dependent] = State.HANDED_OUT
                ready.append(dependent)
        return ready

    def failed(self, node: str) -> list[str]:
        """`node` will never be there: all nodes that can't run because of it and were not given up before.

        Raises:
            GraphMisuse: it was not handed out, or has ended already.
        """
        self._hand_in(node, State.FAILED)
        self._failed.append(node)
        return self._doom(node)

    def again(self, node: str, deps: Iterable[str]) -> Walk:
        """`node` was handed out, but can only run after `deps`: walk it once more, with these dependencies.

        The order found is all that `node` needs and that is not done, also what was walked before; `node` is its
        last, and in `ready` if that is all. The only call that costs more than the edges it resolves.

        Raises:
            GraphMisuse: it was not handed out, or has ended already; or one of `deps` was never added.
            FuruDependencyCycle: one of `deps` needs `node`. The graph is as it was.
        """
        self._hand_in(node, State.ADDED)
        before, self._deps[node] = self._deps[node], tuple(dict.fromkeys(deps))
        try:
            order = self._post_order((node,), _UNFINISHED)
        except (FuruDependencyCycle, GraphMisuse):
            self._states[node], self._deps[node] = State.HANDED_OUT, before
            raise
        return self._walk(order)

    def causes(self) -> dict[str, tuple[str, ...]]:
        """For each node that can never run, the failed nodes that it needs, in the order in which they failed."""
        masks = {node: 1 << number for number, node in enumerate(self._failed)}
        doomed = (node for node, state in self._states.items() if state is State.DOOMED)
        # Sets of failed nodes are bits of a number, and equal ones are one object: many nodes share few of them.
        shared: dict[int, int] = {}
        named: dict[int, tuple[str, ...]] = {}
        causes = {}
        for node in self._post_order(doomed, frozenset({State.DOOMED})):
            mask = 0
            for dep in self._deps[node]:
                mask |= masks.get(dep, 0)
            masks[node] = mask = shared.setdefault(mask, mask)
            if mask not in named:
                named[mask] = tuple(failed for bit, failed in enumerate(self._failed) if mask >> bit & 1)
            causes[node] = named[mask]
        return causes

    def _known(self, node: str) -> State:
        try:
            return self._states[node]
        except KeyError:
            raise GraphMisuse(f"{node} was never added") from None

    def _hand_in(self, node: str, state: State) -> None:
        before = self._known(node)
        if before is not State.HANDED_OUT:
            raise GraphMisuse(f"{node} {_NOT_HANDED_OUT[before]}")
        self._states[node] = state

    def _walk(self, order: list[str]) -> Walk:
        found = Walk(order, [], [])
        for node in order:
            if self._states[node] is State.ADDED:
                self._take_in(node, found)
        return found

    def _take_in(self, node: str, found: Walk) -> None:
        pending = 0
        is_lost = False
        for dep in self._deps[node]:
            state = self._states[dep]
            if state is not State.DONE:
                is_lost = is_lost or state in _LOST
                self._dependents.setdefault(dep, []).append(node)
                pending += 1
        self._pending[node] = pending
        if is_lost:
            self._states[node] = State.DOOMED
            found.doomed.append(node)
            found.doomed.extend(self._doom(node))
        elif pending:
            self._states[node] = State.WAITING
        else:
            self._states[node] = State.HANDED_OUT
            found.ready.append(node)

    def _doom(self, node: str) -> list[str]:
        doomed = []
        lost = [node]
        for each in lost:
            for dependent in self._dependents.get(each, ()):
                if self._states[dependent] is State.WAITING:
                    self._states[dependent] = State.DOOMED
                    doomed.append(dependent)
                    lost.append(dependent)
        return doomed

    def _post_order(self, tops: Iterable[str], entered: frozenset[State]) -> list[str]:
        """`tops` and what they need through nodes in one of the states `entered`, dependencies first."""
        states, deps = self._states, self._deps
        order: list[str] = []
        seen: set[str] = set()
        for top in tops:
            # From top to the node at hand, each with the dependencies not yet looked at.
            path: dict[str, Iterator[str]] = {}
            if states[top] in entered and top not in seen:
                path[top] = iter(deps[top])
            while path:
                node = next(reversed(path))
                for dep in path[node]:
                    if dep in path:
                        raise FuruDependencyCycle(cycle=_ring(list(path), dep))
                    if dep in seen:
                        continue
                    if dep not in states:
                        raise GraphMisuse(f"{node} depends on {dep}, which was never added")
                    if states[dep] in entered:
                        path[dep] = iter(deps[dep])
                        break
                else:
                    path.popitem()
                    seen.add(node)
                    order.append(node)
        return order


def _ring(path: list[str], closing: str) -> list[str]:
    return [*path[path.index(closing) :], closing]
