"""Who works for a pool: what was asked for, who came, what the scheduler says, and who is gone.

    Roster
      seat(...)        a worker was asked for
      look(sights)     what the queue shows of the workers
      to_ask(now)   →  jobs about which only the scheduler knows more; learn(facts) takes the answer
      why_gone(worker) the proof, or the silence, that ends a worker
      crews()          the same, by spec key, for `furu.execution.pool.crew`

It knows no clock and no file. A scheduler that doesn't answer proves nothing; a worker that beats needs no question.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from furu.execution.pool.crew import Crew
from furu.execution.slurm.jobs import JobEnding, JobMemory

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from furu.execution.pool.queue import WorkerRecord, WorkerSight
    from furu.execution.slurm.jobs import JobFacts


@dataclass(slots=True)
class _Life:
    """A worker that came; a requeued job has several lives, one after the other."""

    record: WorkerRecord
    born_at: float
    beat: float
    beat_seen_at: float
    has_left: bool


@dataclass(slots=True)
class _Seat:
    ticket: str
    spec_key: str
    job_id: str
    asked_at: float
    life: _Life | None = None
    is_cancelled: bool = False
    is_over: bool = False


class Roster:
    """The workers of one pool, as its controller knows them."""

    def __init__(self, *, stale_sec: float, quiet_sec: float, memory: JobMemory | None = None) -> None:
        """Begin with nobody.

        Args:
            stale_sec: a worker that shows no heartbeat for so long is gone.
            quiet_sec: for so long, the scheduler is asked about it.
            memory: of what the scheduler said.
        """
        self._stale_sec = stale_sec
        self._quiet_sec = quiet_sec
        self._memory = memory or JobMemory()
        self._seats: dict[str, _Seat] = {}
        self._lives: dict[str, _Life] = {}
        self._barren: dict[str, list[str]] = {}
        self._told_at: dict[str, float] = {}
        self._unknown: set[str] = set()

    def seat(self, ticket: str, spec_key: str, job_id: str, now: float) -> None:
        """A worker was asked for; an empty `job_id` is one that was not told to us."""
        self._seats.setdefault(ticket, _Seat(ticket, spec_key, job_id, now))

    def look(self, sights: Iterable[WorkerSight], now: float) -> None:
        """Take in what the queue shows."""
        for record, beat, has_left in sights:
            life = self._lives.get(record.worker)
            if life is None:
                life = self._lives[record.worker] = _Life(record, now, beat, now, has_left)
                self.seat(record.ticket, record.spec_key, record.job_id, now)
                seat = self._seats[record.ticket]
                seat.job_id = seat.job_id or record.job_id
                if seat.life is None or seat.life.record.restarts <= record.restarts:
                    seat.life, seat.is_over = life, False
                self._barren.pop(record.spec_key, None)
            elif beat != life.beat:
                life.beat, life.beat_seen_at = beat, now
            life.has_left = has_left

    def to_ask(self, now: float) -> list[str]:
        """Jobs about which the queue tells too little."""
        return [
            seat.job_id
            for seat in self._seats.values()
            if seat.job_id and not seat.is_over and self._is_doubtful(seat, now)
        ]

    def learn(self, facts: Iterable[JobFacts], now: float) -> None:
        """Take in what the scheduler said."""
        answers = list(facts)
        self._memory.learn(answers, now=now)
        self._told_at |= {each.job_id: now for each in answers if each.is_known}
        self._unknown |= {each.job_id for each in answers if not each.is_known}
        self._unknown -= {each.job_id for each in answers if each.is_known}

    def settle(self, now: float) -> None:
        """Find out which seats are empty for good."""
        for seat in self._seats.values():
            if not seat.is_over and self._is_over(seat, now):
                seat.is_over = True
                if seat.life is None and not seat.is_cancelled:
                    self._barren.setdefault(seat.spec_key, []).append(seat.job_id)

    def cancelled(self, tickets: Collection[str]) -> list[str]:
        """These are not wanted any more; their job ids."""
        for ticket in tickets:
            self._seats[ticket].is_cancelled = True
        return [self._seats[ticket].job_id for ticket in tickets if self._seats[ticket].job_id]

    def barren(self, spec_key: str) -> tuple[str, ...]:
        """Jobs of workers that ended before they began, since the last one of this key that began."""
        return tuple(self._barren.get(spec_key, ()))

    def knows(self, worker: str) -> bool:
        """Whether that worker has ever shown itself."""
        return worker in self._lives

    def record(self, worker: str) -> WorkerRecord:
        """Who a worker is."""
        return self._lives[worker].record

    def why_gone(self, worker: str, now: float) -> str | None:
        """Why nothing can be expected of a worker any more; None while something can."""
        life = self._lives[worker]
        seat = self._seats[life.record.ticket]
        if life.has_left:
            return "it has left"
        if seat.life is not life:
            return "its job was started again"
        if (facts := self._facts(seat)) is not None:
            ending = self._memory.verdict(seat.job_id, now=now)
            if ending not in (None, JobEnding.UNKNOWN):
                return f"its job {seat.job_id} ended: {ending}"
            if facts.is_waiting or (facts.restarts or 0) > life.record.restarts:
                return f"its job {seat.job_id} was put back into the queue"
        quiet_sec = now - life.beat_seen_at
        return f"no heartbeat for {quiet_sec:.0f} s" if quiet_sec > self._stale_sec else None

    def crews(self, busy: Collection[str], now: float) -> dict[str, Crew]:
        """The workers by spec key, given the names of those that have a task."""
        crews: dict[str, Crew] = {}
        for seat in self._seats.values():
            if seat.is_over:
                continue
            crew = crews.get(seat.spec_key, Crew())
            life = seat.life
            if life is None or (self.why_gone(life.record.worker, now) is not None and self._is_waiting(seat)):
                pending = crew.pending if seat.is_cancelled else (*crew.pending, seat.ticket)
                crew = crew._replace(pending=pending, leaving=crew.leaving + seat.is_cancelled)
            elif self.why_gone(life.record.worker, now) is not None:
                crew = crew._replace(leaving=crew.leaving + 1)
            else:
                is_idle = life.record.worker not in busy
                idle = (*crew.idle, life.record.worker) if is_idle else crew.idle
                crew = crew._replace(serving=crew.serving + 1, idle=idle)
            crews[seat.spec_key] = crew
        return crews

    def open_job_ids(self) -> list[str]:
        """Of the seats that are not known to be empty."""
        return [seat.job_id for seat in self._seats.values() if seat.job_id and not seat.is_over]

    def unentered(self) -> list[str]:
        """Tickets of those that have not begun, or wait to begin again, the oldest first."""
        open_seats = (seat for seat in self._seats.values() if not seat.is_over)
        return [seat.ticket for seat in open_seats if seat.life is None or self._is_waiting(seat)]

    def _facts(self, seat: _Seat) -> JobFacts | None:
        """What the scheduler said of the job; None where that was before its last worker came."""
        if seat.life is not None and self._told_at.get(seat.job_id, seat.life.born_at) < seat.life.born_at:
            return None
        return self._memory.facts(seat.job_id) if seat.job_id else None

    def _is_waiting(self, seat: _Seat) -> bool:
        facts = self._facts(seat)
        return facts is not None and facts.is_waiting

    def _is_doubtful(self, seat: _Seat, now: float) -> bool:
        life = seat.life
        return life is None or life.has_left or now - life.beat_seen_at > self._quiet_sec

    def _is_over(self, seat: _Seat, now: float) -> bool:
        facts = self._facts(seat)
        ending = self._memory.verdict(seat.job_id, now=now) if facts is not None else None
        if ending not in (None, JobEnding.UNKNOWN):
            return True
        if facts is not None and seat.job_id not in self._unknown:
            return False
        # Nobody can say: then what we did or saw ourselves has to do.
        if seat.job_id and seat.job_id not in self._unknown:
            return False
        if seat.life is not None:
            return self.why_gone(seat.life.record.worker, now) is not None
        return seat.is_cancelled or ending is JobEnding.UNKNOWN or self._is_lost(seat, now)

    def _is_lost(self, seat: _Seat, now: float) -> bool:
        """The answer to its submission never came, and nobody took the seat."""
        return not seat.job_id and now - seat.asked_at > self._stale_sec
