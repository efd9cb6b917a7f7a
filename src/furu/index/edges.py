"""What artifacts depend on, and what depends on them, by the index.

By what their config.json refers to: configs in fields, and those of `_dependencies()`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterator

_NO_LIMIT: Final = -1
_SLASH_AND_HASH: Final = len("/") + 32
_PARENT: Final = "artifact.namespace || '/' || artifact.hash"


def depends_on(connection: sqlite3.Connection, reference: str) -> list[str]:
    """References of what an artifact depends on itself, in the order of its fields; stored ones or not.

    Args:
        connection: from `opened`; what is not stored any more is in it until it is refreshed.
        reference: `<namespace>/<hash>`.
    """
    namespace, _, furu_hash = reference.rpartition("/")
    sql = (
        "SELECT DISTINCT child FROM edge JOIN artifact ON id = parent WHERE namespace = ? AND hash = ? "
        "ORDER BY root, position"
    )
    return [child for (child,) in connection.execute(sql, (namespace, furu_hash))]


def used_by(connection: sqlite3.Connection, reference: str, *, limit: int | None = None) -> list[str]:
    """References of the stored artifacts that depend on one themselves, the newest first.

    Args:
        connection: as for `depends_on`.
        reference: `<namespace>/<hash>`; it need not be stored itself.
        limit: at most so many.
    """
    sql = (
        f"SELECT {_PARENT} FROM edge JOIN artifact ON id = parent WHERE child = ? "  # noqa: S608 -- our names
        "GROUP BY namespace, hash ORDER BY max(at) DESC, namespace, hash LIMIT ?"
    )
    return [parent for (parent,) in connection.execute(sql, (reference, _NO_LIMIT if limit is None else limit))]


def count_users(connection: sqlite3.Connection, reference: str) -> int:
    """How many stored artifacts depend on one themselves."""
    sql = f"SELECT count(DISTINCT {_PARENT}) FROM edge JOIN artifact ON id = parent WHERE child = ?"  # noqa: S608
    (count,) = connection.execute(sql, (reference,)).fetchone()
    return int(count)


def all_edges(connection: sqlite3.Connection) -> Iterator[tuple[str, str]]:
    """Who depends on whom, as pairs of references, in any order."""
    sql = f"SELECT DISTINCT {_PARENT}, child FROM edge JOIN artifact ON id = parent"  # noqa: S608 -- our names
    yield from connection.execute(sql)


def class_edges(connection: sqlite3.Connection) -> list[tuple[str, str]]:
    """Which classes depend on which, as pairs of namespaces, sorted."""
    sql = (
        "SELECT DISTINCT namespace, substr(child, 1, length(child) - ?) FROM edge JOIN artifact ON id = parent "
        "ORDER BY 1, 2"
    )
    return list(connection.execute(sql, (_SLASH_AND_HASH,)))
