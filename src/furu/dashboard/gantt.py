"""What ran when, as a picture: bars side by side in as few lanes as there were workers."""

from __future__ import annotations

import heapq
from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING, Final

from furu import clock

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

MAX_BARS: Final = 1_500
MAX_LANES: Final = 60

_WIDTH: Final = 1200
_LEFT: Final = 4
_LANE: Final = 18
_BAR: Final = 14
_AXIS: Final = 22
_CHAR: Final = 6.2
_MIN_WIDTH: Final = 1.5
_STEPS: Final = (
    1,
    2,
    5,
    10,
    15,
    30,
    60,
    120,
    300,
    600,
    900,
    1800,
    3600,
    7200,
    10800,
    21600,
    43200,
    86400,
    172800,
    604800,
)
_TICKS: Final = 8


@dataclass(frozen=True)
class Bar:
    """Something that took its time.

    Attributes:
        began: in seconds since the epoch.
        ended: likewise; of what still runs, the present moment.
        name: what it is, in a word.
        title: what there is to say about it.
        kind: its colour: `"good"`, `"busy"`, `"bad"`, `"warn"` or `"idle"`.
        link: where a click leads; made here, never stored text.
    """

    began: float
    ended: float
    name: str
    title: str
    kind: str
    link: str | None = None


@dataclass(frozen=True)
class Gantt:
    """A picture of bars.

    Attributes:
        svg: the picture.
        hidden: bars that had no place any more.
    """

    svg: str
    hidden: int


def draw_gantt(bars: Iterable[Bar], begin: float, end: float, *, title: str) -> Gantt:
    """The bars between two moments, in seconds since the epoch; the latest ones if there are very many."""
    seen = sorted((bar for bar in bars if bar.ended >= begin and bar.began <= end), key=lambda bar: bar.began)
    chosen = seen[-MAX_BARS:]
    span = max(end - begin, 1.0)
    shown = [(bar, lane) for bar, lane in zip(chosen, _lanes(chosen), strict=True) if lane < MAX_LANES]
    height = (max((lane for _, lane in shown), default=0) + 1) * _LANE + _AXIS
    size = f'viewBox="0 0 {_WIDTH} {height}" width="{_WIDTH}" height="{height}"'
    lines = [f'<svg class="gantt" {size} role="group" aria-label="{_text(title)}">']
    lines += _axis(begin, span, height)
    lines += [_bar(bar, lane, begin, span) for bar, lane in shown]
    return Gantt("\n".join([*lines, "</svg>"]), len(seen) - len(shown))


def _lanes(bars: Sequence[Bar]) -> Iterator[int]:
    """A lane for each bar, the first that is free."""
    free: list[int] = []
    busy: list[tuple[float, int]] = []
    count = 0
    for bar in bars:
        while busy and busy[0][0] <= bar.began:
            heapq.heappush(free, heapq.heappop(busy)[1])
        if free:
            lane = heapq.heappop(free)
        else:
            lane, count = count, count + 1
        heapq.heappush(busy, (bar.ended, lane))
        yield lane


def _bar(bar: Bar, lane: int, begin: float, span: float) -> str:
    left = _LEFT + max(0.0, bar.began - begin) / span * (_WIDTH - 2 * _LEFT)
    right = _LEFT + min(span, bar.ended - begin) / span * (_WIDTH - 2 * _LEFT)
    width = max(_MIN_WIDTH, right - left)
    top = lane * _LANE + 2
    rectangle = f'<rect class="fill-{bar.kind}" x="{left:.1f}" y="{top}" width="{width:.1f}" height="{_BAR}" rx="2"/>'
    room = int((width - 8) / _CHAR)
    label = bar.name if len(bar.name) <= room else f"{bar.name[: room - 1]}…" if room > 3 else ""  # noqa: PLR2004
    words = f'<text x="{left + 4:.1f}" y="{top + 11}">{_text(label)}</text>' if label else ""
    inner = f"<title>{_text(bar.title)}</title>{rectangle}{words}"
    if bar.link is None:
        return f'<g role="img" aria-label="{_text(bar.title)}">{inner}</g>'
    return f'<a href="{_text(bar.link)}" aria-label="{_text(bar.title)}">{inner}</a>'


def _axis(begin: float, span: float, height: int) -> Iterator[str]:
    step = next((step for step in _STEPS if span / step <= _TICKS), _STEPS[-1])
    at = begin - begin % step + step
    while at <= begin + span:
        left = _LEFT + (at - begin) / span * (_WIDTH - 2 * _LEFT)
        yield f'<line class="tick" x1="{left:.1f}" x2="{left:.1f}" y1="0" y2="{height - _AXIS}"/>'
        yield f'<text class="tick" x="{left:.1f}" y="{height - 6}">{_clock(at, step)}</text>'
        at += step


def _clock(at: float, step: float) -> str:
    """The time of a day in UTC; days by their number of hours would say nothing, so by month and day."""
    text = clock.isoformat(at)
    if step >= 86_400:  # noqa: PLR2004 -- a day
        return text[5:10]
    return text[11:19] if step < 60 else text[11:16]  # noqa: PLR2004 -- a minute


def _text(text: str) -> str:
    return escape("".join(char if char.isprintable() else "\N{REPLACEMENT CHARACTER}" for char in text))
