"""Small pictures of numbers: stacked columns, a bar of shares, a histogram. All text in them is escaped."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

_WIDTH: Final = 1200
_HEIGHT: Final = 180
_FOOT: Final = 20
_GAP: Final = 0.2
_LABELS: Final = 12


@dataclass(frozen=True)
class Column:
    """One column of a stack.

    Attributes:
        label: below it.
        title: what there is to say about it.
        link: where a click leads; made here, never stored text.
        parts: `(kind, how many)` from below.
    """

    label: str
    title: str
    link: str
    parts: Sequence[tuple[str, int]]


def draw_columns(columns: Sequence[Column], *, title: str) -> str:
    """Stacked columns of one height for the largest."""
    most = max((sum(count for _, count in column.parts) for column in columns), default=0)
    step = _WIDTH / max(1, len(columns))
    every = max(1, math.ceil(len(columns) / _LABELS))
    size = f'viewBox="0 0 {_WIDTH} {_HEIGHT + _FOOT}" width="{_WIDTH}" height="{_HEIGHT + _FOOT}"'
    lines = [f'<svg class="chart" {size} role="group" aria-label="{escape(title)}">']
    for number, column in enumerate(columns):
        left, top = number * step, float(_HEIGHT)
        name = escape(column.title)
        lines.append(f'<a href="{escape(column.link)}" aria-label="{name}"><title>{name}</title>')
        lines.append(f'<rect class="ground" x="{left:.1f}" y="0" width="{step:.1f}" height="{_HEIGHT}"/>')
        for kind, count in column.parts:
            height = max(1.0, count / most * (_HEIGHT - 8)) if count else 0.0
            top -= height
            x, width = left + step * _GAP / 2, step * (1 - _GAP)
            lines.append(
                f'<rect class="fill-{kind}" x="{x:.1f}" y="{top:.1f}" width="{width:.1f}" height="{height:.1f}"/>'
            )
        lines.append("</a>")
        if number % every == 0:
            middle = left + step / 2
            lines.append(f'<text class="tick" x="{middle:.1f}" y="{_HEIGHT + 15}">{escape(column.label)}</text>')
    return "\n".join([*lines, "</svg>"])


def draw_shares(shares: Iterable[tuple[str, str, int]], *, width: int = 240) -> str:
    """A bar of shares, given `(kind, name, how many)`."""
    found = [share for share in shares if share[2]]
    total = sum(count for _, _, count in found)
    title = escape(", ".join(f"{count} {name}" for _, name, count in found))
    size = f'viewBox="0 0 {width} 10" width="{width}" height="10"'
    lines = [f'<svg class="shares" {size} role="img" aria-label="{title}"><title>{title}</title>']
    left = 0.0
    for kind, _, count in found:
        part = count / total * width
        lines.append(f'<rect class="fill-{kind}" x="{left:.1f}" y="0" width="{part:.1f}" height="10"/>')
        left += part
    return "".join([*lines, "</svg>"])


def draw_histogram(values: Sequence[float], *, bins: int = 24, width: int = 160, height: int = 28) -> str:
    """How positive numbers are spread, on a logarithmic scale."""
    logs = [math.log10(max(value, 1e-3)) for value in values]
    low, high = min(logs), max(logs)
    span = high - low or 1.0
    counts = Counter(min(bins - 1, int((value - low) / span * bins)) for value in logs)
    most = max(counts.values())
    step = width / bins
    size = f'viewBox="0 0 {width} {height}" width="{width}" height="{height}"'
    lines = [f'<svg class="histogram" {size} aria-hidden="true">']
    for place, count in counts.items():
        tall = max(1.5, count / most * height)
        place_and_size = f'x="{place * step:.1f}" y="{height - tall:.1f}" width="{step - 1:.1f}" height="{tall:.1f}"'
        lines.append(f'<rect class="fill-busy" {place_and_size}/>')
    return "".join([*lines, "</svg>"])
