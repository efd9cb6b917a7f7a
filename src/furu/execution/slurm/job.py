"""The program of a batch job that computes one node: `python -m furu.execution.slurm.job PAYLOAD`.

main
    the job's record (its submitter may have died before it wrote one) -> `_worker_entry()` -> exit code
    warned of the end: the attempt has ended as preempted -> into the queue again, where that helps
"""

from __future__ import annotations

import contextlib
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from furu import clock, config
from furu.errors import FuruComputeError
from furu.execution.payload import FuruPayloadError, build_node
from furu.execution.slurm.client import FuruSlurmError, SlurmClient
from furu.execution.slurm.jobs import JobEnding, JobState
from furu.execution.slurm.signals import scheduler_signals
from furu.execution.slurm.time_limit import time_left
from furu.lifecycle.computable import artifact_paths, node_name
from furu.lifecycle.lease import THIS_PROCESS
from furu.lifecycle.schedulers import forget_ending, own_facts, record_ending, record_job
from furu.lifecycle.signals import FuruTerminated
from furu.storage.records import EndedJobRecord, JobRecord, parse_object

if TYPE_CHECKING:
    from collections.abc import Sequence

    from furu.core.furu import Furu

NEARLY_OVER_SEC: Final = 300.0
"""A warning with less time left than this is about the time limit; with more, about a more urgent job."""

MAX_RESTARTS: Final = 100
"""How often a job puts itself back into the queue."""


def main(arguments: Sequence[str]) -> int:
    """Compute the node of a payload file.

    Returns:
        0; only when the artifact is published and valid.

    Raises:
        SystemExit: 143, after a signal ended the attempt as preempted.
        Exception: what went wrong; uncaught, the job's exit code is 1.
    """
    (path,) = arguments
    content = THIS_PROCESS.disk.read(path)
    if content is None:
        msg = f"there is no payload {path}"
        raise FuruPayloadError(msg)
    fields = parse_object(content, path)
    with config.using(**fields["settings"]), scheduler_signals() as told:
        obj = build_node(fields)
        note_start(obj, fields)
        try:
            obj._worker_entry()
        except FuruTerminated:
            if told.is_warned:
                _run_again(obj)
            raise
        if not obj.exists():
            base = artifact_paths(obj).base
            msg = f"{node_name(obj)} was computed, but its _validate() does not accept the result"
            raise FuruComputeError(msg, node=node_name(obj), furu_dir=Path(base))
    return 0


def note_start(obj: Furu[Any], fields: dict[str, Any]) -> None:
    """Complete the records of this job: it stands for the node, and it has not ended."""
    facts = own_facts()
    if facts is None:
        return
    paths = artifact_paths(obj)
    forget_ending(paths, facts["job_id"], THIS_PROCESS)
    if THIS_PROCESS.disk.read(paths.job(facts["job_id"])) is None:
        record = JobRecord(
            scheduler=facts["kind"],
            cluster=facts.get("cluster", ""),
            job_id=facts["job_id"],
            spec_key=fields["spec_key"],
            run_id=fields["run_id"],
            submitted_at=clock.unix(),
            log_dir=fields["log_dir"],
        )
        record_job(paths, record, THIS_PROCESS)


def _run_again(obj: Furu[Any]) -> None:
    """Put this job back into the queue, under the same id, after a warning; or record that its time was up.

    After a time limit only where the next attempt goes on with what this one left: any other would take as long again.
    """
    facts = own_facts()
    if facts is None:
        return
    left_sec = time_left()
    is_out_of_time = left_sec is not None and left_sec < NEARLY_OVER_SEC
    is_worth_it = not is_out_of_time or obj.__furu_options__.resumable
    if is_worth_it and int(facts["restart_count"]) < MAX_RESTARTS:
        # Refused where the site forbids it, or when Slurm has done so itself.
        with contextlib.suppress(FuruSlurmError):
            SlurmClient().requeue(facts["job_id"])
            return
    if is_out_of_time:  # Slurm will only know that it ended before its time
        ended = EndedJobRecord(
            job_id=facts["job_id"],
            ending=JobEnding.TIMED_OUT.value,
            state=JobState.RUNNING.value,
            reason="TimeLimit",
            node=facts.get("node", ""),
            exit_code="",
            at=clock.unix(),
        )
        record_ending(artifact_paths(obj), ended, THIS_PROCESS)


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except FuruTerminated:
        # The attempt has ended; a second SIGTERM, of the launcher, must not change what the exit code says of it.
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        raise
