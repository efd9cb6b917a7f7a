"""A graph as text: DOT for graphviz, a tree for a terminal."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from furu.drawing.layout import subtitle, title
from furu.drawing.style import kind_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from furu.drawing.graph import Graph, Node

_COLOURS: Final = {"good": "#1a7f37", "busy": "#0969da", "bad": "#cf222e", "warn": "#9a6700", "idle": "#818b98"}


@dataclass(frozen=True)
class TreeLine:
    """A line of a tree.

    Attributes:
        stem: what stands before the node: `│  └─ `.
        node: whose line it is.
        is_again: it has been shown above, with what it needs, which is left out here.
    """

    stem: str
    node: Node
    is_again: bool


def tree_lines(graph: Graph) -> Iterator[TreeLine]:
    """The graph as a tree: what nobody needs, and below each node what it needs; every node once in full."""
    shown: set[str] = set()
    tops = [reference for reference in graph.nodes if not set(graph.users_of(reference)) - {reference}]
    # A ring has no top: whatever was not reached begins another tree.
    for top in (*tops, *graph.nodes):
        waiting = [("", "", top)] if top not in shown else []
        while waiting:
            stem, indent, reference = waiting.pop()
            is_again = reference in shown
            yield TreeLine(stem, graph.nodes[reference], is_again)
            if is_again:
                continue
            shown.add(reference)
            below = [each for each in graph.needs_of(reference) if each != reference]
            branches = [(f"{indent}├─ ", f"{indent}│  ", each) for each in below[:-1]]
            branches += [(f"{indent}└─ ", f"{indent}   ", each) for each in below[-1:]]
            waiting.extend(reversed(branches))


def render_dot(graph: Graph) -> str:
    """The graph in the language of graphviz, from left to right."""
    lines = ["digraph furu {", "  rankdir=LR;", '  node [shape=box, fontname="sans-serif"];']
    for reference, node in graph.nodes.items():
        label = _quoted("\n".join(filter(None, [title(node), subtitle(node)])))
        link = f", URL={_quoted(node.link)}" if node.link else ""
        lines.append(f'  {_quoted(reference)} [label={label}, color="{_COLOURS[kind_of(node.status)]}"{link}];')
    lines.extend(f"  {_quoted(needed)} -> {_quoted(user)};" for needed, user in graph.edges)
    return "\n".join([*lines, "}"]) + "\n"


def _quoted(text: str) -> str:
    # graphviz gives a backslash a meaning of its own (`\N` is the name), and a doubled one is itself.
    plain = text.replace("\\", "\\\\").replace('"', '\\"').replace("\x00", "\ufffd")
    return f'"{plain}"'.replace("\n", "\\n")
