"""Batch systems, as far as one artifact must know of them: which jobs stand for it, and whether they live.

A job that waits in a queue holds no lease, so nothing but its record in `jobs/` tells that it is there. Who asks the
batch system lies on a higher layer and registers here; without any record nobody is asked.

    look_at_jobs(artifacts)     live jobs and ended ones, with one question to the batch system for all artifacts
    owner_says(facts)           whether a lease's owner can still be there, by its job
    own_facts()                 the job that this process is part of
"""

from __future__ import annotations

import contextlib
import importlib
import logging
import os
from typing import TYPE_CHECKING, Final, Literal, NamedTuple

from furu import clock
from furu.storage.layout import parse_jobs
from furu.storage.records import EndedJobRecord, JobRecord, parse_own, render

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping

    from furu.lifecycle.lease import Participant
    from furu.storage.layout import ArtifactPaths

_LOG: Final = logging.getLogger("furu")


class JobSight(NamedTuple):
    """What the batch system says of a job.

    Attributes:
        verdict: `"alive"` waits, runs or is about to run again; `"unknown"` when nobody could say.
        state: the batch system's word.
        restarts: how often it was put back into the queue, if known.
        is_over: it has ended, and no process of it can be left.
        ended: how it ended, when it has.
    """

    verdict: Literal["alive", "ended", "unknown"]
    state: str = ""
    restarts: int | None = None
    is_over: bool = False
    ended: EndedJobRecord | None = None


class LiveJob(NamedTuple):
    """A job that stands for an artifact.

    Attributes:
        record: as it was submitted.
        state: the batch system's word for what it does.
    """

    record: JobRecord
    state: str

    def __str__(self) -> str:
        return f"{self.record.scheduler.capitalize()} job {self.record.job_id} ({self.state})"


class Jobs(NamedTuple):
    """The jobs on record for an artifact.

    Attributes:
        live: one that waits or runs.
        ended_ids: jobs of which it is known how they ended.
    """

    live: LiveJob | None
    ended_ids: tuple[str, ...]


NO_JOBS: Final = Jobs(None, ())
_ASKS: Final[dict[str, Callable[[Collection[str]], Mapping[str, JobSight]]]] = {}
# They lie above this layer: imported only when a record says that there are such jobs. Each registers itself.
_HOMES: Final = {"slurm": "furu.execution.slurm.watch"}


def register(kind: str, ask: Callable[[Collection[str]], Mapping[str, JobSight]]) -> None:
    """Let `ask` answer for the jobs of a kind of batch system; it must not raise, and know when not to ask again."""
    _ASKS[kind] = ask


def _ask(kind: str, job_ids: Collection[str]) -> Mapping[str, JobSight]:
    if kind not in _ASKS and kind in _HOMES:
        importlib.import_module(_HOMES[kind])
    return _ASKS[kind](job_ids) if kind in _ASKS else {}


# -- jobs that stand for artifacts ------------------------------------------------------------------------------------


def look_at_jobs(
    artifacts: Iterable[ArtifactPaths], participant: Participant, *, stale_after_sec: float
) -> dict[str, Jobs]:
    """The jobs of each artifact that has any, by the artifact's directory; one listing for each artifact.

    Endings that are learnt here are put on record, so that nobody asks again.

    Args:
        artifacts: where to look.
        participant: whose disk to use.
        stale_after_sec: a job that nobody knows for so long after its submission counts as ended.
    """
    found: dict[str, Jobs] = {}
    open_jobs: dict[str, list[tuple[JobRecord, float, ArtifactPaths]]] = {}
    for paths in artifacts:
        job_ids = parse_jobs(participant.disk.list_directory(paths.jobs))
        if not job_ids:
            continue
        found[paths.base] = Jobs(None, tuple(job_id for job_id, has_ended in job_ids.items() if has_ended))
        for job_id in (job_id for job_id, has_ended in job_ids.items() if not has_ended):
            beaten = participant.disk.read_beaten(paths.job(job_id))
            if beaten is not None:
                record = parse_own(JobRecord, beaten.content, paths.job(job_id), "job_id")
                open_jobs.setdefault(record.scheduler, []).append((record, beaten.mtime, paths))
    for kind, jobs in open_jobs.items():
        sights = _ask(kind, [record.job_id for record, _, _ in jobs])
        for record, at, paths in jobs:
            sight = sights.get(record.job_id, JobSight("unknown", "UNKNOWN"))
            found[paths.base] = _with_job(found[paths.base], record, sight, clock.unix() - at - stale_after_sec)
            if sight.ended is not None:
                record_ending(paths, sight.ended, participant)
    return found


def _with_job(jobs: Jobs, record: JobRecord, sight: JobSight, stale_sec: float) -> Jobs:
    if sight.verdict == "unknown" and stale_sec > 0:
        _LOG.warning(
            "%s job %s, submitted as run %s, counts as ended: nobody knows it any more",
            record.scheduler.capitalize(),
            record.job_id,
            record.run_id,
        )
        return jobs
    if sight.verdict == "ended":
        return jobs._replace(ended_ids=(*jobs.ended_ids, record.job_id))
    return jobs._replace(live=LiveJob(record, sight.state))


def record_job(paths: ArtifactPaths, record: JobRecord, participant: Participant) -> None:
    """Put on record that a job stands for an artifact."""
    participant.disk.make_directories(paths.jobs)
    participant.disk.replace(paths.job(record.job_id), render(record), suffix=participant.new_token())


def record_ending(paths: ArtifactPaths, ended: EndedJobRecord, participant: Participant) -> None:
    """Put on record how a job ended; a store that can't be written keeps nobody from knowing it."""
    with contextlib.suppress(OSError):
        participant.disk.replace(paths.ended_job(ended.job_id), render(ended), suffix=participant.new_token())


def forget_ending(paths: ArtifactPaths, job_id: str, participant: Participant) -> None:
    """The job runs again: somebody requeued it."""
    with contextlib.suppress(FileNotFoundError):
        participant.disk.unlink(paths.ended_job(job_id))


def last_ending(paths: ArtifactPaths, jobs: Jobs, participant: Participant) -> EndedJobRecord | None:
    """How the newest of the ended jobs ended."""
    newest = max(jobs.ended_ids, key=lambda job_id: (len(job_id.partition("_")[0]), job_id), default=None)
    if newest is None:
        return None
    path = paths.ended_job(newest)
    content = participant.disk.read(path)
    return parse_own(EndedJobRecord, content, path, "job_id") if content is not None else None


# -- owners of leases -------------------------------------------------------------------------------------------------


def owner_says(facts: dict[str, str]) -> Literal["alive", "ended"] | None:
    """Whether the owner of a lease can still be there, by the job it was part of; None when that proves nothing.

    A job that was put back into the queue proves nothing: after a node failure its old processes may still run.
    """
    job_id = facts.get("job_id", "")
    sight = _ask(facts.get("kind", ""), [job_id]).get(job_id)
    if sight is None or sight.verdict == "unknown":
        return None
    if sight.verdict == "ended":
        return "ended" if sight.is_over else None
    is_same_start = sight.restarts is None or str(sight.restarts) == facts.get("restart_count", "0")
    return "alive" if is_same_start else None


# -- this process's own job -------------------------------------------------------------------------------------------


def own_facts() -> dict[str, str] | None:
    """For owner.json: the job that this process belongs to; None outside of a job."""
    job_id = _array_id() or os.environ.get("SLURM_JOB_ID")
    if not job_id:
        return None
    named = {name: os.environ.get(variable, "") for name, variable in _FACTS.items()}
    return {"kind": "slurm", "job_id": job_id, **{name: value for name, value in named.items() if value}} | {
        "restart_count": os.environ.get("SLURM_RESTART_COUNT") or "0"
    }


_FACTS: Final = {
    "cluster": "SLURM_CLUSTER_NAME",
    "node": "SLURMD_NODENAME",
    "partition": "SLURM_JOB_PARTITION",
    "name": "SLURM_JOB_NAME",
}


def _array_id() -> str | None:
    base, index = os.environ.get("SLURM_ARRAY_JOB_ID"), os.environ.get("SLURM_ARRAY_TASK_ID")
    return f"{base}_{index}" if base and index else None
