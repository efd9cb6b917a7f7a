"""A graph as SVG: no script, no ids, nothing loaded from elsewhere; every text is escaped."""

from __future__ import annotations

import re
from itertools import pairwise
from typing import TYPE_CHECKING, Final

from furu.drawing.layout import lay_out
from furu.drawing.markup import escaped
from furu.drawing.style import GRAPH_CSS, kind_of, theme_css

if TYPE_CHECKING:
    from collections.abc import Iterator

    from furu.drawing.graph import Graph, Node
    from furu.drawing.layout import Box, Point, Route

_BAR_WIDTH: Final = 5
_TIP: Final = 6.0
# A browser skips control characters in an address, so `java\nscript:` is a scheme too.
_HARMLESS: Final = re.compile(r"(https?://|[/?#.]|[\w%~-]+([/?#.]|$))[^\x00-\x20\x7f]*")


def render_svg(graph: Graph, *, title: str = "Graph of configs", centre: str | None = None, css: bool = True) -> str:
    """A picture from left to right: what is needed, then what needs it.

    Nodes have `data-node`, edges `data-needed` and `data-by`, with references.

    Args:
        graph: what to draw.
        title: for those who can't see it.
        centre: reference of a node to stand out.
        css: with its colours; without, the page has `GRAPH_CSS` and `theme_css(...)` of `furu.drawing.style`.

    Raises:
        FuruLibraryMissing: (an `ImportError`) igraph is not installed.
    """
    layout = lay_out(graph)
    width, height = f"{layout.width:g}", f"{layout.height:g}"
    size = f'width="{width}" height="{height}" viewBox="0 0 {width} {height}"'
    name = escaped(title)
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" class="furu-graph" role="group" aria-label="{name}" {size}>',
        f"<title>{name}</title>",
    ]
    if css:
        lines.append(f"<style>{theme_css('.furu-graph')}\n{GRAPH_CSS}</style>")
    lines.append('<g aria-hidden="true">')
    lines.extend(_edge(route) for route in layout.routes)
    lines.append("</g>")
    for reference, box in layout.boxes.items():
        lines.extend(_node(box, is_centre=reference == centre))
    lines.append("</svg>")
    return "\n".join(lines) + "\n"


def describe(node: Node) -> str:
    """All there is to say of a node, in one line."""
    return " · ".join(filter(None, [node.class_name + node.times, node.label, node.counted or node.status]))


def _edge(route: Route) -> str:
    needed, user = route.edge
    end, before = route.points[-1], route.points[-2]
    is_loop = needed == user
    ahead = 1 if end[0] >= before[0] else -1
    tip = (end[0], end[1] - _TIP) if is_loop else (end[0] - _TIP * ahead, end[1])
    side = (_TIP / 2, 0.0) if is_loop else (0.0, _TIP / 2)
    corners = [end, (tip[0] - side[0], tip[1] - side[1]), (tip[0] + side[0], tip[1] + side[1])]
    points = (*route.points[:-1], tip)
    curve = f"M{_at(points[0])}C{' '.join(map(_at, points[1:]))}" if is_loop else _curve(points)
    return (
        f'<g data-needed="{escaped(needed)}" data-by="{escaped(user)}"><path class="furu-edge" d="{curve}"/>'
        f'<path class="furu-tip" d="M{"L".join(map(_at, corners))}z"/></g>'
    )


def _curve(points: tuple[Point, ...]) -> str:
    """Through all points, level at each."""
    parts = [f"M{_at(points[0])}"]
    for here, there in pairwise(points):
        middle = (here[0] + there[0]) / 2
        parts.append(f"C{_at((middle, here[1]))} {_at((middle, there[1]))} {_at(there)}")
    return "".join(parts)


def _at(point: Point) -> str:
    return f"{point[0]:g},{point[1]:g}"


def _node(box: Box, *, is_centre: bool) -> Iterator[str]:
    node = box.node
    name = escaped(describe(node))
    link = node.link if node.link is not None and _HARMLESS.fullmatch(node.link) else None
    if link is not None:
        yield f'<a href="{escaped(link)}" aria-label="{name}">'
    role = "" if link is not None else f' role="img" aria-label="{name}"'
    chosen = ' class="furu-centre"' if is_centre else ""
    yield f'<g data-node="{escaped(node.reference)}"{chosen}{role}><title>{name}</title>'
    size = f'width="{box.width:g}" height="{box.height:g}"'
    yield f'<rect class="furu-box" x="{box.x:g}" y="{box.y:g}" {size} rx="4"/>'
    yield from _bar(box)
    left = box.x + _BAR_WIDTH + 8
    if box.subtitle:
        yield f'<text x="{left:g}" y="{box.y + 16:g}">{escaped(box.title)}</text>'
        yield f'<text class="furu-sub" x="{left:g}" y="{box.y + 30:g}">{escaped(box.subtitle)}</text>'
    else:
        yield f'<text x="{left:g}" y="{box.y + 23:g}">{escaped(box.title)}</text>'
    yield "</g></a>" if link is not None else "</g>"


def _bar(box: Box) -> Iterator[str]:
    """The colour of the status; of many, each status by its share."""
    counts = box.node.counts or {box.node.status: 1}
    total = sum(counts.values())
    top = box.y
    for status, count in counts.items():
        if count:
            height = box.height * count / total
            yield (
                f'<rect class="furu-{kind_of(status)}" x="{box.x:g}" y="{top:.6g}" width="{_BAR_WIDTH}"'
                f' height="{height:.4g}"/>'
            )
            top += height
