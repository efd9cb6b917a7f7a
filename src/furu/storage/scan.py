"""What is stored below a root, found by names alone: no class is imported, no record is read."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from furu.storage.atomic import DISK, GONE
from furu.storage.layout import HASH, TOKEN, ArtifactPaths, Ending, RootPaths, parse_ended

if TYPE_CHECKING:
    from collections.abc import Iterator

_BLOCK_BYTES: Final = 512


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


def bytes_below(top: str) -> int:
    """What the blocks of a file, or of all files in a directory, take, each once; links are not followed."""
    seen: set[tuple[int, int]] = set()
    total = 0
    for path in _all_below(top):
        try:
            found = os.lstat(path)
        except OSError:
            continue  # it was removed meanwhile
        if (found.st_dev, found.st_ino) not in seen:
            seen.add((found.st_dev, found.st_ino))
            total += found.st_blocks * _BLOCK_BYTES
    return total


def newest_change(top: str) -> float:
    """When a file, or anything in a directory, changed last, in seconds since the epoch; 0 if nothing is there."""
    newest = 0.0
    for path in _all_below(top):
        try:
            newest = max(newest, os.lstat(path).st_mtime)
        except OSError:
            continue
    return newest


def _all_below(top: str) -> Iterator[str]:
    yield top
    for directory, directories_in_it, names in os.walk(top):
        for name in (*directories_in_it, *names):
            yield f"{directory}/{name}"
