"""What nobody needs any more, and no decision is about: leftovers of attempts, old runs, records nobody refers to.

Every one is a name that nobody else will ever use again, so that a single rename takes it without a lease.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Final
from urllib.parse import unquote

from furu.errors import FuruError
from furu.gc.journal import LooseEnd
from furu.lifecycle.lease import THIS_PROCESS
from furu.storage.layout import (
    TOKEN,
    ArtifactPaths,
    AttemptPaths,
    RootPaths,
    parse_ended,
    parse_jobs,
    parse_temporary,
)
from furu.storage.locks import ArtifactLock
from furu.storage.pool_layout import open_pool
from furu.storage.records import OwnerRecord, parse
from furu.storage.scan import bytes_below, newest_change
from furu.storage.submitit_layout import SubmititPaths

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_SHARED_GRACE_SEC: Final = 7 * 86_400.0
"""A process may have written such a record long before its first attempt refers to it."""


def leftovers(root: str, references: Iterable[str], now: float, grace_sec: float, run_sec: float) -> list[LooseEnd]:
    """What lies around below a root.

    Args:
        root: of the store.
        references: of the artifacts that it holds.
        now: seconds since the epoch.
        grace_sec: what changed since stays.
        run_sec: how long a run must be over.
    """
    artifacts = [ArtifactPaths(f"{root}/data/{reference}") for reference in references]
    found = [each for paths in artifacts for each in _of_artifact(paths, now - grace_sec)]
    found += _runs(root, now - max(run_sec, grace_sec))
    found += _shared(root, artifacts, now - max(grace_sec, _SHARED_GRACE_SEC))
    found += _new_aliases(root, now - grace_sec)
    return [LooseEnd(path[len(root) + 1 :], because, bytes_below(path)) for path, because in found]


def _of_artifact(paths: ArtifactPaths, before: float) -> Iterator[tuple[str, str]]:
    names = THIS_PROCESS.disk.list_directory(paths.base)
    for name in names:
        if parse_temporary(name) is not None and newest_change(f"{paths.base}/{name}") < before:
            yield f"{paths.base}/{name}", "left by a process that was killed"
    # What a failed attempt wrote may be gone on with, and a replaced result read, until a new one is long there.
    if 0 < newest_change(paths.success) < before:
        if "files" in names:
            yield from _replaced_files(paths, before)
        if "jobs" in names:
            yield from _ended_jobs(paths, before)


def _replaced_files(paths: ArtifactPaths, before: float) -> Iterator[tuple[str, str]]:
    lock = ArtifactLock(paths, THIS_PROCESS.disk)
    try:
        success = lock.success()
    except FuruError:
        return
    used = {success.data if success is not None else None, lock.holder()}
    for token in THIS_PROCESS.disk.list_directory(paths.files):
        if TOKEN.fullmatch(token) and token not in used and newest_change(paths.files_of(token)) < before:
            yield paths.files_of(token), "files of an attempt whose result is not the published one"


def _ended_jobs(paths: ArtifactPaths, before: float) -> Iterator[tuple[str, str]]:
    for job_id, has_ended in parse_jobs(THIS_PROCESS.disk.list_directory(paths.jobs)).items():
        for path in (paths.job(job_id), paths.ended_job(job_id)) if has_ended else ():
            if 0 < newest_change(path) < before:
                yield path, "record of a job that has ended"


def _runs(root: str, before: float) -> Iterator[tuple[str, str]]:
    runs, disk = RootPaths(root).runs, THIS_PROCESS.disk
    pools = open_pool(runs, "")
    opened = set(disk.list_directory(pools))
    for run_id in disk.list_directory(runs):
        path = f"{runs}/{run_id}"
        if path != pools and run_id not in opened and 0 < newest_change(path) < before:
            yield path, "a run that is long over"
    submitit = SubmititPaths(f"{root}/submitit")
    for folder in (submitit.nodes, submitit.workers):
        for key in disk.list_directory(os.path.dirname(os.path.dirname(folder("key", "run")))):
            for run_id in disk.list_directory(os.path.dirname(folder(unquote(key), "run"))):
                path = folder(unquote(key), run_id)
                if run_id not in opened and 0 < newest_change(path) < before:
                    yield path, "output of jobs that are long over"


def _shared(root: str, artifacts: Iterable[ArtifactPaths], before: float) -> Iterator[tuple[str, str]]:
    """Records of environments and code that no attempt refers to, in the trash neither."""
    paths = RootPaths(root)
    old = {
        f"{directory}/{name}"
        for directory in (paths.environments, paths.codes)
        for name in THIS_PROCESS.disk.list_directory(directory)
        if newest_change(f"{directory}/{name}") < before
    }
    if not old:
        return
    for owner in _owners(paths, artifacts):
        if owner is None:
            return  # nobody knows what one refers to that can't be read
        old.discard(paths.environment(owner.environment) if owner.environment else "")
        old.discard(paths.code(owner.code) if owner.code else "")
    yield from ((path, "no attempt refers to it") for path in sorted(old))


def _owners(paths: RootPaths, artifacts: Iterable[ArtifactPaths]) -> Iterator[OwnerRecord | None]:
    for artifact in artifacts:
        for name in THIS_PROCESS.disk.list_directory(artifact.attempts):
            if parse_ended(name) is not None:
                yield from _owner(AttemptPaths(f"{artifact.attempts}/{name}"))
        for token in THIS_PROCESS.disk.list_directory(artifact.lock):
            yield from _owner(artifact.lease(token))
    for directory, _, names in os.walk(paths.trash):
        if "owner.json" in names:
            yield from _owner(AttemptPaths(directory))


def _owner(attempt: AttemptPaths) -> Iterator[OwnerRecord | None]:
    content = THIS_PROCESS.disk.read(attempt.owner)
    if content is None:
        return
    try:
        yield parse(OwnerRecord, content, attempt.owner)
    except FuruError:
        yield None


def _new_aliases(root: str, before: float) -> Iterator[tuple[str, str]]:
    paths = RootPaths(root)
    for name in THIS_PROCESS.disk.list_directory(paths.migrations):
        path = f"{paths.migrations}/{name}"
        token, _, ending = name.partition(".")
        if TOKEN.fullmatch(token) and ending == "new" and newest_change(path) < before:
            yield path, "left by a migration that was killed"
