"""The store as the dashboard reads it: artifacts by name, and files below them without following a link.

Nothing outside of a root can be named: every step of a path is opened in the directory before it, and a link or a name
that leads upwards ends it.
"""

from __future__ import annotations

import contextlib
import errno
import os
import re
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from furu.errors import FuruError
from furu.evolution.archive import Archive
from furu.evolution.refs import ArtifactStatus, status_of
from furu.index.search import query
from furu.storage.atomic import GONE
from furu.storage.layout import HASH, ArtifactPaths
from furu.storage.scan import look

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from furu.index.rows import ArtifactRow

_NAMESPACE: Final = re.compile(r"[^/.\0][^/\0]*(/[^/.\0][^/\0]*)*")
_MAX_CHARS: Final = 4096
_NO_WAY: Final = GONE | {errno.ELOOP, errno.EACCES, errno.EPERM, errno.ENAMETOOLONG, errno.ENXIO, errno.EINVAL}


class NotFound(FuruError, LookupError):
    """There is nothing by this name, or nothing that may be shown."""


class Refused(FuruError, ValueError):
    """What was asked for makes no sense."""


@dataclass(frozen=True)
class Located:
    """An artifact that is there.

    Attributes:
        root: of the store.
        namespace: directory of the class below `data/`.
        furu_hash: name of the artifact's own directory.
    """

    root: str
    namespace: str
    furu_hash: str

    @property
    def reference(self) -> str:
        """`<namespace>/<hash>`."""
        return f"{self.namespace}/{self.furu_hash}"

    @property
    def class_name(self) -> str:
        """The class's own name."""
        return self.namespace.rpartition("/")[2]

    @property
    def paths(self) -> ArtifactPaths:
        """The names in its directory."""
        return ArtifactPaths(f"{self.root}/data/{self.reference}")

    @property
    def status(self) -> ArtifactStatus:
        """What the names in its directory say now."""
        return status_of(look(self.namespace, self.furu_hash, self.paths))


class Store:
    """The roots of a store.

    Args:
        roots: directories, the first one that of most artifacts.
    """

    def __init__(self, roots: Sequence[str]) -> None:
        self.roots = list(roots)

    def archive(self) -> Archive:
        """The configs as they are now."""
        return Archive(self.roots)

    def locate(self, namespace: str, furu_hash: str) -> Located:
        """The artifact of that name.

        Raises:
            NotFound: there is none.
        """
        if HASH.fullmatch(furu_hash) and len(namespace) < _MAX_CHARS and _NAMESPACE.fullmatch(namespace):
            for root in self.roots:
                with contextlib.suppress(NotFound), opened_below(root, f"data/{namespace}/{furu_hash}", os.O_DIRECTORY):
                    return Located(root, namespace, furu_hash)
        msg = f"there is no artifact {namespace}/{furu_hash}"
        raise NotFound(msg)

    def find(self, reference: str) -> ArtifactRow:
        """The row of an artifact, as the index knows it.

        Raises:
            NotFound: the index has none.
        """
        namespace, _, furu_hash = reference.rpartition("/")
        found = query(f"hash:{furu_hash}", roots=self.roots, is_fresh=False) if HASH.fullmatch(furu_hash) else []
        for row in found:
            if row.namespace == namespace:
                return row
        msg = f"there is no artifact {reference}"
        raise NotFound(msg)


@contextlib.contextmanager
def opened_below(top: str, relative: str, flags: int = 0) -> Iterator[int]:
    """A descriptor of what `relative` names below `top`, for reading; no step of the way may be a link.

    Args:
        top: a directory; itself it may be reached by links.
        relative: names with slashes between them.
        flags: for the last step, such as `os.O_DIRECTORY`.

    Raises:
        NotFound: it isn't there, or may not be shown.
    """
    names = relative.split("/")
    is_fine = len(relative) < _MAX_CHARS and "\0" not in relative and not {"", ".", ".."} & set(names)
    msg = f"{relative} is not there, or is a link"
    if not is_fine:
        raise NotFound(msg)
    descriptor = -1
    try:
        descriptor = os.open(top, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        for number, name in enumerate(names, start=1):
            # A pipe in the place of a file would let us wait for whoever writes into it.
            last = flags | os.O_NONBLOCK if number == len(names) else os.O_DIRECTORY
            inner = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | last, dir_fd=descriptor)
            os.close(descriptor)
            descriptor = inner
        yield descriptor
    except (OSError, UnicodeEncodeError) as error:
        if isinstance(error, OSError) and error.errno not in _NO_WAY:
            raise
        raise NotFound(msg) from None
    finally:
        if descriptor >= 0:
            os.close(descriptor)


@contextlib.contextmanager
def opened_file(top: str, relative: str) -> Iterator[tuple[int, int]]:
    """The same for a regular file: its descriptor, and its size in bytes.

    Raises:
        NotFound: as `opened_below`; also for a directory, a pipe or a device.
    """
    with opened_below(top, relative) as descriptor:
        found = os.fstat(descriptor)
        if not stat.S_ISREG(found.st_mode):
            msg = f"{relative} is no file"
            raise NotFound(msg)
        yield descriptor, found.st_size


def relative_to(root: str, path: str) -> str:
    """`path` below the root, with slashes."""
    return str(Path(path).relative_to(root))
