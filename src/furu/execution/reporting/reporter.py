"""Who wants to know what a run does: hooks that do nothing, to be overridden where something is shown or recorded."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from furu.execution.plan import DependencyPlan
    from furu.execution.scheduling.outcomes import RunReport, Start, Verdict
    from furu.execution.worker import NodeEnd


class Reporter:
    """Told what happens, in order; from several threads, but never from two at once. Must be quick, and not raise."""

    def run_started(self, run_id: str, plan: DependencyPlan) -> None:
        """The run `run_id`, named as its directory below `<root>/runs`, begins; `plan` is what it found."""

    def node_started(self, start: Start) -> None:
        """A worker begins with a node; `start` has its hash and the number of the attempt."""

    def node_ended(self, start: Start, end: NodeEnd, verdict: Verdict) -> None:
        """A worker is through with what `start` asked for: `end` says how, `verdict` what the schedule makes of it."""

    def owner_ended(self, furu_hash: str, verdict: Verdict) -> None:
        """Somebody else, who computed the node `furu_hash` that this run needs, has published it, failed or vanished.

        `verdict` says which, and what follows.
        """

    def run_ended(self, report: RunReport, error: BaseException | None) -> None:
        """The run is over; `report` has what became of each node, `error` is what ended it before its time."""


class Reporters(Reporter):
    """Several as one."""

    def __init__(self, *reporters: Reporter) -> None:
        self._reporters = reporters

    def run_started(self, run_id: str, plan: DependencyPlan) -> None:
        for reporter in self._reporters:
            reporter.run_started(run_id, plan)

    def node_started(self, start: Start) -> None:
        for reporter in self._reporters:
            reporter.node_started(start)

    def node_ended(self, start: Start, end: NodeEnd, verdict: Verdict) -> None:
        for reporter in self._reporters:
            reporter.node_ended(start, end, verdict)

    def owner_ended(self, furu_hash: str, verdict: Verdict) -> None:
        for reporter in self._reporters:
            reporter.owner_ended(furu_hash, verdict)

    def run_ended(self, report: RunReport, error: BaseException | None) -> None:
        for reporter in self._reporters:
            reporter.run_ended(report, error)
