"""Job truth: what Slurm says of a job, how the job ended, and what is not known.

`JobFacts` is one answer about one job. `classify_ending` says how a job ended. `JobMemory` keeps the answers of
a run, so that a lost, late or empty answer is never taken for a failure.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, StrEnum, auto
from typing import TYPE_CHECKING, Final, Literal, NamedTuple, Self

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping


class JobState(StrEnum):
    """Every state of Slurm, and one of ours: UNKNOWN, when nobody could say."""

    PENDING = "PENDING"
    REQUEUED = "REQUEUED"
    REQUEUE_HOLD = "REQUEUE_HOLD"
    REQUEUE_FED = "REQUEUE_FED"
    RESV_DEL_HOLD = "RESV_DEL_HOLD"
    SPECIAL_EXIT = "SPECIAL_EXIT"
    CONFIGURING = "CONFIGURING"
    RUNNING = "RUNNING"
    RESIZING = "RESIZING"
    SIGNALING = "SIGNALING"
    STOPPED = "STOPPED"
    SUSPENDED = "SUSPENDED"
    STAGE_OUT = "STAGE_OUT"
    COMPLETING = "COMPLETING"
    COMPLETED = "COMPLETED"
    FAILED = "FAILED"
    CANCELLED = "CANCELLED"
    TIMEOUT = "TIMEOUT"
    DEADLINE = "DEADLINE"
    NODE_FAIL = "NODE_FAIL"
    BOOT_FAIL = "BOOT_FAIL"
    PREEMPTED = "PREEMPTED"
    OUT_OF_MEMORY = "OUT_OF_MEMORY"
    REVOKED = "REVOKED"
    UNKNOWN = "UNKNOWN"

    @classmethod
    def parse(cls, text: str) -> Self:
        """`CANCELLED by 0` and the cut-off `CANCELLED+` are CANCELLED; a word we don't know is UNKNOWN."""
        word = text.split(" ", 1)[0].rstrip("+").upper()
        if word in cls.__members__:
            return cls[word]
        matches = [state for state in cls if word and state.startswith(word)]
        return matches[0] if len(matches) == 1 else cls["UNKNOWN"]


class JobEnding(StrEnum):
    """How a job ended, in furu's words."""

    OK = "ok"
    FAILED = "failed"
    PREEMPTED = "preempted"
    TIMED_OUT = "timed-out"
    CANCELLED = "cancelled"
    NODE_FAILED = "node-failed"
    DEPENDENCY_NEVER_SATISFIED = "dependency-never-satisfied"
    UNKNOWN = "unknown"


class ExitCode(NamedTuple):
    """What the batch script ended with: its exit code, or the signal that killed it."""

    code: int
    signal: int

    def __str__(self) -> str:
        return f"{self.code}:{self.signal}"


NO_ERROR: Final = ExitCode(0, 0)


class Cause(Enum):
    """What besides the state decides how a job ended."""

    NONE = auto()
    DEPENDENCY = auto()
    TERMINATED = auto()


NEVER_SATISFIED: Final = "DependencyNeverSatisfied"

# SIGINT and SIGTERM: our worker then records the attempt as preempted, and ends with 128 + the number.
TERMINATED_SIGNALS: Final = frozenset({2, 15})
TERMINATED_CODES: Final = frozenset(128 + number for number in TERMINATED_SIGNALS)

# None: the job has not ended.
ENDINGS: Final[Mapping[JobState, JobEnding | None]] = {
    JobState.PENDING: None,
    JobState.REQUEUED: None,
    JobState.REQUEUE_HOLD: None,
    JobState.REQUEUE_FED: None,
    JobState.RESV_DEL_HOLD: None,
    JobState.SPECIAL_EXIT: None,
    JobState.CONFIGURING: None,
    JobState.RUNNING: None,
    JobState.RESIZING: None,
    JobState.SIGNALING: None,
    JobState.STOPPED: None,
    JobState.SUSPENDED: None,
    JobState.STAGE_OUT: None,
    JobState.COMPLETING: None,
    JobState.COMPLETED: JobEnding.OK,
    JobState.FAILED: JobEnding.FAILED,
    JobState.CANCELLED: JobEnding.CANCELLED,
    JobState.TIMEOUT: JobEnding.TIMED_OUT,
    JobState.DEADLINE: JobEnding.TIMED_OUT,
    JobState.NODE_FAIL: JobEnding.NODE_FAILED,
    JobState.BOOT_FAIL: JobEnding.NODE_FAILED,
    JobState.PREEMPTED: JobEnding.PREEMPTED,
    JobState.OUT_OF_MEMORY: JobEnding.FAILED,
    JobState.REVOKED: JobEnding.UNKNOWN,
    JobState.UNKNOWN: JobEnding.UNKNOWN,
}

# These win over ENDINGS.
ENDINGS_BY_CAUSE: Final[Mapping[tuple[JobState, Cause], JobEnding]] = {
    (JobState.PENDING, Cause.DEPENDENCY): JobEnding.DEPENDENCY_NEVER_SATISFIED,
    (JobState.CANCELLED, Cause.DEPENDENCY): JobEnding.DEPENDENCY_NEVER_SATISFIED,
    (JobState.FAILED, Cause.TERMINATED): JobEnding.PREEMPTED,
}

WAITING: Final = frozenset(
    {
        JobState.PENDING,
        JobState.REQUEUED,
        JobState.REQUEUE_HOLD,
        JobState.REQUEUE_FED,
        JobState.RESV_DEL_HOLD,
        JobState.SPECIAL_EXIT,
    }
)
# Slurm shows these for some seconds and then puts the job back into the queue, unless requeue is off for it.
MAY_RUN_AGAIN: Final = frozenset({JobState.NODE_FAIL, JobState.BOOT_FAIL, JobState.PREEMPTED})


def _find_cause(exit_code: ExitCode | None, reason: str) -> Cause:
    if reason == NEVER_SATISFIED:
        return Cause.DEPENDENCY
    if exit_code is not None and (exit_code.code in TERMINATED_CODES or exit_code.signal in TERMINATED_SIGNALS):
        return Cause.TERMINATED
    return Cause.NONE


def classify_ending(
    state: JobState, *, exit_code: ExitCode | None = None, reason: str = "", cancelled_is_preempted: bool = False
) -> JobEnding | None:
    """How a job in this state ended; None if it has not.

    A pending job whose dependency can't be satisfied any more has ended: it will never run.
    """
    ending = ENDINGS_BY_CAUSE.get((state, _find_cause(exit_code, reason)), ENDINGS[state])
    if ending is JobEnding.CANCELLED and cancelled_is_preempted:
        return JobEnding.PREEMPTED
    return ending


@dataclass(frozen=True, slots=True, kw_only=True)
class JobFacts:
    """One answer about one job.

    Attributes:
        job_id: `123`, or `123_4` for an element of an array.
        reason: Slurm's word for why it waits or ended (`Resources`, `DependencyNeverSatisfied`), or empty.
        node: node list as Slurm writes it, or empty.
        restarts: how often it was put back into the queue; None if the source doesn't say.
        is_requeueable: whether Slurm may run it again after a node failure; None if the source doesn't say.
        cancelled_by: uid of who cancelled it, if the source says.
        source: who answered.
        because: why the state is UNKNOWN.
    """

    job_id: str
    state: JobState
    reason: str = ""
    exit_code: ExitCode | None = None
    node: str = ""
    restarts: int | None = None
    is_requeueable: bool | None = None
    cancelled_by: int | None = None
    source: Literal["squeue", "sacct", "none"] = "none"
    because: str = ""

    @property
    def is_known(self) -> bool:
        """The answer says something (a job that another cluster of a federation took over is as good as unknown)."""
        return ENDINGS[self.state] is not JobEnding.UNKNOWN

    @property
    def has_ended(self) -> bool:
        """Known to be over, or to wait in vain; a job that nobody knows has not."""
        return self.is_known and self.ending() is not None

    @property
    def is_waiting(self) -> bool:
        """In the queue, and not in vain."""
        return self.state in WAITING and not self.has_ended

    @property
    def may_run_again(self) -> bool:
        """Ended for now, but Slurm may be about to put it back into the queue under the same id."""
        return self.state in MAY_RUN_AGAIN and self.is_requeueable is not False

    def ending(self, *, cancelled_is_preempted: bool = False) -> JobEnding | None:
        """How it ended; None if it has not."""
        return classify_ending(
            self.state,
            exit_code=self.exit_code,
            reason=self.reason,
            cancelled_is_preempted=cancelled_is_preempted,
        )


class _Entry(NamedTuple):
    facts: JobFacts  # the newest that says something
    changed_at: float  # when they were first seen so
    unknown_since: float | None


class JobMemory:
    """The newest knowledge about each job of a run, and how long there has been none.

    learn(answers) each poll → verdict(job) tells what to act upon:
        live, or unknown for less than the grace        None
        ended, and Slurm won't run it again             how
        unknown for longer than the grace               JobEnding.UNKNOWN: look at the artifact, not at the job
    """

    def __init__(
        self, *, unknown_grace_sec: float = 300.0, rerun_grace_sec: float = 60.0, cancelled_is_preempted: bool = False
    ) -> None:
        """Make an empty memory.

        Args:
            unknown_grace_sec: how long a job may be unknown before that is a verdict.
            rerun_grace_sec: how long after NODE_FAIL or PREEMPTED Slurm may still put the job back into the queue.
            cancelled_is_preempted: the site preempts by cancelling.
        """
        self._unknown_grace_sec = unknown_grace_sec
        self._rerun_grace_sec = rerun_grace_sec
        self._cancelled_is_preempted = cancelled_is_preempted
        self._entries: dict[str, _Entry] = {}

    def learn(self, answers: Iterable[JobFacts], *, now: float) -> None:
        """Take in what was answered at `now` (seconds of one clock, never going back)."""
        for facts in answers:
            old = self._entries.get(facts.job_id)
            if facts.is_known:
                is_news = old is None or (old.facts.state, old.facts.restarts) != (facts.state, facts.restarts)
                self._entries[facts.job_id] = _Entry(facts, now if is_news or old is None else old.changed_at, None)
            elif old is None:
                self._entries[facts.job_id] = _Entry(facts, now, now)
            elif old.unknown_since is None:
                self._entries[facts.job_id] = old._replace(unknown_since=now)

    def facts(self, job_id: str) -> JobFacts | None:
        """The newest facts that say something; None if nobody asked about this job yet."""
        entry = self._entries.get(job_id)
        return None if entry is None else entry.facts

    def unknown_sec(self, job_id: str, *, now: float) -> float:
        """For how long nobody could say anything about the job; 0 if the last answer did."""
        entry = self._entries.get(job_id)
        return 0.0 if entry is None or entry.unknown_since is None else now - entry.unknown_since

    def verdict(self, job_id: str, *, now: float) -> JobEnding | None:
        """How the job ended; None while it lives, may run again, or is unknown for less than the grace."""
        entry = self._entries.get(job_id)
        if entry is None:
            return None
        if entry.facts.may_run_again and now - entry.changed_at < self._rerun_grace_sec:
            return None
        ending = entry.facts.ending(cancelled_is_preempted=self._cancelled_is_preempted)
        if ending not in (None, JobEnding.UNKNOWN):
            return ending  # ended jobs are forgotten by Slurm after a while, so no answer changes nothing
        if entry.unknown_since is not None and now - entry.unknown_since >= self._unknown_grace_sec:
            return JobEnding.UNKNOWN
        return None

    def open_ids(self, job_ids: Iterable[str], *, now: float) -> list[str]:
        """Those of `job_ids` that are worth another question."""
        return [job_id for job_id in job_ids if self.verdict(job_id, now=now) in (None, JobEnding.UNKNOWN)]
