"""The lock of one artifact: a directory whose one entry is named by the owner's token.

Every step is a single rename or link of a name that contains the token, so that no release, heartbeat, take-over or
publish can hit somebody else's lock. Nothing here decides anything; `furu.lifecycle` does.
"""

from __future__ import annotations

import contextlib
import os
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

from furu.errors import FuruStoreError
from furu.storage.access import refuse_foreign_links
from furu.storage.atomic import GONE, TAKEN
from furu.storage.layout import TOKEN, EndedAttempt, Ending, parse_ended
from furu.storage.records import OwnerRecord, SuccessRecord, parse_own, parse_success, render

if TYPE_CHECKING:
    from furu.storage.atomic import Disk
    from furu.storage.layout import ArtifactPaths

_END_NAPS_SEC: Final = (0.01, 0.1)


class Parts(NamedTuple):
    """What is in an artifact's directory, by one listing of its names.

    Attributes:
        is_published: its own result.
        is_alias: or it stands for another one's.
        has_lock: somebody may hold its lease.
        has_attempts: attempts may have ended.
        has_jobs: batch jobs may have been submitted for it.
    """

    is_published: bool
    is_alias: bool
    has_lock: bool
    has_attempts: bool
    has_jobs: bool


class ArtifactLock:
    """The steps of the protocol on one artifact's directory.

    claim -> (beat ...) -> publish -> end
    """

    def __init__(self, paths: ArtifactPaths, disk: Disk) -> None:
        self.paths = paths
        self._disk = disk

    def holder(self) -> str | None:
        """The token in the lock; None when it is free."""
        names = [name for name in self._disk.list_directory(self.paths.lock) if TOKEN.fullmatch(name)]
        return names[0] if names else None

    def owner(self, token: str) -> tuple[OwnerRecord | None, float] | None:
        """Who holds the lock and when it last beat, by the file server's clock; None if there is no record.

        Instead of the owner None where its record is damaged or from a newer furu: such a lock must still end.
        """
        path, beat = self.paths.lease(token).owner, 0.0
        try:
            beaten = self._disk.read_beaten(path)
            if beaten is None:
                return None
            beat = beaten.mtime
            return parse_own(OwnerRecord, beaten.content, path, "token"), beat
        except FuruStoreError:
            return None, beat

    def success(self) -> SuccessRecord | None:
        """The published result; None when there is none.

        Raises:
            FuruStoreError: the record is damaged or from a newer furu.
        """
        content = self._disk.read(self.paths.success)
        return parse_success(content, self.paths.success) if content is not None else None

    def ended(self) -> list[EndedAttempt]:
        """The attempts that ended, oldest first."""
        names = self._disk.list_directory(self.paths.attempts)
        return sorted(filter(None, map(parse_ended, names)), key=lambda attempt: attempt.token)

    def parts(self) -> Parts:
        """What a listing shows, which no stale lookup can hide."""
        names = self._disk.list_directory(self.paths.base)
        return Parts(*(name in names for name in ("SUCCESS.json", "alias.json", "lock", "attempts", "jobs")))

    def is_published(self) -> bool:
        """Whether a listing, which no stale lookup can hide, shows the publish."""
        return self.parts().is_published

    def claim(self, owner: OwnerRecord) -> bool:
        """Take the lock if it is free. The name becomes visible with its record complete, in one rename.

        Returns:
            Whether `owner` holds it now.

        Raises:
            FuruStoreError: a part of the artifact's directory is a link or a file.
            OSError: the directory can't be written.
        """
        is_new = not self.refuse_links()
        if not is_new and self.holder() is not None:
            return False
        candidate = self.paths.candidate(owner.token)
        try:
            if is_new:
                # With the directory for the attempts: on a disk that is full by then, the lease can still be ended.
                self._disk.make_directories(self.paths.base)
                self._make_attempts()
            self._build(candidate, owner)
            return self._move_in(candidate, owner.token)
        except BaseException:
            # Also when a signal strikes just after the rename: then the lock is ours and nobody would know.
            self._discard(candidate, owner.token)
            self.end(owner.token, Ending.PREEMPTED)
            raise

    def refuse_links(self) -> bool:
        """A link in the place of a directory of ours would let somebody else choose where we write.

        Returns:
            Whether the artifact's directory is there.

        Raises:
            FuruStoreError: there is one.
        """
        paths = self.paths
        refuse_foreign_links(os.path.dirname(paths.base), paths.root)
        if self._disk.is_real_directory(paths.base) is None:
            return False
        for path in (paths.base, paths.lock, paths.attempts, paths.files):
            if self._disk.is_real_directory(path) is False:
                msg = f"{path} must be a directory, not a link or a file"
                raise FuruStoreError(msg, path=Path(path), hints=["remove it; furu makes its own directories"])
        return True

    def _build(self, candidate: str, owner: OwnerRecord) -> None:
        try:
            self._disk.make_directory(candidate)
        except FileNotFoundError:  # deleted since we looked
            self._disk.make_directories(self.paths.attempts)
            self._disk.make_directory(candidate)
        self._disk.make_directory(f"{candidate}/{owner.token}")
        self._disk.write_new(f"{candidate}/{owner.token}/owner.json", render(owner))

    def _move_in(self, candidate: str, token: str) -> bool:
        """The kernel renames a directory only onto a missing or an empty one, so exactly one can win."""
        try:
            self._disk.rename(candidate, self.paths.lock)
        except OSError as error:
            # A retransmitted NFS call may report an error for a rename that happened: ask the name.
            if token in self._disk.list_directory(self.paths.lock):
                return True
            if error.errno not in TAKEN | GONE:
                raise
            self._refuse_strangers()
            self._discard(candidate, token)
            return False
        return True

    def _refuse_strangers(self) -> None:
        """What isn't a lease in the lock never ends, so nobody could ever compute.

        Raises:
            FuruStoreError: there is such a thing.
        """
        names = self._disk.list_directory(self.paths.lock)
        if names and not any(map(TOKEN.fullmatch, names)):
            msg = f"{self.paths.lock} holds something that is not furu's: {', '.join(sorted(names))}"
            raise FuruStoreError(msg, path=Path(self.paths.lock), hints=["remove it; furu keeps its leases there"])

    def _discard(self, candidate: str, token: str) -> None:
        for remove, path in (
            (self._disk.unlink, f"{candidate}/{token}/owner.json"),
            (self._disk.remove_directory, f"{candidate}/{token}"),
            (self._disk.remove_directory, candidate),
        ):
            with contextlib.suppress(OSError):
                remove(path)

    def beat(self, token: str) -> None:
        """Show that the owner lives. Its own path only: a revoked owner can't refresh its successor.

        Raises:
            OSError: with an errno of `GONE`, the lease is not ours any more.
        """
        self._disk.beat(self.paths.lease(token).owner)

    def publish(self, record: SuccessRecord, *, replaces: bool, sync: bool) -> bool:
        """Make an attempt's result the artifact's, if the attempt still holds the lock.

        The source of the link or rename lies in the lock under the attempt's token, so a revoked attempt fails;
        a link also fails where somebody has published.

        Args:
            record: names the attempt.
            replaces: whether a published result, known to its holder, is to be replaced.
            sync: whether to force the publish to stable storage.

        Returns:
            Whether the artifact's result is this one now.
        """
        for is_last_try in (False, True):
            try:
                self._put(record, replaces=replaces, sync=sync)
                break
            except OSError as error:
                if self._is_published_by(record.token):
                    break
                if error.errno not in GONE | TAKEN:
                    raise
                if is_last_try or record.token not in self._disk.list_directory(self.paths.lock):
                    return False
                # Still ours, so it was the answer to a call sent twice, or a name not found for a moment; what took
                # hours is worth a second try.
                self._unput(record.token)
        if sync:
            self._disk.sync_file(self.paths.base)
            self._disk.sync_names(self.paths.base, self.paths.root)
        return True

    def _put(self, record: SuccessRecord, *, replaces: bool, sync: bool) -> None:
        lease = self.paths.lease(record.token)
        self._disk.write_new(lease.success, render(record), sync=sync)
        if replaces:
            self._disk.link(lease.success, lease.withdrawn)
            self._disk.rename(lease.withdrawn, self.paths.success)
        else:
            self._disk.link(lease.success, self.paths.success)

    def _unput(self, token: str) -> None:
        lease = self.paths.lease(token)
        for path in (lease.success, lease.withdrawn):
            with contextlib.suppress(FileNotFoundError):
                self._disk.unlink(path)

    def _is_published_by(self, token: str) -> bool:
        published = self.success()
        return published is not None and published.token == token

    def withdraw(self, token: str) -> bool:
        """Take the published result back, as the holder; whether there was one."""
        try:
            self._disk.rename(self.paths.success, self.paths.lease(token).withdrawn)
        except OSError as error:
            if error.errno in GONE and not self.is_published():
                return False
            raise
        return True

    def take_away(self, token: str) -> None:
        """Move the files and the ended attempts of the artifact into the holder's own directory, to be deleted there.

        Deleted in place, they could be those of somebody who took the lease over meanwhile.
        """
        lease = self.paths.lease(token)
        for path, own_path in ((self.paths.files, lease.files), (self.paths.attempts, lease.attempts)):
            try:
                self._disk.rename(path, own_path)
            except OSError as error:
                if error.errno not in GONE:
                    raise
        self._make_attempts()  # there again before the lease is to be ended

    def end(self, token: str, ending: Ending) -> bool:
        """Release the lock and record how the attempt ended, in one rename.

        Returns:
            Whether it was us who ended it. Never raises an `OSError`: whoever looks next finishes the job.
        """
        for nap_sec in (*_END_NAPS_SEC, None):
            try:
                return self._move_out(token, ending)
            except OSError:
                if nap_sec is not None:
                    self._disk.sleep(nap_sec)
        return False

    def _make_attempts(self) -> bool:
        """Make the directory of ended attempts, which whoever ends first needs; False if the artifact is gone."""
        try:
            self._disk.make_directory(self.paths.attempts)
        except FileExistsError:
            return True
        except FileNotFoundError:
            return False
        return True

    def _move_out(self, token: str, ending: Ending, *, is_last_try: bool = False) -> bool:
        source, target = self.paths.lease(token).base, self.paths.ended(token, ending).base
        try:
            self._disk.rename(source, target)
        except OSError as error:
            if error.errno not in GONE:
                raise
            if token not in self._disk.list_directory(self.paths.lock):
                return False  # nothing is made for a lease that isn't there: where a claim was refused we don't write
            if is_last_try or not self._make_attempts():
                raise  # so that was not what the error said
            return self._move_out(token, ending, is_last_try=True)
        if ending is not Ending.OK:  # nobody will want the lock again soon, and to free a directory is slow
            with contextlib.suppress(OSError):
                self._disk.remove_directory(self.paths.lock)  # removes an empty one only
        return True
