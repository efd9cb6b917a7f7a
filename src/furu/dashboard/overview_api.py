"""Answers for scripts about the whole store: runs, graph, statistics, disk and health."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from fastapi import APIRouter

from furu import clock
from furu.dashboard.answers import (
    ClassDurations,
    DiskAnswer,
    DiskClass,
    Finding,
    GraphAnswer,
    GraphEdge,
    GraphNode,
    HealthAnswer,
    RunDetail,
    RunList,
    RunNode,
    RunSummary,
    StatisticsAnswer,
)
from furu.dashboard.api import PROBLEMS, Name
from furu.dashboard.graphs import graph_around, graph_of_classes
from furu.dashboard.health import check_health
from furu.dashboard.overviews import Days, Steps
from furu.dashboard.pages import Text
from furu.dashboard.rendering import Json, printable
from furu.dashboard.statistics import statistics
from furu.execution.reporting.tally import State

if TYPE_CHECKING:
    from furu.dashboard.board import Board
    from furu.dashboard.run_view import RunView
    from furu.drawing.graph import Graph


class OverviewApi:
    """Answers for scripts.

    Args:
        board: what they are about.
    """

    def __init__(self, board: Board) -> None:
        self._board = board

    def router(self) -> APIRouter:
        """The addresses."""
        router = APIRouter(prefix="/api", default_response_class=Json, responses=PROBLEMS)
        answers: dict[str, Callable[..., Any]] = {
            "/runs": self.runs,
            "/runs/{run_id}": self.run,
            "/graph": self.graph,
            "/stats": self.stats,
            "/disk": self.disk,
            "/health": self.health,
        }
        for path, answer in answers.items():
            router.add_api_route(path, answer, methods=["GET"])
        return router

    def runs(self) -> RunList:
        """The newest runs."""
        views, unreadable = self._board.runs.latest()
        problems = {each.run_id: printable(each.problem) for each in unreadable}
        return RunList(runs=[RunSummary(**_facts(view)) for view in views], unreadable=problems)

    def run(self, run_id: Name) -> RunDetail:
        """One run, with the state of every node."""
        view = self._board.runs.find(run_id)
        nodes = [
            RunNode(
                hash=printable(furu_hash),
                namespace=printable(node.namespace),
                state=view.states[furu_hash].value,
                spec_key=printable(node.spec_key),
                waits_for=printable(node.deps_pending),
            )
            for furu_hash, node in view.record.nodes.items()
        ]
        return RunDetail(**_facts(view), nodes=nodes, problem=printable(view.problem))

    def graph(self, root: Text = "", up: Steps = 2, down: Steps = 2) -> GraphAnswer:
        """All classes; with `root`, a reference, what lies around that artifact."""
        self._board.watcher.look()
        if not root:
            return _graph_answer(graph_of_classes(self._board), 0)
        namespace, _, furu_hash = root.rpartition("/")
        artifact = self._board.store.locate(namespace, furu_hash)
        near = graph_around(self._board, artifact.reference, up=up, down=down)
        return _graph_answer(near.graph, near.left_off)

    def stats(self, days: Days = 30) -> StatisticsAnswer:
        """The store in numbers."""
        self._board.watcher.look()
        found = statistics(self._board, days)
        return StatisticsAnswer(
            days={day: dict(counts) for day, counts in found.days.items()},
            durations=[ClassDurations(**each.to_json()) for each in found.spreads],
            errors=dict(found.errors),
        )

    def disk(self) -> DiskAnswer:
        """What the artifacts take on disk."""
        self._board.watcher.look()
        state = self._board.disk.look()
        usage = state.usage
        classes = usage.classes if usage else ()
        return DiskAnswer(
            measured_at=clock.isoformat(usage.at) if usage else None,
            bytes=usage.size if usage else None,
            is_measuring=state.measured is not None,
            classes=[
                DiskClass(namespace=each.reference, bytes=each.size, artifacts=each.artifacts, unused=each.unused)
                for each in classes
            ],
        )

    def health(self) -> HealthAnswer:
        """How the store and its index are."""
        known = self._board.watcher.look()
        health = check_health(self._board, known)
        return HealthAnswer(
            versions=health.versions,
            roots=printable([each.path for each in health.roots]),
            index=health.index,
            index_bytes=health.index_bytes,
            index_version=known.version,
            refreshed_at=clock.isoformat(known.refreshed_at) if known.refreshed_at else None,
            problem=known.problem,
            stale=[Finding(reference=each.reference, text=printable(each.text)) for each in health.stale],
            unreadable=[Finding(reference=each.reference, text=printable(each.text)) for each in health.unreadable],
        )


def _facts(view: RunView) -> dict[str, Any]:
    record = view.record
    return {
        "run_id": record.run_id,
        "state": view.state,
        "at": clock.isoformat(record.at),
        "user": printable(str(record.process.get("user", ""))),
        "host": printable(str(record.process.get("host", ""))),
        "states": {state.value: view.count(state) for state in State},
    }


def _graph_answer(graph: Graph, left_off: int) -> GraphAnswer:
    nodes = [
        GraphNode(
            reference=printable(node.reference),
            class_name=printable(node.class_name),
            label=printable(node.label),
            status=node.status or None,
            size=node.size,
            counts=dict(node.counts),
            members=printable(node.members),
        )
        for node in graph.nodes.values()
    ]
    edges = [GraphEdge(needed=printable(needed), by=printable(user)) for needed, user in graph.edges]
    return GraphAnswer(nodes=nodes, edges=edges, left_off=left_off)
