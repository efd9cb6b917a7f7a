"""What is stored below a root, found by names alone: no class is imported, no record is read."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

from furu.storage.atomic import DISK, GONE
from furu.storage.layout import HASH, TOKEN, ArtifactPaths, Ending, RootPaths, parse_ended

if TYPE_CHECKING:
    from collections.abc import Iterator


@dataclass(frozen=True)
class ScannedArtifact:
    """One artifact's directory.

    Attributes:
        namespace: the class's directory below `data/`, with slashes.
        furu_hash: name of the artifact's own directory.
        paths: the names inside.
        is_published: SUCCESS.json is there.
        is_alias: alias.json is there.
        holder: token of the running attempt; None when there is none.
        last_ending: how the newest ended attempt ended; None without one.
        last_token: that attempt; None without one.
        names: of what lies in the directory.
    """

    namespace: str
    furu_hash: str
    paths: ArtifactPaths
    is_published: bool
    is_alias: bool
    holder: str | None
    last_ending: Ending | None
    last_token: str | None
    names: frozenset[str]


def scan(root: str, namespace: str = "") -> Iterator[ScannedArtifact]:
    """The artifacts below a root, class by class, sorted; links are not followed.

    Args:
        root: of the store.
        namespace: only those of this namespace and of those inside of it.
    """
    top = RootPaths(root).data
    for directory, children in directories(f"{top}/{namespace}".rstrip("/")):
        for name in children:
            if HASH.fullmatch(name):
                yield look(directory[len(top) + 1 :], name, ArtifactPaths(f"{directory}/{name}"))


def directories(top: str) -> Iterator[tuple[str, list[str]]]:
    """Every directory that may hold artifacts, with the names of the directories in it."""
    waiting = [top]
    while waiting:
        directory = waiting.pop()
        children = child_directories(directory)
        yield directory, children
        waiting.extend(f"{directory}/{name}" for name in reversed(children) if not HASH.fullmatch(name))


def child_directories(directory: str) -> list[str]:
    """Names of the directories in one, sorted; none where it isn't there. Links are not followed."""
    try:
        with os.scandir(directory) as entries:
            return sorted(entry.name for entry in entries if entry.is_dir(follow_symlinks=False))
    except OSError as error:
        if error.errno in GONE:
            return []
        raise


def look(namespace: str, furu_hash: str, paths: ArtifactPaths) -> ScannedArtifact:
    """What the names in one artifact's directory say."""
    names = frozenset(DISK.list_directory(paths.base))
    holders = [name for name in DISK.list_directory(paths.lock) if TOKEN.fullmatch(name)] if "lock" in names else []
    ended = [parse_ended(name) for name in DISK.list_directory(paths.attempts)] if "attempts" in names else []
    real = [attempt for attempt in ended if attempt is not None and attempt.ending is not Ending.NOOP]
    newest = max(real, key=lambda attempt: attempt.token, default=None)
    return ScannedArtifact(
        namespace=namespace,
        furu_hash=furu_hash,
        paths=paths,
        is_published="SUCCESS.json" in names,
        is_alias="alias.json" in names,
        holder=holders[0] if holders else None,
        last_ending=newest.ending if newest is not None else None,
        last_token=newest.token if newest is not None else None,
        names=names,
    )
