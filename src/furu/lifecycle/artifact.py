"""One artifact's protocol without configs: look, acquire, wait for, publish. Gathers evidence; `judge` decides."""

from __future__ import annotations

import logging
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

from furu import clock
from furu.errors import FuruStoreError
from furu.lifecycle.lease import Lease
from furu.lifecycle.reconcile import Evidence, judge
from furu.lifecycle.schedulers import owner_says
from furu.lifecycle.waiting import STALE_LOOKUP_NAP_SEC, STALE_LOOKUP_TRIES
from furu.storage.layout import Ending
from furu.storage.locks import ArtifactLock
from furu.storage.records import OwnerRecord, SuccessRecord

if TYPE_CHECKING:
    from collections.abc import Callable

    from furu.lifecycle.lease import Participant
    from furu.lifecycle.schedulers import LiveJob
    from furu.storage.layout import ArtifactPaths, EndedAttempt

_LOG: Final = logging.getLogger("furu")
UNREADABLE_LEASE_SEC: Final = 120.0
"""The silence allowed to an owner whose record can't be read, so that nobody knows what it promised."""


@dataclass(frozen=True)
class Holder:
    """Who keeps others from computing.

    Attributes:
        token: its attempt; empty for a batch job that has not begun one.
        owner: who it is; None when its record can't be read.
        because: why it keeps the lease.
        quiet_sec: for how long we have seen no heartbeat of it.
        is_stuck: it should lose the lease, but we can't write here.
        job: the batch job that will acquire the lease when it starts.
    """

    token: str
    owner: OwnerRecord | None
    because: str
    quiet_sec: float = 0.0
    is_stuck: bool = False
    job: LiveJob | None = None


@dataclass(frozen=True)
class Terms:
    """What an owner promises when it acquires a lease.

    Attributes:
        node: `Class(hash)`.
        lease_sec: the silence it may keep.
        heartbeat_sec: how often it means to beat.
        backend, spec_key, environment, code, scheduler: as in `OwnerRecord`.
    """

    node: str
    lease_sec: float
    heartbeat_sec: float
    backend: str | None = None
    spec_key: str | None = None
    environment: str | None = None
    code: str | None = None
    scheduler: dict[str, str] | None = None


class Artifact:
    """One artifact, as one participant sees it. Keeps what it saw of heartbeats, so one object serves one wait."""

    def __init__(
        self,
        paths: ArtifactPaths,
        participant: Participant,
        ask_scheduler: Callable[[dict[str, str]], str | None] = owner_says,
    ) -> None:
        self.paths = paths
        self.lock = ArtifactLock(paths, participant.disk)
        self._me = participant
        self._ask_scheduler = ask_scheduler
        self._beat_seen: tuple[str, float, float] | None = None  # token, its beat, when we first saw that beat

    def success(self) -> SuccessRecord | None:
        """The published result, by opening its record."""
        return self.lock.success()

    def success_by_listing(self) -> SuccessRecord | None:
        """The published result, where a network filesystem may remember from earlier that there is none."""
        if not self.lock.is_published():
            return None
        for _ in range(STALE_LOOKUP_TRIES):
            success = self.lock.success()
            if success is not None or not self.lock.is_published():
                return success
            self._me.disk.sleep(STALE_LOOKUP_NAP_SEC)
        msg = f"{self.paths.success} is listed but can't be opened"
        raise FuruStoreError(msg, path=Path(self.paths.success), hints=["ask who runs the filesystem"])

    def acquire(self, terms: Terms, *, known: str | None = None) -> Lease | SuccessRecord | None:
        """Try to get the right to compute.

        Args:
            terms: what we promise.
            known: token of a published result that shall be replaced.

        Returns:
            The lease; or the result that somebody published since, which the caller should load; or None when
            somebody else holds the lease.
        """
        lease = Lease(self._me.new_token(), self.lock, terms.heartbeat_sec, known)
        self._me.heart.register(lease)
        is_kept = False
        try:
            if not self.lock.claim(self._owner_record(lease.token, terms)):
                return None
            lease.is_held = True
            # Look again, by listing: a cached lookup of SUCCESS.json may be stale on a network filesystem, but
            # whoever published had its lease end before ours began, so a listing has the name.
            published = self.success_by_listing()
            if published is not None and published.token != known:
                self._me.end(lease, Ending.NOOP)
                return published
            lease.replaces = published.token if published is not None else None
            is_kept = True
        except BaseException:
            self._me.end(lease, Ending.PREEMPTED)
            raise
        else:
            return lease
        finally:
            if not is_kept:
                self._me.heart.forget(lease.token)

    def holder(self) -> Holder | None:
        """Who computes it now. An owner that is dead, or was silent for too long, is revoked first."""
        token = self.lock.holder()
        if token is None:
            return None
        found = self.lock.owner(token)
        if found is None and self.lock.holder() != token:
            return None
        owner, beat = found or (None, 0.0)
        quiet_sec = self._quiet_sec(token, beat)
        evidence = self._evidence(owner, quiet_sec) if owner else _silence(quiet_sec)
        if judge(evidence).ending is None:
            return Holder(token, owner, judge(evidence).because, evidence.quiet_sec)
        # Only now: an owner that dies between the publish and the end of its lease has not crashed.
        success = self.lock.success()
        verdict = judge(replace(evidence, is_published=success is not None and success.token == token))
        if verdict.ending is not None and self.lock.end(token, verdict.ending):
            node, process = (owner.node, owner.process) if owner else (self.paths.base, "an unreadable owner")
            _LOG.warning("%s: took the lease from %s: %s", node, process, verdict.because)
            return None
        if self.lock.holder() != token:
            return None
        return Holder(token, owner, f"{verdict.because}, but its lease can't be ended", quiet_sec, is_stuck=True)

    def newest_ended(self) -> EndedAttempt | None:
        """The attempt that ended last, leaving out those that found nothing to do."""
        ended = [attempt for attempt in self.lock.ended() if attempt.ending is not Ending.NOOP]
        return ended[-1] if ended else None

    def _quiet_sec(self, token: str, beat: float) -> float:
        now = self._me.disk.now()
        if self._beat_seen is None or self._beat_seen[:2] != (token, beat):
            self._beat_seen = (token, beat, now)
        return now - self._beat_seen[2]

    def _evidence(self, owner: OwnerRecord, quiet_sec: float) -> Evidence:
        me = self._me.identity()
        is_same_kernel = bool(owner.boot) and (owner.boot, owner.pid_namespace) == (me.boot, me.pid_namespace)
        is_own = is_same_kernel and (owner.pid, owner.started) == (me.pid, me.started)
        return Evidence(
            is_same_kernel=is_same_kernel and bool(owner.started),
            is_same_machine=bool(owner.machine) and (owner.host, owner.machine) == (me.host, me.machine),
            is_other_boot=bool(owner.boot and me.boot) and owner.boot != me.boot,
            is_running=is_own or (is_same_kernel and self._me.is_running(owner.pid, owner.started)),
            is_own=is_own,
            is_live_token=owner.token in self._me.heart,
            scheduler_says=self._ask_scheduler(owner.scheduler) if owner.scheduler else None,
            quiet_sec=quiet_sec,
            lease_sec=owner.lease_sec,
            is_published=False,
        )

    def _owner_record(self, token: str, terms: Terms) -> OwnerRecord:
        return OwnerRecord(
            **vars(self._me.identity()),
            token=token,
            node=terms.node,
            lease_sec=terms.lease_sec,
            at=clock.unix(),
            backend=terms.backend,
            spec_key=terms.spec_key,
            environment=terms.environment,
            code=terms.code,
            scheduler=terms.scheduler,
        )


def _silence(quiet_sec: float) -> Evidence:
    """All that is known of an owner whose record can't be read."""
    return Evidence(
        is_same_kernel=False,
        is_same_machine=False,
        is_other_boot=False,
        is_running=False,
        is_own=False,
        is_live_token=False,
        scheduler_says=None,
        quiet_sec=quiet_sec,
        lease_sec=UNREADABLE_LEASE_SEC,
        is_published=False,
    )
