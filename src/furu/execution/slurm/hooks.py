"""Lets a reporter follow jobs that other processes run."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from furu import clock
from furu.config import settings
from furu.execution.payload import ConfigTable
from furu.execution.plan import DependencyPlan, PlanNode, Status
from furu.execution.reporting.run_record import read_run
from furu.execution.scheduling.outcomes import Failure, Outcome, RunReport, Start, Verdict
from furu.execution.scheduling.outcomes import Status as RunStatus
from furu.execution.slurm.jobs import JobEnding
from furu.execution.slurm.report import OPEN, DagNode, DagReport, NodeState
from furu.execution.worker import NodeEnd
from furu.storage.layout import RootPaths

if TYPE_CHECKING:
    from collections.abc import Mapping

    from furu.core.furu import Furu
    from furu.execution.reporting.reporter import Reporter
    from furu.execution.reporting.run_record import PlannedNode

_OUTCOMES: Final[Mapping[str, Outcome]] = {
    JobEnding.FAILED: Outcome.COMPUTE_FAILED,
    JobEnding.OK: Outcome.INVALID,
    JobEnding.PREEMPTED: Outcome.PREEMPTED,
    JobEnding.TIMED_OUT: Outcome.PREEMPTED,
}


class RunHooks:
    """Tells a reporter what changed from one look to the next."""

    def __init__(self, run_id: str, reporter: Reporter) -> None:
        """Tell it that the run has started.

        Raises:
            FuruDecodeError: a class of the submission can't be imported here.
        """
        self._reporter = reporter
        self._last: dict[str, NodeState] = {}
        self._began: dict[str, float] = {}
        reporter.run_started(run_id, read_plan(run_id))

    def tell(self, report: DagReport) -> None:
        """Tell what is new in `report`."""
        for furu_hash, node in report.nodes.items():
            before = self._last.get(furu_hash, NodeState.QUEUED)
            if node.state is before or node.state is NodeState.QUEUED:
                continue
            if node.state is NodeState.SKIPPED:
                self._reporter.owner_ended(furu_hash, Verdict(RunStatus.SKIPPED, node.because))
                continue
            start = Start(furu_hash, 1, node.spec_key, None)
            if furu_hash not in self._began:
                self._began[furu_hash] = clock.monotonic()
                self._reporter.node_started(start)
            if node.state not in OPEN:
                wall_sec = clock.monotonic() - self._began[furu_hash]
                self._reporter.node_ended(start, _end_of(node, wall_sec), _verdict_of(node))
        self._last = {furu_hash: node.state for furu_hash, node in report.nodes.items()}

    def end(self, report: DagReport) -> None:
        """Tell that the run is over."""
        failed = report.with_state(NodeState.FAILED)
        self._reporter.run_ended(
            RunReport(
                succeeded=tuple(node.furu_hash for node in report.with_state(NodeState.DONE)),
                failed={node.furu_hash: Failure(_outcome_of(node), None, 1, node.because) for node in failed},
                skipped={
                    node.furu_hash: tuple(each.furu_hash for each in failed)
                    for node in report.with_state(NodeState.SKIPPED)
                },
                unstarted=(),
            ),
            None,
        )


def read_plan(run_id: str) -> DependencyPlan:
    """The plan that a submission left, with its configs built anew.

    Raises:
        FuruDecodeError: a class can't be imported here.
    """
    paths = RootPaths(str(settings().path)).run(run_id)
    record = read_run(paths)
    table = ConfigTable(paths.configs)
    open_nodes = {each: node for each, node in record.nodes.items() if node.status == Status.TODO.value}
    nodes = {
        furu_hash: _plan_node(table.config(f"{node.namespace}/{furu_hash}"), node)
        for furu_hash, node in open_nodes.items()
    }
    return DependencyPlan([nodes[each].obj for each in record.roots if each in nodes], nodes)


def _plan_node(obj: Furu[object], node: PlannedNode) -> PlanNode:
    return PlanNode(obj, Status(node.status), node.spec_key, node.deps_pending, node.deps_pending, because=node.because)


def _outcome_of(node: DagNode) -> Outcome:
    return Outcome.SUCCEEDED if node.state is NodeState.DONE else _OUTCOMES.get(node.ending, Outcome.WORKER_LOST)


def _end_of(node: DagNode, wall_sec: float) -> NodeEnd:
    is_done = node.state is NodeState.DONE
    return NodeEnd(_outcome_of(node), wall_sec, is_computed=is_done, error_text="" if is_done else node.because)


def _verdict_of(node: DagNode) -> Verdict:
    is_done = node.state is NodeState.DONE
    return Verdict(RunStatus.SUCCEEDED) if is_done else Verdict(RunStatus.FAILED, node.because)
