"""Bringing the index up to date with the directories.

refresh
    list the classes' directories; one `stat` for each artifact
    an artifact's directory that has not changed since it was looked at, with nobody at work in it: nothing to do
    else: look at its names, read its records, put the row in
    rows of what is not there any more are deleted
tick
    one `stat` for each class's directory: where artifacts came, went or were annotated, as above
    elsewhere only artifacts that are not published: what is running, failed, or waits to be computed
    every now and then, and if the index is new: refresh
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from furu import clock
from furu.index.database import BOOKKEEPING, COLUMNS, VISIBLE, transaction
from furu.index.places import ABSENT, Place, directory_stamp, place_at, stamps_in, walk
from furu.index.reader import Key, Reader, Watch
from furu.storage.layout import ArtifactPaths, RootPaths
from furu.storage.scan import look

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable, Iterator, Sequence

WALK_AFTER_SEC: Final = 60.0
"""How old the last look at all artifacts may be, for whoever is content with a tick."""

_WALK_SHARE: Final = 20.0
"""A walk that took a second is not done again for so many, if that is longer."""

_NEVER: Final = -1
"""Time stamp of a directory that must be looked at whatever its stamp."""

_INSERT: Final = f"INSERT INTO artifact ({', '.join(COLUMNS)}) VALUES ({', '.join('?' * len(COLUMNS))})"  # noqa: S608
_UPDATE: Final = f"UPDATE artifact SET {', '.join(f'{name} = ?' for name in (*VISIBLE, *BOOKKEEPING))} WHERE id = ?"  # noqa: S608
_WHERE: Final = "WHERE namespace = ? AND hash = ? AND root = ?"
_SELECT: Final = f"SELECT id, {', '.join((*BOOKKEEPING, *VISIBLE))} FROM artifact {_WHERE}"  # noqa: S608 -- our names
_STAMP: Final = f"CASE WHEN watch <= {Watch.STAT.value} THEN mtime_ns ELSE -1 END"


class Refreshed(NamedTuple):
    """What a refresh or a tick did.

    Attributes:
        stored: artifacts there are now.
        looked_at: those whose records were read.
        removed: rows that were deleted.
        took_sec: how long it took.
        version: of the index; another one whenever something that can be seen is another.
        walked_at: when all artifacts were looked at last, in seconds since the epoch.
    """

    stored: int
    looked_at: int
    removed: int
    took_sec: float
    version: int
    walked_at: float


def refresh(connection: sqlite3.Connection, roots: Sequence[str]) -> Refreshed:
    """Make the index say what the directories say now; one process at a time, the others wait for it."""
    began = clock.monotonic()
    with transaction(connection):
        known = _known(connection)
        work = _Round(connection, roots)
        for root in roots:
            for place in walk(root, RootPaths(root).data):
                work.visit(place, known.pop((root, place.namespace), {}))
        for (root, namespace), left in known.items():
            work.remove((root, namespace, furu_hash) for furu_hash in left)
        work.forget_directories()
        work.finish()
        now, took = clock.unix(), clock.monotonic() - began
        connection.execute("UPDATE refreshed SET at = ?, took = ?", (now, took))
    return _report(connection, work, took)


def tick(connection: sqlite3.Connection, roots: Sequence[str], *, walk_after_sec: float = WALK_AFTER_SEC) -> Refreshed:
    """Bring up to date what changes by itself, for a page that is looked at: cheap where little happens.

    Sees at once what comes and goes, what becomes of every artifact that is not published, and what furu annotates or
    deletes. A published result that is computed anew, or changed by hand, is seen by the next look at all.

    Args:
        connection: from `opened`.
        roots: of the store.
        walk_after_sec: how old the last look at all artifacts may be; if it is older, this is one.
    """
    began = clock.monotonic()
    walked_at, took = connection.execute("SELECT at, took FROM refreshed").fetchone()
    if abs(clock.unix() - walked_at) > max(walk_after_sec, _WALK_SHARE * took):
        return refresh(connection, roots)
    work = _Round(connection, roots)
    changed = [path for path, (_, mtime_ns) in work.directories.items() if directory_stamp(path) != mtime_ns]
    suspects = list(_suspects(connection, work.reader))
    if changed or suspects:
        with transaction(connection):
            for path in changed:
                _visit_again(connection, work, path)
            for key in (key for key in suspects if key not in work.looked_at):
                work.look_again(key)
            work.finish()
    return _report(connection, work, clock.monotonic() - began)


def version(connection: sqlite3.Connection) -> int:
    """Of the index: another one, and a higher one, whenever something that can be seen in it is another."""
    (number,) = connection.execute("SELECT version FROM refreshed").fetchone()
    return int(number)


def last_walk(connection: sqlite3.Connection) -> float:
    """When all artifacts were looked at last, in seconds since the epoch; 0 for never."""
    (at,) = connection.execute("SELECT at FROM refreshed").fetchone()
    return float(at)


def _report(connection: sqlite3.Connection, work: _Round, took: float) -> Refreshed:
    (stored,) = connection.execute("SELECT count(*) FROM artifact").fetchone()
    walked_at, number = connection.execute("SELECT at, version FROM refreshed").fetchone()
    return Refreshed(stored, len(work.looked_at), work.removed, took, number, walked_at)


def _visit_again(connection: sqlite3.Connection, work: _Round, path: str) -> None:
    """A directory that changed, and those in it that are new."""
    root, _ = work.directories[path]
    new = [path]
    while new:
        place = place_at(root, new.pop())
        sql = "SELECT hash, mtime_ns FROM artifact WHERE namespace = ? AND root = ?"
        work.visit(place, dict(connection.execute(sql, (place.namespace, root)).fetchall()))
        new += [each for each in place.directories if each not in work.directories]


class _Round:
    """The changes of one refresh or tick.

    Attributes:
        reader: makes rows.
        directories: root and time stamp of each directory that may hold artifacts.
        looked_at: artifacts whose records were read.
        removed: rows that were deleted.
    """

    def __init__(self, connection: sqlite3.Connection, roots: Sequence[str]) -> None:
        self._connection = connection
        self.reader = Reader(roots)
        rows = connection.execute("SELECT path, root, mtime_ns FROM directory")
        self.directories: dict[str, tuple[str, int]] = {path: (root, mtime_ns) for path, root, mtime_ns in rows}
        self._visited: set[str] = set()
        self._is_changed = False
        self.looked_at: set[Key] = set()
        self.removed = 0

    def visit(self, place: Place, known: dict[str, int]) -> None:
        """All artifacts in a directory, given the time stamps of those that are known in it; takes these away."""
        for furu_hash, mtime_ns in stamps_in(place.path, place.hashes).items():
            if known.pop(furu_hash, None) != mtime_ns:
                self._look((place.root, place.namespace, furu_hash), mtime_ns)
        self.remove((place.root, place.namespace, furu_hash) for furu_hash in known)
        self._visited.add(place.path)
        self._remember(place)

    def look_again(self, key: Key) -> None:
        """One artifact, if it is still there."""
        root, namespace, furu_hash = key
        mtime_ns = stamps_in(f"{RootPaths(root).data}/{namespace}", [furu_hash]).get(furu_hash)
        if mtime_ns is None:
            self.remove([key])
        else:
            self._look(key, mtime_ns)

    def _look(self, key: Key, mtime_ns: int) -> None:
        self.looked_at.add(key)
        row, watch, fields, needs = self.reader.read(key, mtime_ns)
        root, namespace, furu_hash = key
        found = self._connection.execute(_SELECT, (namespace, furu_hash, root)).fetchone()
        if found is not None and found[3:] == row:
            if found[1:3] != (mtime_ns, watch):
                sql = "UPDATE artifact SET mtime_ns = ?, watch = ? WHERE id = ?"
                self._connection.execute(sql, (mtime_ns, watch, found[0]))
            return
        self._is_changed = True
        if found is None:
            number = self._connection.execute(_INSERT, (*key, *row, mtime_ns, watch)).lastrowid
        else:
            number = found[0]
            self._connection.execute(_UPDATE, (*row, mtime_ns, watch, number))
            self._connection.execute("DELETE FROM edge WHERE parent = ?", (number,))
        edges = [(number, position, child) for position, child in enumerate(needs)]
        self._connection.executemany("INSERT INTO edge VALUES (?, ?, ?)", edges)
        self._connection.executemany("INSERT OR IGNORE INTO field VALUES (?, ?)", fields)

    def remove(self, keys: Iterable[Key]) -> None:
        """Artifacts that are not there any more."""
        for root, namespace, furu_hash in keys:
            values = (namespace, furu_hash, root)
            sql = f"DELETE FROM edge WHERE parent = (SELECT id FROM artifact {_WHERE})"  # noqa: S608 -- our names
            self._connection.execute(sql, values)
            gone = self._connection.execute(f"DELETE FROM artifact {_WHERE}", values).rowcount  # noqa: S608
            self.removed += gone
            self._is_changed |= gone > 0

    def _remember(self, place: Place) -> None:
        is_top = place.path == RootPaths(place.root).data  # which is waited for where it isn't there yet
        if place.mtime_ns == ABSENT and not is_top:
            self.directories.pop(place.path, None)
            self._connection.execute("DELETE FROM directory WHERE path = ?", (place.path,))
            return
        stamp = _NEVER if self.reader.is_young(place.mtime_ns) else place.mtime_ns
        if self.directories.get(place.path) != (place.root, stamp):
            self.directories[place.path] = (place.root, stamp)
            self._connection.execute(
                "INSERT OR REPLACE INTO directory VALUES (?, ?, ?)", (place.path, place.root, stamp)
            )

    def forget_directories(self) -> None:
        """Those that no walk leads to any more."""
        gone = [(path,) for path in self.directories if path not in self._visited]
        self._connection.executemany("DELETE FROM directory WHERE path = ?", gone)

    def finish(self) -> None:
        """Give the index another version, if that is due."""
        if self._is_changed:
            self._connection.execute("UPDATE refreshed SET version = version + 1")


# -- what is known ----------------------------------------------------------------------------------------------------


def _known(connection: sqlite3.Connection) -> dict[tuple[str, str], dict[str, int]]:
    """Time stamps by root, namespace and hash; one that no directory has for an artifact that must be looked at."""
    known: dict[tuple[str, str], dict[str, int]] = {}
    sql = f"SELECT root, namespace, hash, {_STAMP} FROM artifact"  # noqa: S608 -- our names
    for root, namespace, furu_hash, mtime_ns in connection.execute(sql):
        known.setdefault((root, namespace), {})[furu_hash] = mtime_ns
    return known


def _suspects(connection: sqlite3.Connection, reader: Reader) -> Iterator[Key]:
    """Artifacts whose row may not be true any more, of those that a tick watches."""
    sql = "SELECT root, namespace, hash, mtime_ns, watch, at FROM artifact WHERE watch > 0"
    watched = connection.execute(sql).fetchall()
    by_place: dict[tuple[str, str], list[str]] = {}
    for root, namespace, furu_hash, *_ in watched:
        by_place.setdefault((root, namespace), []).append(furu_hash)
    stamps = {place: stamps_in(f"{RootPaths(place[0]).data}/{place[1]}", names) for place, names in by_place.items()}
    for root, namespace, furu_hash, mtime_ns, watch, at in watched:
        key = (root, namespace, furu_hash)
        if stamps[root, namespace].get(furu_hash) != mtime_ns:
            yield key
        elif watch == Watch.YOUNG:
            if not reader.is_young(mtime_ns):
                yield key
        elif watch == Watch.LOOK and not _still_runs(key, at):
            yield key


def _still_runs(key: Key, began_at: float) -> bool:
    root, namespace, furu_hash = key
    paths = ArtifactPaths(f"{RootPaths(root).data}/{namespace}/{furu_hash}")
    holder = look(namespace, furu_hash, paths).holder
    return holder is not None and int(holder[:20]) / 1e9 == began_at
