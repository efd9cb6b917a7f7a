"""The thin shell around squeue, sacct, scontrol, scancel and sbatch, and the interface that a fake can stand in for."""

from __future__ import annotations

import os
import subprocess
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, NamedTuple, Protocol

from furu import clock
from furu.errors import FuruError
from furu.execution.slurm.jobs import JobFacts, JobState
from furu.execution.slurm.text import (
    SACCT_FORMAT,
    SQUEUE_FORMAT,
    SlurmLimits,
    base_job_id,
    expand_job_id,
    parse_limits,
    parse_sacct,
    parse_squeue,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

# One argument of a command may be 128 KiB long; an id and its comma take about 10 bytes.
MAX_IDS_PER_COMMAND: Final = 5_000

_UNKNOWN_ID: Final = "Invalid job id specified"
_NO_ACCOUNTING: Final = "accounting storage is disabled"
_ALREADY_OVER: Final = "already complet"  # "... completing or completed"

# Variables by which users give squeue and sacct other formats and filters; they would change what we parse.
_FOREIGN_VARIABLES: Final = ("SQUEUE_", "SACCT_")


class FuruSlurmError(FuruError):
    """A command of Slurm refused or did not answer.

    Attributes:
        command: its words.
        exit_code: None if it was stopped because it did not answer, or could not be started.
        stderr: what it said.
    """

    def __init__(
        self, *, command: Sequence[str], exit_code: int | None, stderr: str, hints: Iterable[str] = ()
    ) -> None:
        how = "did not answer" if exit_code is None else f"ended with {exit_code}"
        super().__init__(f"{command[0]} {how}: {stderr.strip() or 'it said nothing'}", hints=hints)
        self.command = tuple(command)
        self.exit_code = exit_code
        self.stderr = stderr


class Outcome(NamedTuple):
    """What a command left: `exit_code` is None when it did not answer in time."""

    exit_code: int | None
    stdout: str = ""
    stderr: str = ""


def run_command(argv: Sequence[str], stdin: str, timeout_sec: float) -> Outcome:
    """Run `argv` without a shell. FileNotFoundError if there is no such program."""
    environ = {name: value for name, value in os.environ.items() if not name.startswith(_FOREIGN_VARIABLES)}
    environ |= {"LC_ALL": "C", "SLURM_BITSTR_LEN": "0"}  # 0: never cut the list of an array's indices short
    try:
        done = subprocess.run(
            list(argv), input=stdin, capture_output=True, text=True, timeout=timeout_sec, check=False, env=environ
        )
    except subprocess.TimeoutExpired:
        return Outcome(None, stderr=f"no answer within {timeout_sec:g} s")
    return Outcome(done.returncode, done.stdout, done.stderr)


@dataclass(frozen=True, slots=True, kw_only=True)
class JobRequest:
    """A batch job, or an array of them.

    Attributes:
        script: the text of a shell script, with its `#!` line.
        name: of the job, as `squeue` shows it.
        after_ok: start when all of these ended well, be cancelled when that can't happen any more. An id that
            Slurm has forgotten counts as ended well.
        array_size: an array of so many elements, ids `JOB_0` ...
        array_limit: at most so many of them at once.
        options: other long options of sbatch, without the dashes; True for one without a value.
    """

    script: str
    name: str = "furu"
    after_ok: tuple[str, ...] = ()
    array_size: int | None = None
    array_limit: int | None = None
    options: Mapping[str, str | int | bool] = field(default_factory=dict)

    def to_argv(self) -> list[str]:
        """The sbatch command; the script goes to its standard input."""
        argv = ["sbatch", "--parsable", f"--job-name={self.name}"]
        if self.after_ok:
            argv += [f"--dependency=afterok:{':'.join(self.after_ok)}", "--kill-on-invalid-dep=yes"]
        if self.array_size is not None:
            limit = f"%{self.array_limit}" if self.array_limit is not None else ""
            argv.append(f"--array=0-{self.array_size - 1}{limit}")
        return argv + [f"--{name}" if value is True else f"--{name}={value}" for name, value in self.options.items()]


class Slurm(Protocol):
    """What furu wants of a Slurm; `SlurmClient` asks a real one, `FakeSlurm` plays one."""

    def submit(self, request: JobRequest) -> str:
        """Queue a job; its id (of an array: the id that its elements' ids begin with).

        Raises:
            FuruSlurmError: refused. After a time-out the job may be queued all the same, so never just try again.
        """
        ...

    def jobs(self, job_ids: Iterable[str]) -> dict[str, JobFacts]:
        """Facts about each of `job_ids`, in one question for all; every id is in the answer.

        What nobody could say (no answer, an error, no accounting) is state UNKNOWN with a reason, never an error.
        Of an array, ask for the elements.
        """
        ...

    def cancel(self, job_ids: Iterable[str]) -> None:
        """End or dequeue them; those that are over or unknown already are left alone."""
        ...

    def requeue(self, job_id: str) -> None:
        """End a running job and put it back into the queue under the same id."""
        ...

    def limits(self) -> SlurmLimits:
        """What the cluster allows."""
        ...


class Backoff:
    """When to ask a failing service again: after `first_sec`, then twice as long each time, up to `max_sec`."""

    def __init__(self, *, first_sec: float = 2.0, max_sec: float = 120.0) -> None:
        self._first_sec = first_sec
        self._max_sec = max_sec
        self._wait_sec = 0.0
        self._not_before: float | None = None

    def remaining_sec(self, now: float) -> float:
        """How long still not to ask; 0 when it is time."""
        return 0.0 if self._not_before is None else max(0.0, self._not_before - now)

    def failed(self, now: float) -> None:
        self._wait_sec = min(self._max_sec, self._wait_sec * 2 or self._first_sec)
        self._not_before = now + self._wait_sec

    def succeeded(self) -> None:
        self._wait_sec, self._not_before = 0.0, None


class SlurmClient:
    """Asks the commands of Slurm that are on PATH.

    jobs(ids)  squeue once for all → sacct once for those that squeue doesn't know → UNKNOWN for the rest
    A command that fails is left alone for a while (`Backoff`), and the answer is UNKNOWN meanwhile.
    """

    def __init__(
        self,
        *,
        run: Callable[[Sequence[str], str, float], Outcome] = run_command,
        now: Callable[[], float] = clock.monotonic,
        timeout_sec: float = 30.0,
    ) -> None:
        """Make a client; nothing is asked yet.

        Args:
            run: runs one command: (words, standard input, time limit in seconds) -> outcome.
            now: seconds of a clock that never goes back.
            timeout_sec: how long one command may take.
        """
        self._run = run
        self._now = now
        self._timeout_sec = timeout_sec
        self._squeue_backoff = Backoff()
        self._sacct_backoff = Backoff()
        self._has_accounting = True

    def submit(self, request: JobRequest) -> str:
        """See `Slurm.submit`."""
        argv = request.to_argv()
        job_id = self._must(argv, stdin=request.script).strip().partition(";")[0]  # "id;cluster" in a federation
        if not job_id.isdigit():
            raise FuruSlurmError(command=argv, exit_code=0, stderr=f"no job id in its answer {job_id!r}")
        return job_id

    def cancel(self, job_ids: Iterable[str]) -> None:
        """See `Slurm.cancel`."""
        for batch in _batches(_check_ids(job_ids)):
            argv = ["scancel", *batch]
            outcome = self._ask(argv)
            if outcome.exit_code != 0 and not _is_about_ended_jobs(outcome.stderr):
                raise FuruSlurmError(command=argv, exit_code=outcome.exit_code, stderr=outcome.stderr)

    def requeue(self, job_id: str) -> None:
        """See `Slurm.requeue`."""
        self._must(["scontrol", "requeue", job_id])

    def limits(self) -> SlurmLimits:
        """See `Slurm.limits`."""
        return parse_limits(self._must(["scontrol", "show", "config"]))

    def jobs(self, job_ids: Iterable[str]) -> dict[str, JobFacts]:
        """See `Slurm.jobs`."""
        wanted = _check_ids(job_ids)
        found, squeue_trouble = self._ask_squeue(wanted)
        sacct_trouble = ""
        # Without squeue's word sacct is not asked: it is late, and says NODE_FAIL of what is queued again.
        if not squeue_trouble and (rest := [job_id for job_id in wanted if job_id not in found]):
            from_sacct, sacct_trouble = self._ask_sacct(rest)
            found = from_sacct | found
        because = squeue_trouble or sacct_trouble or "neither squeue nor sacct knows it"
        return {
            job_id: found.get(job_id) or JobFacts(job_id=job_id, state=JobState.UNKNOWN, because=because)
            for job_id in wanted
        }

    def _ask_squeue(self, job_ids: list[str]) -> tuple[dict[str, JobFacts], str]:
        argv = ["squeue", "-h", "-r", "-t", "all", "-O", SQUEUE_FORMAT, "-j"]
        text, trouble = self._ask_in_batches(argv, job_ids, self._squeue_backoff)
        return parse_squeue(text), trouble

    def _ask_sacct(self, job_ids: list[str]) -> tuple[dict[str, JobFacts], str]:
        if not self._has_accounting:
            return {}, "squeue doesn't know it, and there is no accounting to ask"
        argv = ["sacct", "-n", "-X", "-P", "-o", SACCT_FORMAT, "-j"]
        try:
            text, trouble = self._ask_in_batches(argv, job_ids, self._sacct_backoff)
        except FuruSlurmError as error:  # no such program: a site without accounting
            text, trouble = "", f"{error.message}: {_NO_ACCOUNTING}"
        if _NO_ACCOUNTING in trouble:
            self._has_accounting = False
        return parse_sacct(text), trouble

    def _ask_in_batches(self, argv: list[str], job_ids: list[str], backoff: Backoff) -> tuple[str, str]:
        """The command's whole output, and what went wrong (then nothing of the output counts)."""
        if remaining_sec := backoff.remaining_sec(self._now()):
            return "", f"{argv[0]} failed; asked again in {remaining_sec:.0f} s"
        text = ""
        for batch in _batches(dict.fromkeys(base_job_id(job_id) for job_id in job_ids)):
            outcome = self._ask([*argv, ",".join(batch)])
            if outcome.exit_code == 0:
                text += outcome.stdout
            elif _UNKNOWN_ID not in outcome.stderr:  # squeue says this when asked for one id that it has forgotten
                backoff.failed(self._now())
                return "", f"{argv[0]}: {outcome.stderr.strip() or 'failed without a word'}"
        backoff.succeeded()
        return text, ""

    def _ask(self, argv: list[str], stdin: str = "") -> Outcome:
        try:
            return self._run(argv, stdin, self._timeout_sec)
        except FileNotFoundError as error:
            raise FuruSlurmError(
                command=argv,
                exit_code=None,
                stderr=f"no {argv[0]} on PATH",
                hints=["run this where Slurm is installed"],
            ) from error

    def _must(self, argv: list[str], stdin: str = "") -> str:
        outcome = self._ask(argv, stdin)
        if outcome.exit_code != 0:
            raise FuruSlurmError(command=argv, exit_code=outcome.exit_code, stderr=outcome.stderr)
        return outcome.stdout


def _is_about_ended_jobs(stderr: str) -> bool:
    lines = [line for line in stderr.splitlines() if line.strip()]
    return bool(lines) and all(_UNKNOWN_ID in line or _ALREADY_OVER in line for line in lines)


def _check_ids(job_ids: Iterable[str]) -> list[str]:
    ids = list(dict.fromkeys(job_ids))
    for job_id in ids:
        if expand_job_id(job_id) != [job_id]:
            raise ValueError(f"{job_id!r} is no job id; it looks like 123 or 123_4")
    return ids


def _batches(job_ids: Iterable[str]) -> Iterator[list[str]]:
    ids = list(job_ids)
    for start in range(0, len(ids), MAX_IDS_PER_COMMAND):
        yield ids[start : start + MAX_IDS_PER_COMMAND]
