"""The facts that a decision rests on: from the index, which is brought up to date first, and from the directories."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any, Final

from furu.config import root as main_root
from furu.config import settings
from furu.errors import FuruError
from furu.evolution.archive import store_roots
from furu.gc.facts import StoredFacts
from furu.index.database import opened
from furu.index.edges import all_edges
from furu.index.refresh import refresh
from furu.index.search import matching
from furu.lifecycle.lease import THIS_PROCESS
from furu.lifecycle.published import alias_target
from furu.lifecycle.schedulers import look_at_jobs
from furu.storage.layout import ArtifactPaths
from furu.storage.locks import ArtifactLock
from furu.storage.scan import bytes_below

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from furu.index.query import Query

_SQL: Final = "SELECT root, namespace || '/' || hash, status, at, took, tags, note, pinned FROM artifact"


def gather(asked: Query, current: Collection[str], *, measures: bool) -> dict[str, StoredFacts]:
    """What is stored, by reference.

    Args:
        asked: what may go.
        current: references of what today's code leads to.
        measures: look at the sizes of all; those of what goes can be had later, see `measured`.

    Raises:
        FuruQueryError: the query can't be understood.
    """
    roots = store_roots()
    with opened(roots) as connection:
        refresh(connection, roots)
        selected = matching(connection, asked)
        needs: dict[str, list[str]] = {}
        for parent, child in sorted(all_edges(connection)):
            needs.setdefault(parent, []).append(child)
        found: dict[str, StoredFacts] = {}
        for root, reference, status, at, took, tags, note, pinned in connection.execute(_SQL):
            facts = StoredFacts(
                *(reference, status, at, took),
                needs=tuple(needs.get(reference, ())),
                tags=tuple(tags.strip(",").split(",")) if tags else (),
                is_pinned=bool(pinned),
                is_current=reference in current,
                is_selected=reference in selected,
            )
            if root != main_root() or reference in found:
                # Small results that are kept in git; a copy of one in both roots stays too.
                found[reference] = dataclasses.replace(facts, fixed="it lies in the root that is under version control")
            else:
                found[reference] = _looked_at(facts, is_said=bool(tags or note or pinned))
    _add_jobs(found)
    return measured(found, found) if measures else found


def measured(stored: Mapping[str, StoredFacts], references: Collection[str]) -> dict[str, StoredFacts]:
    """The same facts, with the sizes of these artifacts."""
    sizes = {each: bytes_below(_paths(each).base) for each in references if stored[each].fixed is None}
    return {name: _with(facts, size_bytes=sizes.get(name, facts.size_bytes)) for name, facts in stored.items()}


def published_tokens(references: Collection[str]) -> dict[str, str | None]:
    """Which attempt's result is published; without those whose record can't be read."""
    found: dict[str, str | None] = {}
    for reference in references:
        try:
            success = ArtifactLock(_paths(reference), THIS_PROCESS.disk).success()
        except FuruError:
            continue
        found[reference] = success.token if success is not None else None
    return found


def _looked_at(facts: StoredFacts, *, is_said: bool) -> StoredFacts:
    paths = _paths(facts.reference)
    if facts.status == "running":
        return _with(facts, busy="somebody is computing it")
    if facts.status == "recorded" and not is_said:
        names = set(THIS_PROCESS.disk.list_directory(paths.base))
        folders = [paths.attempts, paths.files, paths.jobs, paths.lock]
        is_bare = not names - {"config.json", "attempts", "files", "jobs", "lock"}
        return _with(facts, is_bare=is_bare and not any(map(THIS_PROCESS.disk.list_directory, folders)))
    if facts.status == "alias":
        try:
            target = alias_target(paths, THIS_PROCESS.disk)
        except FuruError as error:
            return _with(facts, fixed=error.message)
        return _with(facts, alias_of=target.base[len(main_root()) + len("/data/") :] if target is not None else None)
    return facts


def _add_jobs(found: dict[str, StoredFacts]) -> None:
    """Batch jobs that are about to compute something; one question to the batch system for all."""
    ours = {_paths(each).base: each for each, facts in found.items() if facts.fixed is None and facts.busy is None}
    jobs = look_at_jobs(map(ArtifactPaths, ours), THIS_PROCESS, stale_after_sec=settings().stale_after_sec)
    for base, seen in jobs.items():
        if seen.live is not None:
            found[ours[base]] = _with(found[ours[base]], busy=f"{seen.live} is to compute it")


def _with(facts: StoredFacts, **changes: Any) -> StoredFacts:
    return dataclasses.replace(facts, **changes)


def _paths(reference: str) -> ArtifactPaths:
    return ArtifactPaths(f"{main_root()}/data/{reference}")
