"""A run as it stands: every node's state from the plan and what happened since, and when each was worked on."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from furu.dashboard.addresses import artifact_url
from furu.dashboard.gantt import Bar
from furu.execution.reporting.run_record import EventKind
from furu.execution.reporting.run_state import RunState
from furu.execution.reporting.tally import STATE_OF, State
from furu.execution.scheduling.outcomes import Status

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from furu.execution.reporting.run_record import PlannedNode, RunEvent, RunRecord

RUN_KINDS: Final = {
    RunState.DONE: "good",
    RunState.FAILED: "bad",
    RunState.INTERRUPTED: "warn",
    RunState.RUNNING: "busy",
    RunState.KILLED: "bad",
    RunState.SUBMITTED: "busy",
    RunState.UNKNOWN: "idle",
}
"""The colour of each state of a run."""

_STATUSES: Final = frozenset(status.value for status in Status)
_PLANNED: Final = {
    "done": State.DONE,
    "in progress": State.ELSEWHERE,
    "todo": State.WAITING,
    "failed": State.FAILED,
}
_KINDS: Final = {
    State.DONE: "good",
    State.RUNNING: "busy",
    State.ELSEWHERE: "busy",
    State.FAILED: "bad",
    State.SKIPPED: "warn",
    State.WAITING: "idle",
}


@dataclass(frozen=True)
class ClassProgress:
    """The nodes of one class.

    Attributes:
        namespace: of the class.
        counts: nodes by state.
    """

    namespace: str
    counts: Mapping[State, int]

    @property
    def total(self) -> int:
        """All of them."""
        return sum(self.counts.values())


@dataclass(frozen=True)
class Failure:
    """A node that failed for good.

    Attributes:
        node: what was planned.
        text: why.
        skipped: how many nodes can't be computed because of it.
    """

    node: PlannedNode
    text: str
    skipped: int


@dataclass(frozen=True)
class RunView:
    """A run.

    Attributes:
        record: what is on disk of it.
        state: what has become of it.
        states: of its nodes.
        classes: in the order of the plan.
        bars: what was worked on when.
        failures: in order of time.
        until: the end of its time line, in seconds since the epoch.
    """

    record: RunRecord
    state: RunState
    states: Mapping[str, State]
    classes: tuple[ClassProgress, ...]
    bars: tuple[Bar, ...]
    failures: tuple[Failure, ...]
    until: float

    def count(self, state: str) -> int:
        """Nodes in a state."""
        return sum(each.counts.get(State(state), 0) for each in self.classes)

    @property
    def total(self) -> int:
        """All nodes."""
        return len(self.states)

    @property
    def problem(self) -> str:
        """What ended the run before its time."""
        end = self.record.end
        return (
            f"{end.facts['error_type']}: {end.facts.get('error_text', '')}" if end and "error_type" in end.facts else ""
        )


def view_run(record: RunRecord, state: RunState, *, published: Collection[str], now: float) -> RunView:
    """The run as it stands.

    Args:
        record: what is on disk of it.
        state: what has become of it.
        published: hashes of nodes that have a result by now; batch jobs leave no events.
        now: seconds since the epoch.
    """
    states = {furu_hash: _PLANNED.get(node.status, State.WAITING) for furu_hash, node in record.nodes.items()}
    for event in record.events:
        _apply(event, states)
    states.update((each, State.DONE) for each in published if each in states)
    is_running = state in (RunState.RUNNING, RunState.SUBMITTED)
    until = now if is_running else max([record.at, *(event.at for event in record.events)])
    counts: dict[str, Counter[State]] = {}
    for furu_hash, node in record.nodes.items():
        counts.setdefault(node.namespace, Counter())[states[furu_hash]] += 1
    return RunView(
        record=record,
        state=state,
        states=states,
        classes=tuple(ClassProgress(namespace, by_state) for namespace, by_state in counts.items()),
        bars=tuple(_bars(record, until, is_running=is_running)),
        failures=tuple(_failures(record)),
        until=until,
    )


def _apply(event: RunEvent, states: dict[str, State]) -> None:
    node = event.node
    if node is None or node not in states:
        return
    if event.kind == EventKind.NODE_STARTED:
        states[node] = State.RUNNING
    elif event.kind in (EventKind.NODE_ENDED, EventKind.OWNER_ENDED):
        status = event.facts.get("status")
        if isinstance(status, str) and status in _STATUSES:
            states[node] = STATE_OF[Status(status)]
        skipped = event.facts.get("skipped")
        for each in skipped if isinstance(skipped, list) else ():
            if isinstance(each, str) and each in states:
                states[each] = State.SKIPPED


def _bars(record: RunRecord, until: float, *, is_running: bool) -> list[Bar]:
    begun: dict[str, float] = {}
    bars = []
    for event in record.events:
        if event.node is None or event.node not in record.nodes:
            continue
        node = record.nodes[event.node]
        if event.kind == EventKind.NODE_STARTED:
            begun[event.node] = event.at
        elif event.kind == EventKind.NODE_ENDED and event.node in begun:
            outcome = str(event.facts.get("outcome", "ended"))
            kind = "good" if outcome == "succeeded" else "bad" if "failed" in outcome else "warn"
            bars.append(_bar(node, begun.pop(event.node), event.at, outcome, kind))
    word, kind = ("running", "busy") if is_running else ("unfinished", "warn")
    return bars + [_bar(record.nodes[each], began, until, word, kind) for each, began in begun.items()]


def _bar(node: PlannedNode, began: float, ended: float, word: str, kind: str) -> Bar:
    title = f"{node.name} {word}, {max(0.0, ended - began):.1f} s"
    return Bar(began, ended, node.cls, title, kind, artifact_url(f"{node.namespace}/{node.furu_hash}"))


def _failures(record: RunRecord) -> list[Failure]:
    found = []
    for event in record.failures():
        if event.node is not None and event.node in record.nodes:
            facts = event.facts
            words = [str(facts[name]) for name in ("error_type", "error_text") if facts.get(name)]
            text = ": ".join(words) or str(facts.get("because", "failed"))
            skipped = facts.get("skipped")
            found.append(Failure(record.nodes[event.node], text, len(skipped) if isinstance(skipped, list) else 0))
    return found


def class_shares(progress: ClassProgress) -> list[tuple[str, str, int]]:
    """Colour, name and number of the nodes of each state, for a bar of shares."""
    return [(kind, state.value, progress.counts.get(state, 0)) for state, kind in _KINDS.items()]


def run_shares(view: RunView) -> list[tuple[str, str, int]]:
    """The same for all nodes of a run."""
    return [(kind, state.value, view.count(state)) for state, kind in _KINDS.items()]
