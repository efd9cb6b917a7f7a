"""One job of `FakeSlurm`: what is known of it, and what accounting was told."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, NamedTuple, Protocol

from furu import clock
from furu.execution.slurm.jobs import NEVER_SATISFIED, NO_ERROR, ExitCode, JobState

if TYPE_CHECKING:
    from collections.abc import Mapping

ACTIVE: Final = frozenset({JobState.PENDING, JobState.RUNNING})
_CANCELLED_BY_ROOT: Final = "CANCELLED by 0"


class Process(Protocol):
    """What a job's body may be while it runs; `subprocess.Popen` is one."""

    def poll(self) -> int | None: ...
    def terminate(self) -> None: ...


class AccountingRow(NamedTuple):
    """What sacct says of a job from a moment on."""

    at: float
    state: str
    exit_code: ExitCode
    reason: str
    node: str


@dataclass(slots=True, kw_only=True)
class FakeJob:
    """One job, or one element of an array."""

    job_id: str
    raw_id: int
    script: str
    options: Mapping[str, str]
    partition: str
    waits_for: list[str]
    array_limit: int | None = None
    is_requeueable: bool = True
    state: JobState = JobState.PENDING
    reason: str = "None"
    exit_code: ExitCode = NO_ERROR
    node: str = ""
    restarts: int = 0
    can_start_at: float = 0.0
    runs_again_at: float | None = None
    ended_at: float | None = None
    process: Process | None = None
    history: list[AccountingRow] = field(default_factory=list)

    @property
    def has_ended(self) -> bool:
        """Over, and not about to be put back into the queue."""
        return self.state not in ACTIVE and self.runs_again_at is None

    @property
    def has_never_started(self) -> bool:
        return self.state is JobState.PENDING and not self.restarts

    def environ(self) -> dict[str, str]:
        """The variables that a job which starts now finds about itself."""
        base, _, index = self.job_id.partition("_")
        array = {"SLURM_ARRAY_JOB_ID": base, "SLURM_ARRAY_TASK_ID": index} if index else {}
        restart = {"SLURM_RESTART_COUNT": str(self.restarts)} if self.restarts else {}
        minutes = self.options.get("time", "")
        end = {"SLURM_JOB_END_TIME": str(int(clock.unix()) + 60 * int(minutes))} if minutes.isdigit() else {}
        return {
            "SLURM_JOB_ID": str(self.raw_id),
            "SLURM_JOB_NAME": self.options.get("job-name", "sbatch"),
            "SLURM_JOB_PARTITION": self.partition,
            "SLURM_JOB_NODELIST": self.node,
            "SLURMD_NODENAME": self.node,
            **array,
            **restart,
            **end,
        }

    def become(self, state: JobState, *, at: float, reason: str | None = None) -> None:
        """Change the state, and let accounting know. Without a reason the old one stays, except that nothing waits."""
        self.state = state
        if reason is not None or state is JobState.RUNNING:
            self.reason = reason or "None"
        # Accounting keeps the reason from before, and says who cancelled unless it was the dependency.
        is_killed = state is JobState.CANCELLED and self.reason == NEVER_SATISFIED
        word = _CANCELLED_BY_ROOT if state is JobState.CANCELLED and not is_killed else str(state)
        told = "Dependency" if is_killed else self.reason
        self.history.append(AccountingRow(at, word, self.exit_code, told, self.node))
