"""A lease held by this process, and the heart that keeps all of its leases alive."""

from __future__ import annotations

import os
import threading
import weakref
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING

from furu import clock
from furu.errors import FuruError
from furu.lifecycle.waiting import Flights
from furu.storage.atomic import DISK, GONE
from furu.storage.layout import Ending
from furu.storage.process import ProcessIdentity, is_running, this_process

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator

    from furu.storage.atomic import Disk
    from furu.storage.locks import ArtifactLock


class Lease:
    """The right to compute one artifact.

    Attributes:
        token: names the attempt on disk.
        lock: the artifact's lock.
        replaces: token of the published result that this attempt is to replace; None when nothing is published.
        is_held: its name is in the lock, so there is something to beat for.
        is_lost: somebody else ended the lease, or the directory was deleted; nothing can be published any more.
        is_cancelled: this process gave it up although its computation still runs, in a thread nobody can stop.
        heartbeat_sec: pause between two beats.
    """

    def __init__(self, token: str, lock: ArtifactLock, heartbeat_sec: float, replaces: str | None) -> None:
        self.token = token
        self.lock = lock
        self.heartbeat_sec = heartbeat_sec
        self.replaces = replaces
        self.is_held = False
        self.is_lost = False
        self.is_cancelled = False
        self._pid = os.getpid()

    @property
    def is_of_this_process(self) -> bool:
        """False in a forked child: the lease is the parent's."""
        return self._pid == os.getpid()

    def beat(self) -> None:
        """Show that the owner lives; an error that is no proof of loss is tried again at the next beat."""
        if not self.is_held:
            return
        try:
            self.lock.beat(self.token)
        except OSError as error:
            self.is_lost = self.is_lost or error.errno in GONE


_OWN: ContextVar[Lease | None] = ContextVar("furu_lease", default=None)


@contextmanager
def working_for(lease: Lease) -> Iterator[None]:
    """The code in this block is the `_create()` of the attempt that holds `lease`."""
    token = _OWN.set(lease)
    try:
        yield
    finally:
        _OWN.reset(token)


def is_lease_lost() -> bool:
    """Whether what is computed here can't be published any more; a long `_create()` may ask, and stop.

    A lease is lost when this process was silent for longer than `FURU_LEASE_SECS` and somebody else took over, when
    the artifact's directory was deleted, or when the run that computes it was interrupted. It is noticed at the next
    heartbeat. Nothing has to be asked for the result to be right: a lost attempt publishes nothing.

    Returns:
        False also outside of a `_create()`, and in threads that it started without its context.
    """
    lease = _OWN.get()
    return lease is not None and (lease.is_lost or lease.is_cancelled)


class Heart:
    """One daemon thread that beats for all leases of a process; started with the first, gone when idle.

    It sleeps a heartbeat at a time and looks then, so that a lease shorter than a heartbeat costs no wake-up.
    """

    def __init__(self) -> None:
        self._leases: dict[str, Lease] = {}
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None
        self._nap_sec = 0.0

    def __contains__(self, token: object) -> bool:
        return token in self._leases

    def leases(self) -> list[Lease]:
        """The leases this process works on now."""
        with self._changed:
            return list(self._leases.values())

    def register(self, lease: Lease) -> None:
        """Begin to beat for `lease`; to be called before its name becomes visible.

        A sibling thread that sees a token of this process which nobody here works on must be right in taking it for
        leaked.

        Raises:
            FuruError: this process can't start a thread, so nobody would keep the lease alive.
        """
        with self._changed:
            if self._thread is None:
                self._thread, self._nap_sec = self._started(), lease.heartbeat_sec
            elif lease.heartbeat_sec < self._nap_sec:
                self._changed.notify()
            self._leases[lease.token] = lease

    def _started(self) -> threading.Thread:
        thread = threading.Thread(target=self._run, name="furu-heart", daemon=True)
        try:
            thread.start()
        except RuntimeError as error:
            hints = [
                "join your threads in the main thread: once that has ended, Python 3.12 starts no others",
                "does the process have as many threads as it may (ulimit -u)?",
            ]
            msg = f"nothing is computed, for no thread can keep the lease alive: {error}"
            raise FuruError(msg, hints=hints) from error
        return thread

    def forget(self, token: str) -> None:
        """Stop beating for a lease that has ended."""
        with self._changed:
            self._leases.pop(token, None)

    def forget_all(self) -> None:
        """In a forked child: the parent's leases are the parent's."""
        self._leases = {}
        self._changed = threading.Condition()
        self._thread = None

    def _run(self) -> None:
        while True:
            with self._changed:
                self._nap_sec = min((lease.heartbeat_sec for lease in self._leases.values()), default=0.0)
                if not self._leases:
                    self._thread = None
                    return
                self._changed.wait(self._nap_sec)
                leases = list(self._leases.values())
            for lease in leases:
                lease.beat()


class Participant:
    """One taker-part in the protocol: who it is, through which disk it works, which leases it holds.

    A process is one participant. Simulations make several, each with a host and a clock of its own.

    Attributes:
        disk: the filesystem, and the clock.
        identity: who we are.
        is_running: whether the process with a pid and a start time runs on our kernel.
        heart: beats for the leases we hold.
        flights: lets one of our threads at a time compute an artifact.
    """

    def __init__(
        self,
        disk: Disk = DISK,
        identity: Callable[[], ProcessIdentity] = this_process,
        is_running: Callable[[int, str], bool] = is_running,
    ) -> None:
        self.disk = disk
        self.identity = identity
        self.is_running = is_running
        self.heart = Heart()
        self.flights = Flights()
        _PARTICIPANTS.add(self)

    def new_token(self) -> str:
        """A name for an attempt: sorts by time, and never comes twice."""
        return f"{clock.unix_ns():020d}-{os.urandom(6).hex()}"

    def end(self, lease: Lease, ending: Ending) -> bool:
        """End `lease` and forget it; after the rename, so that the recorded ending is ours."""
        try:
            return lease.is_of_this_process and lease.lock.end(lease.token, ending)
        finally:
            self.heart.forget(lease.token)

    def preempt(self, bases: Collection[str]) -> int:
        """End the leases on artifacts in the directories `bases` as preempted; how many there were.

        For computations in threads, which nobody can stop: they run on, but can't publish any more.
        """
        leases = [lease for lease in self.heart.leases() if lease.lock.paths.base in bases]
        for lease in leases:
            lease.is_cancelled = True
            self.end(lease, Ending.PREEMPTED)
            self.flights.forget(lease.lock.paths.base)
        return len(leases)


_PARTICIPANTS: weakref.WeakSet[Participant] = weakref.WeakSet()


def _forget_in_child() -> None:
    for participant in list(_PARTICIPANTS):
        participant.heart.forget_all()
        participant.flights.forget_all()


os.register_at_fork(after_in_child=_forget_in_child)

THIS_PROCESS = Participant()
"""The participant that `get()` acts as."""
