"""What notebooks show: parts of a page with colours of their own, without script, from escaped text."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from furu.drawing.layout import FuruLibraryMissing
from furu.drawing.markup import Markup, element, escaped
from furu.drawing.style import GRAPH_CSS, kind_of, theme_css
from furu.drawing.svg import render_svg

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from furu.drawing.graph import Graph

_CSS: Final = """
.furu{color:var(--furu-text);font:13px system-ui,sans-serif;max-width:100%;overflow-x:auto}
.furu code,.furu td.furu-value{font-family:ui-monospace,monospace;font-size:12px;overflow-wrap:anywhere}
.furu table{border-collapse:collapse;margin:4px 0;color:inherit;font:inherit}
.furu th,.furu td{border:0;border-bottom:1px solid var(--furu-line);padding:2px 10px 2px 0;text-align:left;
vertical-align:top;background:none;color:inherit}
.furu th{color:var(--furu-soft);font-weight:600}
.furu summary{cursor:pointer}
.furu details>*:not(summary){margin-left:14px}
.furu p{margin:4px 0}
.furu .furu-soft{color:var(--furu-soft)}
.furu .furu-note{color:var(--furu-warn)}
.furu .furu-badge{border:1px solid;border-radius:9px;padding:0 7px;font-size:11px}
.furu .furu-badge.furu-good{color:var(--furu-good)}
.furu .furu-badge.furu-busy{color:var(--furu-busy)}
.furu .furu-badge.furu-bad{color:var(--furu-bad)}
.furu .furu-badge.furu-warn{color:var(--furu-warn)}
.furu .furu-badge.furu-idle{color:var(--furu-soft)}
""".strip()


def page(*parts: str) -> str:
    """What a cell shows."""
    style = f"<style>{theme_css('.furu')}\n{_CSS}\n{GRAPH_CSS}</style>"
    return f'<div class="furu">{style}{"".join(map(escaped, parts))}</div>'


def or_repr(render: Callable[[], str]) -> str | None:
    """What `render` gives; None if it fails, for which a notebook shows the `repr()`."""
    try:
        return render()
    except Exception:  # noqa: BLE001 -- fields hold objects of the user's, and to look must never be what fails
        return None


def badge(status: str) -> Markup:
    """A status in its colour and in words."""
    return element("span", status, css=f"furu-badge furu-{kind_of(status)}") if status else Markup()


def heading(class_name: str, label: str, status: str) -> Markup:
    """`Train 7b9aa4721b (published)`."""
    return element("p", element("b", class_name), " ", element("code", label), " ", badge(status))


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> Markup:
    """A table; without a head where that is empty."""
    top = [element("thead", element("tr", *(element("th", name) for name in head)))] if head else []
    body = [element("tr", *(element("td", cell) for cell in row)) for row in rows]
    return element("table", *top, element("tbody", *body))


def pairs(lines: Iterable[tuple[str, str]]) -> Markup:
    """Names with values, which are typed as code."""
    rows = [element("tr", element("th", name), element("td", value, css="furu-value")) for name, value in lines]
    return element("table", element("tbody", *rows)) if rows else Markup()


def details(summary: str, *parts: str) -> Markup:
    """Parts that are shown on a click."""
    return element("details", element("summary", summary), *parts)


def picture(graph: Graph, *, title: str, centre: str | None = None) -> Markup:
    """The graph drawn, if it has more than a node and igraph is there; else nothing."""
    if len(graph.nodes) < 2:  # noqa: PLR2004 -- a node alone says nothing
        return Markup()
    try:
        return Markup(render_svg(graph, title=title, centre=centre, css=False))
    except FuruLibraryMissing:
        return Markup()
