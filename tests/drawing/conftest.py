"""Graphs to draw."""

from __future__ import annotations

import pytest
from hypothesis import strategies as st

from furu.drawing.graph import Graph, Node

STATUSES = ["published", "failed", "running", "recorded"]


def make(edges: str, **statuses: str) -> Graph:
    """The graph of `"a>b b>c"`: b needs a. A node's class is its name without digits."""
    pairs = [tuple(edge.split(">")) for edge in edges.split()]
    names = dict.fromkeys([end for pair in pairs for end in pair])
    nodes = [Node(name, name.rstrip("0123456789"), name, statuses.get(name, "published")) for name in names]
    return Graph(nodes, [pair for pair in pairs if len(pair) == 2])


def fan(count: int, **statuses: str) -> Graph:
    """`data` is needed by many trainings, each by an evaluation of its own, all by one report."""
    ways = (f"data>train{number} train{number}>eval{number} eval{number}>report" for number in range(count))
    return make(" ".join(ways), **statuses)


@st.composite
def graphs(draw, *, with_rings: bool = True) -> Graph:
    """Some nodes of a few classes, and edges between them."""
    count = draw(st.integers(1, 12))
    nodes = [
        Node(f"n/{number:02}", draw(st.sampled_from("ABC")), f"{number}", draw(st.sampled_from(STATUSES)))
        for number in range(count)
    ]
    pairs = draw(st.lists(st.tuples(st.integers(0, count - 1), st.integers(0, count - 1)), max_size=30))
    edges = [(nodes[left].reference, nodes[right].reference) for left, right in pairs if with_rings or left < right]
    return Graph(nodes, edges)


@pytest.fixture
def hostile() -> str:
    return "</text><script>alert('1')</script>\"' \x00\x1b\ud800 &amp; ]]> -->"
