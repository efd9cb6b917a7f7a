"""Every interleaving of a few actors' storage calls, beside the random schedules of `simulation`, on its disk.

    Explorer(root, Scenario(processes=[1, 1])).explore()  ->  Tour: states, interleavings, broken promises

A schedule is a list of choices: whose next call is done, whose process dies, when the clock jumps. Each schedule is
run from the start; where it reaches a state that was seen before, all that can follow was seen too, and it is left. A
state is the disk, the clock, and for each actor what its calls have answered so far, of which its own state is a
function. So every schedule is covered although few are run to their end.

What is bounded: the number of actors, of crashes and of jumps, as the scenario says. What is one step: the code of an
actor from one call to the next, and its calls on names that are its own alone (`new-<token>`, `files/<token>`,
temporary files), since nobody else can notice when they are done. A waiter looks again when something has changed.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import furu
from furu import clock
from furu.config import settings
from furu.lifecycle import get
from furu.lifecycle.computable import artifact_paths
from furu.lifecycle.compute import record_environment, terms_of
from furu.lifecycle.lease import THIS_PROCESS
from tests.reliability.configs import read_pair
from tests.reliability.simulation import (
    LEASE_SEC,
    VISIBLE,
    Actor,
    Crashed,
    ResumablePair,
    SimulatedDisk,
    SimulatedPair,
    World,
    current_actor,
)
from tests.support.disks import ABSENT, Call

if TYPE_CHECKING:
    from collections.abc import Callable

_PRIVATE: Final = re.compile(r"/new-[^/]+(/.*)?$|/files/[^/]+(/.*)?$|\.tmp$|/alias\.json$|/jobs$")
"""One attempt's own, or changed by nobody here."""
_TIMES: Final = re.compile(rb'"(at|wall_sec|process_cpu_sec|thread_cpu_sec|max_rss_bytes|crc)": [^,}]+')
"""What differs from run to run: times, and the checksum over them."""
_REAL_TIME_NS: Final = 10**15
_MAX_TICKS: Final = 4


class StepwisePair(SimulatedPair):
    """Read file by file, so that another may act between the two."""

    def _load(self) -> str:
        directory = self.furu_dir
        current_actor().step("read a")
        first = (directory / "a").read_text()
        current_actor().step("read b")
        assert first == read_pair(directory)
        return first


class ResumableStepwise(ResumablePair):
    """Goes on in the directory of an attempt that is proven over."""


@dataclass(frozen=True)
class Scenario:
    """What is explored.

    Attributes:
        processes: how many threads each process has.
        is_one_kernel: processes see each other's deaths.
        crashes, jumps: at most so many, each at any moment.
        jump_sec: how far a jump goes.
        renews: actors that compute anew what is published; with some, a result is there at first.
        preemptions: how often an actor may be left that could go on; None for any number.
        config: what all of them want.
        alter: changes a request before it begins, to try broken variants.
    """

    processes: list[int]
    is_one_kernel: bool = False
    crashes: int = 0
    jumps: int = 0
    jump_sec: float = 1.1 * LEASE_SEC
    renews: frozenset[int] = frozenset()
    preemptions: int | None = None
    config: SimulatedPair = field(default_factory=StepwisePair)
    alter: Callable[[get.Request], None] = lambda _: None


@dataclass
class Tour:
    """What an exploration came to.

    Attributes:
        schedules: how many were run, in full or up to a known state.
        states, ends: how many different ones, and how many of them are the end of a schedule.
        interleavings: how many different schedules lead through them.
        violations: each with the schedule that shows it first.
    """

    schedules: int = 0
    states: int = 0
    ends: int = 0
    interleavings: int = 0
    violations: dict[str, list[str]] = field(default_factory=dict)


class ExploredDisk(SimulatedDisk):
    """Remembers what it answered, and makes a step only of what others can notice."""

    world: ExploredWorld

    def sleep(self, seconds: float) -> None:
        actor = current_actor()
        self.world.fall_asleep(actor)
        actor.step("sleep")
        self.world.asleep.pop(actor.name, None)

    def perform(self, call: Call, effect: Callable[[], Any]) -> Any:
        actor = current_actor()
        if actor.process.is_dead:
            raise Crashed
        if _is_private(call):
            return effect()
        name = " ".join([call.name, *(path.split("/", 1)[-1] for path in map(self._shown, call.arguments) if path)])
        actor.step(name)
        answer: object
        try:
            if call.name == "beat":
                os.utime(call.arguments[0], ns=(1, self.world.next_stamp_of(actor)))
                answer = result = None
            else:
                answer = result = effect()
        except OSError as error:
            self.world.remember(actor, name, error.errno)
            raise
        self.world.remember(actor, name, answer)
        if call.name not in ABSENT:
            self.world.changes += 1
            if call.name in VISIBLE and len(self.world.threads_of(actor.process)) > 1:
                actor.step(f"done {name}")
        return result

    def _shown(self, argument: object) -> str:
        return argument.removeprefix(self.world.root) if isinstance(argument, str) else ""


def _is_private(call: Call) -> bool:
    paths = [argument for argument in call.arguments if isinstance(argument, str)]
    return call.name == "sync_file" or all(_PRIVATE.search(path) for path in paths)


class ExploredWorld(World):
    """A world whose schedule is given, as far as it is, and whose states have names."""

    def __init__(self, root: str, scenario: Scenario, chosen: list[str], seen: Callable[[str, list[str]], str | None]):
        super().__init__(
            0,
            root,
            processes=scenario.processes,
            is_one_kernel=scenario.is_one_kernel,
            is_republish=bool(scenario.renews),
            config=scenario.config,
            alter=self._keep_request,
        )
        self.scenario = scenario
        self.chosen = chosen
        self.seen = seen
        self.crashes_left, self.jumps_left = scenario.crashes, scenario.jumps
        self.changes = self.ticks = 0
        self.asleep: dict[str, int] = {}
        self.requests: dict[str, get.Request] = {}
        self.histories: dict[str, bytes] = {}
        self.anchors: dict[str, bytes] = {}
        self.stamps: dict[str, int] = {}
        self.is_complete = True
        self.current = ""
        self.preemptions = 0

    @property
    def has_faults(self) -> bool:
        return bool(self.scenario.crashes + self.scenario.jumps) or self.ticks > 0

    def new_disk(self) -> SimulatedDisk:
        return ExploredDisk(self)

    def act(self, actor: Actor, request: get.Request) -> str:
        if actor not in self.actors or self.actors.index(actor) not in self.scenario.renews:
            return super().act(actor, request)
        request.find_published()
        request.refuse_published()
        _, is_created_here, value = get.run(request, clock.unix(), executor_mode=False)
        return value if is_created_here else request.load()

    def threads_of(self, process: object) -> list[Actor]:
        return [actor for actor in self.actors if actor.process is process]

    def next_stamp_of(self, actor: Actor) -> int:
        self.stamps[actor.name] = self.stamps.get(actor.name, 0) + 1_000_000
        return self.stamps[actor.name]

    def remember(self, actor: Actor, name: str, answer: object) -> None:
        """What a call answered is all that an actor's state depends on."""
        if isinstance(answer, list):
            answer = sorted(answer)
        text = _TIMES.sub(b"", repr(answer).encode()) if not isinstance(answer, tuple) else _shown_beat(answer)
        before = self.histories.get(actor.name, b"")
        self.histories[actor.name] = hashlib.blake2b(before + name.encode() + text, digest_size=16).digest()
        if name.startswith("rename") and name.endswith("/lock"):
            self.anchors[actor.name] = self.histories[actor.name]

    def fall_asleep(self, actor: Actor) -> None:
        """What it looked at while it waits is forgotten, except for the heartbeat it saw."""
        self.asleep[actor.name] = self.changes
        seen = self.requests[actor.name].artifact._beat_seen
        text = repr(seen and (seen[0], seen[1] < _REAL_TIME_NS / 1e9 and seen[1], round(self.clock_sec - seen[2], 3)))
        self.histories[actor.name] = b"asleep " + self.anchors.get(actor.name, b"") + text.encode()

    def _keep_request(self, request: get.Request) -> None:
        self.requests[current_actor().name] = request
        self.scenario.alter(request)

    def _name_tokens(self, participant: Any) -> None:
        """Tokens that depend on nothing but the actor, so that the same state has the same names."""
        counts: dict[str, int] = {}

        def new_token() -> str:
            actor = current_actor()
            counts[actor.name] = counts.get(actor.name, 0) + 1
            thread = int(actor.name.partition(".")[2] or 0)
            return f"{counts[actor.name]:020d}-{actor.process.pid:06x}{thread:06x}"

        participant.new_token = new_token

    def _new_process(self, number: int) -> Any:
        process = super()._new_process(number)
        self._name_tokens(process.participant)
        return process

    def _schedule(self, actors: list[Actor]) -> None:
        if actors is not self.actors:
            self._run_alone(actors)
            return
        for actor in actors:
            actor.thread.start()
        while choices := self._choices(actors):
            self.story.steps += 1
            choice = self.seen(self._state(actors), choices)
            if choice is None:
                self._abandon(actors)
                return
            self.chosen.append(choice)
            self._perform(choice, actors)
            self._judge_disk()
        for actor in actors:
            actor.thread.join()

    def _run_alone(self, actors: list[Actor]) -> None:
        for actor in actors:
            actor.thread.start()
            for _ in range(2000):
                if actor.is_done:
                    break
                if actor.name in self.asleep:
                    self.clock_sec += 3 * LEASE_SEC
                self._let(actor)
            actor.thread.join()

    def _choices(self, actors: list[Actor]) -> list[str]:
        living = [actor for actor in actors if not actor.is_done]
        awake = [actor.name for actor in living if self.asleep.get(actor.name, -1) < self.changes]
        if not living:
            return []
        if not awake:
            return ["tick"]
        is_bound = self.scenario.preemptions is not None and self.preemptions >= self.scenario.preemptions
        choices = [self.current] if is_bound and self.current in awake else awake
        if self.jumps_left:
            choices = [*choices, "jump"]
        if self.crashes_left:
            pids = {actor.process.pid for actor in living if not actor.process.is_dead}
            choices = [*choices, *(f"crash {pid}" for pid in sorted(pids))]
        return choices

    def _can_go_on(self, name: str) -> bool:
        actor = next(actor for actor in self.actors if actor.name == name)
        return not actor.is_done and self.asleep.get(name, -1) < self.changes

    def _perform(self, choice: str, actors: list[Actor]) -> None:
        what, _, pid = choice.partition(" ")
        if what == "jump":
            self.jumps_left -= 1
            self.clock_sec += self.scenario.jump_sec
            self.changes += 1
        elif what == "tick":
            # All wait, so time goes by.
            self.ticks += 1
            self.clock_sec += 1.1 * LEASE_SEC
            self.changes += 1
            if self.ticks > _MAX_TICKS:
                self.story.blame("I11: all wait for each other")
                self._abandon(actors)
        elif what == "crash":
            self.crashes_left -= 1
            self.changes += 1
            process = next(process for process in self.processes if process.pid == int(pid))
            process.is_dead = True
            self.story.crashes += 1
            for actor in self.threads_of(process):
                while not actor.is_done:
                    self._let(actor)
        else:
            self.preemptions += bool(self.current) and choice != self.current and self._can_go_on(self.current)
            self.current = choice
            self._let(next(actor for actor in actors if actor.name == choice))

    def _let(self, actor: Actor) -> None:
        actor.go.release()
        self.back.acquire()

    def _abandon(self, actors: list[Actor]) -> None:
        self.is_complete = False
        for process in self.processes:
            process.is_dead = True
        for actor in actors:
            while not actor.is_done:
                self._let(actor)
            actor.thread.join()

    def _state(self, actors: list[Actor]) -> str:
        parts: list[object] = [round(self.clock_sec, 3), self.crashes_left, self.jumps_left, self.ticks]
        if self.scenario.preemptions is not None:
            parts += [self.current, self.preemptions]
        for actor in actors:
            is_awake = self.asleep.get(actor.name, -1) < self.changes
            pending = next((line for line in reversed(self.trace) if line.startswith(f"{actor.name} ")), "")
            end = (actor.value, type(actor.error).__name__) if actor.is_done else ("", "")
            parts += [actor.name, self.histories.get(actor.name, b""), pending, is_awake, *end, actor.process.is_dead]
        return hashlib.blake2b(repr([*parts, self._tree()]).encode(), digest_size=16).hexdigest()

    def _tree(self) -> list[tuple[str, bytes]]:
        found = []
        for directory, names, files in sorted(os.walk(self.paths.base)):
            found += [(os.path.join(directory, name), b"") for name in sorted(names)]
            for name in sorted(files):
                path = os.path.join(directory, name)
                stamp = os.stat(path).st_mtime_ns if name == "owner.json" else _REAL_TIME_NS
                with open(path, "rb") as file:
                    content = _TIMES.sub(b"", file.read())
                found.append((path, content + (b"" if stamp >= _REAL_TIME_NS else str(stamp).encode())))
        return found

    def _judge_survivor(self) -> None:
        if self.is_complete:
            super()._judge_survivor()

    def _judge_actors(self) -> None:
        if self.is_complete:
            super()._judge_actors()


def _shown_beat(beaten: Any) -> bytes:
    """A file and its stamp, which is real where no actor has beaten yet."""
    content, mtime = beaten
    return _TIMES.sub(b"", content) + (b"" if mtime * 1e9 >= _REAL_TIME_NS else str(mtime).encode())


class Explorer:
    """Runs schedules until every choice in every state was made.

    Attributes:
        max_states: give up there, so that a test that grows is seen and not waited for.
        until: end with this broken promise.
    """

    def __init__(self, root: str, scenario: Scenario, *, max_states: int = 200_000, until: str = "") -> None:
        self.root = root
        self.scenario = scenario
        self.max_states = max_states
        self.until = until
        self.tour = Tour()
        self._next: dict[str, dict[str, str]] = {}
        self._choices: dict[str, list[str]] = {}

    def explore(self) -> Tour:
        """All of it."""
        self._prepare()
        waiting: list[list[str]] = [[]]
        start = ""
        while waiting:
            prefix = waiting.pop()
            path = self._run(prefix, waiting)
            start = start or path[0]
            assert len(self._choices) <= self.max_states, f"more than {self.max_states} states"
            if self.until in self.tour.violations:
                return self.tour
        self.tour.states = len(self._choices)
        self.tour.interleavings = self._count(start)
        return self.tour

    def _prepare(self) -> None:
        """What processes write once for each root is not what is explored."""
        with furu.using(path=self.root, record_git="ignore"):
            record_environment(settings(), THIS_PROCESS, self.root)
            terms_of(self.scenario.config, settings(), THIS_PROCESS)
            self._base = artifact_paths(self.scenario.config).base
            os.makedirs(os.path.dirname(self._base))

    def _run(self, prefix: list[str], waiting: list[list[str]]) -> list[str]:
        shutil.rmtree(self._base, ignore_errors=True)
        chosen: list[str] = []
        path: list[str] = []

        def seen(state: str, choices: list[str]) -> str | None:
            if path:
                self._next[path[-1]][chosen[-1]] = state
            path.append(state)
            if len(chosen) < len(prefix):
                return prefix[len(chosen)]
            if state in self._choices:
                return None
            self._choices[state] = choices
            self._next[state] = {}
            waiting.extend([*chosen, choice] for choice in choices[1:])
            return choices[0]

        world = ExploredWorld(self.root, self.scenario, chosen, seen)
        story = world.run()
        self.tour.schedules += 1
        if world.is_complete:
            self.tour.ends += 1
            self._next[path[-1]][chosen[-1]] = "end"
        for violation in story.violations:
            self.tour.violations.setdefault(violation, list(world.trace))
        return path

    def _count(self, start: str) -> int:
        """Ways from the start to an end; states only ever follow each other, so there is no ring."""
        ways = {"end": 1}
        stack = [start]
        while stack:
            state = stack[-1]
            missing = [each for each in self._next[state].values() if each not in ways]
            if missing:
                stack.extend(missing)
            else:
                ways[state] = sum(ways[each] for each in self._next[state].values())
                stack.pop()
        return ways[start]


def explore(root: str, scenario: Scenario, **options: Any) -> Tour:
    """Explore below `root`, in memory where that can be had."""
    tour = Explorer(root, scenario, **options).explore()
    print(f"{tour.schedules} schedules, {tour.states} states, {tour.ends} ends, {tour.interleavings:.3g} interleavings")
    for violation, trace in tour.violations.items():
        print(violation, *trace[-80:], sep="\n    ")
    return tour
