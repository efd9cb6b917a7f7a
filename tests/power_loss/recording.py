"""Watches a real directory while furu works in it, and keeps what a power cut could leave at every step.

Python tells of every call that makes, renames or removes a name before it happens; then the directory is compared with
what it was, so nothing escapes that is written beside `Participant.disk`: results, logs, and what `_create()` writes.
"""

from __future__ import annotations

import os
import stat
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from tests.power_loss.surviving import Cut, Node, cut

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_STEPS: Final = frozenset({"open", "os.mkdir", "os.rename", "os.link", "os.remove", "os.rmdir", "os.truncate"})
_ACTIVE: Final[list[Recording]] = []


def _notice(event: str, arguments: tuple[Any, ...]) -> None:
    if _ACTIVE and event in _STEPS:
        _ACTIVE[-1].step(f"{event} {arguments[0]}")


class Recording:
    """What happens below `top`, from `begin` on.

    Attributes:
        cuts: a moment for each step.
        holds: what is promised at the moment, checked on whatever survives a cut from now on.
        is_ignored: of the number and the path of an fsync: whether the disk lies about it.
    """

    def __init__(self, top: Path, is_ignored: Callable[[int, str], bool] = lambda _number, _path: False) -> None:
        self.top = top
        self.cuts: list[Cut] = []
        self.holds: Callable[[], list[str]] | None = None
        self.is_ignored = is_ignored
        self.syncs: list[str] = []
        self._root = Node(is_directory=True)
        self._by_inode: dict[int, Node] = {}
        self._is_busy = False
        self._has_changed = False

    def step(self, label: str) -> None:
        """Take in what changed since the last one, and keep the moment."""
        if self._is_busy:
            return
        self._is_busy = True
        try:
            seen: dict[int, Node] = {os.stat(self.top).st_ino: self._root}
            self._has_changed = label == "returned"
            self._compare(str(self.top), self._root, seen)
            self._by_inode = seen
            if self._has_changed:
                self.cuts.append(cut(label.replace(f"{self.top}/", ""), self._root, self.holds))
        finally:
            self._is_busy = False

    def settle(self) -> None:
        """All that is there has long reached the disk."""
        self.step("settled")
        self._root.sync_all()
        self.cuts.clear()

    def sync(self, descriptor: int) -> None:
        """The disk promises to keep a file's bytes, or a directory's names."""
        path = os.readlink(f"/proc/self/fd/{descriptor}")
        self.step(f"before fsync {path}")
        if path != str(self.top) and not path.startswith(f"{self.top}/"):
            return
        self.syncs.append(path)
        if not self.is_ignored(len(self.syncs), path):
            node = self._by_inode.get(os.fstat(descriptor).st_ino)
            if node is not None:
                node.sync()

    def _compare(self, path: str, node: Node, seen: dict[int, Node]) -> None:
        found: dict[str, Node] = {}
        for entry in os.scandir(path):
            status = entry.stat(follow_symlinks=False)
            is_directory = stat.S_ISDIR(status.st_mode)
            child = seen.get(status.st_ino) or self._by_inode.get(status.st_ino)
            if child is None or child.is_directory is not is_directory:
                child = Node(is_directory)
            seen[status.st_ino] = found[entry.name] = child
            if is_directory:
                self._compare(entry.path, child, seen)
            else:
                content = Path(entry.path).read_bytes()
                self._has_changed |= content != child.content
                child.write(content)
        for name in [*node.names, *found]:
            self._has_changed |= node.names.get(name) is not found.get(name)
            node.name(name, found.get(name))


@contextmanager
def recording(top: Path, **options: Any) -> Iterator[Recording]:
    """Watch `top` in this process, until the end of the block."""
    if not getattr(_notice, "is_installed", False):  # such a hook can't be taken back; it is idle without a recording
        sys.addaudithook(_notice)
        _notice.is_installed = True  # type: ignore[attr-defined]
    found, real = Recording(top, **options), os.fsync

    def fsync(descriptor: int) -> None:
        real(descriptor)
        found.sync(descriptor)

    _ACTIVE.append(found)
    os.fsync = fsync  # type: ignore[assignment]
    try:
        yield found
    finally:
        os.fsync = real
        _ACTIVE.remove(found)
