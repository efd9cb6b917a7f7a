"""Locks with the faults of the trade, to show that the checkers see them. Never imported outside of tests."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from furu.storage.layout import ArtifactPaths
from furu.storage.locks import ArtifactLock, Parts
from furu.storage.records import OwnerRecord, SuccessRecord, parse, render

if TYPE_CHECKING:
    from furu.lifecycle.get import Request
    from furu.storage.layout import EndedAttempt, Ending


class UnfencedPublish(ArtifactLock):
    """Publishes by a rename that does not ask whether the lock is still held."""

    def publish(self, record: SuccessRecord, *, replaces: bool, sync: bool) -> bool:
        self._disk.replace(self.paths.success, render(record), suffix=record.token)
        return True


class UnlinkedLock(UnfencedPublish):
    """A lock file made by O_EXCL, broken by unlinking its path when it looks stale."""

    @property
    def _path(self) -> str:
        return self.paths.base + "/lock.json"

    def parts(self) -> Parts:
        return super().parts()._replace(has_lock=True)

    def holder(self) -> str | None:
        content = self._disk.read(self._path)
        return parse(OwnerRecord, content, self._path).token if content else None

    def owner(self, token: str) -> tuple[OwnerRecord | None, float] | None:
        beaten = self._disk.read_beaten(self._path)
        return (parse(OwnerRecord, beaten.content, self._path), beaten.mtime) if beaten and beaten.content else None

    def claim(self, owner: OwnerRecord) -> bool:
        self._disk.make_directories(self.paths.base)
        try:
            self._disk.write_new(self._path, render(owner))
        except FileExistsError:
            return False
        return True

    def beat(self, token: str) -> None:
        self._disk.beat(self._path)

    def end(self, token: str, ending: Ending) -> bool:
        with contextlib.suppress(FileNotFoundError):
            self._disk.unlink(self._path)
        return True

    def ended(self) -> list[EndedAttempt]:
        return []


class SharedFiles(ArtifactPaths):
    """Every attempt writes into the same directory."""

    __slots__ = ()

    def files_of(self, token: str) -> str:
        return f"{self.base}/files/shared"


def unfenced_publish(request: Request) -> None:
    """Publish whoever holds the lock."""
    request.artifact.lock = UnfencedPublish(request.paths, request.participant.disk)


def unlinked_lock(request: Request) -> None:
    """Break a stale lock by unlinking it."""
    request.artifact.lock = UnlinkedLock(request.paths, request.participant.disk)


def shared_files(request: Request) -> None:
    """Compute in place."""
    request.paths = request.artifact.paths = request.artifact.lock.paths = SharedFiles(request.paths.base)
