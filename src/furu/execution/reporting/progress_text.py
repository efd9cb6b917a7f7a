"""How far a run is, in words: for lines of a log, and for the parts of a live view."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from furu.execution.cost import format_sec
from furu.execution.reporting.tally import State

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from furu.execution.reporting.tally import ClassCount, Eta, Snapshot
    from furu.execution.scheduling.outcomes import RunReport

_HASH_DIGITS: Final = 12
_LINE_CHARS: Final = 300
_CLASSES_NAMED: Final = 8
_PER_MINUTE: Final = 60
_PER_HOUR: Final = 3600
_NOTED: Final = (State.RUNNING, State.WAITING, State.ELSEWHERE, State.FAILED, State.SKIPPED)


def describe_start(run_id: str, snapshot: Snapshot) -> str:
    """`run r1 begins: 38 nodes to compute (Train 30, Data 8), 2 are done`."""
    labels = label_classes(entry.namespace for entry in snapshot.classes)
    todo = [(entry.left, labels[entry.namespace]) for entry in snapshot.classes if entry.left]
    named = [f"{label} {left}" for left, label in sorted(todo, key=lambda each: (-each[0], each[1]))[:_CLASSES_NAMED]]
    more = [f"{len(todo) - _CLASSES_NAMED} more classes"] if len(todo) > _CLASSES_NAMED else []
    done = snapshot.count(State.DONE)
    return (
        f"run {run_id} begins: {count_nodes(sum(left for left, _ in todo))} to compute"
        f" ({', '.join([*named, *more])}){f', {done} done already' if done else ''}"
    )


def describe_progress(run_id: str, snapshot: Snapshot) -> str:
    """`run r1: 12 of 40 nodes done, 4 running, 24 waiting; 3.2 nodes/s, 8.7 s left`."""
    counts = "".join(f", {snapshot.count(state)} {state}" for state in _NOTED if snapshot.count(state))
    rate = f"; {describe_rate(snapshot.rate)}" if snapshot.rate is not None else ""
    left = f", {describe_eta(snapshot.eta)} left" if snapshot.eta is not None else ""
    return f"run {run_id}: {snapshot.count(State.DONE)} of {snapshot.total} nodes done{counts}{rate}{left}"


def describe_end(run_id: str, snapshot: Snapshot, report: RunReport) -> str:
    """`run r1 is over after 12 s: 38 nodes done, 1 failed, 3 skipped`."""
    words = {"failed": report.failed, "skipped": report.skipped, "not started": report.unstarted}
    rest = "".join(f", {len(nodes)} {word}" for word, nodes in words.items() if nodes)
    done = count_nodes(len(report.succeeded))
    return f"run {run_id} is over after {format_sec(snapshot.elapsed_sec)}: {done} done{rest}"


def describe_class(entry: ClassCount) -> str:
    """`4 running, 24 waiting, 12 s each`; empty when all its nodes are done."""
    parts = [f"{entry.counts[state]} {state}" for state in _NOTED if entry.counts[state]]
    if entry.left and entry.typical_sec is not None:
        parts.append(f"{format_sec(entry.typical_sec)} each")
    return ", ".join(parts)


def describe_eta(eta: Eta | None) -> str:
    """`8.7 s`; `> 8.7 s` where that does not count everything; `?` where nothing is known."""
    if eta is None:
        return "?"
    return format_sec(eta.sec) if eta.is_complete else f"> {format_sec(eta.sec)}"


def describe_rate(rate: float) -> str:
    """Nodes per second in the unit in which that is a number one can read."""
    if rate >= 1:
        return f"{rate:.1f} nodes/s"
    if rate * _PER_MINUTE >= 1:
        return f"{rate * _PER_MINUTE:.1f} nodes/min"
    return f"{rate * _PER_HOUR:.1f} nodes/h"


def count_nodes(count: int) -> str:
    """`1 node`, `2 nodes`."""
    return f"{count} node" if count == 1 else f"{count} nodes"


def label_node(label: str, furu_hash: str) -> str:
    """`Train(3f2a91c4d0e8…)`: enough of the hash for every command that takes one."""
    return f"{label}({furu_hash[:_HASH_DIGITS]}…)"


def label_classes(namespaces: Iterable[str]) -> Mapping[str, str]:
    """The shortest name of each class that no other one ends with: `Train`, or `old.Train` and `new.Train`."""
    parts = {namespace: namespace.split("/") for namespace in namespaces}
    labels = {}
    for namespace, own in parts.items():
        others = [other for each, other in parts.items() if each != namespace]
        size = 1
        while size < len(own) and any(other[-size:] == own[-size:] for other in others):
            size += 1
        labels[namespace] = ".".join(own[-size:])
    return labels


def first_line(text: str) -> str:
    """The first line of a text, cut where it is very long."""
    line = text.strip().partition("\n")[0]
    return line if len(line) <= _LINE_CHARS else line[: _LINE_CHARS - 1] + "…"
