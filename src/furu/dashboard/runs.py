"""The runs below a root, read again when their files have changed."""

from __future__ import annotations

import os
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from furu import clock
from furu.dashboard.run_view import RunView, view_run
from furu.dashboard.store import NotFound, opened_below
from furu.errors import FuruCorruptRecord, FuruError
from furu.execution.reporting.run_record import list_runs, read_run
from furu.lifecycle.lease import THIS_PROCESS
from furu.storage.layout import RootPaths

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from furu.execution.reporting.run_record import RunRecord

SHOWN_RUNS: Final = 30
_MAX_REMEMBERED: Final = 64


@dataclass(frozen=True)
class UnreadableRun:
    """A run whose record is damaged.

    Attributes:
        run_id: its name.
        problem: what is wrong with it.
    """

    run_id: str
    problem: str


class Runs:
    """The runs of a store.

    Args:
        roots: of the store.
    """

    def __init__(self, roots: Sequence[str]) -> None:
        self._roots = roots
        self._read: dict[str, tuple[object, RunRecord]] = {}
        self._lock = threading.Lock()

    def latest(self) -> tuple[list[RunView], list[UnreadableRun]]:
        """The newest ones, and those of them that can't be read."""
        places = [(run_id, root) for root in self._roots for run_id in list_runs(root)]
        views, unreadable = [], []
        for run_id, root in sorted(places, reverse=True)[:SHOWN_RUNS]:
            try:
                views.append(self._view(root, run_id))
            except FuruError as error:
                unreadable.append(UnreadableRun(run_id, error.message))
        return views, unreadable

    def find(self, run_id: str) -> RunView:
        """One of them.

        Raises:
            NotFound: there is none of that name.
            FuruStoreError: its record can't be read.
        """
        for root in self._roots:
            if run_id in list_runs(root):
                return self._view(root, run_id)
        msg = f"there is no record of a run {run_id[:100]}"
        raise NotFound(msg)

    def _view(self, root: str, run_id: str) -> RunView:
        record = self._record(root, run_id)
        try:
            view = view_run(record, now=clock.unix(), is_alive=_is_alive(record.process))
            for at in (record.at, view.until):
                clock.isoformat(at)  # moments beyond all calendars can't be shown
        except (ArithmeticError, AttributeError, OSError, TypeError, ValueError) as error:
            path = Path(RootPaths(root).run(run_id).plan)
            msg = f"{path} is damaged: {error!r}"
            raise FuruCorruptRecord(msg, path=path) from None
        return view

    def _record(self, root: str, run_id: str) -> RunRecord:
        paths = RootPaths(root).run(run_id)
        with opened_below(root, f"runs/{run_id}", os.O_DIRECTORY) as directory:
            stamps = []
            for name in sorted(os.listdir(directory)):
                found = os.stat(name, dir_fd=directory, follow_symlinks=False)
                stamps.append((name, found.st_size, found.st_mtime_ns))
        with self._lock:
            known = self._read.get(paths.base)
        if known is not None and known[0] == stamps:
            return known[1]
        record = read_run(paths)
        with self._lock:
            self._read[paths.base] = stamps, record
            while len(self._read) > _MAX_REMEMBERED:
                del self._read[next(iter(self._read))]
        return record


def _is_alive(process: Mapping[str, object]) -> bool | None:
    """Whether the driving process runs; None for one of another kernel, of which nothing is known here."""
    me = THIS_PROCESS.identity()
    pid, started = process.get("pid"), process.get("started")
    if (process.get("boot"), process.get("pid_namespace")) != (me.boot, me.pid_namespace):
        return None
    return isinstance(pid, int) and isinstance(started, str) and THIS_PROCESS.is_running(pid, started)
