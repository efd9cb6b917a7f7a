"""All of furu's own calls on the filesystem, through one object.

Every method is one step that either happens or doesn't. Tests replace the object to count, delay, fail or crash at
any call; nothing else in furu opens a file for writing.
"""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
import stat
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

from furu import clock
from furu.errors import FuruStoreError

if TYPE_CHECKING:
    from collections.abc import Iterator

GONE: Final = frozenset({errno.ENOENT, errno.ESTALE, errno.ENOTDIR})
"""Errors that say a name is not there; ESTALE is NFS for "was there a moment ago"."""

TAKEN: Final = frozenset({errno.ENOTEMPTY, errno.EEXIST})
"""Errors that say a name is taken."""

UNWRITABLE: Final = frozenset({errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOTDIR})
"""Errors that say names can't be made there, now or later; ENOTDIR is a file in the place of a directory."""

FULL: Final = frozenset({errno.ENOSPC, errno.EDQUOT})
"""Errors that say there is no room left, on the disk or for this user."""

_READ_BYTES: Final = 1 << 16
_MAKE_TRIES: Final = 10

# Directories whose names are known to have reached stable storage.
_DURABLE: Final[set[str]] = set()


class Beaten(NamedTuple):
    """A file's bytes and its modification time in seconds since the epoch, by the clock of the file server."""

    content: bytes
    mtime: float


class Disk:
    """The filesystem as the protocol uses it."""

    def now(self) -> float:
        """Seconds on this actor's own clock; a virtual one in simulations."""
        return clock.monotonic()

    def sleep(self, seconds: float) -> None:
        """Let `seconds` pass on that clock."""
        clock.sleep(seconds)

    def make_directory(self, path: str) -> None:
        """Make a directory whose parent exists."""
        os.mkdir(path)
        _DURABLE.discard(path)

    def make_directories(self, path: str) -> None:
        """Make a directory and its parents; one that exists is fine."""
        try:
            self.make_directory(path)
        except FileExistsError:
            _check_directory(path)
        except FileNotFoundError:
            self._make_with_parents(path)

    def _make_with_parents(self, path: str) -> None:
        """Several times, since somebody may be deleting there; not for ever: some places, as /proc, take nothing."""
        for _ in range(_MAKE_TRIES):
            self.make_directories(os.path.dirname(path))
            try:
                self.make_directory(path)
            except FileExistsError:
                _check_directory(path)
            except FileNotFoundError:
                continue
            return
        raise PermissionError(errno.EACCES, "no directory can be made there", path)

    def rename(self, source: str, target: str) -> None:
        os.rename(source, target)
        _DURABLE.discard(target)

    def link(self, source: str, target: str) -> None:
        os.link(source, target, follow_symlinks=False)

    def unlink(self, path: str) -> None:
        os.unlink(path)

    def remove_directory(self, path: str) -> None:
        """Remove an empty directory."""
        os.rmdir(path)

    def remove_tree(self, path: str) -> None:
        """Remove a directory and all below it, without following links; one that is gone is fine."""
        shutil.rmtree(path, ignore_errors=not os.path.lexists(path))

    def list_directory(self, path: str) -> list[str]:
        """The names in a directory, asked afresh; empty when it isn't there."""
        try:
            return os.listdir(path)
        except OSError as error:
            if error.errno in GONE:
                return []
            raise

    def is_real_directory(self, path: str) -> bool | None:
        """True for a directory, False for a link or anything else, None when nothing is there."""
        try:
            return stat.S_ISDIR(os.lstat(path).st_mode)
        except OSError as error:
            if error.errno in GONE:
                return None
            raise

    def write_new(self, path: str, content: bytes, *, sync: bool = False) -> None:
        """Write a file that must not exist yet. Not atomic by itself: write into a directory nobody reads yet."""
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o666)
        try:
            view = memoryview(content)
            while view:
                view = view[os.write(descriptor, view) :]
            if sync:
                os.fsync(descriptor)
        finally:
            os.close(descriptor)

    def append(self, path: str, content: bytes) -> None:
        """Add whole lines to a file that this process alone writes."""
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o666)
        try:
            view = memoryview(content)
            while view:
                view = view[os.write(descriptor, view) :]
        finally:
            os.close(descriptor)

    def replace(self, path: str, content: bytes, *, suffix: str, sync: bool = False) -> None:
        """Put a whole new file in the place of `path`; `suffix` makes the temporary name the caller's own.

        With `sync` a power cut leaves the old or the new one; without it, perhaps a torn one.
        """
        temporary = f"{path}.{suffix}.tmp"
        try:
            self.write_new(temporary, content, sync=sync)
            self.rename(temporary, path)
        except BaseException:
            with contextlib.suppress(OSError):
                self.unlink(temporary)
            raise

    def read(self, path: str) -> bytes | None:
        """A whole file; None when it isn't there. `open` makes NFS ask the server, a bare `stat` would not.

        Raises:
            FuruStoreError: it is a link or a directory.
        """
        try:
            descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
        except OSError as error:
            if error.errno in GONE:
                return None
            _refuse_other(error, path)
            raise
        try:
            return _read_all(descriptor)
        except OSError as error:
            if error.errno in GONE:  # removed on the server between open and read
                return None
            _refuse_other(error, path)
            raise
        finally:
            os.close(descriptor)

    def read_beaten(self, path: str) -> Beaten | None:
        """A file with its modification time; None when it isn't there."""
        try:
            descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
            try:
                return Beaten(_read_all(descriptor), os.fstat(descriptor).st_mtime)
            finally:
                os.close(descriptor)
        except OSError as error:
            if error.errno in GONE:
                return None
            _refuse_other(error, path)
            raise

    def beat(self, path: str) -> None:
        """Stamp a file with the present time of whoever serves it."""
        os.utime(path)

    def sync_file(self, path: str) -> None:
        """Force a file's bytes, or a directory's names, to stable storage."""
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)

    def sync_names(self, path: str, root: str) -> None:
        """Force the names that lead to the directory `path` to stable storage, each once in the life of this process.

        Above `root` it is tried only: those directories are other people's, and some filesystems refuse.
        """
        while path not in _DURABLE and (parent := os.path.dirname(path)) != path:
            try:
                self.sync_file(parent)
            except OSError:
                if len(path) > len(root):
                    raise
            _DURABLE.add(path)
            path = parent

    def sync_tree(self, top: str) -> None:
        """`sync_file` on all regular files and directories below `top`, deepest first."""
        for path in _regular_below(top):
            self.sync_file(path)
        self.sync_file(top)


def _check_directory(path: str) -> None:
    """Say what is wrong with a name that is taken: "file exists" would not.

    Raises:
        NotADirectoryError: it is a file, or a link that leads nowhere.
    """
    if not os.path.isdir(path):
        what = "it is a link that leads nowhere" if os.path.islink(path) else "it is no directory"
        raise NotADirectoryError(errno.ENOTDIR, what, path)


def _refuse_other(error: OSError, path: str) -> None:
    """Tell of what is no file in the place of one of furu's."""
    if error.errno == errno.ELOOP and not os.path.islink(path):
        hints = ["look at the links above it, those in FURU_PATH first"]
        raise FuruStoreError(f"{path} can't be reached: links lead in a ring", path=Path(path), hints=hints) from error
    if error.errno == errno.ELOOP:
        hints = ["put the file itself there; furu follows no links to its records"]
        raise FuruStoreError(f"{path} must be a file, not a link", path=Path(path), hints=hints) from error
    if error.errno == errno.EISDIR:
        raise FuruStoreError(f"{path} must be a file, not a directory", path=Path(path)) from error


def _read_all(descriptor: int) -> bytes:
    content = os.read(descriptor, _READ_BYTES)
    if len(content) < _READ_BYTES:
        return content
    parts = [content]
    while content := os.read(descriptor, 1 << 22):
        parts.append(content)
    return b"".join(parts)


def _regular_below(top: str) -> Iterator[str]:
    for directory, _, names in os.walk(top, topdown=False):
        for name in names:
            path = f"{directory}/{name}"
            if stat.S_ISREG(os.lstat(path).st_mode):
                yield path
        if directory != top:
            yield directory


DISK: Final = Disk()
"""The real one."""
