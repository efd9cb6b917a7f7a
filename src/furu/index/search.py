"""Asking the index: `furu.query()`."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from furu import clock
from furu.evolution.archive import store_roots
from furu.evolution.refs import ArtifactStatus
from furu.index.conditions import Clause, where
from furu.index.database import opened
from furu.index.field_indexes import learn
from furu.index.query import FuruQueryError, check_statuses, parse, unknown_field
from furu.index.reader import POSITION
from furu.index.refresh import refresh
from furu.index.rows import ArtifactRow, Rows

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Sequence

    from furu.index.query import Query

ORDERS: Final = {
    "newest": ("at", "DESC", "<"),
    "oldest": ("at", "ASC", ">"),
    "slowest": ("coalesce(took, -1)", "DESC", "<"),
    "hash": ("hash", "ASC", ">"),
}
"""Ways to sort, each with its expression, direction, and what comes after a row."""

STATUSES: Final = tuple(status.value for status in ArtifactStatus)
_SELECTED: Final = (
    "id, root, namespace, hash, status, at, took, version, host, user, backend, error, tags, note, pinned, config"
)


class FuruPageError(FuruQueryError):
    """A page or an order is none that a query has."""


def query(
    text: str | Query = "",
    *,
    limit: int | None = None,
    after: str | None = None,
    order: str = "newest",
    roots: Sequence[str] | None = None,
    is_fresh: bool = True,
) -> Rows:
    """The stored artifacts that fit a query.

    Args:
        text: such as `"lr=3e-4 data.vocab>=16000 status:failed class:Train words"`; see docs/cli.md.
        limit: at most so many; the rest by `after`. All without it.
        after: `next_page` of the page before, of the same query and order.
        order: `"newest"`, `"oldest"`, `"slowest"` or `"hash"`.
        roots: of the store; by default those in force.
        is_fresh: look at the directories first; otherwise what the index knew last.

    Raises:
        FuruQueryError: (a `ValueError`) the query, order or page can't be understood; shows where.
        FuruStoreError: the index can't be kept.
    """
    asked = parse(text) if isinstance(text, str) else text
    check_statuses(asked, STATUSES)
    if order not in ORDERS:
        hints = [f"orders are: {', '.join(ORDERS)}"]
        raise FuruPageError(f"{order!r} is no order", query=asked.text, position=0, hints=hints)
    roots = list(roots) if roots is not None else store_roots()
    with opened(roots) as connection:
        if is_fresh:
            refresh(connection, roots)
        _check_fields(connection, asked)
        began = clock.monotonic()
        page = _page(connection, asked, limit, after, order)
        if limit is not None:
            learn(connection, asked, clock.monotonic() - began)
        return page


def counts(text: str | Query = "", *, roots: Sequence[str] | None = None) -> dict[str, int]:
    """How many artifacts of each status fit a query, as the index knew last."""
    asked = parse(text) if isinstance(text, str) else text
    check_statuses(asked, STATUSES)
    condition = where(asked, clock.unix())
    with opened(list(roots) if roots is not None else store_roots()) as connection:
        _check_fields(connection, asked)
        sql = f"SELECT status, count(*) FROM artifact WHERE {condition.sql} GROUP BY status"  # noqa: S608 -- our SQL
        found = dict(connection.execute(sql, condition.values).fetchall())
    return {status: found[status] for status in STATUSES if status in found}


def matching(connection: sqlite3.Connection, asked: Query) -> set[str]:
    """References of all artifacts that fit a query, as the index knows them.

    Raises:
        FuruQueryError: the query can't be understood; shows where.
    """
    check_statuses(asked, STATUSES)
    _check_fields(connection, asked)
    condition = where(asked, clock.unix())
    sql = f"SELECT namespace || '/' || hash FROM artifact WHERE {condition.sql}"  # noqa: S608 -- our SQL
    return {reference for (reference,) in connection.execute(sql, condition.values)}


def _check_fields(connection: sqlite3.Connection, asked: Query) -> None:
    """Refuse names of fields that no stored config has: a misspelt one would find nothing, without a word."""
    for condition in asked.conditions:
        if condition.is_fact or not condition.name:
            continue
        path = POSITION.sub("", condition.name.removeprefix("config."))
        if connection.execute("SELECT 1 FROM field WHERE path = ? LIMIT 1", (path,)).fetchone() is None:
            known = [row[0] for row in connection.execute("SELECT DISTINCT path FROM field ORDER BY path")]
            if known:
                raise unknown_field(asked, condition, known)


def _page(connection: sqlite3.Connection, asked: Query, limit: int | None, after: str | None, order: str) -> Rows:
    expression, direction, beyond = ORDERS[order]
    clauses = [where(asked, clock.unix())]
    if after is not None:
        value, last_id = _read_page(after, asked, order)
        clauses.append(Clause(f"({expression}, id) {beyond} (?, ?)", (value, last_id)))
    sql = (
        f"SELECT {_SELECTED}, {expression} FROM artifact WHERE {' AND '.join(clause.sql for clause in clauses)} "  # noqa: S608
        f"ORDER BY {expression} {direction}, id {direction}"
    )
    values: list[Any] = [value for clause in clauses for value in clause.values]
    if limit is not None:
        sql += " LIMIT ?"
        values.append(max(limit, 0) + 1)
    found = connection.execute(sql, values).fetchall()
    is_last = limit is None or len(found) <= limit
    shown = found if is_last else found[:limit]
    next_page = None if is_last or not shown else _name_page(order, shown[-1][-1], shown[-1][0])
    return Rows(map(_row, shown), next_page)


def _name_page(order: str, value: Any, last_id: int) -> str:
    return base64.urlsafe_b64encode(json.dumps([order, value, last_id]).encode()).decode().rstrip("=")


def _read_page(after: str, asked: Query, order: str) -> tuple[Any, int]:
    try:
        named, value, last_id = json.loads(base64.urlsafe_b64decode(after + "=" * (-len(after) % 4)))
        is_ours = named == order and isinstance(last_id, int) and isinstance(value, int | float | str)
    except (ValueError, TypeError):
        is_ours = False
    if not is_ours:
        hints = ["`after` is the `next_page` of the page before, in the same order"]
        raise FuruPageError(f"{after!r} is no page in the order {order!r}", query=asked.text, position=0, hints=hints)
    return value, last_id


def _row(found: tuple[Any, ...]) -> ArtifactRow:
    root, namespace, furu_hash, status, at, took, version, host, user, backend, error = found[1:12]
    tags, note, pinned, config = found[12:16]
    return ArtifactRow(
        *(Path(root), namespace, furu_hash, ArtifactStatus(status), at, took, version, host, user, backend, error),
        *(tuple(tags.strip(",").split(",")) if tags else (), note, bool(pinned), json.loads(config)),
    )
