"""Bringing the index up to date with the directories.

refresh
    list the classes' directories; one `stat` for each artifact
    an artifact's directory that has not changed since it was looked at, with nobody at work in it: nothing to do
    else: look at its names, read its records, put the row in
    rows of what is not there any more are deleted
"""

from __future__ import annotations

import json
import os
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from furu import clock
from furu.errors import FuruError
from furu.evolution.archive import Archive, bottom_up
from furu.evolution.refs import ArtifactStatus, status_of
from furu.index.database import COLUMNS, transaction
from furu.index.plain import MAX_CHARS, Plain, leaves, plain_fields
from furu.storage.atomic import DISK, GONE
from furu.storage.layout import HASH, ArtifactPaths, AttemptPaths, Ending, RootPaths
from furu.storage.records import AliasRecord, ErrorRecord, OwnerRecord, parse, parse_success
from furu.storage.scan import directories, look

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable, Iterator, Sequence

    from furu.storage.scan import ScannedArtifact

_YOUNG_SEC: Final = 10.0
"""Two changes may have one time stamp, so a directory that changed just now is looked at again."""

_REMEMBERED_ROWS: Final = 10_000
"""After so many rows their documents are forgotten: most are never asked for again, and memory has an end."""

_UPSERT: Final = (
    f"INSERT INTO artifact ({', '.join(COLUMNS)}) VALUES ({', '.join('?' * len(COLUMNS))}) "  # noqa: S608 -- our names
    f"ON CONFLICT (namespace, hash, root) DO UPDATE SET "
    + ", ".join(f"{name} = excluded.{name}" for name in COLUMNS if name not in ("root", "namespace", "hash"))
)

POSITION: Final = re.compile(r"\[\d+\]")
"""A position in a list, as paths have it."""

_Key = tuple[str, str, str]


class Refreshed(NamedTuple):
    """What a refresh did.

    Attributes:
        stored: artifacts there are now.
        looked_at: those whose records were read.
        removed: rows that were deleted.
        took_sec: how long it took.
    """

    stored: int
    looked_at: int
    removed: int
    took_sec: float


def refresh(connection: sqlite3.Connection, roots: Sequence[str]) -> Refreshed:
    """Make the index say what the directories say now; one process at a time, the others wait for it."""
    began = clock.monotonic()
    with transaction(connection):
        known = _known(connection)
        reader = _Reader(roots)
        stored = looked_at = 0
        for root, namespace, stamps in _stored(roots):
            seen = known.pop((root, namespace), {})
            stored += len(stamps)
            for furu_hash, mtime_ns in stamps.items():
                if seen.pop(furu_hash, None) == mtime_ns:
                    continue
                looked_at += 1
                row, paths = reader.row((root, namespace, furu_hash), mtime_ns)
                connection.execute(_UPSERT, row)
                connection.executemany("INSERT OR IGNORE INTO field VALUES (?, ?)", paths)
            known[root, namespace] = seen
        gone = [(*place, furu_hash) for place, left in known.items() for furu_hash in left]
        connection.executemany("DELETE FROM artifact WHERE root = ? AND namespace = ? AND hash = ?", gone)
        took = clock.monotonic() - began
        connection.execute("INSERT OR REPLACE INTO refreshed VALUES (1, ?, ?)", (clock.unix(), took))
    return Refreshed(stored, looked_at, len(gone), took)


def _known(connection: sqlite3.Connection) -> dict[tuple[str, str], dict[str, int]]:
    """Time stamps by root, namespace and hash; -1 for an artifact that has to be looked at whatever its stamp."""
    known: dict[tuple[str, str], dict[str, int]] = {}
    sql = "SELECT root, namespace, hash, CASE WHEN is_settled THEN mtime_ns ELSE -1 END FROM artifact"
    for root, namespace, furu_hash, mtime_ns in connection.execute(sql):
        known.setdefault((root, namespace), {})[furu_hash] = mtime_ns
    return known


def _stored(roots: Sequence[str]) -> Iterator[tuple[str, str, dict[str, int]]]:
    """Time stamps of the artifacts' directories, by hash, for each root and namespace."""
    for root in roots:
        top = RootPaths(root).data
        for directory, names in directories(top):
            hashes = [name for name in names if HASH.fullmatch(name)]
            if hashes:
                yield root, directory[len(top) + 1 :], _stamps(directory, hashes)


def _stamps(directory: str, names: Iterable[str]) -> dict[str, int]:
    stamps = {}
    try:
        # By names alone the kernel would walk down the whole path for each of them.
        descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError as error:
        if error.errno in GONE:
            return {}
        raise
    try:
        for name in names:
            try:
                stamps[name] = os.stat(name, dir_fd=descriptor).st_mtime_ns
            except OSError as error:
                if error.errno not in GONE:
                    raise
    finally:
        os.close(descriptor)
    return stamps


class _Reader:
    """Makes rows; each nested config is read once for all that hold it."""

    def __init__(self, roots: Sequence[str]) -> None:
        self._roots = roots
        self._archive = Archive(roots)
        self._plain: dict[str, Plain | None] = {}
        self._rows = 0
        self._paths: set[tuple[str, str]] = set()
        self._now = clock.unix()

    def row(self, key: _Key, mtime_ns: int) -> tuple[tuple[Any, ...], list[tuple[str, str]]]:
        self._rows += 1
        if self._rows % _REMEMBERED_ROWS == 0:
            self._archive, self._plain = Archive(self._roots), {}
        root, namespace, furu_hash = key
        reference, name = f"{namespace}/{furu_hash}", namespace.rpartition("/")[2]
        found = look(namespace, furu_hash, ArtifactPaths(f"{root}/data/{reference}"))
        config, version, problem = self._config(reference)
        facts = _facts(found, mtime_ns)
        if problem and not facts.error:
            facts.error = problem
        is_settled = found.holder is None and abs(self._now - mtime_ns / 1e9) > _YOUNG_SEC
        row = (
            *(root, namespace, furu_hash, name, status_of(found).value, version, facts.at, facts.took),
            *(facts.host, facts.user, facts.backend, facts.error, json.dumps(config), mtime_ns, is_settled),
        )
        return row, self._new_paths(name, config)

    def _config(self, reference: str) -> tuple[dict[str, Any], str | None, str | None]:
        for each in bottom_up([reference], self._needs):
            if each not in self._plain:
                try:
                    self._plain[each] = plain_fields(self._archive.document(each)["fields"], self._plain.get)
                except (FuruError, AttributeError, KeyError, TypeError, ValueError):
                    self._plain[each] = None
        plain = self._plain[reference]
        if plain is None:
            return {}, None, self._problem(reference)
        return plain.value, self._archive.document(reference).get("version"), None

    def _needs(self, reference: str) -> Iterable[str]:
        try:
            return () if reference in self._plain else self._archive.needs(reference)
        except (AttributeError, TypeError):  # a document with something else in the place of a reference
            return ()

    def _problem(self, reference: str) -> str:
        try:
            self._archive.document(reference)
        except FuruError as error:
            return error.message
        return "its config.json holds values that this furu doesn't know"

    def _new_paths(self, name: str, config: dict[str, Any]) -> list[tuple[str, str]]:
        paths = {(name, pattern) for path, _ in leaves(config) for pattern in _with_parents(path)} - self._paths
        self._paths |= paths
        return list(paths)


def _with_parents(path: str) -> Iterator[str]:
    """`a.b[3].c` as `a.b.c`, and what can be asked for above it."""
    parts = POSITION.sub("", path).split(".")
    for count in range(1, len(parts) + 1):
        yield ".".join(parts[:count])


@dataclass
class _Facts:
    at: float
    took: float | None = None
    host: str | None = None
    user: str | None = None
    backend: str | None = None
    error: str | None = None


def _facts(found: ScannedArtifact, mtime_ns: int) -> _Facts:
    """What the records say; what can't be read is the row's error."""
    facts = _Facts(at=mtime_ns / 1e9)
    try:
        _read(found, facts)
    except FuruError as error:
        facts.error = error.message
    return facts


def _read(found: ScannedArtifact, facts: _Facts) -> None:
    paths, attempt = found.paths, None
    status = status_of(found)
    if status is ArtifactStatus.PUBLISHED and (content := DISK.read(paths.success)):
        success = parse_success(content, paths.success)
        facts.at, facts.took = success.at, success.usage.wall_sec if success.usage else None
        attempt = paths.ended(success.token, Ending.OK)
    elif status is ArtifactStatus.RUNNING and found.holder is not None:
        facts.at = _began(found.holder)
        attempt = paths.lease(found.holder)
    elif status is ArtifactStatus.ALIAS and (content := DISK.read(paths.alias)):
        facts.at = parse(AliasRecord, content, paths.alias).at
    elif found.last_token is not None and found.last_ending is not None:
        facts.at = _began(found.last_token)
        attempt = paths.ended(found.last_token, found.last_ending)
    if attempt is not None:
        _read_attempt(attempt, facts)


def _began(token: str) -> float:
    return int(token.partition("-")[0]) / 1e9


def _read_attempt(attempt: AttemptPaths, facts: _Facts) -> None:
    if content := DISK.read(attempt.owner):
        owner = parse(OwnerRecord, content, attempt.owner)
        facts.host, facts.user, facts.backend = owner.host, owner.user, owner.backend
    if content := DISK.read(attempt.error):
        error = parse(ErrorRecord, content, attempt.error)
        facts.error = f"{error.type.removeprefix('builtins.')}: {error.message}"[:MAX_CHARS]
        facts.at, facts.took = error.at, error.usage.wall_sec if error.usage else None
