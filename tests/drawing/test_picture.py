"""Where nodes go, and the SVG that shows them."""

from __future__ import annotations

import subprocess
import sys
import xml.etree.ElementTree as ET

import pytest
from hypothesis import given

from furu.drawing.graph import Graph, Node, class_graph
from furu.drawing.layout import lay_out
from furu.drawing.style import GRAPH_CSS, kind_of, theme_css
from furu.drawing.svg import render_svg
from furu.evolution.refs import ArtifactStatus
from tests.drawing.conftest import fan, graphs, make

SVG = "{http://www.w3.org/2000/svg}"


def overlaps(one, other):
    return (
        one.x < other.x + other.width
        and other.x < one.x + one.width
        and one.y < other.y + other.height
        and other.y < one.y + one.height
    )


class TestLayout:
    @given(graphs())
    def test_every_node_has_a_place_of_its_own(self, graph):
        layout = lay_out(graph)
        boxes = list(layout.boxes.values())
        assert graph.nodes.keys() == layout.boxes.keys()
        assert not any(overlaps(one, other) for index, one in enumerate(boxes) for other in boxes[:index])
        assert all(box.x >= 0 and box.x + box.width <= layout.width for box in boxes)
        assert all(box.y >= 0 and box.y + box.height <= layout.height for box in boxes)

    @given(graphs())
    def test_every_edge_goes_between_its_nodes(self, graph):
        layout = lay_out(graph)
        assert list(graph.edges) == [route.edge for route in layout.routes]
        for route in layout.routes:
            for end, (x, y) in zip(route.edge, (route.points[0], route.points[-1]), strict=True):
                box = layout.boxes[end]
                assert box.x - 0.2 <= x <= box.x + box.width + 0.2
                assert box.y - 0.2 <= y <= box.y + box.height + 0.2

    @given(graphs(with_rings=False))
    def test_what_is_needed_stands_on_the_left(self, graph):
        boxes = lay_out(graph).boxes
        for needed, user in graph.edges:
            assert boxes[needed].x + boxes[needed].width < boxes[user].x

    @given(graphs())
    def test_an_edge_goes_behind_no_node(self, graph):
        layout = lay_out(graph)
        for route in (each for each in layout.routes if each.edge[0] != each.edge[1]):
            between = set(layout.boxes) - set(route.edge)
            for x, y in route.points[1:-1]:
                for box in (layout.boxes[each] for each in between):
                    assert not (box.x < x < box.x + box.width and box.y < y < box.y + box.height)

    def test_a_leaf_stands_beside_who_needs_it(self):
        boxes = lay_out(make("a>b b>c late>c b>early")).boxes
        assert boxes["late"].x == boxes["b"].x
        assert boxes["early"].x == boxes["c"].x

    def test_without_igraph_the_error_says_what_to_install(self):
        code = (
            "import sys; sys.modules['igraph'] = None\n"
            "from furu.drawing.graph import Graph, Node\nfrom furu.drawing.svg import render_svg\n"
            "from furu.drawing.text import render_dot\n"
            "graph = Graph([Node('a', 'A')], [])\nrender_dot(graph)\n"
            "try:\n    render_svg(graph)\nexcept ImportError as error:\n    print(error)"
        )
        done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
        assert "pip install 'furu[graph]'" in done.stdout

    def test_igraph_is_loaded_only_to_draw(self):
        code = "import sys, furu, furu.drawing.svg; print('igraph' in sys.modules)"
        done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
        assert "False\n" == done.stdout


class TestSvg:
    @given(graphs())
    def test_is_the_same_every_time_and_whole(self, graph):
        text = render_svg(graph)
        assert text == render_svg(Graph(reversed(graph.nodes.values()), reversed(graph.edges)))
        found = ET.fromstring(text)
        assert list(graph.nodes) == sorted(each.get("data-node") for each in found.iter() if each.get("data-node"))
        drawn = [(each.get("data-needed"), each.get("data-by")) for each in found.iter() if each.get("data-by")]
        assert list(graph.edges) == drawn

    def test_hostile_text_stays_text(self, hostile):
        nodes = [Node(hostile, hostile, hostile, hostile, link=f"/a/{hostile}"), Node("b", "B")]
        text = render_svg(Graph(nodes, [(hostile, "b")]), title=hostile, centre=hostile)
        found = ET.fromstring(text)
        assert {"svg", "title", "style", "g", "path", "rect", "text"} == {
            each.tag.removeprefix(SVG) for each in found.iter()
        }
        assert "<script" not in text

    @pytest.mark.parametrize(
        ("link", "is_kept"),
        [
            ("/a/lab/Train/0", True),
            ("https://example.org/x", True),
            ("a%20b/c?q=1#x", True),
            ("javascript:alert(1)", False),
            ("java\nscript:alert(1)", False),
            (" javascript:alert(1)", False),
            ("data:text/html,x", False),
        ],
    )
    def test_links_lead_to_pages_only(self, link, is_kept):
        found = ET.fromstring(render_svg(Graph([Node("a", "A", link=link)], [])))
        assert ([link] if is_kept else []) == [each.get("href") for each in found.iter(f"{SVG}a")]

    def test_says_in_words_what_it_shows_in_colours(self):
        graph = class_graph({"lab/Train": {"failed": 2, "published": 46}}, [])
        found = ET.fromstring(render_svg(graph, title="Classes"))
        assert ("group", "Classes") == (found.get("role"), found.get("aria-label"))
        (node,) = found.iterfind(".//*[@data-node='lab/Train']")
        assert "Train · lab · 46 published, 2 failed" == node.get("aria-label")
        assert ["furu-bad", "furu-good"] == sorted(
            each.get("class") for each in node.iter(f"{SVG}rect") if each.get("class") != "furu-box"
        )

    def test_the_centre_stands_out(self):
        found = ET.fromstring(render_svg(fan(2), centre="data"))
        assert ["data"] == [each.get("data-node") for each in found.iterfind(".//*[@class='furu-centre']")]

    def test_colours_may_come_from_the_page(self):
        assert "<style" not in render_svg(fan(1), css=False)
        assert GRAPH_CSS in render_svg(fan(1))
        assert "prefers-color-scheme:dark" in theme_css(".x")

    def test_no_status_is_unknown(self):
        idle = {status.value for status in ArtifactStatus if kind_of(status.value) == "idle"}
        assert {"recorded"} == idle
