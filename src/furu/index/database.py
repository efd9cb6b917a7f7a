"""The index as an SQLite file: its tables, and making it anew whenever it is not what is expected."""

from __future__ import annotations

import contextlib
import os
import sqlite3
from pathlib import Path
from typing import TYPE_CHECKING, Final

from furu import clock
from furu.errors import FuruStoreError
from furu.index.location import index_path

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

FORMAT: Final = 4
"""Number of the tables below; a file with another one is made anew."""

KEY: Final = ("root", "namespace", "hash")
"""Columns that say which artifact it is."""

VISIBLE: Final = (
    *("class", "status", "version", "at", "took", "host", "user", "backend", "error"),
    *("tags", "note", "pinned", "config"),
)
"""Columns that somebody may see: where one of them changes, the index has another version."""

BOOKKEEPING: Final = ("mtime_ns", "watch")
"""Columns for the next refresh."""

COLUMNS: Final = (*KEY, *VISIBLE, *BOOKKEEPING)
_TABLES: Final = """
CREATE TABLE artifact (
    id INTEGER PRIMARY KEY,
    root TEXT NOT NULL, namespace TEXT NOT NULL, hash TEXT NOT NULL, class TEXT NOT NULL,
    status TEXT NOT NULL, version TEXT, at REAL NOT NULL, took REAL,
    host TEXT, user TEXT, backend TEXT, error TEXT,
    tags TEXT, note TEXT, pinned INTEGER NOT NULL,
    config TEXT NOT NULL, mtime_ns INTEGER NOT NULL, watch INTEGER NOT NULL,
    UNIQUE (namespace, hash, root)
);
CREATE INDEX artifact_at ON artifact (at, id);
CREATE INDEX artifact_status_at ON artifact (status, at, id);
CREATE INDEX artifact_class_at ON artifact (class, at, id);
CREATE INDEX artifact_hash ON artifact (hash);
CREATE INDEX artifact_namespace_status ON artifact (namespace, status);
CREATE INDEX artifact_tagged ON artifact (at, id) WHERE tags IS NOT NULL;
CREATE INDEX artifact_pinned ON artifact (pinned, at, id) WHERE pinned = 1;
CREATE INDEX artifact_watched ON artifact (watch) WHERE watch > 0;
CREATE TABLE edge (
    parent INTEGER NOT NULL, position INTEGER NOT NULL, child TEXT NOT NULL, PRIMARY KEY (parent, position)
) WITHOUT ROWID;
CREATE INDEX edge_child ON edge (child, parent);
CREATE TABLE directory (path TEXT PRIMARY KEY, root TEXT NOT NULL, mtime_ns INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE field (class TEXT NOT NULL, path TEXT NOT NULL, PRIMARY KEY (class, path)) WITHOUT ROWID;
CREATE TABLE asked (path TEXT PRIMARY KEY, times INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE refreshed (
    id INTEGER PRIMARY KEY CHECK (id = 1), at REAL NOT NULL, took REAL NOT NULL, version INTEGER NOT NULL
);
"""
_BUSY_SEC: Final = 60.0
_TRIES: Final = 100
_NAP_SEC: Final = 0.05
_PRIMARY_CODE: Final = 0xFF


@contextlib.contextmanager
def opened(roots: Sequence[str]) -> Iterator[sqlite3.Connection]:
    """The index of a store with these roots, with its tables; a damaged or older one is replaced by an empty one.

    Raises:
        FuruStoreError: the file can't be used here.
    """
    path = index_path(roots)
    try:
        connection = _open(path)
    except sqlite3.DatabaseError as error:
        # A lock that can't be had is no damage.
        if isinstance(error, sqlite3.OperationalError):
            raise _unusable(path, error) from error
        remove(path)
        connection = _open(path)
    try:
        yield connection
    except sqlite3.DatabaseError as error:
        raise _unusable(path, error) from error
    finally:
        connection.close()


def clear(roots: Sequence[str]) -> None:
    """Empty the index, whatever is in it; others may have it open meanwhile.

    Raises:
        FuruStoreError: as `opened`.
    """
    try:
        with opened(roots) as connection, transaction(connection):
            _make_tables(connection)
    except FuruStoreError:
        remove(index_path(roots))


def remove(path: str) -> None:
    """Remove an index, whatever is in it."""
    for name in (path, f"{path}-wal", f"{path}-shm"):
        with contextlib.suppress(FileNotFoundError):
            os.unlink(name)


def _open(path: str) -> sqlite3.Connection:
    connection = sqlite3.connect(path, timeout=_BUSY_SEC, isolation_level=None)
    try:
        for _ in range(_TRIES):
            try:
                _set_up(connection)
            except sqlite3.OperationalError as error:
                # Two that change the mode at once are told at once that it is locked, whatever the timeout.
                if error.sqlite_errorcode & _PRIMARY_CODE != sqlite3.SQLITE_BUSY:
                    raise
                clock.sleep(_NAP_SEC)
            else:
                return connection
        _set_up(connection)
    except BaseException:
        connection.close()
        raise
    return connection


def _set_up(connection: sqlite3.Connection) -> None:
    if connection.execute("PRAGMA journal_mode").fetchone()[0] != "wal":
        connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = OFF")  # lost in a power cut, it is made again
    if _format(connection) != FORMAT:
        with transaction(connection):
            if _format(connection) != FORMAT:
                _make_tables(connection)


def _format(connection: sqlite3.Connection) -> int:
    return int(connection.execute("PRAGMA user_version").fetchone()[0])


def _make_tables(connection: sqlite3.Connection) -> None:
    for table in ("artifact", "edge", "directory", "field", "asked", "refreshed"):
        connection.execute(f"DROP TABLE IF EXISTS {table}")
    for statement in _TABLES.split(";"):
        connection.execute(statement)
    # Versions of the index that stood here before were lower: nobody takes the new one for the one it knows.
    connection.execute("INSERT INTO refreshed VALUES (1, 0, 0, ?)", (clock.unix_ns() // 1_000_000,))
    connection.execute(f"PRAGMA user_version = {FORMAT}")


@contextlib.contextmanager
def transaction(connection: sqlite3.Connection) -> Iterator[None]:
    """All or nothing; one writer at a time, the others wait."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
    except BaseException:
        connection.execute("ROLLBACK")
        raise
    connection.execute("COMMIT")


def _unusable(path: str, error: sqlite3.Error) -> FuruStoreError:
    hints = ["`furu index rebuild` makes it anew", "FURU_INDEX_DIR puts it somewhere else, on a local disk"]
    return FuruStoreError(f"the index {path} can't be used: {error}", path=Path(path), hints=hints)
