"""What Slurm's commands print, as values; and the formats that they are asked for."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from furu.execution.slurm.jobs import NEVER_SATISFIED, ExitCode, JobFacts, JobState

SQUEUE_FORMAT: Final = "JobArrayID:|,State:|,Reason:|,NodeList:|,RestartCnt:|,Requeue:|,exit_code:|"
SACCT_FORMAT: Final = "JobID,State,ExitCode,Reason,NodeList"

_SQUEUE_COLUMNS: Final = SQUEUE_FORMAT.count(":|")
_SACCT_COLUMNS: Final = SACCT_FORMAT.count(",") + 1
_NOTHING: Final = frozenset(("", "None", "(null)", "None assigned", "n/a", "N/A"))
_ARRAY: Final = re.compile(r"(?P<base>\d+)_\[(?P<ranges>[\d,\-:]+)(?:%\d+)?\]")
_CANCELLED_BY: Final = re.compile(r"CANCELLED by (?P<uid>\d+)")
_SECONDS: Final = re.compile(r"(?P<seconds>\d+) sec")


def expand_job_id(text: str) -> list[str]:
    """`7` -> [`7`], `7_3` -> [`7_3`], `7_[0-2,9%4]` -> [`7_0`, `7_1`, `7_2`, `7_9`]; [] for what is no job (a step)."""
    if re.fullmatch(r"\d+(_\d+)?", text):
        return [text]
    array = _ARRAY.fullmatch(text)
    if array is None:
        return []
    return [f"{array['base']}_{index}" for part in array["ranges"].split(",") for index in _expand_range(part)]


def _expand_range(part: str) -> range:
    span, _, step = part.partition(":")
    first, _, last = span.partition("-")
    return range(int(first), int(last or first) + 1, int(step or 1))


def base_job_id(job_id: str) -> str:
    """`7_3` -> `7`."""
    return job_id.partition("_")[0]


def parse_squeue(text: str) -> dict[str, JobFacts]:
    """Output of `squeue -h -r -O SQUEUE_FORMAT` by job id."""
    found = {}
    for line in text.splitlines():
        columns = [column.strip() for column in line.split("|")]
        if len(columns) != _SQUEUE_COLUMNS + 1:
            continue
        ids, state, reason, node, restarts, requeue, exit_code, _ = columns
        for job_id in expand_job_id(ids):
            found[job_id] = JobFacts(
                job_id=job_id,
                state=JobState.parse(state),
                reason=_word(reason),
                exit_code=parse_exit_code(exit_code),
                node=_word(node),
                restarts=int(restarts) if restarts.isdigit() else None,
                is_requeueable=requeue != "0" if requeue.isdigit() else None,
                source="squeue",
            )
    return found


def parse_sacct(text: str) -> dict[str, JobFacts]:
    """Output of `sacct -n -X -P -o SACCT_FORMAT` by job id."""
    found = {}
    for line in text.splitlines():
        columns = [column.strip() for column in line.split("|")]
        if len(columns) != _SACCT_COLUMNS:
            continue
        ids, state_text, exit_code, reason, node = columns
        state = JobState.parse(state_text)
        canceller = _CANCELLED_BY.match(state_text)
        # sacct keeps the reason from before the dependency became impossible. What tells is that nobody cancelled.
        is_killed_by_dependency = state is JobState.CANCELLED and not canceller and reason == "Dependency"
        for job_id in expand_job_id(ids):
            found[job_id] = JobFacts(
                job_id=job_id,
                state=state,
                reason=NEVER_SATISFIED if is_killed_by_dependency else _word(reason),
                exit_code=parse_exit_code(exit_code),
                node=_word(node),
                cancelled_by=int(canceller["uid"]) if canceller else None,
                source="sacct",
            )
    return found


def _word(text: str) -> str:
    return "" if text in _NOTHING else text


def parse_exit_code(text: str) -> ExitCode | None:
    """`3:0` of sacct, or the raw wait status of squeue (`768`, or `15` for a signal); None for anything else."""
    if match := re.fullmatch(r"(\d+):(\d+)", text):
        return ExitCode(int(match[1]), int(match[2]))
    if text.isdigit():
        status = int(text)
        return ExitCode(status >> 8, status & 0x7F)
    return None


@dataclass(frozen=True, slots=True, kw_only=True)
class SlurmLimits:
    """What the cluster allows; None where it doesn't say.

    Attributes:
        max_array_size: an array's highest index must stay below this.
        max_job_count: jobs that the controller keeps, all users together.
        min_job_age_sec: an ended job is forgotten after this; an `afterok` on it then counts as satisfied.
        has_accounting: whether `sacct` has anything to say.
    """

    max_array_size: int | None = None
    max_job_count: int | None = None
    min_job_age_sec: float | None = None
    has_accounting: bool | None = None


def parse_limits(text: str) -> SlurmLimits:
    """Output of `scontrol show config`."""
    entries = {}
    for line in text.splitlines():
        name, equals, value = line.partition("=")
        if equals:
            entries[name.strip()] = value.strip()
    age = _SECONDS.match(entries.get("MinJobAge", ""))
    storage = entries.get("AccountingStorageType")
    return SlurmLimits(
        max_array_size=_number(entries.get("MaxArraySize")),
        max_job_count=_number(entries.get("MaxJobCount")),
        min_job_age_sec=float(age["seconds"]) if age else None,
        has_accounting=None if storage is None else storage not in ("accounting_storage/none", "(null)", ""),
    )


def _number(text: str | None) -> int | None:
    return int(text) if text is not None and text.isdigit() else None
