"""How the store, its index and this machine are; nothing is tried out, for that would write: `furu doctor` does."""

from __future__ import annotations

import os
import platform
import shutil
import sqlite3
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import furu
from furu.cli.doctor import why_stale
from furu.cli.filesystem import filesystem_type
from furu.errors import FuruError
from furu.index.location import index_path
from furu.index.search import query
from furu.index.summary import troubled

if TYPE_CHECKING:
    from furu.dashboard.board import Board
    from furu.dashboard.watcher import Known
    from furu.index.rows import ArtifactRow

LISTED: Final = 100


@dataclass(frozen=True)
class RootHealth:
    """One root.

    Attributes:
        path: of it.
        filesystem: what it lies on; None if it isn't there.
        free: bytes; None likewise.
    """

    path: str
    filesystem: str | None
    free: int | None


@dataclass(frozen=True)
class Trouble:
    """An artifact with something wrong.

    Attributes:
        reference: of it.
        text: what is wrong.
    """

    reference: str
    text: str


@dataclass(frozen=True)
class Health:
    """How everything is.

    Attributes:
        versions: of what this runs on, by name.
        roots: of the store.
        known: what the watcher knows.
        index: path of the index.
        index_filesystem: what it lies on.
        index_bytes: its size.
        stale: running attempts whose owner seems to be gone.
        unreadable: artifacts with records that can't be read.
    """

    versions: dict[str, str]
    roots: tuple[RootHealth, ...]
    known: Known
    index: str
    index_filesystem: str
    index_bytes: int
    stale: tuple[Trouble, ...]
    unreadable: tuple[Trouble, ...]


def check_health(board: Board, known: Known) -> Health:
    """Look at it.

    Raises:
        FuruStoreError: the index can't be used.
    """
    path = index_path(board.roots)
    running = query("status:running", limit=LISTED, roots=board.roots, is_fresh=False)
    stale = [Trouble(row.reference, text) for row in running if (text := _why_stale(row)) is not None]
    damaged = troubled(limit=LISTED, roots=board.roots)
    return Health(
        versions={
            "furu": furu.__version__,
            "Python": platform.python_version(),
            "SQLite": sqlite3.sqlite_version,
        },
        roots=tuple(map(_root, board.roots)),
        known=known,
        index=path,
        index_filesystem=filesystem_type(path),
        index_bytes=os.stat(path).st_size,
        stale=tuple(stale),
        unreadable=tuple(Trouble(*each) for each in damaged),
    )


def _root(path: str) -> RootHealth:
    if not os.path.isdir(path):
        return RootHealth(path, None, None)
    return RootHealth(path, filesystem_type(path), shutil.disk_usage(path).free)


def _why_stale(row: ArtifactRow) -> str | None:
    try:
        return why_stale(row)
    except (FuruError, OSError) as error:
        return str(error)
