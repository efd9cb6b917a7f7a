"""The directories that may hold artifacts, and the time stamps by which a refresh knows what has changed."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Final, NamedTuple

from furu.storage.atomic import GONE
from furu.storage.layout import HASH, RootPaths
from furu.storage.scan import child_directories

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

ABSENT: Final = 0
"""Time stamp of a directory that isn't there."""


class Place(NamedTuple):
    """A directory that may hold artifacts.

    Attributes:
        root: of the store.
        path: its own.
        mtime_ns: when it changed; `ABSENT` if it isn't there.
        hashes: names of the artifacts in it.
        directories: paths of the other directories in it.
    """

    root: str
    path: str
    mtime_ns: int
    hashes: list[str]
    directories: list[str]

    @property
    def namespace(self) -> str:
        """Of the artifacts in it."""
        return self.path[len(RootPaths(self.root).data) + 1 :]


def walk(root: str, top: str) -> Iterator[Place]:
    """A directory and all below it that may hold artifacts; links are not followed."""
    waiting = [top]
    while waiting:
        place = place_at(root, waiting.pop())
        yield place
        waiting.extend(reversed(place.directories))


def place_at(root: str, path: str) -> Place:
    """What is in a directory now."""
    mtime_ns = directory_stamp(path)  # before the listing: what changes after that leaves another stamp
    # No class is named in bytes that are no text, and SQLite holds none.
    children = [name for name in child_directories(path) if name.isascii() or _is_text(name)]
    hashes = [name for name in children if HASH.fullmatch(name)]
    others = [f"{path}/{name}" for name in children if not HASH.fullmatch(name)]
    return Place(root, path, mtime_ns, hashes, others)


def _is_text(name: str) -> bool:
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True


def directory_stamp(path: str) -> int:
    """When a directory changed; `ABSENT` if it isn't there. Opened, so that a network filesystem asks its server."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError as error:
        if error.errno in GONE:
            return ABSENT
        raise
    try:
        return os.fstat(descriptor).st_mtime_ns
    finally:
        os.close(descriptor)


def stamps_in(directory: str, names: Iterable[str]) -> dict[str, int]:
    """Time stamps of artifacts' directories that lie in one."""
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
