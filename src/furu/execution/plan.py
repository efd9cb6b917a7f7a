"""What a run has to do: every config below the roots, each once, with its status and the reason for it.

build_plan
    wave by wave from the roots: status of each node -> only those to be computed lead on to their dependencies
    links: deps_pending, dependents

Linear in nodes and edges. Planning computes nothing and writes nothing, but for ending the lease of an owner that is
proven dead.
"""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, cast

from furu import config
from furu.core.furu import Furu
from furu.errors import FuruConfigError, FuruDependencyCycle
from furu.execution.cost import PlanSummary, explain_node, summarize
from furu.execution.notebook import plan_html
from furu.execution.survey import Status, Survey
from furu.identity.fields import check_config
from furu.lifecycle.computable import node_name

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

__all__ = ["DependencyPlan", "PlanNode", "Status", "build_plan", "ready_todo", "topo_order_todo"]


@dataclass(slots=True)
class PlanNode:
    """A config in the graph an executor works on.

    Attributes:
        obj: the config.
        status: DONE, IN_PROGRESS, TODO or FAILED.
        spec_key: the resources it wants.
        deps_all: hashes of its direct dependencies; empty where they don't matter any more.
        deps_pending: those of them that are not DONE.
        dependents: hashes of the nodes that wait for this one.
        because: the reason for the status, for people.
    """

    obj: Furu[Any]
    status: Status
    spec_key: str
    deps_all: tuple[str, ...] = ()
    deps_pending: tuple[str, ...] = ()
    dependents: tuple[str, ...] = ()
    because: str = ""

    @property
    def name(self) -> str:
        """`Class(hash)`."""
        return node_name(self.obj)


@dataclass
class DependencyPlan:
    """The graph below some roots.

    Attributes:
        roots: as given, each once.
        nodes: by hash, in the order in which they were met.
    """

    roots: list[Furu[Any]]
    nodes: dict[str, PlanNode] = field(default_factory=dict)

    def with_status(self, status: Status) -> list[PlanNode]:
        """The nodes of one status."""
        return [node for node in self.nodes.values() if node.status is status]

    def counts(self) -> Counter[Status]:
        """How many nodes there are of each status."""
        return Counter(node.status for node in self.nodes.values())

    def summary(self) -> PlanSummary:
        """What would be computed, by class, with reasons, spec keys and the cost by what such nodes took before.

        Print it, or use its fields. Reads a sample of the stored artifacts of each class; computes nothing.
        """
        return summarize(self)

    def _repr_html_(self) -> str | None:
        return plan_html(self)

    def explain(self, node: str | Furu[Any]) -> str:
        """Why a node has the status it has, what it waits for and what waits for it.

        Args:
            node: its config, its hash, or the beginning of that.

        Raises:
            KeyError: no node, or more than one, begins like that.
        """
        return explain_node(self, node if isinstance(node, str) else node.furu_hash)


def build_plan(roots: Iterable[Furu[Any]], *, completed_hashes: Collection[str] | None = None) -> DependencyPlan:
    """Find out what has to be computed so that all `roots` can be loaded.

    Nodes that are DONE, IN_PROGRESS or FAILED end the search: nothing below them is needed. A node is FAILED only
    while `FURU_RETRY_FAILED` is off.

    Args:
        roots: configs; the same one twice counts once.
        completed_hashes: hashes that this run has already computed, so that an always-rerun class is DONE for them.

    Raises:
        FuruConfigError: (a `TypeError`) a root is no config, or a class has a spec key that is no text.
        FuruDependencyCycle: (a `ValueError`) configs depend on each other in a ring.
        FuruSettingsError: a setting can't be used.
    """
    unique = _unique(roots)
    config.resolve_always_rerun()
    survey = Survey(config.settings(), frozenset(completed_hashes or ()))
    plan = DependencyPlan(list(unique.values()))
    wave = unique
    while wave:
        following: dict[str, Furu[Any]] = {}
        for furu_hash, (status, because) in survey.look(wave).items():
            obj = wave[furu_hash]
            node = PlanNode(obj, status, _spec_key_of(obj), because=because)
            plan.nodes[furu_hash] = node
            if status is Status.TODO:
                below = {each.furu_hash: each for each in obj._get_dependencies(recursive=False)}
                node.deps_all = tuple(below)
                following.update(below)
        wave = {furu_hash: obj for furu_hash, obj in following.items() if furu_hash not in plan.nodes}
    _link(plan)
    return plan


def topo_order_todo(plan: DependencyPlan) -> list[str]:
    """Hashes of the TODO nodes of `plan`, dependencies first; among those that are ready, the smallest hash first.

    The order of A. B. Kahn, "Topological sorting of large networks" (1962), with a sorted ready list: the same for
    every order of the roots. Dependencies in progress don't hold a node back here.

    Raises:
        FuruDependencyCycle: (a `ValueError`) there is none.
    """
    todo = {furu_hash: node for furu_hash, node in plan.nodes.items() if node.status is Status.TODO}
    missing = {furu_hash: {dep for dep in node.deps_pending if dep in todo} for furu_hash, node in todo.items()}
    # Not read from the nodes, so that a plan put together by hand can't be half linked.
    dependents: dict[str, list[str]] = {furu_hash: [] for furu_hash in todo}
    for furu_hash, deps in missing.items():
        for dep in deps:
            dependents[dep].append(furu_hash)
    ready = [furu_hash for furu_hash, deps in missing.items() if not deps]
    heapq.heapify(ready)
    order = []
    while ready:
        furu_hash = heapq.heappop(ready)
        order.append(furu_hash)
        for dependent in dependents[furu_hash]:
            missing[dependent].discard(furu_hash)
            if not missing[dependent]:
                heapq.heappush(ready, dependent)
    if len(order) < len(todo):
        raise FuruDependencyCycle(cycle=_find_cycle(plan, todo.keys() - set(order)))
    return order


def ready_todo(plan: DependencyPlan) -> list[str]:
    """Hashes of the TODO nodes of `plan` whose dependencies are all DONE, sorted."""
    return sorted(
        furu_hash for furu_hash, node in plan.nodes.items() if node.status is Status.TODO and not node.deps_pending
    )


def _unique(roots: Iterable[Furu[Any]]) -> dict[str, Furu[Any]]:
    if isinstance(roots, Furu) or not isinstance(roots, Iterable):
        check_config(roots, "roots")
        roots = [cast("Furu[Any]", roots)]
    listed: Sequence[object] = list(roots)
    for index, root in enumerate(listed):
        check_config(root, f"roots[{index}]")
    return {root.furu_hash: root for root in listed if isinstance(root, Furu)}


def _spec_key_of(obj: Furu[Any]) -> str:
    key: object = obj._executor_spec_key()
    if not isinstance(key, str) or not key:
        msg = f"{type(obj).__qualname__}._executor_spec_key() must return a str that is not empty, not {key!r}"
        raise FuruConfigError(msg, issues=[("_executor_spec_key", f"is {key!r}")])
    return key


def _link(plan: DependencyPlan) -> None:
    dependents: dict[str, list[str]] = {furu_hash: [] for furu_hash in plan.nodes}
    for furu_hash, node in plan.nodes.items():
        node.deps_pending = tuple([dep for dep in node.deps_all if plan.nodes[dep].status is not Status.DONE])
        for dep in node.deps_pending:
            dependents[dep].append(furu_hash)
    for furu_hash, waiting in dependents.items():
        plan.nodes[furu_hash].dependents = tuple(waiting)


def _find_cycle(plan: DependencyPlan, stuck: Collection[str]) -> list[str]:
    """A ring among nodes of which each has a stuck dependency: walk until one comes again."""
    path: dict[str, None] = {}
    current = min(stuck)
    while current not in path:
        path[current] = None
        current = min(dep for dep in plan.nodes[current].deps_pending if dep in stuck)
    walked = list(path)
    ring = walked[walked.index(current) :]
    return [plan.nodes[furu_hash].name for furu_hash in (*ring, ring[0])]
