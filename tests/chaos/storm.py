"""One storm: workers are tormented, a survivor completes what is left, and the checker judges.

run(directory, seconds, workers, seed)  ->  {"figures": {...}, "violations": {"I1": [], ...}}
"""

from __future__ import annotations

import contextlib
import json
import os
import random
import shutil
import tempfile
import time
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

import furu
from furu.testing.chaos.torment import Pace, Torment
from tests.chaos import graph, history, invariants, mounts, worker
from tests.chaos.disks import Weather
from tests.chaos.traces import Trace, read
from tests.chaos.worker import Plan
from tests.support.fresh import exit_code, fork

PACE = Pace(pause_sec=(0.02, 0.12), kill_share=0.2, stop_share=0.25, stops_sec=(0.1, 0.5, 1.0, 2.0, 10.0))
STORMY = Weather(error=0.004, late=0.4, slow=0.002, jump=0.0005)
END_SEC = 90.0
"""Within which every worker must be through with what it has begun, once nobody torments it any more."""
SMALL_DISK = "1200k"
BAIT = "chaos_bait"


def run(
    directory: str,
    seconds: float,
    workers: int,
    seed: int,
    *,
    is_cached: bool = False,
    weather: Weather = STORMY,
    pace: Pace = PACE,
    least_blows: int = 0,
    **settings: Any,
) -> dict[str, Any]:
    """Let a storm rage in `directory`; what happened, and every broken promise.

    However slow the machine is, it goes on until `least_blows` have been dealt.
    """
    top = f"{directory}/top"
    for path in (f"{directory}/traces", f"{top}/store", f"{directory}/outside"):
        os.makedirs(path)
    tops = tuple(f"{directory}/m{number}" for number in range(3)) if is_cached else (top,)
    plan = Plan(directory, tops, weather=weather, seed=seed, **{"failure": 0.01, "fork": 0.03, **settings})
    with ExitStack() as stack:
        is_small = False if is_cached else stack.enter_context(mounts.small_disk(f"{top}/small", SMALL_DISK))
        if is_cached:
            stack.enter_context(mounts.caching_mounts(top, list(tops)))
        storm = _Storm(plan, top, random.Random(seed), pace, is_gentle=is_cached)
        figures = {"is_small_disk": is_small, **storm.rage(seconds, workers, least_blows)}
        if is_small:
            mounts.grow(f"{top}/small")
        survivor = replace(plan, tops=(top,))
        status = exit_code(_fork(lambda: worker.survive(survivor, storm.wanted())))
        figures["survivor"] = status
        seen = history.read(directory, top)
    violations = {name: check(seen)[:20] for name, check in invariants.CHECKS.items()}
    return {"figures": {**figures, **invariants.figures(seen)}, "violations": violations}


class _Storm:
    def __init__(self, plan: Plan, top: str, chance: random.Random, pace: Pace, *, is_gentle: bool) -> None:
        self.plan = plan
        self.top = top
        self.chance = chance
        self.pace = pace
        self.is_gentle = is_gentle
        self.trace = Trace(plan.traces, "storm", role="storm")
        self.linked: list[tuple[str, str]] = []

    def rage(self, seconds: float, workers: int, least_blows: int) -> dict[str, Any]:
        """Torment for so long, then let all workers finish."""
        self._warm_up()
        self._plant_bait()
        torment = Torment(
            lambda number: _fork(lambda: worker.work(self.plan, number)),
            workers,
            self.pace,
            self.chance,
            lambda what, pid: self.trace.note(what, pid=pid),
        )
        end = time.monotonic() + seconds
        blows = 0
        while time.monotonic() < end or blows < least_blows:
            torment.blow()
            blows += 1
            if not self.is_gentle:
                self._vandalize()
        self._unlink()
        Path(self.plan.stop).touch()
        torment.wake()
        deadline = time.monotonic() + END_SEC
        while not torment.is_over and time.monotonic() < deadline:
            time.sleep(0.05)
            torment.reap()
        self.trace.note("over")
        stuck = torment.kill_all()
        return {"kills": torment.kills, "stops": torment.stops, "stuck": len(stuck), "deaths": torment.deaths}

    def wanted(self) -> dict[str, list[int]]:
        """Keys that any process ever asked for, by class."""
        nodes = {
            event["node"] for events in read(self.plan.traces).values() for event in events if event["what"] == "get"
        }
        wanted: dict[str, list[int]] = {}
        for name, _, key in sorted(node.partition("/") for node in nodes):
            wanted.setdefault(name, []).append(int(key))
        return wanted

    def _warm_up(self) -> None:
        """Import and cache what all children need."""
        scratch = tempfile.mkdtemp(dir=self.plan.directory)
        quiet = replace(self.plan, traces_name="warm")
        os.makedirs(quiet.traces)
        status = exit_code(_fork(lambda: worker.survive(replace(quiet, tops=(scratch,)), {"Root": [0]})))
        assert status == 0, status
        with furu.using(**self.plan.settings(scratch)):
            _ = [each(key=0).furu_hash for each in (graph.Root, graph.Wiped, graph.Renewed, graph.Cramped)]
        shutil.rmtree(scratch)

    def _plant_bait(self) -> None:
        """A stored config of a module that tells when it is imported."""
        os.environ["FURU_INDEX_DIR"] = f"{self.plan.directory}/index"
        os.environ["CHAOS_BAIT"] = f"{self.plan.directory}/imported"
        Path(self.plan.directory, f"{BAIT}.py").write_text(
            "import os\nopen(os.environ['CHAOS_BAIT'], 'w').close()\n", encoding="utf-8"
        )
        base = Path(f"{self.top}/store/data/{BAIT}/Bait/{'0' * 32}")
        base.mkdir(parents=True)
        config = {"scheme": 1, "class": f"{BAIT}/Bait", "module": BAIT, "qualname": "Bait", "fields": {}}
        (base / "config.json").write_text(json.dumps(config))
        record = {"v": 1, "token": "0" * 20 + "-" + "0" * 12, "data": None, "at": 0.0, "result": [{"$class": BAIT}]}
        (base / "SUCCESS.json").write_text(json.dumps(record))

    def _vandalize(self) -> None:
        what = self.chance.random()
        if what < 0.03:
            self._wipe(self._pick("store", "Wiped"))
        elif what < 0.04:
            self._link(self._pick("store", "Wiped"))
        elif what < 0.06:
            self._unlink()
        elif what < 0.1:
            free = os.statvfs(f"{self.top}/small")
            if free.f_bavail * free.f_frsize < 2 * graph.CRAMPED_BYTES:
                for _ in range(10):
                    self._wipe(self._pick("small", "Cramped"))

    def _pick(self, root: str, name: str) -> str | None:
        found = list(Path(f"{self.top}/{root}/data/tests/chaos/graph/{name}").glob("*"))
        return str(self.chance.choice(found)) if found else None

    def _wipe(self, base: str | None) -> None:
        if base is not None:
            relative = base.removeprefix(f"{self.top}/")
            self.trace.note("wipe", base=relative)
            shutil.rmtree(base, ignore_errors=True)
            self.trace.note("wiped", base=relative)

    def _link(self, base: str | None) -> None:
        """Put a link that leads out of the store in the place of a directory of furu's."""
        if base is None:
            return
        relative = base.removeprefix(f"{self.top}/")
        self.trace.note("wipe", base=relative)  # until the link is gone again
        shutil.rmtree(base, ignore_errors=True)
        path = f"{base}/{self.chance.choice(['lock', 'attempts', 'files'])}"
        try:
            os.makedirs(base, exist_ok=True)
            os.symlink(f"{self.plan.directory}/outside", path)
        except OSError:
            self.trace.note("wiped", base=relative)  # somebody was quicker
        else:
            self.linked.append((relative, path))

    def _unlink(self) -> None:
        while self.linked:
            relative, path = self.linked.pop()
            if os.path.islink(path):
                os.unlink(path)
            self.trace.note("wiped", base=relative)


def _fork(action: Any) -> int:
    def lead() -> None:
        os.setpgid(0, 0)
        action()

    pid = fork(lead)
    with contextlib.suppress(OSError):
        os.setpgid(pid, pid)  # by whoever comes first
    return pid
