"""Counts and durations over the whole store, every one a link to what it counts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from furu import clock
from furu.dashboard.addresses import list_url
from furu.dashboard.charts import Column, draw_columns, draw_histogram
from furu.dashboard.queries import quoted
from furu.drawing.style import kind_of
from furu.index.summary import day_counts, durations, error_counts

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from furu.dashboard.board import Board

_DAY_SEC: Final = 86_400
_ORDER: Final = ("good", "busy", "warn", "idle", "bad")


@dataclass(frozen=True)
class Spread:
    """What artifacts of one class took.

    Attributes:
        namespace: of the class.
        count: how many of them say so.
        median_sec: half took less.
        p95_sec: one in twenty took more.
        max_sec: the slowest.
        total_sec: all together.
        picture: a histogram.
    """

    namespace: str
    count: int
    median_sec: float
    p95_sec: float
    max_sec: float
    total_sec: float
    picture: str

    @property
    def class_name(self) -> str:
        """The class's own name."""
        return self.namespace.rpartition("/")[2]

    def to_json(self) -> dict[str, Any]:
        """For scripts."""
        return {name: value for name, value in vars(self).items() if name != "picture"}


@dataclass(frozen=True)
class Statistics:
    """The store in numbers.

    Attributes:
        days: artifacts by ISO date and status; what was published, failed or began on that day, in UTC.
        picture: the same as columns.
        spreads: durations by class, the costliest first.
        errors: how often each class of exception is the reason of a failure.
    """

    days: Mapping[str, Mapping[str, int]]
    picture: str
    spreads: Sequence[Spread]
    errors: Mapping[str, int]


def statistics(board: Board, days: int) -> Statistics:
    """Of the last so many days; durations and errors of all time."""
    now = clock.unix()
    today = int(now // _DAY_SEC)
    first = today - days + 1
    roots = board.roots
    counted = board.remember(("days", first), lambda: day_counts(since=first * _DAY_SEC, roots=roots))
    spreads = board.remember("durations", lambda: _spreads(durations(roots=roots)))
    errors = board.remember("errors", lambda: error_counts(roots=roots))
    numbers = range(first, today + 1)
    return Statistics(
        days={clock.isoformat(number * _DAY_SEC)[:10]: counted.get(number, {}) for number in numbers},
        picture=draw_columns(
            [_column(number, counted.get(number, {}), now) for number in numbers], title="Artifacts by day"
        ),
        spreads=spreads,
        errors=errors,
    )


def _column(day: int, counts: Mapping[str, int], now: float) -> Column:
    date = clock.isoformat(day * _DAY_SEC)[:10]
    said = ", ".join(f"{count} {status}" for status, count in counts.items()) or "nothing"
    parts = sorted(
        ((kind_of(status), count) for status, count in counts.items()), key=lambda part: _ORDER.index(part[0])
    )
    return Column(date[5:], f"{date}: {said}", list_url(day_query(day, now)), parts)


def day_query(day: int, now: float) -> str:
    """A query for what belongs to a day, by its number since the epoch: queries know ages and no dates."""
    oldest, youngest = now - day * _DAY_SEC, now - (day + 1) * _DAY_SEC
    return f"age<={oldest:.0f}s" + (f" age>{youngest:.0f}s" if youngest > 0 else "")


def _spreads(by_class: Mapping[str, Sequence[float]]) -> list[Spread]:
    found = [
        Spread(
            namespace=namespace,
            count=len(values),
            median_sec=values[len(values) // 2],
            p95_sec=values[min(len(values) - 1, len(values) * 95 // 100)],
            max_sec=values[-1],
            total_sec=sum(values),
            picture=draw_histogram(values),
        )
        for namespace, values in by_class.items()
    ]
    return sorted(found, key=lambda spread: -spread.total_sec)


def error_query(kind: str) -> str:
    """A query for the failures by one class of exception."""
    return f"status:failed error:{quoted(kind)}"
