"""What the index says of an artifact, read from its directory."""

from __future__ import annotations

import enum
import json
import math
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from furu import clock
from furu.errors import FuruError
from furu.evolution.archive import Archive, bottom_up
from furu.evolution.refs import ArtifactStatus, status_of
from furu.index.plain import MAX_CHARS, Plain, leaves, plain_fields
from furu.storage.annotations import Annotations, read_annotations
from furu.storage.atomic import DISK
from furu.storage.layout import ArtifactPaths, AttemptPaths, Ending, parse_tags
from furu.storage.records import AliasRecord, ErrorRecord, OwnerRecord, parse, parse_own, parse_success
from furu.storage.scan import look

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from furu.storage.scan import ScannedArtifact

_YOUNG_SEC: Final = 10.0
"""Two changes may have one time stamp, so a directory that changed just now is looked at again."""

_END_OF_TIME: Final = 253_402_300_800.0
"""The year 10000, in seconds since the epoch: later moments can't be written."""

_REMEMBERED_ROWS: Final = 10_000
"""After so many rows their documents are forgotten: most are never asked for again, and memory has an end."""

POSITION: Final = re.compile(r"\[\d+\]")
"""A position in a list, as paths have it."""

Key = tuple[str, str, str]
"""Root, namespace and hash."""


class Watch(enum.IntEnum):
    """When a row has to be compared with its directory again."""

    WALK = 0
    """Published: when all are."""
    STAT = 1
    """Whatever may still become something else: its time stamp, at each tick."""
    YOUNG = 2
    """Changed just now: once more when it has come of age."""
    LOOK = 3
    """Somebody is at work in it: its names, at each tick."""


class Reading(NamedTuple):
    """An artifact as it is now.

    Attributes:
        row: what the visible columns hold.
        watch: when to look again.
        fields: class and path of fields that weren't met before.
        needs: references of what it depends on, in the order of its fields.
    """

    row: tuple[Any, ...]
    watch: Watch
    fields: list[tuple[str, str]]
    needs: list[str]


def _watch(found: ScannedArtifact, status: ArtifactStatus, *, is_young: bool) -> Watch:
    if found.holder is not None:
        return Watch.LOOK
    if is_young:
        return Watch.YOUNG
    return Watch.WALK if status is ArtifactStatus.PUBLISHED else Watch.STAT


class Reader:
    """Makes rows; each nested config is read once for all that hold it."""

    def __init__(self, roots: Sequence[str]) -> None:
        self._roots = roots
        self._archive = Archive(roots)
        self._plain: dict[str, Plain | None] = {}
        self._rows = 0
        self._paths: set[tuple[str, str]] = set()
        self._now = clock.unix()

    def read(self, key: Key, mtime_ns: int) -> Reading:
        """What is to be said of an artifact whose directory has this time stamp."""
        self._rows += 1
        if self._rows % _REMEMBERED_ROWS == 0:
            self._archive, self._plain = Archive(self._roots), {}
        root, namespace, furu_hash = key
        reference, name = f"{namespace}/{furu_hash}", namespace.rpartition("/")[2]
        found = look(namespace, furu_hash, ArtifactPaths(f"{root}/data/{reference}"))
        status = status_of(found)
        config, version, problem = self._config(reference)
        facts = _facts(found, mtime_ns)
        if problem and not facts.error:
            facts.error = problem
        facts.check(mtime_ns)
        row = (
            *(name, status.value, version, facts.at, facts.took, facts.host, facts.user, facts.backend, facts.error),
            *(f",{','.join(facts.said.tags)}," if facts.said.tags else None, facts.said.note, facts.said.is_pinned),
            json.dumps(config),
        )
        row = tuple(map(_storable, row))
        watch = _watch(found, status, is_young=self.is_young(mtime_ns))
        needs = [_storable(each) for each in self._needs_of(reference)]
        return Reading(row, watch, self._new_paths(name, config), needs)

    def is_young(self, mtime_ns: int) -> bool:
        """Whether a change may have come since that left the time stamp as it was."""
        return abs(self._now - mtime_ns / 1e9) <= _YOUNG_SEC

    def _config(self, reference: str) -> tuple[dict[str, Any], str | None, str | None]:
        for each in bottom_up([reference], self._needs):
            if each not in self._plain:
                try:
                    self._plain[each] = plain_fields(self._archive.document(each)["fields"], self._plain.get)
                except (FuruError, AttributeError, KeyError, RecursionError, TypeError, ValueError):
                    self._plain[each] = None
        plain = self._plain[reference]
        if plain is None:
            return {}, None, self._problem(reference)
        version = self._archive.document(reference).get("version")
        return plain.value, version if isinstance(version, str) else None, None

    def _needs(self, reference: str) -> Iterable[str]:
        try:
            return () if reference in self._plain else self._archive.needs(reference)
        except (
            AttributeError,
            RecursionError,
            TypeError,
        ):  # a document with something else in the place of a reference
            return ()

    def _needs_of(self, reference: str) -> list[str]:
        try:
            return [str(each) for each in self._archive.needs(reference)]
        except (AttributeError, RecursionError, TypeError):
            return []

    def _problem(self, reference: str) -> str:
        try:
            self._archive.document(reference)
        except FuruError as error:
            return error.message
        return "its config.json holds values that this furu doesn't know"

    def _new_paths(self, name: str, config: dict[str, Any]) -> list[tuple[str, str]]:
        patterns = {_storable(pattern) for path, _ in leaves(config) for pattern in _with_parents(path)}
        paths = {(name, pattern) for pattern in patterns} - self._paths
        self._paths |= paths
        return list(paths)


def _storable(value: Any) -> Any:
    """Text without halves of surrogate pairs, which a damaged record may have and SQLite can't hold."""
    if isinstance(value, str) and not value.isascii():
        return value.encode("utf-8", "replace").decode()
    return value


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
    said: Annotations = field(default_factory=Annotations)

    def check(self, mtime_ns: int) -> None:
        """Put what a damaged record says of time right; `parse_success` doesn't look at it, for the sake of hits."""
        if not 0 <= self.at < _END_OF_TIME:
            self.at = mtime_ns / 1e9
        if not isinstance(self.took, float | int) or not math.isfinite(self.took):
            self.took = None


def _facts(found: ScannedArtifact, mtime_ns: int) -> _Facts:
    """What the records say; what can't be read is the row's error."""
    facts = _Facts(at=mtime_ns / 1e9)
    try:
        facts.said = Annotations(parse_tags(found.names), None, "pin.json" in found.names)
        facts.said = read_annotations(found.paths, DISK, found.names)
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
        owner = parse_own(OwnerRecord, content, attempt.owner, "token")
        facts.host, facts.user, facts.backend = owner.host, owner.user, owner.backend
    if content := DISK.read(attempt.error):
        error = parse_own(ErrorRecord, content, attempt.error, "token")
        facts.error = f"{error.type.removeprefix('builtins.')}: {error.message}"[:MAX_CHARS]
        facts.at, facts.took = error.at, error.usage.wall_sec if error.usage else None
