"""Which directory `furu_dir` is: a running attempt's own, the published one's, or the artifact's."""

from __future__ import annotations

import os
import sys
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from furu.errors import FuruNestedTooDeep

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from furu.storage.atomic import Disk
    from furu.storage.layout import ArtifactPaths

_SURELY_SHALLOW: Final = 20
"""As many computations inside of each other leave room enough, so that nobody counts frames."""
_FRAMES: Final = 64
"""What one `get()` needs of the call stack, and something for a `_create()`; it uses 28 itself."""


class Workspace:
    """The private directory of one attempt.

    Made when it is first asked for, so that an artifact whose result is a number costs no directory.
    """

    def __init__(self, paths: ArtifactPaths, token: str, disk: Disk, *, node: str = "") -> None:
        self.base = paths.base
        self.node = node
        self.token = token
        self.path = paths.files_of(token)
        self._disk = disk
        self.is_made = False

    def directory(self) -> Path:
        """The directory, there to be written to."""
        if not self.is_made:
            self._disk.make_directories(self.path)
            self.is_made = True
        return Path(self.path)

    def adopt(self, path: str) -> None:
        """Go on in the directory of an earlier attempt, by giving it this one's name."""
        self._disk.rename(path, self.path)
        self.is_made = True


# What `furu_dir` is for the code that runs in this context: an attempt's workspace, or what is being loaded.
_NOTHING: Final[Mapping[str, Workspace | str]] = MappingProxyType({})
_BOUND: ContextVar[Mapping[str, Workspace | str]] = ContextVar("furu_workspaces", default=_NOTHING)

# The same for threads that `_create()` starts and that know nothing of the context.
_RUNNING: Final[dict[str, Workspace]] = {}


@contextmanager
def working_in(workspace: Workspace) -> Iterator[None]:
    """`furu_dir` is the workspace, here and in threads of this process that are bound to nothing else."""
    token = _BOUND.set({**_BOUND.get(), workspace.base: workspace})
    _RUNNING[workspace.base] = workspace
    try:
        yield
    finally:
        _RUNNING.pop(workspace.base, None)
        _BOUND.reset(token)


@contextmanager
def reading(base: str, directory: str) -> Iterator[None]:
    """`furu_dir` of the artifact in `base` is the directory of one published result, also if another is published."""
    token = _BOUND.set({**_BOUND.get(), base: directory})
    try:
        yield
    finally:
        _BOUND.reset(token)


def open_nodes() -> list[str]:
    """`Class(hash)` of everything whose `_create()` the code that asks runs inside of, outermost first."""
    return [bound.node for bound in _BOUND.get().values() if isinstance(bound, Workspace)]


def is_computing(base: str) -> bool:
    """Whether the code that asks runs inside the `_create()` of that artifact."""
    return isinstance(_BOUND.get().get(base), Workspace)


def check_depth(node: str) -> None:
    """Refuse to begin where Python's call stack could end in the middle of the protocol.

    Raises:
        FuruNestedTooDeep: too many computations wait for this one.
    """
    around = open_nodes()
    if len(around) <= _SURELY_SHALLOW:
        return
    left, frame = sys.getrecursionlimit(), sys._getframe()
    while frame := frame.f_back:  # type: ignore[assignment]
        left -= 1
    if left < _FRAMES:
        raise FuruNestedTooDeep(node=node, depth=len(around))


def bound_directory(base: str) -> Path | None:
    """What `furu_dir` is because of what runs here; None when nothing does."""
    bound = _BOUND.get().get(base) or _RUNNING.get(base)
    if isinstance(bound, Workspace):
        return bound.directory()
    return Path(bound) if bound is not None else None


def running_attempt(base: str) -> str | None:
    """Token of the attempt that computes the artifact here: in this context, or in another one of this process."""
    bound = _BOUND.get().get(base) or _RUNNING.get(base)
    return bound.token if isinstance(bound, Workspace) else None


def is_anything_running() -> bool:
    """Whether any `_create()` runs in this process."""
    return bool(_RUNNING)


def is_empty(workspace: Workspace) -> bool:
    """Whether the attempt wrote nothing. Asked of the disk: a forked child may have made the directory."""
    try:
        return not os.listdir(workspace.path)
    except FileNotFoundError:
        if workspace.is_made:
            raise
        return True
