"""What a notebook shows of a plan: what would run, why, and what it would cost."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from furu.core.config_graph import reference_of
from furu.drawing.graph import SHORT_HASH, Graph, Node
from furu.drawing.html import badge, or_repr, page, picture, table
from furu.drawing.markup import Markup, element
from furu.drawing.neighbourhood import fold
from furu.execution.cost import format_sec
from furu.execution.survey import Status

if TYPE_CHECKING:
    from collections.abc import Iterable

    from furu.execution.cost import ClassSummary
    from furu.execution.plan import DependencyPlan

_MOST_NODES: Final = 30
_MOST_FOLDED: Final = 5_000


def plan_html(plan: DependencyPlan) -> str | None:
    """A plan by class, with reasons, spec keys and cost, and its graph."""
    return or_repr(lambda: _plan(plan))


def _plan(plan: DependencyPlan) -> str:
    summary = plan.summary()
    counts = plan.counts()
    said = ", ".join(f"{counts[status]} {status.value}" for status in Status if counts[status]) or "nothing"
    unknown = f", {summary.unknown} nodes of unknown cost" if summary.unknown else ""
    cost = f"estimated {format_sec(summary.total_sec)} of computing{unknown}" if counts[Status.TODO] else ""
    head = ("class", "nodes", "because", "spec key", "each", "in all")
    return page(
        element("p", element("b", "Plan "), said),
        table(head, map(_line, summary.classes)),
        element("p", cost, css="furu-soft"),
        _drawn(plan),
    )


def _line(entry: ClassSummary) -> tuple[str, ...]:
    counts = [Markup(f"{entry.counts[status]} {badge(status.value)} ") for status in Status if entry.counts[status]]
    return (
        entry.name,
        Markup("".join(counts)),
        _counted(entry.reasons.most_common()),
        _counted(sorted(entry.spec_keys.items())),
        format_sec(entry.typical_sec) if entry.typical_sec is not None else "",
        format_sec(entry.total_sec) if entry.total_sec is not None else "",
    )


def _counted(pairs: Iterable[tuple[str, int]]) -> str:
    return "; ".join(f"{name} ({count})" for name, count in pairs)


def _drawn(plan: DependencyPlan) -> Markup:
    if len(plan.nodes) > _MOST_FOLDED:
        return Markup()
    names = {furu_hash: reference_of(node.obj) for furu_hash, node in plan.nodes.items()}
    nodes = [
        Node(names[furu_hash], type(node.obj).__name__, furu_hash[:SHORT_HASH], node.status.value)
        for furu_hash, node in plan.nodes.items()
    ]
    edges = [(names[dep], names[user]) for user, node in plan.nodes.items() for dep in node.deps_all]
    graph = Graph(nodes, edges)
    folded = fold(graph, graph.levels())
    return picture(folded, title="The plan") if len(folded.nodes) <= _MOST_NODES else Markup()
