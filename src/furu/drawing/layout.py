"""Where the nodes of a graph go: columns from left to right, what is needed before what needs it.

Columns are by the longest way from a node that needs nothing; order and height in them are by igraph, which takes a
placeholder for each column that a long edge passes, so that edges go between nodes and not behind them.
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from furu.errors import FuruError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from furu.drawing.graph import Edge, Graph, Node

NODE_HEIGHT: Final = 38.0
MARGIN: Final = 14.0
_ROW_GAP: Final = 12.0
_COLUMN_GAP: Final = 56.0
_PADDING: Final = 22.0
_CHAR_WIDTH: Final = 7.0
_NARROWEST: Final = 70.0
_MOST_CHARS: Final = 30
_MOST_SUBTITLE_CHARS: Final = 38

Point = tuple[float, float]


class FuruLibraryMissing(FuruError, ImportError):
    """A picture was asked for, and igraph is not installed."""


@dataclass(frozen=True)
class Box:
    """A node with its place; x and y are those of the upper left corner, in pixels."""

    node: Node
    title: str
    subtitle: str
    x: float
    y: float
    width: float
    height: float = NODE_HEIGHT


@dataclass(frozen=True)
class Route:
    """An edge with its way: from the side of the box of what is needed to that of what needs it."""

    edge: Edge
    points: tuple[Point, ...]


@dataclass(frozen=True)
class Layout:
    """A graph with its places, all inside of (0, 0) to (width, height), in pixels.

    Boxes come from left to right, each column downwards.
    """

    boxes: Mapping[str, Box]
    routes: tuple[Route, ...]
    width: float
    height: float


def lay_out(graph: Graph) -> Layout:
    """Give every node a place and every edge a way; the same for the same graph.

    Raises:
        FuruLibraryMissing: (an `ImportError`) igraph is not installed.
    """
    columns = _columns(graph)
    last = max(columns.values(), default=0)
    places = _places(graph, columns)
    texts = {reference: (title(node), subtitle(node)) for reference, node in graph.nodes.items()}
    widths = [_NARROWEST] * (last + 1)
    for reference, lines in texts.items():
        wanted = max(map(_width, lines)) * _CHAR_WIDTH + _PADDING
        widths[columns[reference]] = max(widths[columns[reference]], wanted)
    lefts = [MARGIN + sum(widths[:column]) + _COLUMN_GAP * column for column in range(last + 1)]
    rows = {key: MARGIN + row * (NODE_HEIGHT + _ROW_GAP) for key, row in places.rows.items()}
    boxes = {
        reference: Box(
            graph.nodes[reference], *texts[reference], lefts[column], _rounded(rows[reference]), widths[column]
        )
        for reference, column in sorted(columns.items(), key=lambda each: (each[1], rows[each[0]]))
    }
    routes = []
    for edge in graph.edges:
        middle = [
            (x, rows[edge, column])
            for column in places.passed.get(edge, ())
            for x in _sides(lefts[column], widths[column], is_forward=columns[edge[0]] < columns[edge[1]])
        ]
        routes.append(_route(edge, boxes, middle))
    height = max((box.y + box.height for box in boxes.values()), default=0.0)
    height = max([height, *(y for route in routes for _, y in route.points)])
    return Layout(boxes, tuple(routes), _rounded(lefts[-1] + widths[-1] + MARGIN), _rounded(height + MARGIN))


def title(node: Node) -> str:
    """The first line of a node."""
    return _cut(node.class_name, _MOST_CHARS) + node.times


def subtitle(node: Node) -> str:
    """The second line: what tells the node from others, and how it stands."""
    if node.counts:
        return _cut(node.counted, _MOST_SUBTITLE_CHARS)
    return _cut(" · ".join(filter(None, [node.label, node.status])), _MOST_SUBTITLE_CHARS)


def _columns(graph: Graph) -> dict[str, int]:
    """Every node right of all it needs; what is needed more often than it needs others stands beside who needs it."""
    columns = graph.levels()
    edges = [(needed, user) for needed, user in graph.edges if needed != user]
    if any(columns[needed] >= columns[user] for needed, user in edges):
        return columns  # a ring: what is moved could pass its own end
    for reference in sorted(columns, key=lambda each: (-columns[each], each)):
        users = [user for user in graph.users_of(reference) if user != reference]
        needs = [needed for needed in graph.needs_of(reference) if needed != reference]
        if users and len(users) >= len(needs):
            columns[reference] = min(columns[user] for user in users) - 1
    return columns


@dataclass(frozen=True)
class _Places:
    """Rows by reference of a node, and by edge and column where an edge passes; which columns an edge passes."""

    rows: Mapping[Any, float]
    passed: Mapping[Edge, Sequence[int]]


def _places(graph: Graph, columns: Mapping[str, int]) -> _Places:
    igraph = _igraph()
    keys: list[Any] = list(graph.nodes)
    layers = [columns[reference] for reference in graph.nodes]
    number = {reference: index for index, reference in enumerate(graph.nodes)}
    links: list[tuple[int, int]] = []
    passed: dict[Edge, Sequence[int]] = {}
    for needed, user in graph.edges:
        if needed == user:
            continue
        start, end = columns[needed], columns[user]
        step = 1 if start <= end else -1
        previous = number[needed]
        passed[needed, user] = range(start + step, end, step)
        for column in passed[needed, user]:
            keys.append(((needed, user), column))
            layers.append(column)
            links.append((previous, len(keys) - 1))
            previous = len(keys) - 1
        links.append((previous, number[user]))
    # An edge against the columns would make igraph choose columns of its own.
    forward = [link if layers[link[0]] <= layers[link[1]] else link[::-1] for link in links]
    if not keys:
        return _Places({}, {})
    found = igraph.Graph(n=len(keys), edges=forward, directed=True).layout_sugiyama(layers=layers)
    first = min(place[0] for place in found)
    return _Places({key: found[index][0] - first for index, key in enumerate(keys)}, passed)


def _igraph() -> Any:
    try:
        import igraph
    except ImportError as error:
        hints = ["pip install 'furu[graph]'", "`furu graph` without --svg, and --dot, do without it"]
        raise FuruLibraryMissing(f"pictures of graphs need igraph: {error}", hints=hints) from error
    return igraph


def _route(edge: Edge, boxes: Mapping[str, Box], middle: Sequence[Point]) -> Route:
    needed, user = (boxes[end] for end in edge)
    if needed is user:
        # Out on the right and back over the corner, bent by the two in the middle.
        right, top = needed.x + needed.width, needed.y
        loop = [(right, top + 14), (right + 24, top + 14), (right - 14, top - 24), (right - 14, top)]
        return Route(edge, _points(loop))
    is_forward = needed.x < user.x
    start = (needed.x + needed.width * is_forward, needed.y + needed.height / 2)
    end = (user.x + user.width * (not is_forward), user.y + user.height / 2)
    return Route(edge, _points([start, *((x, y + NODE_HEIGHT / 2) for x, y in middle), end]))


def _sides(left: float, width: float, *, is_forward: bool) -> tuple[float, float]:
    return (left, left + width) if is_forward else (left + width, left)


def _points(points: Sequence[Point]) -> tuple[Point, ...]:
    return tuple((_rounded(x), _rounded(y)) for x, y in points)


def _rounded(number: float) -> float:
    return round(number, 1)


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else text[: most - 1] + "…"


def _width(text: str) -> int:
    """In characters of the usual width."""
    return sum(2 if unicodedata.east_asian_width(char) in "FW" else 1 for char in text)
