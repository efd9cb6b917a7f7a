"""Any order of claims, ends, crashes at any call, requeues: no task is lost, and none is done without a result."""

from __future__ import annotations

import tempfile
from pathlib import Path

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from furu.execution.pool.queue import FileQueue, TaskName
from furu.storage.atomic import DISK
from furu.storage.pool_layout import PoolPaths
from tests.support.disks import Call, NumberedDisk
from tests.support.pool_names import worker

KEYS = ["default", "gpu"]
WORKERS = ["a", "b", "c"]
NEVER = 1_000_000


class Crash(BaseException):
    """The process is gone."""


class MortalDisk(NumberedDisk):
    """Dies before the call that the test has chosen."""

    left = NEVER

    def before(self, call: Call) -> None:
        self.left -= 1
        if self.left < 0:
            raise Crash


class PoolOfCrashingWorkers(RuleBasedStateMachine):
    """A controller that never dies, and workers that may at any call; a dead one comes back under another name."""

    def __init__(self) -> None:
        super().__init__()
        self._directory = tempfile.TemporaryDirectory()
        self.paths = PoolPaths(f"{self._directory.name}/pool")
        self.controller = FileQueue(self.paths, DISK)
        self.controller.prepare(KEYS)
        self.number = 0
        self.lives = 0
        self.held: dict[TaskName, str] = {}  # and its key
        self.published: set[str] = set()
        self.done: list[str] = []
        self.names: dict[str, str] = {}
        self.queues: dict[str, FileQueue] = {}
        self.disks: dict[str, MortalDisk] = {}
        self.claims: dict[str, TaskName | None] = {}
        self.dead: set[str] = set()
        for who in WORKERS:
            self._be_born(who)

    def teardown(self) -> None:
        for _ in range(3 * len(self.held) + 1):
            for who in WORKERS:
                self.work(who, NEVER)
                self.collect()
                self.bury()
        assert {} == self.held
        assert set(self.done) <= self.published
        assert self.number >= len(self.done)
        self._directory.cleanup()

    def _be_born(self, who: str) -> None:
        self.lives += 1
        self.names[who] = f"{who}{self.lives}"
        self.disks[who] = MortalDisk()
        self.queues[who] = FileQueue(self.paths, self.disks[who])
        self.queues[who].enter(worker(self.names[who]))
        self.claims[who] = None

    def _die(self, who: str) -> None:
        self.dead.add(self.names[who])
        self._be_born(who)

    def _put(self, furu_hash: str, spec_key: str) -> None:
        self.number += 1
        name = TaskName(self.number, furu_hash)
        self.held[name] = spec_key
        self.controller.put(name, spec_key, furu_hash)

    @rule(spec_key=st.sampled_from(KEYS))
    def put(self, spec_key: str) -> None:
        self._put(f"{self.number + 1:032x}", spec_key)

    @rule(who=st.sampled_from(WORKERS), spec_key=st.sampled_from(KEYS), calls=st.integers(0, 8) | st.just(NEVER))
    def claim(self, who: str, spec_key: str, calls: int) -> None:
        if self.claims[who] is not None:
            return
        self.disks[who].left = calls
        try:
            claim = self.queues[who].claim(self.names[who], spec_key, lambda _: True)
        except Crash:
            self._die(who)
        else:
            assert claim is None or claim.payload == claim.name.furu_hash
            self.claims[who] = claim.name if claim else None

    @rule(who=st.sampled_from(WORKERS), calls=st.integers(0, 8) | st.just(NEVER), is_published=st.booleans())
    def end(self, who: str, calls: int, is_published: bool) -> None:
        name = self.claims[who]
        if name is None:
            return
        if is_published:
            self.published.add(name.furu_hash)
        outcome = "succeeded" if name.furu_hash in self.published else "compute failed"
        self.disks[who].left = calls
        try:
            self.queues[who].end(self.names[who], name, outcome, outcome)
        except Crash:
            self._die(who)
        else:
            self.claims[who] = None

    @rule(who=st.sampled_from(WORKERS))
    def give_back(self, who: str) -> None:
        if (name := self.claims[who]) is not None:
            self.disks[who].left = NEVER
            self.queues[who].give_back(self.names[who], self.held.get(name, "default"), name)
            self.claims[who] = None

    @rule(who=st.sampled_from(WORKERS))
    def kill(self, who: str) -> None:
        self._die(who)

    @rule(who=st.sampled_from(WORKERS))
    def suspect(self, who: str) -> None:
        """The controller takes a worker for dead that is only slow."""
        self._bury(self.names[who])

    @rule()
    def bury(self) -> None:
        """Give what dead workers had to others."""
        for name in self.dead:
            self._bury(name)

    def _bury(self, worker_name: str) -> None:
        for name in self.controller.claims().get(worker_name, []):
            if self.controller.revoke(worker_name, name):
                spec_key = self.held.pop(name)
                self._put(name.furu_hash, spec_key)

    @rule()
    def collect(self) -> None:
        for name, outcome in self.controller.ends():
            spec_key = self.held.pop(name)  # a KeyError would be an end that came twice, or after a revoke
            assert outcome in ("succeeded", "compute failed")
            if outcome == "succeeded":
                assert name.furu_hash in self.published
                self.done.append(name.furu_hash)
            else:
                self._put(name.furu_hash, spec_key)

    def work(self, who: str, calls: int) -> None:
        for spec_key in KEYS:
            self.claim(who, spec_key, calls)
            self.end(who, calls, is_published=True)

    @invariant()
    def each_task_is_in_one_place(self) -> None:
        root = Path(self.paths.base)
        places = [*root.glob("todo/*/*"), *root.glob("claimed/*/*"), *root.glob("ended/*")]
        texts = [path.name for path in places if not path.name.endswith((".json", ".tmp"))]
        found = sorted(TaskName.parse(text.partition(".")[0]) for text in texts)
        assert sorted(self.held) == found


TestPoolOfCrashingWorkers = PoolOfCrashingWorkers.TestCase
