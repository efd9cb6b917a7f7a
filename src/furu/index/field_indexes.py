"""Indexes on single fields of the configs: of those that queries had to look through all rows for, again and again.

With 100,000 artifacts such a query takes more than a tenth of a second, and with an index less than a millisecond. An
index on every field would make the file and each refresh many times as large.
"""

from __future__ import annotations

import contextlib
import hashlib
import sqlite3
from typing import TYPE_CHECKING, Final

from furu.index.conditions import quoted_path
from furu.index.database import transaction

if TYPE_CHECKING:
    from furu.index.query import Query

SLOW_SEC: Final = 0.05
"""A query that took less needs no index."""

TIMES: Final = 3
"""As often a field is asked for by slow queries before it gets one."""

MOST: Final = 8
"""So many fields have one at most."""

_OPERATORS: Final = ("=", "<", "<=", ">", ">=")
_LEAST_VALUES: Final = 20
"""A value that more than one in so many rows has is found as quickly without."""


def learn(connection: sqlite3.Connection, asked: Query, took_sec: float) -> None:
    """Remember which fields a slow query asked for, and make an index for one that is asked for often.

    Whoever is writing is not waited for: the next one who asks will do.
    """
    fields = [each for each in asked.conditions if each.name and not each.is_fact and each.operator in _OPERATORS]
    if took_sec < SLOW_SEC or not fields:
        return
    (waits_ms,) = connection.execute("PRAGMA busy_timeout").fetchone()
    connection.execute("PRAGMA busy_timeout = 0")
    try:
        with contextlib.suppress(sqlite3.OperationalError), transaction(connection):
            for path in {quoted_path(field.steps) for field in fields}:
                _count(connection, path)
    finally:
        connection.execute(f"PRAGMA busy_timeout = {waits_ms}")


def _count(connection: sqlite3.Connection, path: str) -> None:
    sql = "INSERT INTO asked VALUES (?, 1) ON CONFLICT (path) DO UPDATE SET times = times + 1"
    connection.execute(sql, (path,))
    (times,) = connection.execute("SELECT times FROM asked WHERE path = ?", (path,)).fetchone()
    sql = "SELECT count(*) FROM sqlite_schema WHERE type = 'index' AND name GLOB 'field_[0-9a-f]*'"
    (made,) = connection.execute(sql).fetchone()
    if times == TIMES and made < MOST:
        _make(connection, path)


def _make(connection: sqlite3.Connection, path: str) -> None:
    name = f"field_{hashlib.blake2b(path.encode(), digest_size=8).hexdigest()}"
    connection.execute(f"CREATE INDEX {name} ON artifact (json_extract(config, {path}))")
    # Without figures SQLite would take the index for rare values and frequent ones alike.
    connection.execute("ANALYZE artifact")
    row = connection.execute("SELECT stat FROM sqlite_stat1 WHERE idx = ?", (name,)).fetchone()
    rows, each_value = map(int, row[0].split()[:2]) if row is not None else (0, 1)
    if each_value * _LEAST_VALUES > rows:
        connection.execute(f"DROP INDEX {name}")
