"""Graphs of what is stored: all classes, or what lies around one artifact."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from furu.dashboard.addresses import artifact_url, list_url
from furu.dashboard.queries import quoted
from furu.drawing.graph import SHORT_HASH, Graph, Node, class_graph
from furu.drawing.neighbourhood import fold, neighbourhood
from furu.drawing.svg import render_svg
from furu.index.database import opened
from furu.index.graph import IndexGraph, index_classes

if TYPE_CHECKING:
    from furu.dashboard.board import Board
    from furu.dashboard.run_view import RunView
    from furu.drawing.neighbourhood import Neighbourhood

MAX_NODES: Final = 100
MOST_STEPS: Final = 5


def graph_of_classes(board: Board) -> Graph:
    """A node for each class, with what there is of it; as the index knew last."""
    found: Graph = board.remember("class graph", lambda: _class_graph(board))
    return found


def _class_graph(board: Board) -> Graph:
    with opened(board.roots) as connection:
        return index_classes(connection, lambda namespace: list_url(f"namespace:{quoted(namespace)}"))


def graph_around(board: Board, reference: str, *, up: int, down: int) -> Neighbourhood:
    """What is near one artifact.

    Args:
        board: the dashboard.
        reference: of the artifact.
        up: how many steps to go to what uses it.
        down: how many steps to go to what it is made of.
    """
    with opened(board.roots) as connection:
        source = IndexGraph(connection, artifact_url)
        return neighbourhood(source, reference, up=up, down=down, max_nodes=MAX_NODES)


def picture_around(board: Board, reference: str) -> str | None:
    """What an artifact is made of itself, and what uses it; None if there is neither."""
    near = graph_around(board, reference, up=1, down=1)
    if len(near.graph.nodes) == 1:
        return None
    return render_svg(near.graph, title="What it is made of, and what uses it", centre=reference, css=False)


def graph_of_run(view: RunView) -> Graph:
    """The plan of a run as it stands; siblings as one where there are many, classes where that isn't enough."""
    nodes = [
        Node(
            furu_hash,
            node.cls,
            furu_hash[:SHORT_HASH],
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
