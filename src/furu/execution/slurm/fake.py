"""`FakeSlurm`: a Slurm with memory in this process, for tests of what talks to one.

It answers the same questions with the same text as the real commands, and the real client reads that text. What the
real one is feared for can be staged: late or missing accounting, empty answers, a controller that is away, purged jobs.
"""

from __future__ import annotations

import shlex
from enum import Enum, auto
from typing import TYPE_CHECKING, Final

from furu import clock
from furu.execution.slurm.client import Outcome, SlurmClient
from furu.execution.slurm.fake_scheduler import FakeScheduler, FakeSlurmRefusal
from furu.execution.slurm.fake_script import run_script
from furu.execution.slurm.jobs import NO_ERROR, ExitCode, JobState
from furu.execution.slurm.text import SlurmLimits, base_job_id

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from furu.execution.slurm.fake_job import FakeJob, Process

__all__ = ["FakeSlurm", "Trouble", "run_script"]

_UNREACHABLE: Final = "error: Unable to contact slurm controller (connect failure)"
_UNKNOWN_ID: Final = "slurm_load_jobs error: Invalid job id specified"
_NO_ACCOUNTING: Final = "Slurm accounting storage is disabled"
DEFAULT_LIMITS: Final = SlurmLimits(max_array_size=1001, max_job_count=10_000, min_job_age_sec=300.0)
DEFAULT_PARTITIONS: Final[Mapping[str, Sequence[str]]] = {"cpu": ("c1", "c2"), "gpu": ("g1",)}
_EXIT_CODES: Final[Mapping[JobState, ExitCode]] = {JobState.FAILED: ExitCode(1, 0), JobState.TIMEOUT: ExitCode(0, 15)}


class Trouble(Enum):
    """What is wrong with a command."""

    SILENT = auto()  # succeeds and prints nothing
    UNREACHABLE = auto()  # fails: no controller
    HANGS = auto()  # does not answer within the time limit


class FakeSlurm(SlurmClient):
    """Implements `Slurm`; a test drives it by hand, or gives it a `body` that runs the jobs.

    submit(request) → step() starts what can start → finish(job_id) / preempt(job_id) / fail_node(node) / the body ends
    → jobs(ids) tells, late or not at all if the test wants it so
    """

    def __init__(
        self,
        *,
        now: Callable[[], float] = clock.monotonic,
        body: Callable[[FakeJob], int | Process | None] | None = None,
        partitions: Mapping[str, Sequence[str]] = DEFAULT_PARTITIONS,
        jobs_per_node: int = 4,
        accounting: bool = True,
        accounting_lag_sec: float = 0.0,
        limits: SlurmLimits = DEFAULT_LIMITS,
        max_submit: int | None = None,
        begin_delay_sec: float = 0.0,
        rerun_delay_sec: float = 0.0,
        first_job_id: int = 1,
        turns_itself: bool = False,
    ) -> None:
        """Make an idle cluster.

        Args:
            now: seconds; a test's own clock makes everything below happen at once.
            body: called when a job starts: returns its exit code (the job has then ended), a process that runs, or
                None to leave the end to the test. `run_script` runs the job's script.
            partitions: partition -> its nodes; the first is the default.
            jobs_per_node: how many jobs a node runs at once.
            accounting: False makes `sacct` fail, as on sites without a database.
            accounting_lag_sec: `sacct` tells what was so long ago.
            limits: `min_job_age_sec` after its end a job is forgotten by all but `sacct`.
            max_submit: most jobs in the queue; more are refused.
            begin_delay_sec: how long a requeued job waits as `BeginTime`.
            rerun_delay_sec: how long a job shows NODE_FAIL or PREEMPTED before it is back in the queue.
            first_job_id: id of the first job.
            turns_itself: every command takes a turn of the scheduler, as `step()` does: for `run_slurm_pool()`, which
                does not return before its workers have run.
        """
        self._scheduler = FakeScheduler(
            now=now,
            partitions=partitions,
            jobs_per_node=jobs_per_node,
            limits=limits,
            max_submit=max_submit,
            begin_delay_sec=begin_delay_sec,
            rerun_delay_sec=rerun_delay_sec,
            first_job_id=first_job_id,
            body=body,
        )
        self._turns_itself = turns_itself
        self._accounting = accounting
        self._accounting_lag_sec = accounting_lag_sec
        self._troubles: dict[str, Trouble] = {}
        self._programs: Mapping[str, Callable[[Sequence[str], str], Outcome]] = {
            "sbatch": self._sbatch,
            "scancel": self._scancel,
            "squeue": self._squeue,
            "sacct": self._sacct,
            "scontrol": self._scontrol,
        }
        self.commands: list[tuple[str, ...]] = []
        super().__init__(run=self._answer, now=now)

    # ---------------------------------------------------------------- the hand of the test

    def job(self, job_id: str) -> FakeJob:
        """Look at the job `job_id`: script, options, state.

        Raises:
            KeyError: there never was one.
        """
        self._scheduler.settle()
        known = self._scheduler.archive | self._scheduler.jobs
        return known[job_id]

    def job_ids(self) -> list[str]:
        """Every job and array element ever submitted, in order."""
        known = self._scheduler.archive | self._scheduler.jobs
        return sorted(known, key=lambda job_id: known[job_id].raw_id)

    def step(self) -> list[str]:
        """One turn of the scheduler: start what can start; ids of what was started."""
        return [job.job_id for job in self._scheduler.step()]

    def drain(self, *, max_steps: int = 1000) -> None:
        """Turn until nothing starts any more; for bodies that end at once.

        Raises:
            RuntimeError: something still started in the last of `max_steps` turns.
        """
        for _ in range(max_steps):
            if not self.step():
                return
        raise RuntimeError(f"jobs still start after {max_steps} steps")

    def start(self, job_id: str) -> None:
        """Let the pending job `job_id` run, without calling its body.

        Raises:
            KeyError: there is no such job.
            ValueError: Slurm would not.
        """
        self._scheduler.start(self.job(job_id))

    def finish(self, job_id: str, state: str = "COMPLETED", *, exit_code: int | None = None) -> None:
        """End the job `job_id`, which runs or could, in `state`.

        Args:
            job_id: as `sbatch` gave it.
            state: Slurm's word, such as `"COMPLETED"`, `"FAILED"`, `"TIMEOUT"`, `"OUT_OF_MEMORY"`.
            exit_code: of its script; by default the one that goes with the state.

        Raises:
            KeyError: there is no such job.
            ValueError: it can't end like that.
        """
        ending = JobState(state)
        code = _EXIT_CODES.get(ending, NO_ERROR) if exit_code is None else ExitCode(exit_code, 0)
        self._scheduler.finish(self.job(job_id), ending, code)

    def preempt(self, job_id: str) -> None:
        """A more urgent job takes the place of `job_id`, which waits again, unless submitted with `no-requeue`."""
        self._scheduler.interrupt(self.job(job_id), JobState.PREEMPTED)

    def fail_node(self, node: str) -> None:
        """Jobs on `node` end as NODE_FAIL and are put back into the queue; nothing starts there until `resume_node`."""
        self._scheduler.fail_node(node)

    def resume_node(self, node: str) -> None:
        """`node` is back."""
        self._scheduler.resume_node(node)

    def disturb(self, trouble: Trouble, *programs: str) -> None:
        """From now on these `programs` (all commands of Slurm, if none is named) have `trouble`."""
        self._troubles |= dict.fromkeys(programs or self._programs, trouble)

    def recover(self) -> None:
        """All commands work again."""
        self._troubles.clear()

    # ---------------------------------------------------------------- the commands, as text

    def _answer(self, argv: Sequence[str], stdin: str, timeout_sec: float) -> Outcome:
        self.commands.append(tuple(argv))
        program = argv[0]
        match self._troubles.get(program):
            case Trouble.SILENT:
                return Outcome(0)
            case Trouble.UNREACHABLE:
                return Outcome(1, stderr=f"{program}: {_UNREACHABLE}")
            case Trouble.HANGS:
                return Outcome(None, stderr=f"no answer within {timeout_sec:g} s")
        turn = self._scheduler.step if self._turns_itself else self._scheduler.settle
        turn()
        try:
            return self._programs[program](argv[1:], stdin)
        except FakeSlurmRefusal as refusal:
            return Outcome(1, stderr=f"{program}: error: {refusal}")
        finally:
            if self._turns_itself:
                self._scheduler.step()  # what was submitted just now begins

    def _sbatch(self, words: Sequence[str], stdin: str) -> Outcome:
        options = dict(word.removeprefix("--").partition("=")[::2] for word in words)
        return Outcome(0, self._scheduler.enqueue(stdin, options) + "\n")

    def _scancel(self, words: Sequence[str], stdin: str) -> Outcome:  # noqa: ARG002 - all programs are called alike
        self._scheduler.cancel(words)
        return Outcome(0)

    def _squeue(self, words: Sequence[str], stdin: str) -> Outcome:  # noqa: ARG002
        asked = words[-1].split(",")
        lines = [_squeue_line(job) for job_id in asked for job in self._scheduler.find(job_id)]
        if not lines and len(asked) == 1:
            return Outcome(1, stderr=_UNKNOWN_ID)
        return Outcome(0, "".join(lines))

    def _sacct(self, words: Sequence[str], stdin: str) -> Outcome:  # noqa: ARG002
        if not self._accounting:
            return Outcome(1, stderr=_NO_ACCOUNTING)
        asked = set(words[-1].split(","))
        known = self._scheduler.archive | self._scheduler.jobs
        jobs = [job for job in known.values() if not asked.isdisjoint((job.job_id, base_job_id(job.job_id)))]
        return Outcome(0, "".join(self._sacct_line(job) for job in jobs))

    def _sacct_line(self, job: FakeJob) -> str:
        seen_until = self._scheduler.now() - self._accounting_lag_sec
        rows = [row for row in job.history if row.at <= seen_until]
        if not rows:
            return ""
        row = rows[-1]
        return f"{job.job_id}|{row.state}|{row.exit_code}|{row.reason}|{row.node or 'None assigned'}\n"

    def _scontrol(self, words: Sequence[str], stdin: str) -> Outcome:  # noqa: ARG002
        match words:
            case ["requeue", job_id]:
                if not (jobs := self._scheduler.find(job_id)):
                    raise FakeSlurmRefusal("Invalid job id specified")
                for job in jobs:
                    self._scheduler.requeue(job)
                return Outcome(0)
            case ["show", "config"]:
                return Outcome(0, self._config())
        raise FakeSlurmRefusal(f"invalid keyword: {shlex.join(words)}")

    def _config(self) -> str:
        limits, storage = self._scheduler.limits, "slurmdbd" if self._accounting else "none"
        return (
            f"AccountingStorageType   = accounting_storage/{storage}\n"
            f"MaxArraySize            = {limits.max_array_size}\n"
            f"MaxJobCount             = {limits.max_job_count}\n"
            f"MinJobAge               = {limits.min_job_age_sec or 0:.0f} sec\n"
        )


def _squeue_line(job: FakeJob) -> str:
    wait_status = job.exit_code.code << 8 | job.exit_code.signal
    columns = (job.job_id, job.state, job.reason, job.node, job.restarts, int(job.is_requeueable), wait_status)
    return "|".join(map(str, columns)) + "|\n"
