"""Carrying off all that an artifact has, and putting it back; as the holder of its lease.

Everything goes into the holder's own directory first, then that directory away in one rename: who was revoked
meanwhile takes nothing of its successor's. Annotations stay where they are, and the config unless it is asked for.
"""

from __future__ import annotations

import contextlib
import os
from typing import TYPE_CHECKING, Final

from furu.storage.layout import AttemptPaths, is_said

if TYPE_CHECKING:
    from furu.storage.atomic import Disk
    from furu.storage.layout import ArtifactPaths
    from furu.storage.locks import ArtifactLock

_FOLDERS: Final = ("attempts", "files", "jobs")


def carry_off(lock: ArtifactLock, disk: Disk, token: str, target: str, *, with_config: bool, sync: bool) -> None:
    """Move what the artifact has to `target`, and end the lease with it.

    Args:
        lock: the artifact's.
        disk: to work on.
        token: of the lease.
        target: a path that isn't there yet.
        with_config: the artifact's record goes too.
        sync: force to stable storage that the result is gone before its files go.

    Raises:
        OSError: with an errno of `GONE`, the lease was lost; what was moved is in the attempt that it became.
    """
    paths, lease = lock.paths, lock.paths.lease(token)
    disk.make_directories(os.path.dirname(target))
    lock.withdraw(token)
    if sync:
        disk.sync_file(paths.base)
    lock.take_away(token)
    staying = {"lock", "attempts", *(() if with_config else ("config.json",))}
    for name in disk.list_directory(paths.base):
        if name not in staying and not is_said(name) and not name.startswith("new-"):
            disk.rename(f"{paths.base}/{name}", f"{lease.base}/{name}")
    disk.rename(lease.base, target)
    tidy(paths, disk)
    if with_config and any(map(is_said, disk.list_directory(paths.base))):
        disk.rename(f"{target}/config.json", paths.config)  # somebody had something to say meanwhile


def put_back(lock: ArtifactLock, disk: Disk, token: str, source: str, *, sync: bool) -> None:
    """Undo `carry_off`, however far it or this came before. The publish comes last, and only where there is none.

    Args:
        lock: the artifact's.
        disk: to work on.
        token: of the lease.
        source: where it was carried off to.
        sync: force to stable storage what the publish stands for, then the publish.

    Raises:
        OSError: with an errno of `GONE`, the lease was lost; of `TAKEN`, something is in the way.
    """
    base, lease, withdrawn = lock.paths.base, lock.paths.lease(token), AttemptPaths(source).withdrawn
    names = disk.list_directory(source)
    for folder in (folder for folder in _FOLDERS if folder in names):
        disk.make_directories(f"{base}/{folder}")
        for name in disk.list_directory(f"{source}/{folder}"):
            disk.rename(f"{source}/{folder}/{name}", f"{base}/{folder}/{name}")
    for name in (name for name in names if name not in (*_FOLDERS, "owner.json", "success.json", "withdrawn.json")):
        disk.rename(f"{source}/{name}", f"{base}/{name}")
    if sync:
        for path in (*(f"{base}/{folder}" for folder in _FOLDERS if folder in names), base):
            disk.sync_file(path)
    if "withdrawn.json" in names and not lock.is_published():
        disk.link(withdrawn, lease.success)
        disk.link(lease.success, lock.paths.success)
        if sync:
            disk.sync_file(base)
            disk.sync_names(base, lock.paths.root)


def tidy(paths: ArtifactPaths, disk: Disk) -> None:
    """Remove directories of the artifact that are empty, and its own if it is; tell the class's directory."""
    for path in (paths.attempts, paths.files, paths.jobs, paths.lock, paths.base):
        with contextlib.suppress(OSError):
            disk.remove_directory(path)
    with contextlib.suppress(OSError):
        disk.beat(paths.class_directory)
