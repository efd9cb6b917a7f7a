"""Real processes on pretended hosts, killed and stopped at random; `judge` reads only their traces and the disk."""

from __future__ import annotations

import itertools
import json
import os
import random
import signal
import time
from pathlib import Path
from typing import Any, Final

import furu
from tests.reliability.configs import leave_line, read_pair
from tests.reliability.processes import pretend_host
from tests.support.fresh import fork

HOSTS: Final = 4
STOPS_SEC: Final = (0.1, 0.5, 1.0, 2.0)
LEASE: Final = {"lease_sec": 0.8, "heartbeat_sec": 0.2}


class Traced(furu.Furu[str]):
    """Writes slowly, in several goes, and says when it begins and is done."""

    trace: Path
    key: int

    def _create(self) -> str:
        directory = self.furu_dir
        note(self.trace, "start", self.key, directory.name)
        for name in ("a", "b"):
            with (directory / name).open("w") as file:
                file.write(directory.name[:10])
                file.flush()
                time.sleep(random.uniform(0, 0.06))
                file.write(directory.name[10:])
        note(self.trace, "done", self.key, directory.name)
        return directory.name

    def _load(self) -> str:
        return read_pair(self.furu_dir)


def note(trace: Path, what: str, key: int, more: str) -> None:
    """One event of this process."""
    leave_line(trace, json.dumps([what, time.monotonic(), key, more]))


def run(root: str, seconds: float, workers: int, seed: int) -> dict[str, Any]:
    """Let workers get one key after the other while they are killed and stopped; what the judge says."""
    trace = Path(f"{root}/trace")
    trace.touch()
    chance = random.Random(seed)
    with furu.using(path=root, fsync=False, **LEASE):
        pids = {number: fork(lambda number=number: work(trace, number)) for number in range(workers)}
        killed, stopped = _torment(chance, pids, trace, seconds)
        for pid in pids.values():
            os.kill(pid, signal.SIGKILL)
            os.kill(pid, signal.SIGCONT)
            os.waitpid(pid, 0)
        return {"killed": killed, "stopped": stopped, **judge(root, trace)}


def _torment(chance: random.Random, pids: dict[int, int], trace: Path, seconds: float) -> tuple[int, int]:
    wakes: dict[int, float] = {}
    killed = stopped = 0
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        time.sleep(chance.uniform(0.02, 0.12))
        for number in [number for number, at in wakes.items() if time.monotonic() > at]:
            os.kill(pids[number], signal.SIGCONT)
            del wakes[number]
        number, what = chance.choice(list(pids)), chance.random()
        if what < 0.3 and number not in wakes:
            os.kill(pids[number], signal.SIGSTOP)
            wakes[number] = time.monotonic() + chance.choice(STOPS_SEC)
            stopped += 1
        elif what < 0.5:
            os.kill(pids[number], signal.SIGKILL)
            os.waitpid(pids[number], 0)
            wakes.pop(number, None)
            pids[number] = fork(lambda number=number: work(trace, number))
            killed += 1
    return killed, stopped


def work(trace: Path, number: int) -> None:
    """Get key after key for ever, beginning near the newest; look back now and then."""
    pretend_host(f"h{number % HOSTS}")
    begun = [json.loads(line)[2] for line in trace.read_text().splitlines()[-20:]]
    key = max(0, max(begun, default=0) - 2)
    while True:
        for each in (key, random.randrange(key + 1)):
            try:
                note(trace, "got", each, Traced(trace=trace, key=each).get())
            except Exception as error:
                note(trace, "raised", each, repr(error)[:300])
        key += 1


def judge(root: str, trace: Path) -> dict[str, Any]:
    """Every broken promise, from the traces and the disk alone."""
    events = [json.loads(line) for line in trace.read_text().splitlines()]
    keys = sorted({key for _, _, key, _ in events})
    problems = [f"raised {more}" for what, _, _, more in events if what == "raised" and "FuruLeaseLost" not in more]
    computes: dict[int, dict[str, list[float]]] = {key: {} for key in keys}
    for what, at, key, token in events:
        if what in ("start", "done"):
            computes[key].setdefault(token, []).append(at)
    twice = 0
    for key in keys:
        base = Traced(trace=trace, key=key)._base_furu_dir()
        seen = {token for what, _, each, token in events if what == "got" and each == key}
        problems += [f"key {key}: {problem}" for problem in _judge_key(base, seen)]
        overlaps = _overlaps(base, list(computes[key].items()))
        problems += [f"key {key}: computed twice at once, and no lease had run out"] * overlaps
        twice += sum(len(times) == 2 for times in computes[key].values()) > 1
    return {"keys": len(keys), "gets": sum(event[0] == "got" for event in events), "twice": twice, "problems": problems}


def _judge_key(base: Path, seen: set[str]) -> list[str]:
    problems = []
    if len(os.listdir(base / "lock") if (base / "lock").exists() else []) > 1:
        problems.append("two holders")
    if len(list(base.glob("attempts/*.ok"))) > 1:
        problems.append("two publishes")
    if (base / "SUCCESS.json").exists():
        token = json.loads((base / "SUCCESS.json").read_text())["token"]
        try:
            read_pair(base / "files" / token)
        except Exception as error:
            problems.append(repr(error))
        if seen - {token}:
            problems.append(f"{seen} were returned, {token} is published")
    elif seen:
        problems.append("returned, but not published")
    return problems


def _overlaps(base: Path, computes: list[tuple[str, list[float]]]) -> int:
    """Pairs of computations that ran at once although neither had been given up as silent."""
    lost = {path.name.partition(".")[0] for path in base.glob("attempts/*.lost")}
    whole = sorted((times[0], times[1], token) for token, times in computes if len(times) == 2)
    pairs = itertools.pairwise(whole)
    return sum(later[0] < earlier[1] and not {earlier[2], later[2]} & lost for earlier, later in pairs)
