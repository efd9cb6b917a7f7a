"""Any graph, any fates, any order of events: what the scheduler promises holds, and every run comes to its end.

A `World` knows the whole truth: dependencies, how each attempt ends, what other owners do. `Journey` runs a
schedule through it and checks every answer against that truth.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import pytest
from hypothesis import event, given, settings
from hypothesis import strategies as st

from furu.execution.scheduling.outcomes import NO_ATTEMPT, Node, Outcome, RunReport, Start, Status
from furu.execution.scheduling.retries import RetryPolicy
from furu.execution.scheduling.schedule import Schedule

POLICY = RetryPolicy(
    max_retries=2, max_invalid=1, max_worker_losses=2, max_preemptions=3, backoff=lambda failures: 3.0 * failures
)
BAD = [outcome for outcome in Outcome if outcome is not Outcome.SUCCEEDED]


@dataclass(frozen=True)
class World:
    """The truth.

    Attributes:
        deps: each node's dependencies, whatever a plan shows of them.
        fates: how its attempts end, in order; then they succeed.
        owners: what becomes of the other owner that some nodes have: "done", "gone" or "failed".
        done: what was there before.
    """

    deps: dict[str, tuple[str, ...]]
    keys: dict[str, str]
    fates: dict[str, tuple[Outcome, ...]]
    owners: dict[str, str]
    done: frozenset[str]
    roots: tuple[str, ...]
    options: dict[str, Any] = field(default_factory=dict)

    @property
    def max_open(self) -> int:
        size: Any = self.options["window_size"]
        return int({"dfs": 1, "bfs": len(self.roots)}.get(size, size))

    def closure(self, node: str) -> frozenset[str]:
        return closure(tuple(sorted(self.deps.items())), node)

    def fails_for_good(self, node: str) -> bool:
        """By counting, not by asking the code under test."""
        ends: Counter[Outcome] = Counter()
        budgets = {Outcome.COMPUTE_FAILED: 2, Outcome.INVALID: 1, Outcome.WORKER_LOST: 2, Outcome.PREEMPTED: 3}
        for outcome in self.fates[node]:
            ends[outcome] += 1
            if outcome not in NO_ATTEMPT and ends[outcome] > budgets.get(outcome, 0):
                return True
        return False

    def plan(self, tops: list[str], done: set[str], owned: set[str]) -> list[Node]:
        """What a planner sees: it does not look behind what is done or being computed."""
        nodes: dict[str, Node] = {}
        waiting = list(tops)
        for node in waiting:
            if node in nodes or node in done:
                continue
            deps = () if node in owned else self.deps[node]
            nodes[node] = Node(node, deps, self.keys[node], node in owned)
            waiting.extend(deps)
        return list(nodes.values())


@cache
def closure(deps: tuple[tuple[str, tuple[str, ...]], ...], node: str) -> frozenset[str]:
    return frozenset({node}).union(*(closure(deps, dep) for dep in dict(deps)[node]))


@st.composite
def worlds(draw: st.DrawFn, *, owners: bool = True) -> World:
    size = draw(st.integers(1, 10))
    names = draw(st.permutations([f"n{i}" for i in range(size)]))
    deps = {
        name: tuple(draw(st.lists(st.sampled_from(names[:i]), unique=True, max_size=3))) if i else ()
        for i, name in enumerate(names)
    }
    some = st.lists(st.sampled_from(names), max_size=5)
    bad = st.sampled_from([each for each in BAD if owners or each is not Outcome.LEASED_ELSEWHERE])
    fate = st.lists(bad, max_size=5) | st.builds(lambda outcome, times: [outcome] * times, bad, st.integers(1, 5))
    endings = st.sampled_from(["done", "gone", "gone", "failed"])
    return World(
        deps=deps,
        keys={name: draw(st.sampled_from("ab")) for name in names},
        fates=dict.fromkeys(names, ()) | {name: tuple(draw(fate)) for name in draw(some)},
        owners={name: draw(endings) for name in draw(some)} if owners else {},
        done=frozenset(draw(some)),
        roots=tuple(draw(st.lists(st.sampled_from(names), min_size=1, max_size=5))),
        options={
            "window_size": draw(st.sampled_from(["dfs", "bfs", 1, 2, 3])),
            "max_running": draw(st.sampled_from([None, 1, 2, 3])),
            "limits": draw(st.dictionaries(st.sampled_from("abc"), st.integers(1, 2))),
            "on_error": draw(st.sampled_from(["stop", "continue"])),
        },
    )


class Journey:
    """A schedule on its way through a world; `data` chooses what happens next."""

    def __init__(self, world: World, data: st.DataObject) -> None:
        self.world, self.data = world, data
        self.now = 0.0
        self.done = set(world.done)
        self.owned = set(world.owners) - self.done
        self.running: dict[str, Start] = {}
        self.failed: list[str] = []
        self.due: dict[str, float] = {}
        self.ends: Counter[str] = Counter()
        self.log: list[object] = []
        nodes = world.plan(list(world.roots), self.done, self.owned)
        self.schedule = Schedule(nodes, roots=world.roots, done=self.done, retries=POLICY, **world.options)

    def run(self) -> RunReport:
        for _ in range(1000):
            if self.schedule.is_finished:
                assert not self.running
                return self.schedule.report()
            self.step()
        pytest.fail(f"no end after 1000 events: {self.log[-10:]}")

    def step(self) -> None:
        """One event; there is always one that can come, or the run would hang."""
        self.take(self.data.draw(st.sampled_from([0, 1, None, {"a": 1}, {"b": 2}])))
        choices = [*sorted(self.running), *self.schedule.awaits_external()]
        if self.schedule.wake_at() is not None:
            choices.append("time")
        if not choices:
            # Nothing to wait for: then taking without restraint must bring something.
            assert self.take(None) or self.schedule.is_finished
            return
        choice = self.data.draw(st.sampled_from(choices))
        self.log.append(choice)
        if choice == "time":
            self.now = self.schedule.wake_at() or self.now
        elif choice in self.running:
            self.end(choice)
        else:
            self.hear_of_owner(choice)

    def take(self, free: Any) -> list[Start]:
        was_stopped = self.schedule.is_stopped
        starts = self.schedule.take(self.now, free)
        self.log.append((free, starts))
        for start in starts:
            self.check_start(start)
            self.running[start.hash] = start
        assert not (starts and was_stopped)
        assert len(starts) <= (free if isinstance(free, int) else len(starts))
        if isinstance(free, dict):
            assert all(count <= free.get(key, 0) for key, count in Counter(s.spec_key for s in starts).items())
        self.check_limits(is_greedy=free is None and not was_stopped)
        return starts

    def check_start(self, start: Start) -> None:
        node, world = start.hash, self.world
        assert set(world.deps[node]) <= self.done, "dependencies first"
        assert node not in self.done | self.running.keys() | self.owned | set(self.failed)
        assert self.due.get(node, 0) <= self.now, "not before its pause is over"
        assert start.spec_key == world.keys[node]
        ends = [outcome for outcome in world.fates[node][: self.ends[node]] if outcome not in NO_ATTEMPT]
        assert (start.attempt, start.after) == (len(ends) + 1, ends[-1] if ends else None)
        assert any(node in world.closure(root) for root in self.schedule.open_roots), "inside the window"

    def check_limits(self, *, is_greedy: bool) -> None:
        options, roots = self.world.options, self.schedule.open_roots
        running = Counter(start.spec_key for start in self.running.values())
        assert self.schedule.running == running.total() <= (options["max_running"] or 99)
        full = {key for key in "ab" if running[key] >= options["limits"].get(key, 99)}
        assert all(running[key] <= limit for key, limit in options["limits"].items())
        assert len(roots) <= self.world.max_open
        if is_greedy and running.total() < (options["max_running"] or 99):
            assert [node for node in self.startable(roots) if self.world.keys[node] not in full] == []

    def startable(self, roots: list[str]) -> list[str]:
        """What the truth would let start for `roots`, behind no other owner."""
        visible = {node.hash for node in self.world.plan(roots, self.done, self.owned)}
        busy = self.running.keys() | self.owned | set(self.failed)
        busy |= {node for node, due in self.due.items() if due > self.now}
        return sorted(node for node in visible - busy if set(self.world.deps[node]) <= self.done)

    def end(self, node: str) -> None:
        del self.running[node]
        fate = self.world.fates[node]
        outcome = fate[self.ends[node]] if self.ends[node] < len(fate) else Outcome.SUCCEEDED
        self.ends[node] += 1
        verdict = self.schedule.finished(node, outcome, self.now, error=f"{node} {self.ends[node]}")
        if verdict.status is Status.SUCCEEDED:
            self.done.add(node)
        elif verdict.status is Status.FAILED:
            self.failed.append(node)
            assert self.schedule.is_stopped is (self.world.options["on_error"] == "stop")
        elif verdict.status is Status.EXTERNAL:
            self.owned.add(node)
        elif verdict.status is Status.DELAYED:
            assert verdict.due_at is not None
            self.due[node] = verdict.due_at

    def hear_of_owner(self, node: str) -> None:
        self.owned.remove(node)
        # Whoever we met while running is gone some time, or we'd never see the rest of the fate.
        ending = self.world.owners.get(node, "gone") if not self.ends[node] else "gone"
        if ending == "done":
            self.schedule.external_done(node)
            self.done.add(node)
        elif ending == "failed":
            self.schedule.external_failed(node, error="theirs")
            self.failed.append(node)
        else:
            found = self.world.plan([node], self.done, self.owned)
            self.schedule.external_gone(node, found, done=frozenset(self.done))


@settings(max_examples=400, deadline=None)
@given(world=worlds(), data=st.data())
def test_every_run_keeps_its_promises_and_ends(world: World, data: st.DataObject) -> None:
    journey = Journey(world, data)
    report = journey.run()
    event(f"{len(report.failed)} failed, {len(report.unstarted)} unstarted")
    groups = [set(report.succeeded), set(report.failed), set(report.skipped), set(report.unstarted)]
    assert sum(map(len, groups)) == len(set().union(*groups)), "each node is in one group"
    assert groups[0] == journey.done - world.done
    assert set(journey.failed) <= groups[1], "stopping ends pauses as failures"
    for node, causes in report.skipped.items():
        assert set(causes) <= groups[1] & world.closure(node), "causes are failed and needed"
        assert causes
    if not report.failed:
        assert set(world.roots) <= journey.done
    if world.options["on_error"] == "continue":
        assert not report.unstarted


@settings(max_examples=300, deadline=None)
@given(world=worlds(owners=False), data=st.data())
def test_continue_finishes_exactly_what_has_no_failed_ancestor(world: World, data: st.DataObject) -> None:
    world.options["on_error"] = "continue"
    report = Journey(world, data).run()
    nodes = {node.hash: node for node in world.plan(list(world.roots), set(world.done), set())}
    ancestors = {node: needed(nodes, node) for node in nodes}
    doomed = {node for node in nodes if world.fails_for_good(node)}
    failed = {node for node in doomed if not ancestors[node] & doomed}
    # A node behind a failed one never runs, so it can't fail and is no cause.
    skipped = {node: ancestors[node] & failed for node in nodes if ancestors[node] & doomed}
    assert set(report.failed) == failed
    assert {node: set(causes) for node, causes in report.skipped.items()} == skipped
    assert set(report.succeeded) == nodes.keys() - failed - skipped.keys()


def needed(nodes: dict[str, Node], node: str) -> set[str]:
    deps = [dep for dep in nodes[node].deps if dep in nodes]
    return set(deps).union(*(needed(nodes, dep) for dep in deps))


@settings(max_examples=100, deadline=None)
@given(world=worlds(owners=False))
def test_the_same_run_starts_the_same_nodes_in_the_same_order(world: World) -> None:
    assert in_order(world) == in_order(world)


def in_order(world: World) -> list[Start]:
    """Run to the end with ends in the order of starts."""
    nodes = world.plan(list(world.roots), set(world.done), set())
    schedule = Schedule(nodes, roots=world.roots, done=world.done, retries=POLICY, **world.options)
    starts: list[Start] = []
    ended = 0
    counts: Counter[str] = Counter()
    while not schedule.is_finished:
        starts += schedule.take(schedule.wake_at() or 0)
        if ended < len(starts):
            node = starts[ended].hash
            fate = world.fates[node]
            schedule.finished(node, fate[counts[node]] if counts[node] < len(fate) else Outcome.SUCCEEDED, 0)
            counts[node] += 1
            ended += 1
    return starts
