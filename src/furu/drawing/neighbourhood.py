"""What to show of a graph that is too large to show: what is near one node, siblings of one class as one."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Protocol

from furu.drawing.graph import Graph, Node, longest_ways

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping, Sequence

    from furu.drawing.graph import Edge

FOLD_FROM: Final = 5
"""So many siblings of one class become one node."""

MOST_EXPLORED: Final = 2_000
"""Nodes that are looked at, before folding; what lies beyond is counted as left off where it is known."""


class Source(Protocol):
    """A graph that may be too large to hold. `Graph` is one."""

    def needs(self, references: Collection[str]) -> Iterable[Edge]:
        """The edges that lead to some nodes."""

    def users(self, references: Collection[str]) -> Iterable[Edge]:
        """The edges that lead away from some nodes."""

    def describe(self, references: Collection[str]) -> Iterable[Node]:
        """A node for each reference."""


@dataclass(frozen=True)
class Neighbourhood:
    """What lies around a node, or below some.

    Attributes:
        graph: to be drawn.
        centre: reference of the node; None where there are several.
        left_off: configs that are near enough and were left off, because there were too many.
    """

    graph: Graph
    centre: str | None
    left_off: int


def neighbourhood(
    source: Source, centre: str, *, up: int = 2, down: int = 2, max_nodes: int = 100, fold_from: int = FOLD_FROM
) -> Neighbourhood:
    """What is near a node.

    Args:
        source: the whole graph.
        centre: reference of the node.
        up: how many edges to go along towards what needs it.
        down: how many edges to go along towards what it needs.
        max_nodes: how many nodes to show at most, after folding; the nearest stay.
        fold_from: so many siblings become one node.
    """
    above, lost_above = _explore([centre], source.users, up, MOST_EXPLORED, toward=1)
    below, lost_below = _explore([centre], source.needs, down, MOST_EXPLORED, toward=0)
    graph = _between(source, {**above, **below})
    depths = _depths(graph, centre, above.keys(), below.keys())
    folded = fold(graph, depths, keep=[centre], fold_from=fold_from)
    return _shown(folded, [centre], max_nodes, centre, lost_above + lost_below)


def all_below(
    source: Source,
    roots: Collection[str],
    *,
    down: int = MOST_EXPLORED,
    max_nodes: int = 100,
    fold_from: int = FOLD_FROM,
    most: int = MOST_EXPLORED,
) -> Neighbourhood:
    """Some nodes with what they need. Several roots may be folded too.

    Args:
        source: the whole graph.
        roots: references of the nodes.
        down: how many edges to go along.
        max_nodes: as of `neighbourhood`.
        fold_from: as of `neighbourhood`.
        most: nodes that are looked at, before folding.
    """
    found, lost = _explore(sorted(set(roots)), source.needs, down, most, toward=0)
    graph = _between(source, found)
    centre = next(iter(roots)) if len(roots) == 1 else None
    folded = fold(graph, graph.levels(), keep=[centre] if centre is not None else [], fold_from=fold_from)
    wanted = set(roots)
    tops = [each for each, node in folded.nodes.items() if wanted.intersection(node.members or (each,))]
    return _shown(folded, tops, max_nodes, centre, lost)


def _between(source: Source, found: Mapping[str, None]) -> Graph:
    edges = [edge for edge in source.needs(list(found)) if found.keys() >= set(edge)]
    return Graph(source.describe(list(found)), edges)


def _shown(folded: Graph, centres: Collection[str], max_nodes: int, centre: str | None, lost: int) -> Neighbourhood:
    shown = nearest(folded, centres, max_nodes)
    hidden = sum(node.size for node in folded.nodes.values()) - sum(node.size for node in shown.nodes.values())
    return Neighbourhood(shown, centre, hidden + lost)


def fold(graph: Graph, depths: Mapping[str, int], *, keep: Iterable[str] = (), fold_from: int = FOLD_FROM) -> Graph:
    """The same graph with siblings as one node: those of one class and depth, where there are many.

    Args:
        graph: may have folded nodes already.
        depths: a number for each node that grows, or shrinks, along every edge; `Graph.levels()` is one. What has the
            same number is never connected, so that folding makes no rings.
        keep: these stay as they are.
        fold_from: so many siblings become one.
    """
    kept = set(keep)
    groups: defaultdict[tuple[str, int], list[Node]] = defaultdict(list)
    for node in graph.nodes.values():
        if node.reference not in kept:
            groups[node.class_name, depths[node.reference]].append(node)
    place = {reference: reference for reference in graph.nodes}
    nodes = [graph.nodes[each] for each in kept]
    for group in groups.values():
        if len(group) < fold_from:
            nodes.extend(group)
            continue
        one = _folded(group)
        nodes.append(one)
        place.update((node.reference, one.reference) for node in group)
    return Graph(nodes, [(place[needed], place[user]) for needed, user in graph.edges])


def nearest(graph: Graph, centres: Collection[str], max_nodes: int) -> Graph:
    """The part of a graph with its `max_nodes` nodes that are fewest edges away from `centres`, these included."""
    wave = sorted(centres)[:max_nodes]
    kept = dict.fromkeys(wave)
    while wave:
        following = {each for near in wave for each in (*graph.needs_of(near), *graph.users_of(near))}
        wave = sorted(following - kept.keys())[: max(0, max_nodes - len(kept))]
        kept.update(dict.fromkeys(wave))
    return graph.only(kept)


def _explore(
    centres: Sequence[str], step: Callable[[Collection[str]], Iterable[Edge]], distance: int, most: int, *, toward: int
) -> tuple[dict[str, None], int]:
    """What can be reached, and how many are known beyond `most`."""
    found: dict[str, None] = {}
    following = list(centres)
    for left in range(distance, -1, -1):
        wave = following[: max(0, most - len(found))]
        found.update(dict.fromkeys(wave))
        if len(wave) < len(following):
            return found, len(following) - len(wave)
        following = sorted({edge[toward] for edge in step(wave)} - found.keys()) if left and wave else []
        if not following:
            break
    return found, 0


def _depths(graph: Graph, centre: str, above: Collection[str], below: Collection[str]) -> dict[str, int]:
    """The longest way to the centre: positive for what needs it, negative for what it needs."""
    down = {each: [user for user in graph.users_of(each) if user in below] for each in below if each != centre}
    up = {each: [needed for needed in graph.needs_of(each) if needed in above] for each in above if each != centre}
    depths = longest_ways(sorted(above), up)
    depths.update((each, -depth) for each, depth in longest_ways(sorted(below), down).items())
    return depths


def _folded(group: Sequence[Node]) -> Node:
    counts: Counter[str] = Counter()
    for node in group:
        counts.update(node.counts or {node.status: 1})
    members = tuple(member for node in group for member in (node.members or (node.reference,)))
    statuses = sorted(counts)
    return Node(
        reference=f"{group[0].reference}+{len(members) - 1}",
        class_name=group[0].class_name,
        status=statuses[0] if len(statuses) == 1 else "",
        counts={status: counts[status] for status in statuses},
        members=members,
    )
