"""What Slurm says of jobs, for this process: asked for all jobs at once and not too often, and remembered.

Importing this module makes it answer for the job records of the store (`furu.lifecycle.schedulers`).
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Final

from furu import clock
from furu.config import settings
from furu.execution.slurm.client import FuruSlurmError, SlurmClient
from furu.execution.slurm.jobs import JobEnding, JobFacts, JobMemory, JobState
from furu.execution.slurm.text import expand_job_id
from furu.lifecycle.schedulers import JobSight, register
from furu.storage.records import EndedJobRecord

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping

    from furu.execution.slurm.client import Slurm

SHORTEST_SEC: Final = 1.0
LONGEST_SEC: Final = 30.0
_SHARE: Final = 0.05
_FORGOTTEN_AFTER_SEC: Final = 300.0
# After a node failure processes of a job may live on, where nobody can see them.
_MAY_LIVE_ON: Final = frozenset({JobState.NODE_FAIL, JobState.BOOT_FAIL})


class SlurmWatch:
    """Answers about jobs, from memory while that is fresh.

    look(ids): known and fresh -> from memory; else one question for these and all that were asked for lately.
    The pause between two questions grows with the time that has been waited, from 1 s to 30 s. Never raises.
    """

    def __init__(self, slurm: Slurm | None = None, now: Callable[[], float] = clock.monotonic) -> None:
        self._slurm = slurm
        self._now = now
        self._lock = threading.Lock()
        self._forget()

    def _forget(self) -> None:
        self._memory = JobMemory(cancelled_is_preempted=settings().cancelled_is_preempted)
        self._wanted: dict[str, tuple[float, float]] = {}  # by id: first and last wanted
        self._asked: dict[str, float] = {}  # by id: when

    @property
    def slurm(self) -> Slurm:
        """Which Slurm is asked."""
        if self._slurm is None:
            self._slurm = SlurmClient()
        return self._slurm

    def use(self, slurm: Slurm) -> None:
        """From now on ask this one."""
        with self._lock:
            if slurm is not self._slurm:
                self._slurm = slurm
                self._forget()

    def look(self, job_ids: Collection[str]) -> dict[str, JobSight]:
        """What is known of each job."""
        facts = self.facts(job_ids)
        with self._lock:
            now = self._now()
            return {job_id: self._sight(facts[job_id], now) for job_id in job_ids}

    def facts(self, job_ids: Collection[str]) -> dict[str, JobFacts]:
        """The newest facts about each job that say something; state UNKNOWN where there never were any."""
        with self._lock:
            now = self._now()
            for job_id in job_ids:
                first, _ = self._wanted.get(job_id, (now, now))
                self._wanted[job_id] = first, now
            if due := self._due(job_ids, now):
                self._ask(due, now)
            known = {job_id: self._memory.facts(job_id) for job_id in job_ids}
        return {each: facts or JobFacts(job_id=each, state=JobState.UNKNOWN) for each, facts in known.items()}

    def ending(self, job_id: str) -> JobEnding | None:
        """How a job ended; None while it lives, or Slurm may run it again; UNKNOWN after nobody knew it for long."""
        with self._lock:
            return self._memory.verdict(job_id, now=self._now())

    def _due(self, job_ids: Iterable[str], now: float) -> list[str]:
        """Nothing if all is fresh; else these ids and, since it costs the same, what others wait for."""
        if not any(self._is_due(job_id, now) for job_id in self._memory.open_ids(job_ids, now=now)):
            return []
        lately = [each for each, (_, last) in self._wanted.items() if now - last < _FORGOTTEN_AFTER_SEC]
        return self._memory.open_ids(lately, now=now)

    def _is_due(self, job_id: str, now: float) -> bool:
        if job_id not in self._asked:
            return True
        first, _ = self._wanted[job_id]
        pause_sec = min(LONGEST_SEC, max(SHORTEST_SEC, (now - first) * _SHARE))
        return now - self._asked[job_id] >= pause_sec

    def _ask(self, job_ids: list[str], now: float) -> None:
        self._asked |= dict.fromkeys(job_ids, now)
        askable = [job_id for job_id in job_ids if expand_job_id(job_id) == [job_id]]
        try:
            answers = self.slurm.jobs(askable) if askable else {}
        except FuruSlurmError as error:  # no such program: nobody knows
            answers = {}
            because = error.message
        else:
            because = "it is no id of Slurm's"
        unknown = [
            JobFacts(job_id=job_id, state=JobState.UNKNOWN, because=because)
            for job_id in job_ids
            if job_id not in answers
        ]
        self._memory.learn([*answers.values(), *unknown], now=self._now())

    def _sight(self, facts: JobFacts, now: float) -> JobSight:
        ending = self._memory.verdict(facts.job_id, now=now)
        if ending is not None and ending is not JobEnding.UNKNOWN:
            ended = ended_record(facts, ending)
            is_over = facts.state not in _MAY_LIVE_ON
            return JobSight("ended", facts.state, facts.restarts, is_over=is_over, ended=ended)
        if not facts.is_known or self._memory.unknown_sec(facts.job_id, now=now):
            return JobSight("unknown", JobState.UNKNOWN, facts.restarts)
        return JobSight("alive", facts.state, facts.restarts)


def ended_record(facts: JobFacts, ending: JobEnding) -> EndedJobRecord:
    """How a job ended, for its record."""
    return EndedJobRecord(
        job_id=facts.job_id,
        ending=ending.value,
        state=facts.state.value,
        reason=facts.reason,
        node=facts.node,
        exit_code=str(facts.exit_code or ""),
        at=clock.unix(),
    )


WATCH: Final = SlurmWatch()
"""The one of this process."""


def ask_slurm(slurm: Slurm) -> None:
    """Let this process ask `slurm` about jobs from now on, instead of the commands on PATH."""
    WATCH.use(slurm)


def _look(job_ids: Collection[str]) -> Mapping[str, JobSight]:
    return WATCH.look(job_ids)


register("slurm", _look)
