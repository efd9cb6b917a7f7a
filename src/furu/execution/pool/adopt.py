"""Pools that lost their controller: who they are, and how another controller goes on with their workers.

Finished work needs no adoption, for it is in the store, and running work is under a lease. What is taken over are the
workers: those that wait in Slurm's queue as well as those that run. They read in `adopted.json` where to go on.
"""

from __future__ import annotations

import contextlib
import logging
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

from furu import clock
from furu.errors import FuruError, FuruStoreError
from furu.execution.pool.records import AdoptionRecord, PoolRecord, SeatRecord, parse_seats, render
from furu.storage.atomic import GONE
from furu.storage.pool_layout import PoolPaths, open_pool, pool_of
from furu.storage.records import parse, parse_own

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from furu.lifecycle.lease import Participant

_LOG: Final = logging.getLogger("furu")
_SILENT_SEC: Final = 120.0
"""A controller that can't be proven dead is taken for dead after so long without a heartbeat."""

_DRIVEN_HERE: Final[set[str]] = set()
"""The pools that this process drives now."""


class FuruPoolAlive(FuruError, RuntimeError):
    """A pool can't be taken over, since its controller is at work.

    Attributes:
        run_id: of the pool.
        owner: the controller.
    """

    def __init__(self, *, run_id: str, owner: str) -> None:
        super().__init__(f"run {run_id} is driven by {owner}", hints=["end that process first"])
        self.run_id = run_id
        self.owner = owner


class FuruPoolTaken(FuruError, RuntimeError):
    """Another controller has taken this pool over, because it took ours for dead.

    Attributes:
        pool: directory of the other pool.
    """

    def __init__(self, *, pool: str) -> None:
        hints = ["the other one finishes the work", "was this process stopped, or its heartbeat not seen, for long?"]
        super().__init__(f"the workers of this run went over to {pool}", hints=hints)
        self.pool = pool


class Orphan(NamedTuple):
    """A pool without a controller."""

    paths: PoolPaths
    record: PoolRecord


class PoolFiles:
    """What a controller leaves of itself in the directory of its pool."""

    def __init__(self, runs: str, record: PoolRecord, me: Participant) -> None:
        self.record = record
        self.paths: PoolPaths = pool_of(f"{runs}/{record.run_id}")
        self._runs = runs
        self._me = me

    def open(self) -> None:
        """Say whose the pool is; the mark comes last, since who finds it reads the rest."""
        self._me.disk.make_directories(self.paths.base)
        self._me.disk.replace(self.paths.record, render(self.record), suffix="new")
        self._me.disk.make_directories(open_pool(self._runs, ""))
        self._me.disk.replace(open_pool(self._runs, self.record.run_id), b"", suffix="new")
        _DRIVEN_HERE.add(self.record.run_id)

    def beat(self) -> None:
        """The controller lives.

        Raises:
            FuruPoolTaken: somebody thought it did not.
        """
        with contextlib.suppress(OSError):
            self._me.disk.beat(self.paths.record)
        content = self._me.disk.read(self.paths.adopted)
        if content is not None:
            raise FuruPoolTaken(pool=parse(AdoptionRecord, content, self.paths.adopted).pool)

    def note(self, seats: Iterable[SeatRecord]) -> None:
        """Workers were asked for."""
        self._me.disk.append(self.paths.seats, b"".join(map(render, seats)))

    def close(self) -> None:
        """The pool is over; there is nothing to adopt."""
        self.let_go()
        _unlink(open_pool(self._runs, self.record.run_id), self._me)

    def let_go(self) -> None:
        """This process drives the pool no longer, but it is not over."""
        _DRIVEN_HERE.discard(self.record.run_id)

    # ---------------------------------------------------------------- other pools

    def orphans(self, earlier_run: str | None = None) -> list[Orphan]:
        """Pools for the same roots, or the named one, whose controllers are dead.

        Raises:
            FuruPoolAlive: the named one is at work.
            FuruStoreError: there is no such pool.
        """
        names = [earlier_run] if earlier_run is not None else self._me.disk.list_directory(open_pool(self._runs, ""))
        found = []
        for run_id in sorted(names):
            paths = pool_of(f"{self._runs}/{run_id}")
            beaten = self._me.disk.read_beaten(paths.record)
            if beaten is None or run_id == self.record.run_id:
                if earlier_run is not None:
                    msg = f"there is no pool of a run {earlier_run}"
                    raise FuruStoreError(msg, path=Path(paths.base))
                continue
            record = parse_own(PoolRecord, beaten.content, paths.record, "run_id")
            if earlier_run is None and record.roots != self.record.roots:
                continue
            if self._is_alive(record, beaten.mtime):
                if earlier_run is not None:
                    raise FuruPoolAlive(run_id=run_id, owner=record.process)
                continue
            found.append(Orphan(paths, record))
        return found

    def adopt(self, orphan: Orphan) -> list[SeatRecord]:
        """Take an orphan's workers over; the seats whose workers may come, none when somebody was faster."""
        keys = [key for key, spec in orphan.record.specs.items() if self.record.specs.get(key) == spec]
        draft = f"{self.paths.base}/adoption-of-{orphan.record.run_id}.json"
        self._me.disk.replace(draft, render(AdoptionRecord(self.paths.base, keys)), suffix="new")
        try:
            self._me.disk.link(draft, orphan.paths.adopted)
        except FileExistsError:
            return []
        finally:
            _unlink(draft, self._me)
        # What is queued there is found missing by our own plan, and queued anew.
        with contextlib.suppress(OSError):
            self._me.disk.rename(orphan.paths.todo, orphan.paths.withdrawn)
        _unlink(open_pool(self._runs, orphan.record.run_id), self._me)
        content = self._me.disk.read(orphan.paths.seats) or b""
        _LOG.info("run %s: goes on with the workers of run %s", self.record.run_id, orphan.record.run_id)
        return parse_seats(content, orphan.paths.seats)

    def _is_alive(self, record: PoolRecord, beat: float) -> bool:
        me = self._me.identity()
        if record.boot and (record.boot, record.pid_namespace) == (me.boot, me.pid_namespace):
            if (record.pid, record.started) == (me.pid, me.started):
                return record.run_id in _DRIVEN_HERE
            return self._me.is_running(record.pid, record.started)
        is_same_machine = bool(record.machine) and (record.host, record.machine) == (me.host, me.machine)
        if is_same_machine and record.boot and me.boot and record.boot != me.boot:
            return False
        # Both stamps are the file server's: clocks of two hosts are never compared.
        own = self._me.disk.read_beaten(self.paths.record)
        return own is None or own.mtime - beat <= max(_SILENT_SEC, 10 * record.beat_sec)


def new_record(
    run_id: str, roots: Iterable[str], specs: Mapping[str, object], beat_sec: float, me: Participant
) -> PoolRecord:
    """The record of a pool of this process."""
    return PoolRecord(
        **vars(me.identity()),
        run_id=run_id,
        roots=sorted(roots),
        specs={key: repr(spec) for key, spec in specs.items()},
        beat_sec=beat_sec,
        at=clock.unix(),
    )


def _unlink(path: str, me: Participant) -> None:
    try:
        me.disk.unlink(path)
    except OSError as error:
        if error.errno not in GONE:
            raise
