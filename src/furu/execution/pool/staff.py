"""The workers of a pool: asks for them, asks Slurm about them, and lets them go.

    look      their heartbeats → what Slurm says of those whose heartbeats don't tell
    adjust    how many are wanted → submit, cancel, dismiss

A worker that beats costs Slurm no question.
"""

from __future__ import annotations

import logging
import os
from typing import TYPE_CHECKING, Final

from furu.errors import FuruError
from furu.execution.pool.crew import Moves, decide_moves, surplus
from furu.execution.pool.records import SeatRecord
from furu.execution.pool.worker import WorkerOrders
from furu.execution.slurm.client import Backoff, FuruSlurmError
from furu.execution.slurm.jobs import JobFacts, JobState
from furu.execution.slurm.submit import JobProgram, Submission
from furu.execution.slurm.text import expand_job_id

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping

    from furu.execution.pool.queue import Queue
    from furu.execution.pool.roster import Roster
    from furu.execution.slurm.client import Slurm
    from furu.execution.slurm.submit import Submitter
    from furu.execution.slurm_spec import SlurmSpec
    from furu.storage.submitit_layout import SubmititPaths

_LOG: Final = logging.getLogger("furu")
_PROGRAM: Final = "furu.execution.pool.worker"
_FUTILE: Final = 3
"""So many workers that end before they begin, or refused submissions with nobody at work, are no accident."""

_SHARE: Final = 0.05
_LONGEST_PAUSE_SEC: Final = 30.0
_NO_ANSWER: Final = "no answer within"


class FuruPoolError(FuruError, RuntimeError):
    """A pool can't get workers.

    Attributes:
        spec_key: of which resources.
        job_ids: of the workers that were in vain.
    """

    def __init__(self, message: str, *, spec_key: str, job_ids: Iterable[str] = (), hints: Iterable[str] = ()) -> None:
        super().__init__(message, hints=hints)
        self.spec_key = spec_key
        self.job_ids = tuple(job_ids)


class Staff:
    """The workers of one pool, as its controller handles them."""

    def __init__(
        self,
        *,
        run_id: str,
        pool: str,
        specs: Mapping[str, SlurmSpec],
        max_workers_total: int,
        idle_timeout_sec: float,
        beat_sec: float,
        roster: Roster,
        submitter: Submitter,
        slurm: Slurm,
        folders: SubmititPaths,
        on_seats: Callable[[list[SeatRecord]], None],
        now: Callable[[], float],
    ) -> None:
        self.roster = roster
        self._run_id = run_id
        self._pool = pool
        self._specs = specs
        self._total = max_workers_total
        self._idle_timeout_sec = idle_timeout_sec
        self._beat_sec = beat_sec
        self._submitter = submitter
        self._slurm = slurm
        self._folders = folders
        self._on_seats = on_seats
        self._now = now
        self._tickets = 0
        self._prefix = os.urandom(4).hex()
        self._surplus_since: dict[str, float] = {}
        self._asked: tuple[frozenset[str], float, float] = (frozenset(), 0.0, 0.0)  # which, since when, last when
        self._refusals: dict[str, tuple[int, Backoff]] = {}
        self._dismissed: set[str] = set()

    def look(self, queue: Queue, poll_interval_sec: float) -> None:
        """Learn what there is to know about the workers, without asking Slurm more often than is decent."""
        now = self._now()
        self.roster.look(queue.workers(), now)
        wanted = self.roster.to_ask(now)
        if wanted and self._is_decent(frozenset(wanted), now, poll_interval_sec):
            self.roster.learn(self._ask(wanted), self._now())
        self.roster.settle(self._now())

    def adjust(self, queue: Queue, demand: Mapping[str, int], busy: Collection[str]) -> None:
        """Ask for the workers that are missing, and let those go that are too many.

        Raises:
            FuruPoolError: there is no use in asking.
        """
        now = self._now()
        self._refuse_futile(demand)
        crews = self.roster.crews(busy, now)
        extra = surplus(demand, crews, self._total)
        self._surplus_since = {key: self._surplus_since.get(key, now) for key in extra}
        outdated = [key for key, since in self._surplus_since.items() if now - since >= self._idle_timeout_sec]
        moves: Moves = decide_moves(demand, crews, self._total, outdated=outdated)
        if moves.cancel:
            self._cancel(moves.cancel)
        for worker in moves.dismiss:
            if worker not in self._dismissed:
                self._dismissed.add(worker)
                queue.dismiss(worker)
        is_somebody_there = any(crew.useful for crew in crews.values())
        for spec_key, count in moves.submit.items():
            self._submit(spec_key, count, is_somebody_there=is_somebody_there)

    def dismiss_all(self) -> None:
        """Cancel the workers that have not begun; those that have are told by the queue."""
        if tickets := self.roster.unentered():
            self._cancel(tickets)

    def _is_decent(self, wanted: frozenset[str], now: float, poll_interval_sec: float) -> bool:
        ids, since, last = self._asked
        since = since if wanted <= ids else now
        pause_sec = max(poll_interval_sec, min(_LONGEST_PAUSE_SEC, (now - since) * _SHARE))
        is_due = not wanted <= ids or now - last >= pause_sec
        self._asked = (wanted, since, now if is_due else last)
        return is_due

    def _ask(self, job_ids: Collection[str]) -> list[JobFacts]:
        askable = [job_id for job_id in job_ids if expand_job_id(job_id) == [job_id]]
        try:
            answers = self._slurm.jobs(askable) if askable else {}
        except FuruSlurmError as error:  # no such command: nobody knows
            _LOG.debug("%s", error)
            answers = {}
        unknown = (JobFacts(job_id=each, state=JobState.UNKNOWN) for each in job_ids if each not in answers)
        return [*answers.values(), *unknown]

    def _cancel(self, tickets: list[str]) -> None:
        job_ids = [each for each in self.roster.cancelled(tickets) if expand_job_id(each) == [each]]
        try:
            if job_ids:
                self._slurm.cancel(job_ids)
        except FuruSlurmError as error:  # they leave by themselves when they find nothing to do
            _LOG.warning("run %s: could not cancel waiting workers: %s", self._run_id, error)

    def _submit(self, spec_key: str, count: int, *, is_somebody_there: bool) -> None:
        refusals, backoff = self._refusals.get(spec_key, (0, Backoff()))
        if backoff.remaining_sec(self._now()):
            return
        while count > 0:
            size = min(count, self._submitter.largest_array())
            count -= size
            tickets = [self._new_ticket() for _ in range(size)]
            try:
                job_ids = self._submitter.submit(self._workers(spec_key, tickets))
            except Exception as error:  # submitit has its own; each is a refusal
                if isinstance(error, FuruSlurmError) and _NO_ANSWER in error.stderr:
                    _LOG.warning("run %s: %s; its workers may come all the same", self._run_id, error)
                    self._seat(tickets, spec_key, [""] * size)
                    continue
                self._refusals[spec_key] = (refusals + 1, backoff)
                backoff.failed(self._now())
                _LOG.warning("run %s: no workers for %r: %s", self._run_id, spec_key, error)
                if refusals + 1 >= _FUTILE and not is_somebody_there:
                    msg = f"workers for spec key {spec_key!r} were refused {_FUTILE} times: {error}"
                    raise FuruPoolError(msg, spec_key=spec_key) from error
                return
            self._refusals.pop(spec_key, None)
            self._seat(tickets, spec_key, job_ids)

    def _workers(self, spec_key: str, tickets: list[str]) -> Submission:
        return Submission(
            [JobProgram(_PROGRAM, tuple(self._orders(spec_key, ticket).to_argv())) for ticket in tickets],
            self._specs[spec_key],
            name=f"furu-{spec_key}",
            log_dir=self._folders.workers(spec_key, self._run_id),
        )

    def _new_ticket(self) -> str:
        self._tickets += 1
        return f"{self._prefix}.{self._tickets}".replace(".", "x")

    def _orders(self, spec_key: str, ticket: str) -> WorkerOrders:
        return WorkerOrders(
            pool=self._pool,
            spec_key=spec_key,
            ticket=ticket,
            idle_timeout_sec=self._idle_timeout_sec,
            beat_sec=self._beat_sec,
        )

    def _seat(self, tickets: list[str], spec_key: str, job_ids: list[str]) -> None:
        now = self._now()
        for ticket, job_id in zip(tickets, job_ids, strict=True):
            self.roster.seat(ticket, spec_key, job_id, now)
        self._on_seats([SeatRecord(ticket, spec_key, job_id) for ticket, job_id in zip(tickets, job_ids, strict=True)])

    def _refuse_futile(self, demand: Mapping[str, int]) -> None:
        for spec_key in demand:
            barren = self.roster.barren(spec_key)
            if len(barren) >= _FUTILE:
                log_dir = self._folders.workers(spec_key, self._run_id)
                jobs = ", ".join(barren[:_FUTILE])
                msg = f"{len(barren)} workers for spec key {spec_key!r} ended before they began: jobs {jobs}"
                raise FuruPoolError(msg, spec_key=spec_key, job_ids=barren, hints=[f"their logs are in {log_dir}"])
