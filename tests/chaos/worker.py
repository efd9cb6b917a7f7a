"""What a process of a storm does: get one config of the graph after the other, until it is told to stop."""

from __future__ import annotations

import contextlib
import os
import random
import signal
import sys
import threading
import time
from dataclasses import dataclass, field
from typing import Any

import furu
from furu import clock
from furu.errors import FuruError
from furu.lifecycle.artifact import Artifact
from furu.lifecycle.lease import THIS_PROCESS
from furu.storage.layout import ArtifactPaths
from furu.storage.scan import scan
from tests.chaos import graph
from tests.chaos.disks import StormDisk, Weather
from tests.chaos.graph import STAGE, Branch, Cramped, Node, Renewed, Root, Stage, TornError, Wiped
from tests.chaos.traces import Trace
from tests.reliability.processes import pretend_host

KEY_SEC = 0.7
HOSTS = 4


@dataclass(frozen=True)
class Plan:
    """What all processes of a storm agree upon.

    Attributes:
        directory: holds `traces/`, `store/`, `small/` and the file `stop`.
        tops: where the store is mounted; a worker takes one of these.
        lease_sec, heartbeat_sec, poll_sec: settings.
        weather: of the disk.
        failure, fork: as in `Stage`.
        work_sec: as in `Stage`.
        threads: of every second worker.
        seed: of all random choices.
        traces_name: of the directory of traces.
        broken: "" or the name of a way in which the protocol is broken on purpose.
    """

    directory: str
    tops: tuple[str, ...]
    lease_sec: float = 0.8
    heartbeat_sec: float = 0.2
    poll_sec: float = 0.2
    weather: Weather = field(default_factory=Weather)
    failure: float = 0.0
    fork: float = 0.0
    work_sec: float = 0.05
    threads: int = 2
    seed: int = 0
    broken: str = ""
    traces_name: str = "traces"
    began: float = field(default_factory=time.monotonic)

    @property
    def traces(self) -> str:
        return f"{self.directory}/{self.traces_name}"

    @property
    def stop(self) -> str:
        """Workers end when this file is there."""
        return f"{self.directory}/stop"

    def settings(self, top: str) -> dict[str, Any]:
        """For `furu.using`."""
        return {
            "path": f"{top}/store",
            "version_controlled_path": f"{top}/small",
            "lease_sec": self.lease_sec,
            "heartbeat_sec": self.heartbeat_sec,
            "poll_interval_sec": self.poll_sec,
            "fsync": False,
            "record_git": "ignore",
            "log_level": "CRITICAL",
            "always_rerun": frozenset(),
        }


def enter(plan: Plan, number: int, role: str, weather: Weather) -> Stage:
    """Make this process a participant of the storm: its host, its disk, its wall clock, its trace."""
    for signum in (signal.SIGTERM, signal.SIGINT):
        signal.signal(signum, signal.SIG_DFL)
    chance = random.Random(f"{plan.seed} {number} {os.getpid()}")
    host = f"h{number % HOSTS}"
    if role == "worker":
        pretend_host(host)
    top = plan.tops[number % len(plan.tops)]
    facts = {"number": number, "role": role, "host": host if role == "worker" else "", "lease_sec": plan.lease_sec}
    trace = Trace(plan.traces, f"{role}{number}", **facts, poll_sec=plan.poll_sec, is_cached=len(plan.tops) > 1)
    THIS_PROCESS.disk = StormDisk(top, trace, weather, chance)
    if role == "worker":
        _set_wall_clock(chance)
    stage = Stage(trace, top, chance, plan.work_sec, plan.failure, plan.fork if number % 2 == 0 else 0.0)
    STAGE[:] = [stage]
    return stage


def _set_wall_clock(chance: random.Random) -> None:
    """Be wrong by up to an hour, and step now and then: it must decide nothing."""
    skew_sec = chance.uniform(-3600, 3600)

    def unix() -> float:
        nonlocal skew_sec
        if chance.random() < 0.01:
            skew_sec += chance.uniform(-600, 600)
        return time.time() + skew_sec

    clock.unix = unix
    clock.unix_ns = lambda: int(unix() * 1e9)


def work(plan: Plan, number: int) -> None:
    """Be worker `number` until the storm is over."""
    stage = enter(plan, number, "worker", plan.weather)
    BROKEN[plan.broken]()
    pid = os.getpid()
    with furu.using(**plan.settings(stage.top)):
        try:
            threads = plan.threads if number % 2 else 1
            others = [threading.Thread(target=_roam, args=(plan, stage), name=f"extra{n}") for n in range(1, threads)]
            for thread in others:
                thread.start()
            _roam(plan, stage)
            for thread in others:
                thread.join()
        except SystemExit:
            if os.getpid() != pid:
                os._exit(0)
            raise
    stage.trace.note("bye", leases=[lease.token for lease in THIS_PROCESS.heart.leases()])


def _roam(plan: Plan, stage: Stage) -> None:
    """Want what all others want now; look back now and then."""
    while not os.path.exists(plan.stop):
        key = int((time.monotonic() - plan.began) / KEY_SEC)
        stage.pause()
        for each in (key, stage.chance.randrange(key + 1)):
            if not _want(stage, each):
                break
        stage.trace.note("idle", leases=[lease.token for lease in THIS_PROCESS.heart.leases()])


def _want(stage: Stage, key: int) -> bool:
    """One wish; False when nothing more is to be wished for at once."""
    chance = stage.chance.random()
    try:
        if chance < 0.55:
            stage.fetch(Root(key=key))
        elif chance < 0.75:
            stage.fetch(Branch(key=key))
        elif chance < 0.85:
            stage.fetch(Wiped(key=key))
        elif chance < 0.87:
            _delete(stage, Wiped(key=key))
        elif chance < 0.93:
            stage.fetch(Cramped(key=key))
        elif chance < 0.98:
            stage.fetch(Renewed(key=key))
        elif threading.current_thread() is threading.main_thread():
            _renew(stage, Renewed(key=key))
    except (OSError, FuruError, TornError, RuntimeError):
        return False  # traced by whoever raised it
    return True


def _delete(stage: Stage, node: Node) -> None:
    base = stage.base_of(node)
    stage.trace.note("wipe", base=base)
    try:
        node.delete()
    finally:
        stage.trace.note("wiped", base=base)


def _renew(stage: Stage, node: Node) -> None:
    with furu.using(always_rerun={f"{type(node).__module__}.{type(node).__name__}"}):
        stage.fetch(node)


def survive(plan: Plan, wanted: dict[str, list[int]]) -> None:
    """After the storm, on a quiet disk and another host: get all that anybody ever wanted."""
    sys.path.append(plan.directory)
    stage = enter(plan, 0, "survivor", Weather())
    stage.work_sec = stage.failure = stage.fork = 0.0
    with furu.using(**plan.settings(stage.top)):
        for name, keys in wanted.items():
            for key in keys:
                with contextlib.suppress(Exception):  # traced
                    stage.fetch(getattr(graph, name)(key=key))
        _read_as_strangers(stage)
    stage.trace.note("bye", leases=[lease.token for lease in THIS_PROCESS.heart.leases()])


def _read_as_strangers(stage: Stage) -> None:
    """Read the whole store, in which a planted record names a module that could be imported, and must not be."""
    count = sum(1 for _ in scan(f"{stage.top}/store"))
    found = len(furu.query("class:Small"))
    stage.trace.note("listed", artifacts=count, small=found)


def _look_by_opening() -> None:
    """Look again under the lock by opening SUCCESS.json, which a cache may say isn't there."""
    Artifact.success_by_listing = lambda self: self.lock.success()  # type: ignore[method-assign]


def _share_files() -> None:
    """Look by opening, and write into one directory for all attempts."""
    _look_by_opening()
    ArtifactPaths.files_of = lambda self, token: f"{self.base}/files/shared"  # type: ignore[method-assign]


BROKEN = {"": lambda: None, "look by opening": _look_by_opening, "share files": _share_files}
