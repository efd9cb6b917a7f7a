"""How long a request waits for another owner, and what it says when it has waited enough."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import TYPE_CHECKING, Final

from furu import clock
from furu.errors import FuruLockNotAcquired, FuruReadOnlyStore, FuruStoreError, FuruWaitTimeout, add_context
from furu.lifecycle.computable import node_name
from furu.lifecycle.waiting import chance, nap_sec
from furu.storage.atomic import FULL, UNWRITABLE

if TYPE_CHECKING:
    from furu.config import Settings
    from furu.lifecycle.artifact import Holder
    from furu.lifecycle.computable import Computable
    from furu.storage.atomic import Disk

_LOG: Final = logging.getLogger("furu")


class Patience:
    """How long a request has waited, and when it has waited enough."""

    def __init__(
        self, obj: Computable, base: str, disk: Disk, current: Settings, start_time: float, *, may_wait: bool
    ) -> None:
        self._obj = obj
        self._base = base
        self._disk = disk
        self._may_wait = may_wait
        self._longest_nap_sec = current.poll_interval_sec
        own_limit = obj._max_wait_time_sec
        self._limit_sec = current.max_wait_sec if current.max_wait_sec is not None else own_limit
        self._began = self._disk.now()
        # `start_time` is of the wall clock, which may jump: it can only shorten the wait.
        self._waited_before_sec = max(0.0, clock.unix() - start_time)
        self._said_at_sec = 10.0

    def waited_sec(self) -> float:
        """On the participant's own clock."""
        return self._disk.now() - self._began

    def left_sec(self) -> float | None:
        """None for ever."""
        if not self._may_wait:
            return 0.0
        if self._limit_sec is None:
            return None
        return self._limit_sec - self._waited_before_sec - self.waited_sec()

    def nap(self, holder: Holder | None) -> None:
        """Sleep a little.

        Raises:
            FuruWaitTimeout: that was enough.
            FuruLockNotAcquired: we may not wait at all.
            FuruReadOnlyStore: no wait will help.
        """
        left_sec, waited_sec = self.left_sec(), self.waited_sec()
        if holder is not None and holder.is_stuck:
            raise unwritable(self._obj, self._base, f"{describe_holder(holder)}: {holder.because}")
        if left_sec is not None and left_sec <= 0:
            raise self.error(holder)
        if waited_sec >= self._said_at_sec:
            node = node_name(self._obj)
            _LOG.info("get %s: waiting for %s, %.0f s", node, describe_holder(holder), waited_sec)
            self._said_at_sec *= 3
        pause_sec = nap_sec(waited_sec, self._longest_nap_sec, chance())
        self._disk.sleep(pause_sec if left_sec is None else min(pause_sec, left_sec))

    def error(self, holder: Holder | None) -> FuruWaitTimeout | FuruLockNotAcquired:
        """What to raise when `holder` is not to be waited for any longer."""
        node, owner, furu_dir = node_name(self._obj), describe_holder(holder), Path(self._base)
        if not self._may_wait:
            return FuruLockNotAcquired(node=node, owner=owner)
        waited_sec = self._waited_before_sec + self.waited_sec()
        return FuruWaitTimeout(
            f"Waited {waited_sec:.1f} s for {node}, which {owner} computes in {furu_dir}",
            node=node,
            furu_dir=furu_dir,
            owner=owner,
            waited_sec=waited_sec,
            hints=[
                "the owner was left alone; its log is furu.log below the directory",
                "FURU_MAX_WAIT_SECS sets how long to wait, FURU_LEASE_SECS when a silent owner is given up",
            ],
        )


def describe_holder(holder: Holder | None) -> str:
    """An owner as messages name it; None stands for a thread of this process."""
    if holder is None:
        return "another thread of this process"
    if holder.job is not None:
        return str(holder.job)
    if holder.owner is None:
        return "an owner whose record can't be read"
    since = clock.isoformat(holder.owner.at)
    return f"{holder.owner.process} (since {since}, last heartbeat {holder.quiet_sec:.0f} s ago or less)"


def unwritable(obj: Computable, base: str, reason: object) -> FuruReadOnlyStore:
    """The error for an artifact that must be computed where this user can't write."""
    msg = f"{node_name(obj)} must be computed, but {base} can't be written: {reason}"
    hints = ["set FURU_PATH to a directory of yours", "a store that is only read needs its artifacts complete"]
    return FuruReadOnlyStore(msg, path=Path(base), hints=hints)


def refuse_unwritable(obj: Computable, base: str, error: OSError) -> None:
    """Say of an error of the filesystem, which may not even name a file, where it was and what to do.

    Raises:
        FuruReadOnlyStore: this user can't write there; any other error is left to the caller, with a note.
    """
    if error.errno in UNWRITABLE and not isinstance(error, FuruStoreError):
        raise unwritable(obj, base, error) from error
    where = f"while furu got ready to compute {node_name(obj)} in {base}"
    room = "; make room there, or set FURU_PATH to another disk" if error.errno in FULL else ""
    add_context(error, where + room)
