"""Several processes and threads that share a store, with one scheduler that says whose next disk call is done.

    World(seed, processes=[2, 1], ...).run()   ->  Story: what each actor got, and every broken promise

Each actor is a thread that runs furu's own `get()`. Before every call of the disk it hands the baton back; the
scheduler picks the next actor at random, may let a process die there, and may let the clock jump. A dead process
raises `Crashed` at every later call, so nothing that it does on its way out reaches the disk: that is SIGKILL.
"""

from __future__ import annotations

import contextlib
import errno
import json
import os
import random
import threading
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import furu
from furu.errors import FuruLeaseLost
from furu.lifecycle import get
from furu.lifecycle.computable import artifact_paths
from furu.lifecycle.lease import Heart, Lease, Participant
from furu.lifecycle.waiting import Flights
from furu.storage.process import ProcessIdentity
from tests.reliability.configs import TornError, read_pair
from tests.support.disks import Call, NumberedDisk

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

LEASE_SEC: Final = 1.0
JUMPS_SEC: Final = (0.3, 1.1, 2.5, 12.0, 12.0)
MAX_STEPS: Final = 6000
LATE: Final = frozenset({"rename", "link", "make_directory", "unlink", "beat"})
VISIBLE: Final = frozenset({"rename", "link"})
"""Others may see the effect before the caller has done anything more."""


class Crashed(BaseException):
    """The process of this actor is dead."""


class StillHeart(Heart):
    """Beats only when an actor does, as one of its steps."""

    def register(self, lease: Lease) -> None:
        self._leases[lease.token] = lease


class NoFlights(Flights):
    """All threads of a process go for the lease at once: only the protocol keeps them apart."""

    @contextmanager
    def turn(self, key: str, timeout_sec: float | None) -> Iterator[bool]:
        yield True


class SimulatedDisk(NumberedDisk):
    """The real disk, call by call as the scheduler says, with the world's clock."""

    def __init__(self, world: World) -> None:
        super().__init__()
        self.world = world

    def now(self) -> float:
        return self.world.clock_sec

    def sleep(self, seconds: float) -> None:
        current_actor().step("sleep")
        self.world.clock_sec += min(seconds, 0.05) if self.world.has_faults else 0.0

    def perform(self, call: Call, effect: Callable[[], Any]) -> Any:
        actor = current_actor()
        actor.step(str(call))
        if call.name == "beat":
            # The mark of a beat is that the time differs; all of this happens within one tick of the real clock.
            os.utime(call.arguments[0], ns=(call.number, self.world.next_stamp()))
            return None
        result = effect()
        if call.name in LATE and self.world.random.random() < self.world.late_chance:
            raise OSError(errno.EIO, f"late reply to {call.name}")
        if call.name in VISIBLE:
            actor.step(f"done {call.number}")
        return result


@dataclass
class Process:
    """A process of the simulated world: one participant, and whether it is dead."""

    participant: Participant
    pid: int
    is_dead: bool = False


class Actor:
    """A thread of a process."""

    def __init__(self, world: World, process: Process, name: str) -> None:
        self.world = world
        self.process = process
        self.name = name
        self.go = threading.Semaphore(0)
        self.is_done = False
        self.value: str | None = None
        self.error: BaseException | None = None
        self.thread = threading.Thread(target=self._run, name=name, daemon=True)

    def step(self, what: str) -> None:
        """Hand the baton back, and wait for it."""
        if self.process.is_dead:
            raise Crashed
        self.world.trace.append(f"{self.name} {what}")
        self.world.back.release()
        self.go.acquire()
        if self.process.is_dead:
            raise Crashed

    def create(self, directory: Path) -> str:
        """What `_create()` does: write two files slowly, with heartbeats between."""
        self.world.story.computes += 1
        with self.world.writing(self, directory):
            for name in ("a", "b"):
                self.step(f"write {name}")
                (directory / name).write_text(directory.name)
                for lease in self.process.participant.heart.leases():
                    lease.beat()
                if self.world.random.random() < self.world.failure_chance:
                    raise RuntimeError("simulated failure")
        return directory.name

    def _run(self) -> None:
        _CURRENT.actor = self
        self.go.acquire()
        try:
            request = get.Request(self.world.config, participant=self.process.participant)
            self.world.alter(request)
            self.value = self.world.act(self, request)
        except BaseException as error:
            self.error = error
        finally:
            self.is_done = True
            self.world.back.release()


_CURRENT: Final = threading.local()


def current_actor() -> Actor:
    """The actor whose thread asks."""
    actor: Actor = _CURRENT.actor
    return actor


class SimulatedPair(furu.Furu[str]):
    """Two files written by an actor, step by step."""

    def _create(self) -> str:
        return current_actor().create(self.furu_dir)

    def _load(self) -> str:
        return read_pair(self.furu_dir)


class ResumablePair(SimulatedPair, resumable=True):
    """Goes on in the directory of an attempt that is proven over."""


@dataclass
class Story:
    """What happened in a world, and which promises were broken."""

    steps: int = 0
    computes: int = 0
    crashes: int = 0
    lost: int = 0
    violations: list[str] = field(default_factory=list)

    def blame(self, text: str) -> None:
        if text not in self.violations:
            self.violations.append(text)


class World:
    """One schedule.

    Args:
        seed: makes the schedule.
        root: a fresh directory.
        processes: how many threads each process has.
        is_one_kernel: processes see each other's deaths; otherwise each is on a host of its own.
        crash_chance, jump_chance, late_chance, failure_chance: at each step.
        is_republish: a result is there already, and nobody wants it.
        config: what all of them want.
        alter: changes a request before it begins, to try broken variants of the protocol.
    """

    def __init__(
        self,
        seed: int,
        root: str,
        *,
        processes: list[int],
        is_one_kernel: bool = False,
        crash_chance: float = 0.0,
        jump_chance: float = 0.0,
        late_chance: float = 0.0,
        failure_chance: float = 0.0,
        is_republish: bool = False,
        config: SimulatedPair | None = None,
        alter: Callable[[get.Request], None] = lambda _: None,
    ) -> None:
        self.random = random.Random(seed)
        self.root = root
        self.config = config or SimulatedPair()
        self.is_one_kernel = is_one_kernel
        self.crash_chance, self.jump_chance = crash_chance, jump_chance
        self.late_chance, self.failure_chance = late_chance, failure_chance
        self.is_republish = is_republish
        self.alter = alter
        self.clock_sec = 1000.0
        self.story = Story()
        self.trace: list[str] = []
        self.back = threading.Semaphore(0)
        self._stamp = 1
        self._writers: dict[int, list[Actor]] = {}
        self._published: list[str] = []
        self.processes = [self._new_process(number) for number in range(len(processes))]
        self.actors = [
            Actor(self, process, f"p{process.pid}.{thread}")
            for process, threads in zip(self.processes, processes, strict=True)
            for thread in range(threads)
        ]

    @property
    def has_faults(self) -> bool:
        return self.crash_chance + self.jump_chance + self.late_chance > 0

    def next_stamp(self) -> int:
        self._stamp += 1_000_000
        return self._stamp

    def run(self) -> Story:
        """Let the schedule happen, then let somebody new come, and judge."""
        settings = {"lease_sec": LEASE_SEC, "heartbeat_sec": LEASE_SEC / 4, "fsync": False, "record_git": "ignore"}
        rerun = {"always_rerun": {f"{type(self.config).__module__}.{type(self.config).__name__}"}}
        with furu.using(path=self.root, log_level="CRITICAL", **settings):  # type: ignore[arg-type]
            self.paths = artifact_paths(self.config)
            if self.is_republish:
                self._alone(self._new_process(90))
                with furu.using(**rerun):  # type: ignore[arg-type]
                    self._schedule(self.actors)
            else:
                self._schedule(self.actors)
            self._judge_actors()
            self._judge_survivor()
        return self.story

    def act(self, actor: Actor, request: get.Request) -> str:
        """What an actor wants."""
        value: str = get.answer(request)
        return value

    @contextmanager
    def writing(self, actor: Actor, directory: Path) -> Iterator[None]:
        """I6: nobody else who lives writes there."""
        writers = self._writers.setdefault(os.stat(directory).st_ino, [])
        if any(not writer.process.is_dead for writer in writers):
            self.story.blame("two live writers in one directory")
        writers.append(actor)
        try:
            yield
        finally:
            writers.remove(actor)

    def new_disk(self) -> SimulatedDisk:
        """The disk of one process."""
        return SimulatedDisk(self)

    def _new_process(self, number: int) -> Process:
        host = "host" if self.is_one_kernel else f"host{number}"
        identity = ProcessIdentity(host, f"machine {host}", f"boot {host}", 1, number, f"start {number}", "user")
        participant = Participant(self.new_disk(), lambda: identity, self._is_running)
        participant.heart = StillHeart()
        participant.flights = NoFlights()
        return Process(participant, number)

    def _is_running(self, pid: int, started: str) -> bool:
        return any(process.pid == pid and not process.is_dead for process in self.processes)

    def _alone(self, process: Process) -> Actor:
        self.processes.append(process)
        chances = self.crash_chance, self.late_chance, self.failure_chance
        self.crash_chance = self.late_chance = self.failure_chance = 0.0
        actor = Actor(self, process, f"p{process.pid}")
        self._schedule([actor])
        self.crash_chance, self.late_chance, self.failure_chance = chances
        return actor

    def _schedule(self, actors: list[Actor]) -> None:
        for actor in actors:
            actor.thread.start()
        favourite, budget = actors[0], 0
        while waiting := [actor for actor in actors if not actor.is_done]:
            self.story.steps += 1
            self._happen(actors)
            if favourite.is_done or budget <= 0:
                # Long runs of one actor are as telling as quick changes.
                favourite, budget = self.random.choice(waiting), self.random.choice([1, 1, 2, 3, 8, 20])
            budget -= 1
            favourite.go.release()
            self.back.acquire()
            self._judge_disk()
        for actor in actors:
            actor.thread.join()

    def _happen(self, actors: list[Actor]) -> None:
        if self.random.random() < self.jump_chance:
            self.clock_sec += self.random.choice(JUMPS_SEC)
        living = [process for process in self.processes if not process.is_dead]
        if len(living) > 1 and self.random.random() < self.crash_chance:
            victim = self.random.choice(actors).process
            self.story.crashes += not victim.is_dead
            victim.is_dead = True
            self.trace.append(f"p{victim.pid} CRASHED")
        if self.story.steps > MAX_STEPS:
            self.story.blame("no progress")
            for process in self.processes:
                process.is_dead = True

    def _judge_disk(self) -> None:
        holders = _names(self.paths.lock)
        if len(holders) > 1:
            self.story.blame("I1: two names in the lock")
        tokens = [name.partition(".")[0] for name in _names(self.paths.attempts)] + holders
        if len(set(tokens)) < len(tokens):
            self.story.blame("an attempt ended twice")
        published = self._read_published()
        if published is not None and published not in self._published[-1:]:
            if self._published and (not self.is_republish or published in self._published):
                self.story.blame("I2: the published result changed")
            self._published.append(published)
        elif published is None and self._published:
            self.story.blame("I2: the published result is gone")

    def _read_published(self) -> str | None:
        try:
            with open(self.paths.success) as file:
                token: str = json.load(file)["token"]
        except FileNotFoundError:
            return None
        except ValueError:
            return "torn record"
        return token

    def _judge_actors(self) -> None:
        for actor in self.actors:
            if actor.value is not None:
                if actor.value not in self._published:
                    self.story.blame("a result was returned that was never published")
                if not self.is_republish and actor.value != self._published[-1]:
                    self.story.blame("I7: two results were returned")
            elif isinstance(actor.error, FuruLeaseLost):
                self.story.lost += 1
                if not self.has_faults:
                    self.story.blame("a lease was lost without a fault")
            elif not self._is_excused(actor):
                self.story.blame(f"raised {type(actor.error).__name__}: {actor.error}"[:300])
        if not (self.has_faults or self.failure_chance or self.is_republish) and self.story.computes != 1:
            self.story.blame(f"I12: computed {self.story.computes} times without a fault")

    def _is_excused(self, actor: Actor) -> bool:
        if isinstance(actor.error, Crashed):
            return actor.process.is_dead
        if isinstance(actor.error, OSError) and actor.error.errno == errno.EIO:
            return self.late_chance > 0
        return isinstance(actor.error, RuntimeError) and "simulated failure" in str(actor.error)

    def _judge_survivor(self) -> None:
        """I10: whoever comes next, from whatever host, gets a whole result."""
        self.jump_chance = 0.1  # time goes by for those who wait for the dead
        survivor = self._alone(self._new_process(99))
        if survivor.error is not None:
            kind = "TORN" if isinstance(survivor.error, TornError | FileNotFoundError) else "survivor raised"
            self.story.blame(f"{kind} {survivor.error!r}"[:300])
        elif [survivor.value] != self._published[-1:]:
            self.story.blame("the survivor got another result")


def _names(path: str) -> list[str]:
    with contextlib.suppress(FileNotFoundError):
        return os.listdir(path)
    return []
