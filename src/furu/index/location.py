"""Where an index lies: on this machine, for this user, one for each store.

Never inside a store or a home directory: those may be on a network filesystem, where SQLite's locks don't hold.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import stat
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Final

from furu.errors import FuruStoreError

if TYPE_CHECKING:
    from collections.abc import Sequence

VARIABLE = "FURU_INDEX_DIR"
_INDEX: Final = re.compile(r"index-[0-9a-f]{16}\.sqlite")


def index_path(roots: Sequence[str]) -> str:
    """The file for a store with these roots; its directory is made.

    Raises:
        FuruStoreError: the directory can't be made, or belongs to somebody else.
    """
    real = "\n".join(os.path.realpath(root) for root in roots)
    digest = hashlib.blake2b(real.encode(errors="surrogateescape"), digest_size=8).hexdigest()
    return f"{_directory()}/index-{digest}.sqlite"


def unused_indexes(roots: Sequence[str], before: float) -> list[str]:
    """Indexes of this user's other stores that nobody has written to since.

    Args:
        roots: of the store whose index is none of these.
        before: in seconds since the epoch.
    """
    own = index_path(roots)
    directory = os.path.dirname(own)
    paths = [f"{directory}/{name}" for name in os.listdir(directory) if _INDEX.fullmatch(name)]
    return sorted(path for path in paths if path != own and _last_write(path) < before)


def _last_write(path: str) -> float:
    written = 0.0
    for name in (path, f"{path}-wal"):
        with contextlib.suppress(OSError):
            written = max(written, os.stat(name).st_mtime)
    return written


def _directory() -> str:
    said = os.environ.get(VARIABLE, "").strip()
    path = os.path.abspath(os.path.expanduser(said)) if said else f"{tempfile.gettempdir()}/furu-index-{os.getuid()}"
    hints = [f"set {VARIABLE} to a directory of your own on a local disk"]
    try:
        os.makedirs(path, mode=0o700, exist_ok=True)
        found = os.lstat(path) if not said else os.stat(path)
    except OSError as error:
        message = f"the index can't be kept in {path}: {error.strerror}"
        raise FuruStoreError(message, path=Path(path), hints=hints) from error
    # Below a directory that all may write to, somebody else may have made it first.
    if not said and (not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid() or found.st_mode & 0o077):
        raise FuruStoreError(f"{path} is not a directory for you alone", path=Path(path), hints=hints)
    return path
