"""What is drawn: nodes, and an edge from what is needed to what needs it."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

MISSING: Final = "missing"
"""The status of what was never computed, or is not stored any more."""

SHORT_HASH: Final = 10
"""How much of a hash is shown."""

Edge = tuple[str, str]
"""References of what is needed, and of what needs it: the way that data goes."""


@dataclass(frozen=True)
class Node:
    """A config, a whole class, or several configs of one class that are drawn as one.

    Attributes:
        reference: names it; `<namespace>/<hash>` of a config.
        class_name: of the config; what is written first.
        label: tells it from others of its class, such as the beginning of its hash.
        status: in one word, which also chooses the colour.
        link: where a click leads.
        counts: of a node that stands for many: how many of each status.
        members: references of the nodes that were folded into this one.
    """

    reference: str
    class_name: str
    label: str = ""
    status: str = ""
    link: str | None = None
    counts: Mapping[str, int] = field(default_factory=dict)
    members: tuple[str, ...] = ()

    @property
    def size(self) -> int:
        """How many configs it stands for."""
        return sum(self.counts.values()) if self.counts else 1

    @property
    def times(self) -> str:
        """` x48` with a real times sign, of a node that stands for 48; else nothing."""
        return f" \N{MULTIPLICATION SIGN}{self.size}" if self.members else ""

    @property
    def counted(self) -> str:
        """`46 published, 2 failed`, of a node that stands for many; else nothing."""
        found = sorted(self.counts.items(), key=lambda each: (-each[1], each[0]))
        return ", ".join(f"{count} {status or 'unknown'}" for status, count in found if count)


class Graph:
    """Nodes by reference and edges, both sorted, each once.

    Args:
        nodes: what there is.
        edges: between them; an edge may lead from a node to itself.

    Raises:
        ValueError: an edge has an end that is no node.
    """

    def __init__(self, nodes: Iterable[Node], edges: Iterable[Edge]) -> None:
        self.nodes = {node.reference: node for node in sorted(nodes, key=lambda each: each.reference)}
        self.edges: tuple[Edge, ...] = tuple(sorted(set(edges)))
        for edge in self.edges:
            for end in edge:
                if end not in self.nodes:
                    msg = f"the edge {edge} has an end that is no node: {end!r}"
                    raise ValueError(msg)
        self._needs: defaultdict[str, list[str]] = defaultdict(list)
        self._users: defaultdict[str, list[str]] = defaultdict(list)
        for needed, user in self.edges:
            self._needs[user].append(needed)
            self._users[needed].append(user)

    def needs_of(self, reference: str) -> list[str]:
        """What a node needs, sorted."""
        return list(self._needs.get(reference, ()))

    def users_of(self, reference: str) -> list[str]:
        """What needs a node, sorted."""
        return list(self._users.get(reference, ()))

    def needs(self, references: Collection[str]) -> list[Edge]:
        """The edges that lead to some nodes."""
        return [(needed, user) for user in references for needed in self.needs_of(user)]

    def users(self, references: Collection[str]) -> list[Edge]:
        """The edges that lead away from some nodes."""
        return [(needed, user) for needed in references for user in self.users_of(needed)]

    def describe(self, references: Collection[str]) -> list[Node]:
        """Some of the nodes."""
        return [self.nodes[each] for each in references]

    def only(self, references: Collection[str]) -> Graph:
        """The part with these nodes, and the edges between them."""
        kept = set(references)
        edges = [edge for edge in self.edges if kept.issuperset(edge)]
        return Graph([self.nodes[each] for each in kept], edges)

    def levels(self) -> dict[str, int]:
        """How many edges the longest way from each node to one that needs nothing has; see `longest_ways`."""
        return longest_ways(self.nodes, self._needs)

    def to_json(self) -> dict[str, object]:
        """The graph for scripts."""
        nodes = [
            {
                "reference": node.reference,
                "class": node.class_name,
                "label": node.label,
                "status": node.status or None,
                "size": node.size,
                "counts": dict(node.counts),
                "members": list(node.members),
            }
            for node in self.nodes.values()
        ]
        return {"nodes": nodes, "edges": [{"needed": needed, "by": user} for needed, user in self.edges]}


def class_graph(
    counts: Mapping[str, Mapping[str, int]], edges: Iterable[Edge], links: Mapping[str, str] | None = None
) -> Graph:
    """The graph of classes: a node for each namespace, with how many artifacts of each status it has.

    Args:
        counts: namespace -> status -> artifacts.
        edges: between namespaces; ends that `counts` doesn't have become nodes without artifacts.
        links: namespace -> where a click leads.
    """
    found = list(edges)
    names = {*counts, *(end for edge in found for end in edge)}
    links = links or {}
    nodes = []
    for name in names:
        home, _, class_name = name.rpartition("/")
        nodes.append(Node(name, class_name, label=home, link=links.get(name), counts=dict(counts.get(name, {}))))
    return Graph(nodes, found)


def longest_ways(references: Iterable[str], following: Mapping[str, Collection[str]]) -> dict[str, int]:
    """How many edges the longest way from each reference has that leads on by `following`.

    An edge that closes a ring is left out, so every other edge leads to a smaller number. With an explicit stack, since
    a chain of configs may be longer than Python's.
    """
    found: dict[str, int] = {}
    path: set[str] = set()
    for start in references:
        waiting = [start] if start not in found else []
        while waiting:
            current = waiting[-1]
            ahead = following.get(current, ())
            if current not in path and current not in found:
                path.add(current)
                waiting.extend(each for each in ahead if each not in found and each not in path)
                continue
            waiting.pop()
            if current in path and current not in found:
                path.remove(current)
                found[current] = max((found[each] + 1 for each in ahead if each in found), default=0)
    return found
