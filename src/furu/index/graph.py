"""The graph of what is stored, as the index knows it, to be drawn."""

from __future__ import annotations

from typing import TYPE_CHECKING

from furu.drawing.graph import MISSING, SHORT_HASH, Graph, Node, class_graph
from furu.index.edges import class_edges, depends_on, used_by

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable, Collection, Iterator

    from furu.drawing.graph import Edge


class IndexGraph:
    """A source for `furu.drawing.neighbourhood`: asked for a few nodes at a time.

    Args:
        connection: of the index, refreshed by whoever wants that.
        link: gives the page of a reference; without it nodes lead nowhere.
    """

    def __init__(self, connection: sqlite3.Connection, link: Callable[[str], str] | None = None) -> None:
        self._connection = connection
        self._link = link

    def needs(self, references: Collection[str]) -> Iterator[Edge]:
        """Edges from what some artifacts depend on."""
        for user in references:
            yield from ((needed, user) for needed in depends_on(self._connection, user))

    def users(self, references: Collection[str]) -> Iterator[Edge]:
        """Edges to what depends on some artifacts."""
        for needed in references:
            yield from ((needed, user) for user in used_by(self._connection, needed))

    def describe(self, references: Collection[str]) -> Iterator[Node]:
        """A node for each reference, also for what is not stored any more."""
        sql = "SELECT status FROM artifact WHERE namespace = ? AND hash = ? LIMIT 1"
        for reference in references:
            namespace, _, furu_hash = reference.rpartition("/")
            found = self._connection.execute(sql, (namespace, furu_hash)).fetchone()
            yield Node(
                reference=reference,
                class_name=namespace.rpartition("/")[2],
                label=furu_hash[:SHORT_HASH],
                status=found[0] if found else MISSING,
                link=self._link(reference) if self._link and found else None,
            )


def index_classes(connection: sqlite3.Connection, link: Callable[[str], str] | None = None) -> Graph:
    """The graph of all classes, with how many artifacts of each status they have.

    Args:
        connection: of the index.
        link: gives the page of a namespace.
    """
    counts: dict[str, dict[str, int]] = {}
    sql = "SELECT namespace, status, count(*) FROM artifact GROUP BY namespace, status ORDER BY 1, 2"
    for namespace, status, count in connection.execute(sql):
        counts.setdefault(namespace, {})[status] = count
    links = {namespace: link(namespace) for namespace in counts} if link else {}
    edges = [(needed, user) for user, needed in class_edges(connection)]
    return class_graph(counts, edges, links)
