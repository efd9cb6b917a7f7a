"""What a Slurm controller remembers and decides, for `FakeSlurm`: no commands, no text."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from furu.execution.slurm.fake_job import ACTIVE, FakeJob
from furu.execution.slurm.jobs import NEVER_SATISFIED, NO_ERROR, ExitCode, JobState, classify_ending
from furu.execution.slurm.text import SlurmLimits, base_job_id

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from furu.execution.slurm.fake_job import Process

_ARRAY_OPTION: Final = re.compile(r"0-(?P<last>\d+)(?:%(?P<limit>\d+))?")


class FakeSlurmRefusal(Exception):
    """The text that the command prints to its standard error."""


class FakeScheduler:
    """Jobs, nodes and time.

    step()  put back what is to run again → collect ended processes → judge dependencies → forget old jobs → start
    """

    def __init__(
        self,
        *,
        now: Callable[[], float],
        partitions: Mapping[str, Sequence[str]],
        jobs_per_node: int,
        limits: SlurmLimits,
        max_submit: int | None,
        begin_delay_sec: float,
        rerun_delay_sec: float,
        first_job_id: int,
        body: Callable[[FakeJob], int | Process | None] | None,
    ) -> None:
        self.now = now
        self.partitions = {name: tuple(nodes) for name, nodes in partitions.items()}
        self.limits = limits
        self.jobs: dict[str, FakeJob] = {}
        self.archive: dict[str, FakeJob] = {}
        self._jobs_per_node = jobs_per_node
        self._max_submit = max_submit
        self._begin_delay_sec = begin_delay_sec
        self._rerun_delay_sec = rerun_delay_sec
        self._next_id = first_job_id
        self._body = body
        self._down: set[str] = set()

    # ---------------------------------------------------------------- what commands do

    def enqueue(self, script: str, options: Mapping[str, str]) -> str:
        """Queue a job or an array; its id."""
        partition = options.get("partition", next(iter(self.partitions)))
        if partition not in self.partitions:
            raise FakeSlurmRefusal("Batch job submission failed: Invalid partition name specified")
        count, array_limit = self._read_array(options.get("array"))
        if self._max_submit is not None and count + self._count(ACTIVE) > self._max_submit:
            raise FakeSlurmRefusal(
                "Batch job submission failed: Job violates accounting/QOS policy (job submit limit, user's size"
                " and/or time limits)"
            )
        conditions = list(_read_dependency(options.get("dependency")))
        base, self._next_id = self._next_id, self._next_id + count
        for index in range(count):
            named = [f"{dep}_{index}" if kind == "aftercorr" else dep for kind, dep in conditions]
            waits_for = [dep for dep in named if self.find(dep)]
            job = FakeJob(
                job_id=f"{base}_{index}" if "array" in options else str(base),
                raw_id=base + index,
                script=script,
                options=options,
                partition=partition,
                waits_for=waits_for,
                array_limit=array_limit,
                is_requeueable="no-requeue" not in options,
            )
            self.jobs[job.job_id] = job
            job.become(JobState.PENDING, at=self.now(), reason="Dependency" if waits_for else "None")
        self.settle()
        return str(base)

    def _read_array(self, text: str | None) -> tuple[int, int | None]:
        if text is None:
            return 1, None
        array = _ARRAY_OPTION.fullmatch(text)
        largest = self.limits.max_array_size
        if array is None or (largest is not None and int(array["last"]) >= largest):
            raise FakeSlurmRefusal("Batch job submission failed: Invalid job array specification")
        return int(array["last"]) + 1, int(array["limit"]) if array["limit"] else None

    def find(self, job_id: str) -> list[FakeJob]:
        """The job of this id; of an array's id, its elements; nothing if it was forgotten."""
        if job_id in self.jobs:
            return [self.jobs[job_id]]
        return [job for job in self.jobs.values() if "_" in job.job_id and base_job_id(job.job_id) == job_id]

    def cancel(self, job_ids: Iterable[str]) -> None:
        for job_id in job_ids:
            for job in self.find(job_id):
                if job.job_id == job_id and self._is_of_waiting_array(job):
                    del self.jobs[job_id]  # struck off the list of the array: from now on nobody knows it
                elif not job.has_ended:
                    self._end(job, JobState.CANCELLED, ExitCode(0, 15 if job.process or job.node else 0))
        self.settle()

    def _is_of_waiting_array(self, job: FakeJob) -> bool:
        """It has no record of its own yet, because it waits for its first start together with others."""
        together = [other for other in self.find(base_job_id(job.job_id)) if other.has_never_started]
        return job in together and len(together) > 1

    def requeue(self, job: FakeJob) -> None:
        """End it if it runs, and queue it again under its id."""
        if job.state is JobState.PENDING:
            raise FakeSlurmRefusal("Job is pending execution")
        self._stop_process(job)
        self._put_back(job)
        self.settle()

    # ---------------------------------------------------------------- what happens to jobs

    def start(self, job: FakeJob) -> None:
        """Let a pending job run, by hand (its body is not called)."""
        self.settle()
        if why_not := self._why_not(job):
            raise ValueError(f"{job.job_id} can't start: {job.state}, {why_not}")
        self._run(job, self._find_node(job) or self.partitions[job.partition][0])

    def finish(self, job: FakeJob, state: JobState, exit_code: ExitCode) -> None:
        """End a job that runs, or that could."""
        if classify_ending(state) is None:
            raise ValueError(f"a job can't end as {state}")
        if job.state is JobState.PENDING:
            self.start(job)
        if job.state is not JobState.RUNNING:
            raise ValueError(f"{job.job_id} is {job.state}; only a running job can end")
        self._end(job, state, exit_code)
        self.settle()

    def interrupt(self, job: FakeJob, state: JobState) -> None:
        """End a running job as NODE_FAIL or PREEMPTED; it runs again unless that is off for it."""
        if job.state is not JobState.RUNNING:
            raise ValueError(f"{job.job_id} is {job.state}; only a running job can be interrupted")
        self._end(job, state, NO_ERROR)
        if job.is_requeueable:
            job.runs_again_at, job.ended_at = self.now() + self._rerun_delay_sec, None
        self.settle()

    def fail_node(self, node: str) -> None:
        self._down.add(node)
        for job in list(self.jobs.values()):
            if job.node == node and job.state is JobState.RUNNING:
                self.interrupt(job, JobState.NODE_FAIL)

    def resume_node(self, node: str) -> None:
        self._down.discard(node)

    # ---------------------------------------------------------------- one turn

    def step(self) -> list[FakeJob]:
        """One turn of the scheduler; the jobs that it started."""
        self.settle()
        started = []
        for job in list(self.jobs.values()):
            if job.state is not JobState.PENDING or job.reason == NEVER_SATISFIED:
                continue
            why_not = self._why_not(job)
            node = None if why_not else self._find_node(job)
            if node is None:
                job.reason = why_not or "Resources"
                continue
            self._run(job, node)
            started.append(job)
            self._call_body(job)
        self.settle()
        return started

    def settle(self) -> None:
        """Everything that follows from what has happened, short of starting jobs."""
        for job in list(self.jobs.values()):
            if job.runs_again_at is not None and self.now() >= job.runs_again_at:
                self._put_back(job)
            elif job.state is JobState.RUNNING and job.process is not None:
                self._collect(job)
        while sum(self._judge_dependency(job) for job in list(self.jobs.values())):
            pass  # each turn settles at least one job for good
        age_sec = self.limits.min_job_age_sec
        for job in list(self.jobs.values()):
            if job.ended_at is not None and age_sec is not None and self.now() - job.ended_at > age_sec:
                self.archive[job.job_id] = self.jobs.pop(job.job_id)

    def _judge_dependency(self, job: FakeJob) -> bool:
        if job.state is not JobState.PENDING or not job.waits_for or job.reason == NEVER_SATISFIED:
            return False
        # A parent that was forgotten while we waited ended well: else it had been judged when it ended.
        parents = [parent for dep in job.waits_for for parent in self.find(dep)]
        if all(parent.state is JobState.COMPLETED for parent in parents):
            job.waits_for.clear()
            job.become(JobState.PENDING, at=self.now(), reason="None")
            return True
        if not any(parent.has_ended and parent.state is not JobState.COMPLETED for parent in parents):
            return False
        if job.options.get("kill-on-invalid-dep") == "yes":
            self._end(job, JobState.CANCELLED, NO_ERROR, reason=NEVER_SATISFIED)
        else:
            job.become(JobState.PENDING, at=self.now(), reason=NEVER_SATISFIED)
        return True

    def _why_not(self, job: FakeJob) -> str:
        """Slurm's word for what keeps it from starting, or nothing."""
        if job.state is not JobState.PENDING or job.reason == NEVER_SATISFIED:
            return job.reason
        if job.waits_for:
            return "Dependency"
        if self.now() < job.can_start_at:
            return "BeginTime"
        if "hold" in job.options:
            return "JobHeldUser"
        siblings = self.find(base_job_id(job.job_id))
        running = sum(sibling.state is JobState.RUNNING for sibling in siblings)
        return "JobArrayTaskLimit" if job.array_limit is not None and running >= job.array_limit else ""

    def _find_node(self, job: FakeJob) -> str | None:
        load = {node: 0 for node in self.partitions[job.partition] if node not in self._down}
        for other in self.jobs.values():
            if other.state is JobState.RUNNING and other.node in load:
                load[other.node] += 1
        free = [node for node, count in load.items() if count < self._jobs_per_node]
        return min(free, key=load.__getitem__, default=None)

    def _run(self, job: FakeJob, node: str) -> None:
        job.node = node
        job.become(JobState.RUNNING, at=self.now())

    def _call_body(self, job: FakeJob) -> None:
        if self._body is None:
            return
        result = self._body(job)
        if isinstance(result, int):
            self._end_with(job, result)
        else:
            job.process = result

    def _collect(self, job: FakeJob) -> None:
        code = job.process.poll() if job.process is not None else None
        if code is not None:
            self._end_with(job, code)

    def _end_with(self, job: FakeJob, code: int) -> None:
        exit_code = ExitCode(code, 0) if code >= 0 else ExitCode(0, -code)
        self._end(job, JobState.FAILED if code else JobState.COMPLETED, exit_code)

    def _end(self, job: FakeJob, state: JobState, exit_code: ExitCode, reason: str | None = None) -> None:
        self._stop_process(job)
        job.exit_code, job.ended_at, job.runs_again_at = exit_code, self.now(), None
        job.become(state, at=self.now(), reason=reason)

    def _stop_process(self, job: FakeJob) -> None:
        if job.process is not None and job.process.poll() is None:
            job.process.terminate()
        job.process = None

    def _put_back(self, job: FakeJob) -> None:
        job.runs_again_at = job.ended_at = None
        job.exit_code, job.node = NO_ERROR, ""
        job.restarts += 1
        job.can_start_at = self.now() + self._begin_delay_sec
        job.become(JobState.PENDING, at=self.now(), reason="BeginTime" if self._begin_delay_sec else "None")

    def _count(self, states: frozenset[JobState]) -> int:
        return sum(job.state in states for job in self.jobs.values())


def _read_dependency(text: str | None) -> Iterator[tuple[str, str]]:
    """Kind and id: `afterok` a job, `aftercorr` the element of that array that has the same index."""
    if not text:
        return
    for condition in text.split(","):
        kind, _, ids = condition.partition(":")
        if kind not in {"afterok", "aftercorr"} or not ids:
            raise FakeSlurmRefusal("Batch job submission failed: Job dependency problem")
        yield from ((kind, job_id) for job_id in ids.split(":"))
