"""Counts over all artifacts that fit a query, as the index knew them last."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from furu import clock
from furu.index.conditions import Clause, where
from furu.index.database import opened
from furu.index.query import parse

if TYPE_CHECKING:
    from collections.abc import Sequence

_DAY_SEC: Final = 86_400


@dataclass(frozen=True)
class ClassCounts:
    """The artifacts of one class.

    Attributes:
        namespace: directory of the class below `data/`.
        counts: how many there are of each status.
    """

    namespace: str
    counts: dict[str, int]

    @property
    def total(self) -> int:
        """All of them."""
        return sum(self.counts.values())


def class_counts(text: str = "", *, roots: Sequence[str]) -> list[ClassCounts]:
    """Artifacts by class and status, sorted by class.

    Args:
        text: a query.
        roots: of the store.

    Raises:
        FuruQueryError: it is no query.
    """
    found: dict[str, dict[str, int]] = {}
    rows = _select("namespace, status, count(*)", text, roots, "GROUP BY namespace, status ORDER BY namespace")
    for namespace, status, count in rows:
        found.setdefault(namespace, {})[status] = count
    return [ClassCounts(namespace, by_status) for namespace, by_status in found.items()]


def day_counts(text: str = "", *, since: float, roots: Sequence[str]) -> dict[int, dict[str, int]]:
    """Artifacts by day and status.

    Args:
        text: a query.
        since: seconds since the epoch.
        roots: of the store.

    Returns:
        By the number of the day since the epoch, in UTC.

    Raises:
        FuruQueryError: it is no query.
    """
    found: dict[int, dict[str, int]] = {}
    day = f"CAST(at / {_DAY_SEC} AS INTEGER)"
    rows = _select(f"{day}, status, count(*)", text, roots, "GROUP BY 1, 2 ORDER BY 1", Clause("at >= ?", (since,)))
    for number, status, count in rows:
        found.setdefault(number, {})[status] = count
    return found


def durations(text: str = "", *, roots: Sequence[str]) -> dict[str, list[float]]:
    """What artifacts of each class took, in seconds, sorted.

    Raises:
        FuruQueryError: `text` is no query.
    """
    found: dict[str, list[float]] = {}
    for namespace, took in _select("namespace, took", text, roots, "ORDER BY namespace, took", Clause("took NOTNULL")):
        found.setdefault(namespace, []).append(took)
    return found


def error_counts(text: str = "", *, roots: Sequence[str]) -> dict[str, int]:
    """How often each class of exception is the reason of a failure, the most frequent first.

    Raises:
        FuruQueryError: `text` is no query.
    """
    kind = "CASE WHEN instr(error, ':') > 1 THEN substr(error, 1, instr(error, ':') - 1) ELSE error END"
    order = "GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT 50"
    return dict(_select(f"{kind}, count(*)", text, roots, order, Clause("error NOTNULL AND status = 'failed'")))


def _select(
    columns: str, text: str, roots: Sequence[str], order: str, further: Clause | None = None
) -> list[tuple[Any, ...]]:
    clauses = [where(parse(text), clock.unix()), *([further] if further else [])]
    condition = " AND ".join(clause.sql for clause in clauses)
    values = [value for clause in clauses for value in clause.values]
    with opened(roots) as connection:
        sql = f"SELECT {columns} FROM artifact WHERE {condition} {order}"  # noqa: S608 -- our own words
        return connection.execute(sql, values).fetchall()


def field_values(path: str, class_name: str | None, *, limit: int, roots: Sequence[str]) -> list[tuple[Any, int]]:
    """The values that a field has most often, with how often.

    Args:
        path: as SQLite names it, from `conditions.json_path`.
        class_name: only of classes of this name.
        limit: at most so many.
        roots: of the store.
    """
    further = Clause("json_extract(config, ?) NOTNULL", (path,))
    if class_name is not None:
        further = Clause(f"{further.sql} AND class = ?", (*further.values, class_name))
    with opened(roots) as connection:
        sql = (
            "SELECT json_extract(config, ?) AS value, count(*) FROM artifact "  # noqa: S608 -- our own words
            f"WHERE {further.sql} GROUP BY value ORDER BY count(*) DESC, value LIMIT ?"
        )
        return connection.execute(sql, (path, *further.values, limit)).fetchall()


def field_paths(class_name: str | None = None, *, roots: Sequence[str]) -> list[str]:
    """Paths of the fields that stored configs have, of one class or of all."""
    condition, values = ("WHERE class = ?", (class_name,)) if class_name is not None else ("", ())
    with opened(roots) as connection:
        sql = f"SELECT DISTINCT path FROM field {condition} ORDER BY path"  # noqa: S608 -- our own words
        return [row[0] for row in connection.execute(sql, values)]


def troubled(*, limit: int, roots: Sequence[str]) -> list[tuple[str, str]]:
    """References of artifacts with records that can't be read, and why: errors that are no failed computation's."""
    # What can't be read is named with its path; an exception begins with its class.
    clause = Clause("error NOTNULL AND (status != 'failed' OR error LIKE '/%')")
    return _select("namespace || '/' || hash, error", "", roots, f"ORDER BY 1 LIMIT {limit:d}", clause)
