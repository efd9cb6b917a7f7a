"""What a plan would cost, by what artifacts of the same classes took before; and the words for its nodes."""

from __future__ import annotations

import heapq
import os
import statistics
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from furu.errors import FuruStoreError
from furu.execution.survey import Status
from furu.lifecycle.computable import artifact_paths
from furu.storage.atomic import DISK
from furu.storage.layout import HASH, ArtifactPaths
from furu.storage.records import parse_success

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from furu.core.furu import Furu
    from furu.execution.plan import DependencyPlan, PlanNode

_TENTHS_BELOW_SEC: Final = 10

SAMPLE: Final = 32
"""Artifacts of a class that are read for an estimate."""


@dataclass(frozen=True)
class ClassSummary:
    """The nodes of one class.

    Attributes:
        name: the class's name.
        counts: nodes by status.
        reasons: nodes to be computed, by reason.
        spec_keys: nodes to be computed, by spec key.
        typical_sec: median wall time of stored artifacts of the class; None when there are none.
        total_sec: that, times the nodes to be computed.
    """

    name: str
    counts: Counter[Status]
    reasons: Counter[str]
    spec_keys: Counter[str]
    typical_sec: float | None
    total_sec: float | None


@dataclass(frozen=True)
class PlanSummary:
    """A plan in a few lines.

    Attributes:
        classes: one entry for each class, the costliest first.
        total_sec: sum over the classes whose cost is known.
        unknown: how many nodes to be computed have no estimate.
    """

    classes: tuple[ClassSummary, ...]
    total_sec: float
    unknown: int

    def __str__(self) -> str:
        lines = [line for entry in self.classes for line in _class_lines(entry)]
        unknown = f", {self.unknown} nodes of unknown cost" if self.unknown else ""
        return "\n".join([*lines, f"estimated {format_sec(self.total_sec)} of computing{unknown}"])


def summarize(plan: DependencyPlan) -> PlanSummary:
    """`plan` by class."""
    by_class: dict[type, list[PlanNode]] = {}
    for node in plan.nodes.values():
        by_class.setdefault(type(node.obj), []).append(node)
    classes = [_summarize_class(cls.__name__, nodes) for cls, nodes in by_class.items()]
    return PlanSummary(
        classes=tuple(sorted(classes, key=lambda entry: (-(entry.total_sec or 0), entry.name))),
        total_sec=sum(entry.total_sec or 0 for entry in classes),
        unknown=sum(entry.counts[Status.TODO] for entry in classes if entry.typical_sec is None),
    )


def explain_node(plan: DependencyPlan, prefix: str) -> str:
    """One node in words.

    Raises:
        KeyError: `prefix` fits no node, or more than one.
    """
    fitting = [furu_hash for furu_hash in plan.nodes if furu_hash.startswith(prefix)]
    if len(fitting) != 1:
        msg = f"{len(fitting)} nodes of the plan have a hash that begins with {prefix!r}"
        raise KeyError(msg)
    node = plan.nodes[fitting[0]]
    lines = [f"{node.name}: {node.status.value}, because {node.because}"]
    if node.status is Status.TODO:
        typical = typical_sec([node.obj])
        cost = f"about {format_sec(typical)}, by earlier artifacts of its class" if typical is not None else "unknown"
        lines += [f"  spec key: {node.spec_key}", f"  cost: {cost}"]
        lines += [f"  waits for {plan.nodes[dep].name}: {plan.nodes[dep].status.value}" for dep in node.deps_pending]
    lines += [f"  needed by {plan.nodes[dependent].name}" for dependent in node.dependents]
    return "\n".join(lines)


def typical_sec(objs: Sequence[Furu[Any]]) -> float | None:
    """Median wall time of some stored artifacts of the classes of `objs`, in seconds; None without any."""
    directories = {os.path.dirname(artifact_paths(obj).base) for obj in objs}
    walls = [wall for directory in directories for wall in recorded_walls(directory)]
    return statistics.median(walls) if walls else None


def format_sec(seconds: float) -> str:
    """A duration for people: `0.4 s`, `12 s`, `3 m 20 s`, `5 h 12 m`."""
    if seconds < _TENTHS_BELOW_SEC:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 1:
        return f"{rest} s"
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes:02} m" if hours else f"{minutes} m {rest:02} s"


def recorded_walls(directory: str) -> list[float]:
    """Wall times in seconds of some of the artifacts in a class's directory."""
    names = (name for name in DISK.list_directory(directory) if HASH.fullmatch(name))
    # Any sample would do; the smallest hashes are one that doesn't change from call to call.
    chosen: Iterable[str] = heapq.nsmallest(SAMPLE, names)
    walls = []
    for name in chosen:
        path = ArtifactPaths(f"{directory}/{name}").success
        content = DISK.read(path)
        if content is None:
            continue
        try:
            usage = parse_success(content, path).usage
        except FuruStoreError:
            continue  # a damaged record is reported where it is loaded; an estimate can do without
        if usage is not None:
            walls.append(usage.wall_sec)
    return walls


def _summarize_class(name: str, nodes: Sequence[PlanNode]) -> ClassSummary:
    todo = [node for node in nodes if node.status is Status.TODO]
    typical = typical_sec([node.obj for node in todo[:1]]) if todo else None
    return ClassSummary(
        name=name,
        counts=Counter(node.status for node in nodes),
        reasons=Counter(node.because for node in todo),
        spec_keys=Counter(node.spec_key for node in todo),
        typical_sec=typical,
        total_sec=typical * len(todo) if typical is not None else None,
    )


def _class_lines(entry: ClassSummary) -> list[str]:
    counts = ", ".join(f"{entry.counts[status]} {status.value}" for status in Status if entry.counts[status])
    lines = [f"{entry.name}: {counts}"]
    if entry.reasons:
        lines.append("  because " + "; ".join(f"{reason} ({count})" for reason, count in entry.reasons.most_common()))
        keys = ", ".join(f"{key} ({count})" for key, count in sorted(entry.spec_keys.items()))
        cost = f", about {format_sec(entry.typical_sec)} each" if entry.typical_sec is not None else ""
        lines.append(f"  on {keys}{cost}")
    return lines
