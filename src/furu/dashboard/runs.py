"""The runs below a root; those that have ended are read again when their files have changed, others each time."""

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
from furu.execution.reporting.run_record import list_runs
from furu.execution.reporting.run_state import summarize_run
from furu.storage.layout import RootPaths

if TYPE_CHECKING:
    from collections.abc import Sequence

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
        self._ended: dict[tuple[str, str], tuple[object, RunView]] = {}
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
        stamps = _stamps(root, run_id)
        with self._lock:
            known = self._ended.get((root, run_id))
        if known is not None and known[0] == stamps:
            return known[1]
        try:
            view = _read(root, run_id)
        except (ArithmeticError, AttributeError, LookupError, OSError, TypeError, ValueError) as error:
            path = Path(RootPaths(root).run(run_id).plan)
            msg = f"{path} is damaged: {error!r}"
            raise FuruCorruptRecord(msg, path=path) from None
        if view.record.end is not None:
            with self._lock:
                self._ended[root, run_id] = stamps, view
                while len(self._ended) > _MAX_REMEMBERED:
                    del self._ended[next(iter(self._ended))]
        return view


def _read(root: str, run_id: str) -> RunView:
    summary = summarize_run(root, run_id)
    record = summary.record
    view = view_run(record, summary.state, published=_published(root, record), now=clock.unix())
    for at in (record.at, view.until):
        clock.isoformat(at)  # moments beyond all calendars can't be shown
    return view


def _published(root: str, record: RunRecord) -> frozenset[str]:
    nodes = record.nodes.items()
    paths = ((each, RootPaths(root).artifact(node.namespace, each).success) for each, node in nodes)
    return frozenset(each for each, path in paths if os.path.exists(path)) if record.end is None else frozenset()


def _stamps(root: str, run_id: str) -> list[tuple[str, int, int]]:
    """By which a change of a run's record shows."""
    stamps = []
    with opened_below(root, f"runs/{run_id}", os.O_DIRECTORY) as directory:
        for name in sorted(os.listdir(directory)):
            found = os.stat(name, dir_fd=directory, follow_symlinks=False)
            stamps.append((name, found.st_size, found.st_mtime_ns))
    return stamps
