"""Trying out, below a store's root, what furu needs of a filesystem."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Final

from furu import clock
from furu.storage.atomic import DISK, TAKEN

if TYPE_CHECKING:
    from collections.abc import Iterator

_MOUNTS: Final = "/proc/self/mounts"
_BLOCK: Final = b"x" * 512


def filesystem_type(path: str) -> str:
    """What `path` lies on, such as `ext4` or `nfs4`; "unknown" where the kernel doesn't tell."""
    real = os.path.realpath(path)
    best, kind = "", "unknown"
    try:
        with open(_MOUNTS, encoding="utf-8", errors="replace") as mounts:
            lines = [line.split() for line in mounts]
    except OSError:
        return kind
    for fields in lines:
        point = fields[1].replace("\\040", " ")
        if len(point) >= len(best) and (real == point or real.startswith(point.rstrip("/") + "/")):
            best, kind = point, fields[2]
    return kind


def failing_steps(directory: str) -> Iterator[tuple[str, str]]:
    """What doesn't work there, as names of steps with the reason; makes and removes a directory of its own.

    Raises:
        OSError: nothing can be written there at all.
    """
    top = f"{directory}/doctor-{clock.unix_ns()}-{os.getpid()}"
    DISK.make_directory(top)
    try:
        for step in (_link, _rename_file, _rename_directory, _list):
            try:
                because = step(top)
            except OSError as error:
                because = f"{error.strerror} (errno {error.errno})"
            if because:
                yield step.__name__.strip("_").replace("_", " "), because
    finally:
        DISK.remove_tree(top)


def clock_skew_sec(directory: str) -> float:
    """How far the file server's clock is ahead of ours, in seconds; what the call itself took is left out.

    Raises:
        OSError: nothing can be written there.
    """
    path = f"{directory}/doctor-{clock.unix_ns()}-{os.getpid()}.tmp"
    before = clock.unix()
    DISK.write_new(path, _BLOCK)
    try:
        stamp, after = os.stat(path).st_mtime, clock.unix()
    finally:
        DISK.unlink(path)
    if before - 0.1 <= stamp <= after + 0.1:
        return 0.0
    return stamp - (after if stamp > after else before)


def _link(top: str) -> str:
    DISK.write_new(f"{top}/a", _BLOCK)
    DISK.link(f"{top}/a", f"{top}/b")
    try:
        DISK.link(f"{top}/a", f"{top}/b")
    except FileExistsError:
        return "" if os.stat(f"{top}/a").st_nlink == 2 else "the link is not counted"  # noqa: PLR2004 -- its two names
    return "a link replaced what was there"


def _rename_file(top: str) -> str:
    DISK.write_new(f"{top}/new", b"new")
    DISK.write_new(f"{top}/old", b"old")
    DISK.rename(f"{top}/new", f"{top}/old")
    return "" if DISK.read(f"{top}/old") == b"new" else "the old file is still there"


def _rename_directory(top: str) -> str:
    for name in ("lock", "first", "second", "first/x"):
        DISK.make_directory(f"{top}/{name}")
    DISK.rename(f"{top}/first", f"{top}/lock")
    try:
        DISK.rename(f"{top}/second", f"{top}/lock")
    except OSError as error:
        return "" if error.errno in TAKEN else f"refused with errno {error.errno}"
    return "a directory that is not empty was replaced"


def _list(top: str) -> str:
    DISK.make_directory(f"{top}/listed")
    for number in range(20):
        DISK.write_new(f"{top}/listed/{number}", b"")
        if str(number) not in DISK.list_directory(f"{top}/listed"):
            return "a listing lacks a file that was just made"
    return ""
