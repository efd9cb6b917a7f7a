"""The list of artifacts: a query's page, and how many there are of each status and class."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from furu.dashboard.artifact_table import ArtifactTable, artifact_table
from furu.dashboard.queries import asked, with_fact, without
from furu.index.search import STATUSES, query
from furu.index.summary import ClassCounts, class_counts

if TYPE_CHECKING:
    from furu.dashboard.board import Board
    from furu.index.rows import Rows

PAGE_ROWS: Final = 50
MAX_PAGE_ROWS: Final = 500

_SHOWN_CLASSES: Final = 40
_CLASS_FACTS: Final = frozenset({"class", "namespace"})


@dataclass(frozen=True)
class Choice:
    """Something to click that narrows the list.

    Attributes:
        name: what it says.
        count: artifacts that fit.
        query: what it asks.
        is_on: the list is narrowed by it now; a click takes that back.
        title: more words about it.
    """

    name: str
    count: int
    query: str
    is_on: bool
    title: str = ""


@dataclass(frozen=True)
class Listing:
    """One page of the list.

    Attributes:
        rows: the artifacts.
        table: the same with columns.
        total: how many fit the query.
        statuses: to narrow by.
        classes: to narrow by; the largest ones.
        hidden_classes: how many there are beside these.
    """

    rows: Rows
    table: ArtifactTable
    total: int
    statuses: tuple[Choice, ...]
    classes: tuple[Choice, ...]
    hidden_classes: int


def list_artifacts(board: Board, text: str, *, sort: str, after: str | None, is_whole: bool) -> Listing:
    """A page of what fits a query.

    Args:
        board: the dashboard.
        text: the query.
        sort: one of `ORDERS`.
        after: the `next_page` of the page before.
        is_whole: with a column for each field.

    Raises:
        FuruQueryError: the query, order or page can't be understood.
    """
    roots = board.roots
    rows = query(text, limit=PAGE_ROWS, after=after, order=sort, roots=roots, is_fresh=False)
    statuses = _statuses(board, text)
    classes = _classes(board, text)
    return Listing(
        rows=rows,
        table=artifact_table(rows, is_whole=is_whole),
        total=sum(each.total for each in _counted(board, text)),
        statuses=statuses,
        classes=tuple(classes[:_SHOWN_CLASSES]),
        hidden_classes=max(0, len(classes) - _SHOWN_CLASSES),
    )


def _counted(board: Board, text: str) -> list[ClassCounts]:
    """What fits a query, by class and status: one count for all that is said, where the query leaves both open."""
    found: list[ClassCounts] = board.remember(("counts", text), lambda: class_counts(text, roots=board.roots))
    return found


def _statuses(board: Board, text: str) -> tuple[Choice, ...]:
    rest = without(text, {"status"})
    found: Counter[str] = Counter()
    for each in _counted(board, rest):
        found.update(each.counts)
    chosen = asked(text, "status")
    choices = []
    for status in STATUSES:
        if status in found or status in chosen:
            is_on = status in chosen
            narrowed = rest if is_on else with_fact(text, "status", status)
            choices.append(Choice(status, found[status], narrowed, is_on))
    return tuple(choices)


def _classes(board: Board, text: str) -> list[Choice]:
    rest = without(text, _CLASS_FACTS)
    found = _counted(board, rest)
    names = [each.namespace.rpartition("/")[2] for each in found]
    chosen = {"class": asked(text, "class"), "namespace": asked(text, "namespace")}
    choices = []
    for each, name in sorted(zip(found, names, strict=True), key=lambda pair: -pair[0].total):
        # A name that two namespaces have says too little.
        fact, value = ("class", name) if names.count(name) == 1 else ("namespace", each.namespace)
        is_on = value in chosen[fact]
        narrowed = rest if is_on else with_fact(text, fact, value, _CLASS_FACTS)
        shown = name if fact == "class" else each.namespace
        choices.append(Choice(shown, each.total, narrowed, is_on, each.namespace))
    return choices
