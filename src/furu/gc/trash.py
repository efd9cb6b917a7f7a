"""Taking what was decided on, giving it back, and emptying the trash.

take
    each artifact under its lease, if nothing about it has changed: all it has goes in one rename; then loose ends
give_back
    the same the other way round; a result that was computed since stays, and the old one stays in the trash
empty
    for good

Both may be killed at any step and called again. What a killed one had in its hands is in the attempt that its lease
became; the journal says which.
"""

from __future__ import annotations

import contextlib
import os
from functools import partial
from typing import TYPE_CHECKING, Final

from furu.config import settings
from furu.errors import FuruError
from furu.evolution.journal import living_aliases
from furu.evolution.journal import read_journal as read_migration
from furu.evolution.journal import tokens as migrations
from furu.gc.journal import note, note_lease, tokens
from furu.lifecycle.artifact import Terms
from furu.lifecycle.lease import THIS_PROCESS
from furu.lifecycle.published import alias_target
from furu.lifecycle.removal import holding
from furu.lifecycle.schedulers import look_at_jobs
from furu.storage.annotations import read_annotations
from furu.storage.carrying import carry_off, put_back, tidy
from furu.storage.layout import ArtifactPaths, AttemptPaths, RootPaths, parse_ended
from furu.storage.records import parse_success
from furu.storage.trash_layout import TrashPaths

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from furu.gc.journal import Journal, TakenArtifact
    from furu.lifecycle.artifact import Artifact

_EMPTIED: Final = ".emptied"

Refusals = dict[str, str]
"""Why something stayed where it was, by reference or path."""


def take(journal: Journal) -> Refusals:
    """Take all that the journal names and that has not been taken yet."""
    refused: Refusals = {}
    aliased = _Aliased(journal.root)
    for item in journal.artifacts:
        _try(item.reference, refused, partial(_take, journal, item, aliased))
    for end in journal.loose:
        source, target = f"{journal.root}/{end.path}", journal.paths.loose(end.path)
        _try(end.path, refused, partial(_move, source, target))
    note(journal, done=True)
    return refused


def give_back(journal: Journal) -> Refusals:
    """Put all that was taken where it was. What could be put back is in the trash no more; an empty one is removed."""
    refused: Refusals = {}
    for end in reversed(journal.loose):
        source, target = journal.paths.loose(end.path), f"{journal.root}/{end.path}"
        _try(end.path, refused, partial(_move, source, target))
    for item in reversed(journal.artifacts):
        _try(item.reference, refused, partial(_give_back, journal, item.reference))
    if not refused:
        _remove(journal.root, journal.token)
    return refused


def keep_records_in_use(journal: Journal, used: Iterable[str]) -> list[str]:
    """Put configs back that something stored refers to by now; which ones."""
    kept = []
    for reference in used:
        record = f"{journal.paths.artifact(reference)}/config.json"
        paths = ArtifactPaths(f"{journal.root}/data/{reference}")
        if THIS_PROCESS.disk.read(record) is not None and THIS_PROCESS.disk.read(paths.config) is None:
            THIS_PROCESS.disk.make_directories(paths.base)
            THIS_PROCESS.disk.rename(record, paths.config)
            kept.append(reference)
    return kept


def empty(root: str, trashed: Iterable[str]) -> None:
    """Remove what lies in the trash under these ids, and what an earlier call left, for good."""
    for token in trashed:
        _remove(root, token)
    for name in THIS_PROCESS.disk.list_directory(RootPaths(root).trash):
        if name.endswith(_EMPTIED):
            THIS_PROCESS.disk.remove_tree(f"{RootPaths(root).trash}/{name}")
    with contextlib.suppress(OSError):
        THIS_PROCESS.disk.remove_directory(RootPaths(root).trash)


def older_than(root: str, at: float) -> list[str]:
    """Ids in the trash that began before `at`, in seconds since the epoch."""
    return [token for token in tokens(root) if int(token.partition("-")[0]) / 1e9 <= at]


def _remove(root: str, token: str) -> None:
    paths = TrashPaths(root, token)
    with contextlib.suppress(FileNotFoundError):
        THIS_PROCESS.disk.rename(paths.base, paths.emptied)  # from here on nobody takes it for something to give back
    THIS_PROCESS.disk.remove_tree(paths.emptied)
    with contextlib.suppress(OSError):
        THIS_PROCESS.disk.remove_directory(RootPaths(root).trash)


def _try(name: str, refused: Refusals, action: Callable[[], str | None]) -> None:
    try:
        reason = action()
    except FuruError as error:
        reason = error.message
    except OSError as error:
        reason = f"{error.strerror}: {error.filename}" if error.filename else str(error)
    if reason is not None:
        refused[name] = reason


def _move(source: str, target: str) -> str | None:
    disk = THIS_PROCESS.disk
    if not os.path.lexists(source):
        return None  # it was moved already, or somebody else was quicker
    if os.path.lexists(target):
        return "something else is in its place"
    disk.make_directories(os.path.dirname(target))
    disk.rename(source, target)
    return None


# -- one artifact -----------------------------------------------------------------------------------------------------


class _Aliased:
    """Which artifacts aliases were ever made for: to read all journals for each one that goes would take too long."""

    def __init__(self, root: str) -> None:
        self._root = root
        self._read: set[str] = set()
        self._targets: set[str] = set()

    def living(self, reference: str) -> list[str]:
        """References of the artifacts that have no result but this one's."""
        for token in migrations(self._root):
            if token not in self._read:  # they are written whole, before the first alias is made
                found = read_migration(self._root, token)
                self._targets |= set(found.aliases.values()) if found is not None else set()
                self._read.add(token)
        return living_aliases(self._root, reference) if reference in self._targets else []


def _take(journal: Journal, item: TakenArtifact, aliased: _Aliased) -> str | None:
    paths, target = _paths(journal, item.reference), journal.paths.artifact(item.reference)
    if os.path.lexists(target):
        return None
    if _find_dropped(journal, item.reference) is not None:
        _give_back(journal, item.reference)  # a killed one had it in its hands: from the beginning
    if THIS_PROCESS.disk.is_real_directory(paths.base) is None:
        return None
    try:
        with holding(paths, _node(item.reference), lambda: _terms(item.reference)) as (artifact, lease):
            reason = _why_not(journal, item, artifact, aliased)
            if reason is not None:
                return reason
            note_lease(journal, item.reference, lease.token)
            carry_off(
                artifact.lock,
                THIS_PROCESS.disk,
                lease.token,
                target,
                with_config=item.with_config,
                sync=settings().fsync,
            )
    except OSError:
        if not os.path.lexists(target):
            _give_back(journal, item.reference)
            raise
    return None


def _why_not(journal: Journal, item: TakenArtifact, artifact: Artifact, aliased: _Aliased) -> str | None:
    """Why the artifact stays after all: what is known of it now, while nobody can change it."""
    paths, disk = artifact.paths, THIS_PROCESS.disk
    said = read_annotations(paths, disk)
    if said.is_pinned:
        return "it is pinned by now"
    keeping = [tag for tag in said.tags if journal.keep_tags is None or tag in journal.keep_tags]
    if keeping:
        return f"it has the tag {keeping[0]} by now"
    success, target = artifact.success(), alias_target(paths, disk)
    if (success.token if success is not None else None) != item.success:
        return "it has another result by now"
    if success is None and (target.base if target is not None else None) != _alias_base(journal, item):
        return "it stands for another result by now"
    aliases = aliased.living(item.reference)
    if aliases:
        return f"{len(aliases)} aliases stand for it, such as {aliases[0]}"
    jobs = look_at_jobs([paths], THIS_PROCESS, stale_after_sec=settings().stale_after_sec).get(paths.base)
    return f"{jobs.live} is to compute it" if jobs is not None and jobs.live is not None else None


def _give_back(journal: Journal, reference: str) -> str | None:
    """What was carried off, or was about to be."""
    disk, paths, source = THIS_PROCESS.disk, _paths(journal, reference), journal.paths.artifact(reference)
    if not os.path.lexists(source):
        dropped = _find_dropped(journal, reference)
        if dropped is None:
            return None
        disk.make_directories(os.path.dirname(source))
        disk.rename(dropped, source)
    content = disk.read(AttemptPaths(source).withdrawn)
    with holding(paths, _node(reference), lambda: _terms(reference)) as (artifact, lease):
        success = artifact.success()
        if (
            success is not None
            and content is not None
            and parse_success(content, AttemptPaths(source).withdrawn).token != success.token
        ):
            return "it has a new result, which stays"
        if os.path.lexists(paths.alias):
            return "it is an alias by now"
        put_back(artifact.lock, disk, lease.token, source, sync=settings().fsync)
    disk.remove_tree(source)
    tidy(paths, disk)
    return None


def _find_dropped(journal: Journal, reference: str) -> str | None:
    """The attempt that a lease became under which the artifact was carried off, if its owner did not get that far."""
    paths = _paths(journal, reference)
    leases = journal.leases.get(reference, ())
    if not leases or not THIS_PROCESS.disk.is_real_directory(paths.base):
        return None
    with contextlib.suppress(FuruError), holding(paths, _node(reference), lambda: _terms(reference)):
        pass  # whoever asks for the lease ends that of a dead owner
    for name in THIS_PROCESS.disk.list_directory(paths.attempts):
        ended = parse_ended(name)
        if ended is not None and ended.token in leases:
            return f"{paths.attempts}/{name}"
    return None


def _alias_base(journal: Journal, item: TakenArtifact) -> str | None:
    return f"{journal.root}/data/{item.alias_of}" if item.alias_of is not None else None


def _paths(journal: Journal, reference: str) -> ArtifactPaths:
    return ArtifactPaths(f"{journal.root}/data/{reference}")


def _node(reference: str) -> str:
    namespace, _, furu_hash = reference.rpartition("/")
    return f"{namespace.rpartition('/')[2]}({furu_hash})"


def _terms(reference: str) -> Terms:
    current = settings()
    return Terms(_node(reference), current.lease_sec, current.heartbeat_sec)
