"""Deleting an artifact: under its lease, so that nobody is computing it meanwhile."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import TYPE_CHECKING

from furu.config import settings
from furu.errors import FuruLockNotAcquired, FuruReadOnlyStore, FuruStoreError
from furu.lifecycle.artifact import Artifact
from furu.lifecycle.computable import artifact_paths, node_name
from furu.lifecycle.compute import terms_of
from furu.lifecycle.lease import THIS_PROCESS, Lease
from furu.lifecycle.signals import computing, shielded
from furu.storage.atomic import UNWRITABLE
from furu.storage.layout import Ending

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from furu.lifecycle.artifact import Terms
    from furu.lifecycle.computable import Computable
    from furu.storage.layout import ArtifactPaths


def delete(obj: Computable) -> bool:
    """Take the result back, then remove files and attempts; config.json stays. Of an alias, never the original's.

    Raises:
        FuruLockNotAcquired: somebody is computing it.
        FuruReadOnlyStore: this user can't write there.
    """
    return delete_at(artifact_paths(obj), node_name(obj), lambda: terms_of(obj, settings(), THIS_PROCESS))


def delete_at(paths: ArtifactPaths, node: str, terms: Callable[[], Terms]) -> bool:
    """`delete` of an artifact whose class needn't be known.

    Args:
        paths: the artifact's.
        node: `Class(hash)`, for messages.
        terms: gives what the lease promises that is taken for the deletion.

    Raises:
        FuruLockNotAcquired: somebody is computing it.
        FuruReadOnlyStore: this user can't write there.
    """
    if THIS_PROCESS.disk.is_real_directory(paths.base) is None:
        return False
    with holding(paths, node, terms) as (artifact, lease):
        had_result = artifact.lock.withdraw(lease.token)
        had_alias = _drop_alias(paths)
        if settings().fsync:  # else the record might come back after a power cut, and its files not
            THIS_PROCESS.disk.sync_file(paths.base)
        had_attempts = bool(artifact.lock.ended())
        artifact.lock.take_away(lease.token)
    return had_result or had_alias or had_attempts


@contextlib.contextmanager
def holding(paths: ArtifactPaths, node: str, terms: Callable[[], Terms]) -> Iterator[tuple[Artifact, Lease]]:
    """Hold an artifact's lease for something other than computing; nothing of it is left afterwards.

    Args:
        paths: the artifact's.
        node: `Class(hash)`, for messages.
        terms: gives what the lease promises.

    Raises:
        FuruLockNotAcquired: somebody is computing it.
    """
    artifact = Artifact(paths, THIS_PROCESS)
    # Shielded: a signal between acquiring and ending would leave a lease that nobody ends.
    with THIS_PROCESS.flights.turn(paths.base, timeout_sec=0) as is_our_turn, computing(), shielded():
        holder = artifact.holder()
        if not is_our_turn or holder is not None:
            owner = holder.owner.process if holder and holder.owner else "another thread of this process"
            raise FuruLockNotAcquired(node=node, owner=owner)
        success = artifact.success()
        try:
            lease = artifact.acquire(terms(), known=success.token if success else None)
        except OSError as error:
            if error.errno not in UNWRITABLE or isinstance(error, FuruStoreError):
                raise
            msg = f"{node} can't be deleted: {paths.base} can't be written: {error}"
            hints = ["it is another user's, or on a disk that is only read"]
            raise FuruReadOnlyStore(msg, path=Path(paths.base), hints=hints) from error
        if not isinstance(lease, Lease):
            raise FuruLockNotAcquired(node=node, owner="somebody who came first")
        try:
            yield artifact, lease
        finally:
            THIS_PROCESS.end(lease, Ending.NOOP)
        THIS_PROCESS.disk.remove_tree(paths.ended(lease.token, Ending.NOOP).base)
        with contextlib.suppress(OSError):  # somebody else's attempt has ended meanwhile
            THIS_PROCESS.disk.remove_directory(paths.attempts)
        with contextlib.suppress(OSError):  # who looks at the class's directory alone shall see it too
            THIS_PROCESS.disk.beat(paths.class_directory)


def _drop_alias(paths: ArtifactPaths) -> bool:
    try:
        THIS_PROCESS.disk.unlink(paths.alias)
    except FileNotFoundError:
        return False
    return True
