"""`run_slurm_pool`: a graph on long-lived workers in Slurm jobs, which read tasks from a queue in files.

run_slurm_pool
    checks and plan (Run) → the pool's directory → workers of dead controllers adopted → drive(run, PoolEngine)
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from furu import clock
from furu.config import settings
from furu.errors import FuruProtocolError, add_context
from furu.execution.context import BATCH_BACKEND
from furu.execution.drive import drive
from furu.execution.payload import PayloadWriter
from furu.execution.plan import DependencyPlan, Status
from furu.execution.pool.adopt import PoolFiles, new_record
from furu.execution.pool.engine import PoolEngine
from furu.execution.pool.queue import FileQueue
from furu.execution.pool.roster import Roster
from furu.execution.pool.runtimes import Runtimes
from furu.execution.pool.staff import Staff
from furu.execution.reporting.progress import default_reporter
from furu.execution.run import Run
from furu.execution.scheduling.arguments import check_count, check_seconds
from furu.execution.slurm.client import SlurmClient
from furu.execution.slurm.jobs import JobMemory
from furu.execution.slurm.submit import submitter
from furu.execution.slurm.watch import ask_slurm
from furu.execution.slurm_spec import check_specs
from furu.lifecycle.lease import THIS_PROCESS
from furu.storage.layout import RootPaths
from furu.storage.submitit_layout import SubmititPaths

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from furu.core.furu import Furu
    from furu.execution.reporting.reporter import Reporter
    from furu.execution.scheduling.arguments import OnError, WindowSize
    from furu.execution.slurm.client import Slurm
    from furu.execution.slurm_spec import SlurmSpec

_LONGEST_BEAT_SEC: Final = 10.0
_BEATS_PER_STALE: Final = 5


@dataclass(frozen=True)
class SlurmPoolResult:
    """A run that is over.

    Attributes:
        run_dir: the pool's directory, below `<root>/runs` or `run_root`; no two runs share one.
        submitit_root: below it the workers' logs, in `workers/<spec key>/<run id>/`.
        plan: what was found to do.
        run_id: name of the run.
    """

    run_dir: Path
    submitit_root: Path
    plan: DependencyPlan = field(repr=False)
    run_id: str


@dataclass(frozen=True)
class _Times:
    """Checked arguments, in seconds."""

    idle_timeout_sec: float
    poll_interval_sec: float
    stale_running_sec: float
    heartbeat_grace_sec: float

    def __post_init__(self) -> None:
        for name, value in vars(self).items():
            object.__setattr__(self, name, check_seconds(value, name))

    @property
    def beat_sec(self) -> float:
        """How often a worker beats; several times before it would be called stale."""
        return max(0.05, min(_LONGEST_BEAT_SEC, self.stale_running_sec / _BEATS_PER_STALE))


def run_slurm_pool(
    roots: Iterable[Furu[Any]],
    *,
    specs: Mapping[str, SlurmSpec],
    max_workers_total: int = 50,
    window_size: WindowSize = "bfs",
    idle_timeout_sec: float = 60.0,
    poll_interval_sec: float = 2.0,
    submitit_root: str | Path | None = None,
    run_root: str | Path | None = None,
    stale_running_sec: float = 120.0,
    heartbeat_grace_sec: float = 60.0,
    on_error: OnError = "stop",
    limits: Mapping[str, int] | None = None,
    reporter: Reporter | None = None,
    resume: str | None = None,
    slurm: Slurm | None = None,
) -> SlurmPoolResult:
    """Compute everything that `roots` need on workers in Slurm jobs, each of which does many nodes of one spec key.

    Workers are asked for as nodes become ready. They outlive this process: killed, and called again with the same
    roots, it goes on with the workers that are there. Others may work on the graph too: each artifact is computed once.

    Args:
        roots: configs.
        specs: spec key -> resources; must have `"default"`. A worker takes only nodes of exactly its key.
        max_workers_total: the most workers that wait or run at once, of all keys together.
        window_size: as in `run_local`.
        idle_timeout_sec: after so long without a task a worker leaves, and one that Slurm has not started is cancelled.
        poll_interval_sec: how often to look after workers and other owners; the ends of nodes are seen sooner.
        submitit_root: logs go below its `workers/<spec key>/`; default is `FURU_SUBMITIT_PATH`.
        run_root: where the pool's directory goes, seen by all workers; default is `<root>/runs`.
        stale_running_sec: a worker that was silent for so long is given up; its node too, if nobody holds the lease.
        heartbeat_grace_sec: a worker that took a node and never showed a heartbeat is given up after this.
        on_error: as in `run_local`.
        limits: as in `run_local`.
        reporter: as in `run_local`; for it, a node has started when it is queued.
        resume: an earlier run whose workers to take over although it had other roots.
        slurm: what to submit to and ask; default is submitit where it is installed, else the commands on PATH.

    Raises:
        FuruMissingSpec: (a `KeyError`) names all spec keys that `specs` lacks, and who wants them.
        FuruPoolError, FuruPoolAlive, FuruPoolTaken: no workers are to be had; `resume` is at work; ours was taken over.
        Exception: as `run_local`.
    """
    if slurm is not None:
        ask_slurm(slurm)
    max_workers_total = check_count(max_workers_total, "max_workers_total")
    times = _Times(idle_timeout_sec, poll_interval_sec, stale_running_sec, heartbeat_grace_sec)
    run = Run(
        roots,
        window_size=window_size,
        max_running=None,
        limits=limits,
        on_error=on_error,
        poll_interval_sec=times.poll_interval_sec,
        reporter=reporter or default_reporter(),
        check=lambda plan: check_specs(specs, _wanted(plan)),
    )
    return _Pool(run, specs, times, max_workers_total, slurm).run_all(run_root, submitit_root, resume)


def _wanted(plan: DependencyPlan) -> dict[str, list[str]]:
    wanted: dict[str, list[str]] = {}
    for node in plan.nodes.values():
        if node.status in (Status.TODO, Status.IN_PROGRESS):
            wanted.setdefault(node.spec_key, []).append(node.name)
    return wanted


@dataclass(frozen=True)
class _Pool:
    """What a pool is made of."""

    run: Run
    specs: Mapping[str, SlurmSpec]
    times: _Times
    max_workers_total: int
    slurm: Slurm | None

    def run_all(
        self, run_root: str | Path | None, submitit_root: str | Path | None, resume: str | None
    ) -> SlurmPoolResult:
        """Run everything."""
        current, run_id = settings(), self.run.run_id
        folders = SubmititPaths(os.path.abspath(submitit_root or current.submitit_path))
        runs = os.path.abspath(run_root) if run_root is not None else RootPaths(str(current.path)).runs
        hashes = [root.furu_hash for root in self.run.plan.roots]
        record = new_record(run_id, hashes, self.specs, self.times.poll_interval_sec, THIS_PROCESS)
        files = PoolFiles(runs, record, THIS_PROCESS)
        engine = self._engine(files, folders, resume)
        try:
            drive(self.run, engine)
        except FuruProtocolError as error:
            add_context(error, f"a protocol failure: a pool never tries such a node again (run {run_id})")
            raise
        return SlurmPoolResult(Path(runs, run_id), Path(folders.root), self.run.plan, run_id)

    def _engine(self, files: PoolFiles, folders: SubmititPaths, resume: str | None) -> PoolEngine:
        """Make the pool's directory, and take over what workers there are."""
        queue = FileQueue(files.paths, THIS_PROCESS.disk)
        queue.prepare(list(self.specs))
        files.open()
        # The grace of a heartbeat: a job that nobody knows any more and that doesn't beat is gone.
        memory = JobMemory(unknown_grace_sec=self.times.stale_running_sec)
        roster = Roster(stale_sec=self.times.stale_running_sec, quiet_sec=3 * self.times.beat_sec, memory=memory)
        try:
            _adopt(files, roster, resume)
        except BaseException:
            files.close()
            raise
        staff = Staff(
            run_id=self.run.run_id,
            pool=files.paths.base,
            specs=self.specs,
            max_workers_total=self.max_workers_total,
            idle_timeout_sec=self.times.idle_timeout_sec,
            beat_sec=self.times.beat_sec,
            roster=roster,
            submitter=submitter(self.slurm),
            slurm=self.slurm or SlurmClient(),
            folders=folders,
            on_seats=files.note,
            now=clock.monotonic,
        )
        return PoolEngine(
            queue=queue,
            files=files,
            staff=staff,
            writer=PayloadWriter(self.run.run_id, BATCH_BACKEND),
            runtimes=Runtimes(),
            specs=self.specs,
            backlog=self.run.schedule.backlog,
            poll_interval_sec=self.times.poll_interval_sec,
            heartbeat_grace_sec=self.times.heartbeat_grace_sec,
        )


def _adopt(files: PoolFiles, roster: Roster, resume: str | None) -> None:
    for orphan in files.orphans(resume):
        seats = files.adopt(orphan)
        files.note(seats)
        for seat in seats:
            roster.seat(seat.ticket, seat.spec_key, seat.job_id, clock.monotonic())
