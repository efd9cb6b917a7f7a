"""Submitting batch jobs: through submitit where it is installed, else by sbatch itself."""

from __future__ import annotations

import contextlib
import importlib
import importlib.util
import logging
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Protocol

from furu.execution.slurm.client import FuruSlurmError, SlurmClient
from furu.execution.slurm.script import JobProgram, job_request
from furu.storage.atomic import DISK

if TYPE_CHECKING:
    from collections.abc import Sequence

    from furu.execution.slurm.client import Slurm
    from furu.execution.slurm_spec import SlurmSpec

__all__ = ["JobProgram", "Submission", "Submitter", "run_program", "submitter"]

_LOG: Final = logging.getLogger("furu")
_LARGEST_ARRAY: Final = 1000
_TIME_LIMITS: Final = frozenset({"timeout_min", "slurm_time"})


@dataclass(frozen=True)
class Submission:
    """Jobs to be queued at once, more than one as an array.

    Attributes:
        programs: what they run; at most `largest_array` of them.
        spec: their resources.
        name: for squeue.
        log_dir: where their output goes; made if missing.
        after_ok: jobs that must have ended well before these start; else these are cancelled.
        after_corresponding: arrays of as many elements; each is to `programs` of the same index what those are.
    """

    programs: Sequence[JobProgram]
    spec: SlurmSpec
    name: str
    log_dir: str
    after_ok: Sequence[str] = ()
    after_corresponding: Sequence[str] = ()

    def parameters(self) -> dict[str, Any]:
        """What the spec and the other jobs come to, in submitit's words."""
        return self.spec.to_submitit_parameters(
            parent_job_ids=self.after_ok, corresponding_job_ids=self.after_corresponding
        )


class Submitter(Protocol):
    """Something that queues jobs."""

    def submit(self, jobs: Submission) -> list[str]:
        """Queue them; the id of each.

        Raises:
            FuruSlurmError: refused, or no answer: then the jobs may be queued all the same.
            Exception: as submitit raises.
        """
        ...

    def largest_array(self) -> int:
        """How many jobs one array may have."""
        ...


def submitter(slurm: Slurm | None) -> Submitter:
    """How this process submits: to the Slurm that is given, else through submitit, else by the commands on PATH."""
    if slurm is None and importlib.util.find_spec("submitit") is not None:
        return _ThroughSubmitit()
    return _ThroughSbatch(slurm or SlurmClient())


def run_program(module: str, *arguments: str) -> None:
    """What submitit's jobs call.

    Raises:
        SystemExit: with the program's exit code, unless that is 0.
    """
    if exit_code := importlib.import_module(module).main(arguments):
        raise SystemExit(exit_code)


def _largest_array(slurm: Slurm) -> int:
    try:
        limit = slurm.limits().max_array_size
    except FuruSlurmError:
        limit = None
    return limit - 1 if limit is not None else _LARGEST_ARRAY


class _ThroughSbatch:
    def __init__(self, slurm: Slurm) -> None:
        self._slurm = slurm

    def submit(self, jobs: Submission) -> list[str]:
        DISK.make_directories(jobs.log_dir)
        request = job_request(
            jobs.programs, jobs.parameters(), python=sys.executable, name=jobs.name, log_dir=jobs.log_dir
        )
        job_id = self._slurm.submit(request)
        count = len(jobs.programs)
        return [job_id] if count == 1 else [f"{job_id}_{index}" for index in range(count)]

    def largest_array(self) -> int:
        return _largest_array(self._slurm)


class _ThroughSubmitit:
    def submit(self, jobs: Submission) -> list[str]:
        import submitit

        DISK.make_directories(jobs.log_dir)
        # Asked of the module now, so that a test can put something else in its place.
        executor: Any = submitit.AutoExecutor(folder=jobs.log_dir)
        if getattr(executor, "cluster", "slurm") != "slurm":
            hints = ["run this where Slurm is installed", "run_local computes on this machine"]
            raise FuruSlurmError(
                command=["sbatch"], exit_code=None, stderr="submitit finds no Slurm on this machine", hints=hints
            )
        # All at once, as with sbatch itself; submitit's own default is 256. The spec's words come later, and win.
        count = len(jobs.programs)
        limit = {"slurm_array_parallelism": count} if count > 1 else {}
        executor.update_parameters(name=jobs.name, **limit)
        parameters = jobs.parameters()
        if not _TIME_LIMITS & parameters.keys():
            _LOG.warning("%s: a SlurmSpec without time_min gets submitit's default time limit, 5 minutes", jobs.name)
        executor.update_parameters(**parameters)
        # An array of one is none: submitit's folder and the job id would have another form.
        with executor.batch() if count > 1 else contextlib.nullcontext():
            queued = [executor.submit(run_program, each.module, *each.arguments) for each in jobs.programs]
        return [str(job.job_id) for job in queued]

    def largest_array(self) -> int:
        return _largest_array(SlurmClient())
