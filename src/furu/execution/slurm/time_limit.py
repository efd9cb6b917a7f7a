"""How much time a batch job has left."""

from __future__ import annotations

import os
import re
from datetime import datetime
from functools import lru_cache
from typing import Final

from furu import clock
from furu.execution.slurm.client import run_command

_END_TIME: Final = re.compile(r"\bEndTime=(?P<at>\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)")
_PATIENCE_SEC: Final = 10.0


def time_left() -> float | None:
    """Seconds until the time limit of the job that this process runs in; below 0 when it is over.

    For `_create()`, to stop in good time: to save, and to end, what a class with `resumable=True` goes on with.

    Returns:
        None outside of a batch job, and in one without a limit.
    """
    job_id = os.environ.get("SLURM_JOB_ID")
    if not job_id:
        return None
    ends_at = _ends_at(os.environ.get("SLURM_JOB_END_TIME", ""), job_id, os.environ.get("SLURM_RESTART_COUNT", ""))
    return None if ends_at is None else ends_at - clock.unix()


@lru_cache(maxsize=8)
def _ends_at(told: str, job_id: str, restarts: str) -> float | None:  # noqa: ARG001 - a restart has another end
    """Seconds since the epoch: from the job's environment, where newer Slurms put it, else by asking once."""
    if told.isdigit():
        return float(told)
    try:
        outcome = run_command(["scontrol", "-o", "show", "job", job_id], "", _PATIENCE_SEC)
    except FileNotFoundError:
        return None
    return parse_end_time(outcome.stdout)


def parse_end_time(text: str) -> float | None:
    """`EndTime=` of scontrol, which is local time, in seconds since the epoch; None for a job without an end."""
    match = _END_TIME.search(text)
    return datetime.fromisoformat(match["at"]).astimezone().timestamp() if match else None
