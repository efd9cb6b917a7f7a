"""What is drawn, and what of it is near."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from furu.drawing.graph import Graph, Node, class_graph
from furu.drawing.neighbourhood import all_below, fold, nearest, neighbourhood
from furu.drawing.text import render_dot, tree_lines
from tests.drawing.conftest import fan, graphs, make


def counted(graph: Graph) -> Counter[tuple[str, str]]:
    """How many configs of each class and status a graph stands for."""
    found: Counter[tuple[str, str]] = Counter()
    for node in graph.nodes.values():
        for status, count in (node.counts or {node.status: 1}).items():
            found[node.class_name, status] += count
    return found


class TestGraph:
    def test_is_the_same_whatever_the_order(self):
        nodes = [Node("b", "B"), Node("a", "A")]
        one, other = Graph(nodes, [("a", "b")] * 2), Graph(nodes[::-1], [("a", "b")])
        assert one.to_json() == other.to_json()
        assert ["a", "b"] == list(one.nodes)

    def test_an_edge_to_nowhere_is_refused(self):
        with pytest.raises(ValueError, match="no node: 'c'"):
            Graph([Node("a", "A")], [("a", "c")])

    @given(graphs(with_rings=False))
    def test_levels_grow_along_every_edge(self, graph):
        levels = graph.levels()
        assert all(levels[needed] < levels[user] for needed, user in graph.edges)

    @given(graphs())
    def test_levels_are_found_for_all_nodes_of_a_ring_too(self, graph):
        assert graph.nodes.keys() == graph.levels().keys()

    def test_a_long_chain_is_no_trouble(self):
        graph = make(" ".join(f"a{number}>a{number + 1}" for number in range(3_000)))
        assert 3_000 == graph.levels()["a3000"]
        assert 3_001 == sum(1 for _ in tree_lines(graph))

    def test_of_classes(self):
        counts = {"lab/Train": {"published": 46, "failed": 2}, "lab/Data": {"published": 1}}
        graph = class_graph(counts, [("lab/Data", "lab/Train"), ("gone/Old", "lab/Train")])
        assert ["gone/Old", "lab/Data", "lab/Train"] == list(graph.nodes)
        assert ("Train", "lab", 48) == (
            graph.nodes["lab/Train"].class_name,
            graph.nodes["lab/Train"].label,
            graph.nodes["lab/Train"].size,
        )


class TestNeighbourhood:
    def test_siblings_are_one_node(self):
        found = neighbourhood(fan(48, train7="failed"), "report", down=3)
        assert ["data", "eval0+47", "report", "train0+47"] == sorted(found.graph.nodes)
        train = found.graph.nodes["train0+47"]
        assert (48, " ×48", "47 published, 1 failed") == (train.size, train.times, train.counted)  # noqa: RUF001
        assert "train7" in train.members
        assert [("data", "train0+47"), ("eval0+47", "report"), ("train0+47", "eval0+47")] == sorted(found.graph.edges)

    def test_few_siblings_and_the_centre_stay_as_they_are(self):
        assert 8 == len(neighbourhood(fan(3), "data", up=9).graph.nodes)
        found = neighbourhood(fan(9), "train3", up=9, down=9)
        assert ["data", "eval3", "report", "train3"] == list(found.graph.nodes)

    @pytest.mark.parametrize(
        ("up", "down", "expected"),
        [(0, 0, "c"), (1, 0, "cd"), (0, 2, "abc"), (9, 9, "abcde")],
    )
    def test_distance_is_counted_both_ways(self, up, down, expected):
        found = neighbourhood(make("a>b b>c c>d d>e"), "c", up=up, down=down)
        assert expected == "".join(found.graph.nodes)

    def test_what_is_left_off_is_counted(self):
        found = neighbourhood(fan(20), "data", up=3, max_nodes=8, fold_from=100)
        assert (8, 34) == (len(found.graph.nodes), found.left_off)
        assert {"data", "train0"} <= found.graph.nodes.keys()

    @given(graphs(), st.integers(0, 3), st.integers(0, 3), st.integers(2, 6))
    def test_nobody_is_lost(self, graph, up, down, fold_from):
        centre = next(iter(graph.nodes))
        whole = neighbourhood(graph, centre, up=up, down=down, fold_from=1_000)
        folded = neighbourhood(graph, centre, up=up, down=down, fold_from=fold_from)
        assert counted(whole.graph) == counted(folded.graph)
        assert centre in folded.graph.nodes
        few = neighbourhood(graph, centre, up=up, down=down, fold_from=fold_from, max_nodes=3)
        assert len(few.graph.nodes) <= 3
        assert few.left_off == sum(counted(whole.graph).values()) - sum(counted(few.graph).values())

    @given(graphs(with_rings=False), st.integers(2, 4))
    def test_folding_keeps_counts_edges_and_directions(self, graph, fold_from):
        folded = fold(graph, graph.levels(), fold_from=fold_from)
        assert counted(graph) == counted(folded)
        place = {member: node.reference for node in folded.nodes.values() for member in node.members}
        joined = {(place.get(needed, needed), place.get(user, user)) for needed, user in graph.edges}
        assert joined == set(folded.edges)
        levels = folded.levels()
        assert all(levels[needed] < levels[user] for needed, user in folded.edges)

    def test_below_several_siblings_fold_too(self):
        found = all_below(fan(6), [f"eval{number}" for number in range(6)])
        assert (["data", "eval0+5", "train0+5"], 0) == (list(found.graph.nodes), found.left_off)
        assert ["data", "eval1", "train1"] == list(all_below(fan(6), ["eval1"]).graph.nodes)
        few = all_below(fan(6), ["eval1", "eval2"], down=1, max_nodes=3)
        assert ({"eval1", "eval2", "train1"}, 1) == (few.graph.nodes.keys(), few.left_off)

    @given(graphs(), st.integers(1, 5))
    def test_the_nearest_stay(self, graph, count):
        centre = next(iter(graph.nodes))
        assert centre in (kept := nearest(graph, [centre], count)).nodes
        assert len(kept.nodes) <= count


class TestText:
    def test_a_tree_shows_everything_once(self):
        lines = [(line.stem + line.node.reference, line.is_again) for line in tree_lines(make("d>a d>b a>r b>r r>z"))]
        assert [
            ("z", False),
            ("└─ r", False),
            ("   ├─ a", False),
            ("   │  └─ d", False),
            ("   └─ b", False),
            ("      └─ d", True),
        ] == lines

    @given(graphs())
    def test_a_tree_loses_nobody(self, graph):
        in_full = [line.node.reference for line in tree_lines(graph) if not line.is_again]
        assert sorted(graph.nodes) == sorted(in_full)

    def test_dot_is_escaped(self, hostile):
        text = render_dot(Graph([Node(hostile, hostile, 'a"b\\N\n')], []))
        assert "<script>" in text  # which means nothing there
        assert 'a\\"b\\\\N\\n' in text
        assert "\x00" not in text
        assert '  "a" -> "b";' in render_dot(make("a>b")).splitlines()
