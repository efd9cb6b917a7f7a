"""Graphs of what is stored: all classes, or what lies around one artifact."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from furu.dashboard.addresses import artifact_url, list_url
from furu.dashboard.queries import quoted
from furu.drawing.graph import Graph, Node, class_graph
from furu.drawing.neighbourhood import fold, neighbourhood
from furu.drawing.svg import render_svg
from furu.index.database import opened
from furu.index.edges import all_edges, depends_on, used_by
from furu.index.summary import class_counts

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Collection, Iterable

    from furu.dashboard.board import Board
    from furu.dashboard.run_view import RunView
    from furu.drawing.graph import Edge
    from furu.drawing.neighbourhood import Neighbourhood

MAX_NODES: Final = 100
MAX_USERS: Final = 2_000
MOST_STEPS: Final = 5

_HASH_CHARS: Final = 10


def graph_of_classes(board: Board) -> Graph:
    """A node for each class, with what there is of it; as the index knew last."""
    found: Graph = board.remember("class graph", lambda: _class_graph(board))
    return found


def _class_graph(board: Board) -> Graph:
    counts = {each.namespace: each.counts for each in class_counts(roots=board.roots)}
    with opened(board.roots) as connection:
        pairs = {(child.rpartition("/")[0], user.rpartition("/")[0]) for user, child in all_edges(connection)}
    names = {*counts, *(end for pair in pairs for end in pair)}
    links = {name: list_url(f"namespace:{quoted(name)}") for name in names}
    return class_graph(counts, pairs, links)


def graph_around(board: Board, reference: str, *, up: int, down: int) -> Neighbourhood:
    """What is near one artifact.

    Args:
        board: the dashboard.
        reference: of the artifact.
        up: how many steps to go to what uses it.
        down: how many steps to go to what it is made of.
    """
    with opened(board.roots) as connection:
        return neighbourhood(_Stored(connection), reference, up=up, down=down, max_nodes=MAX_NODES)


def picture_around(board: Board, reference: str) -> str | None:
    """What an artifact is made of itself, and what uses it; None if there is neither."""
    near = graph_around(board, reference, up=1, down=1)
    if len(near.graph.nodes) == 1:
        return None
    return render_svg(near.graph, title="What it is made of, and what uses it", centre=reference, css=False)


class _Stored:
    """The graph of all artifacts, asked piece by piece."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def needs(self, references: Collection[str]) -> Iterable[Edge]:
        return [(needed, user) for user in references for needed in depends_on(self._connection, user)]

    def users(self, references: Collection[str]) -> Iterable[Edge]:
        found = ((needed, used_by(self._connection, needed, limit=MAX_USERS)) for needed in references)
        return [(needed, user) for needed, users in found for user in users]

    def describe(self, references: Collection[str]) -> Iterable[Node]:
        sql = "SELECT status FROM artifact WHERE namespace = ? AND hash = ? LIMIT 1"
        for reference in references:
            namespace, _, furu_hash = reference.rpartition("/")
            row = self._connection.execute(sql, (namespace, furu_hash)).fetchone()
            status = row[0] if row is not None else "missing"
            name = namespace.rpartition("/")[2]
            yield Node(reference, name, furu_hash[:_HASH_CHARS], status, artifact_url(reference))


def graph_of_run(view: RunView) -> Graph:
    """The plan of a run as it stands; siblings as one where there are many, classes where that isn't enough."""
    nodes = [
        Node(
            furu_hash,
            node.cls,
            furu_hash[:_HASH_CHARS],
            view.states[furu_hash].value,
            artifact_url(f"{node.namespace}/{furu_hash}"),
        )
        for furu_hash, node in view.record.nodes.items()
    ]
    known = view.record.nodes.keys()
    edges = [(each, user) for user, node in view.record.nodes.items() for each in node.deps_pending if each in known]
    graph = Graph(nodes, edges)
    if len(nodes) > MAX_NODES // 2:
        graph = fold(graph, graph.levels())
    if len(graph.nodes) <= MAX_NODES:
        return graph
    home = {furu_hash: node.namespace for furu_hash, node in view.record.nodes.items()}
    counts = {each.namespace: {state.value: count for state, count in each.counts.items()} for each in view.classes}
    return class_graph(counts, {(home[needed], home[user]) for needed, user in edges})
