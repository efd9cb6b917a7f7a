"""What processes of the reliability tests do; each function runs in a Python of its own by `spawn` or `run_fresh`."""

from __future__ import annotations

import ctypes
import os
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import furu
from furu.lifecycle.artifact import Artifact
from furu.lifecycle.lease import THIS_PROCESS
from furu.storage.process import this_process
from tests.reliability.configs import Pair, leave_line, read_pair
from tests.support.fresh import exit_code, fork

PATIENCE_SEC = 20.0


def pretend_host(name: str) -> None:
    """Be a process on another machine, whose death nobody here can prove."""
    THIS_PROCESS.identity = lambda: replace(this_process(), host=name, machine=f"m {name}", boot=f"b {name}")


def wait_for(path: Path) -> None:
    """Return when `path` is there."""
    deadline = time.monotonic() + PATIENCE_SEC
    while not path.exists():
        assert time.monotonic() < deadline, f"{path} never came"
        time.sleep(0.002)


class Counted(furu.Furu[str]):
    """Leaves a line for each computation, then works for a while."""

    trace: Path
    key: int = 0
    work_sec: float = furu.field(default=0.0, identity=False)
    first_never_ends: bool = furu.field(default=False, identity=False)

    def _create(self) -> str:
        is_first = self.first_never_ends and not self.trace.exists()
        leave_line(self.trace, f"{self.key} {self.furu_dir.name} {os.getpid()}")
        (self.furu_dir / "a").write_text(self.furu_dir.name)
        time.sleep(PATIENCE_SEC if is_first else self.work_sec)
        (self.furu_dir / "b").write_text(self.furu_dir.name)
        return self.furu_dir.name

    def _load(self) -> str:
        return read_pair(self.furu_dir)


def get_in_threads(root: str, threads: int, keys: int, rounds: int) -> list[dict[str, Any]]:
    """Every thread gets every key, all at once; for each round the computations and the values seen."""
    report = []
    for number in range(rounds):
        trace = Path(f"{root}/trace{number}")
        barrier = threading.Barrier(threads)

        def get_all(trace: Path = trace, barrier: threading.Barrier = barrier) -> list[str]:
            barrier.wait(PATIENCE_SEC)
            return [Counted(trace=trace, key=key, work_sec=0.002).get() for key in range(keys)]

        with ThreadPoolExecutor(threads) as pool:
            seen = [future.result() for future in [pool.submit(get_all) for _ in range(threads)]]
        report.append({"computed": len(trace.read_text().splitlines()), "values": len(set(map(tuple, seen)))})
    return report


class Forking(furu.Furu[str]):
    """Forks while it computes; the parent's lease must outlive the child, whatever way that ends."""

    way: str
    seen: Path

    def _create(self) -> str:
        directory = self.furu_dir
        (directory / "a").write_text(directory.name)
        lock = directory.parent.parent / "lock"
        status = self._in_child() if self.way != "pool" else self._in_pool()
        if status == "child":
            return ""
        leave_line(self.seen, f"{status} {os.listdir(lock) == [directory.name]} {(directory / 'a').exists()}")
        (directory / "b").write_text(directory.name)
        return directory.name

    def _load(self) -> str:
        return read_pair(self.furu_dir)

    def _in_pool(self) -> str:
        import multiprocessing

        with multiprocessing.get_context("fork").Pool(2) as pool:
            return str(sum(pool.map(abs, range(4))))

    def _in_child(self) -> str | int:
        pid = os.fork()
        if pid:
            return exit_code(pid)
        if self.way == "_exit":
            os._exit(0)
        if self.way == "exit":
            sys.exit(0)
        if self.way == "raise":
            raise RuntimeError("in the child")
        if self.way == "delete":
            self.delete()
        return "child"


def fork_while_computing(root: str, way: str) -> dict[str, Any]:
    """What `Forking` saw and gave; a child that gets this far says so by its exit code."""
    parent, seen = os.getpid(), Path(f"{root}/seen")
    try:
        value = Forking(way=way, seen=seen).get()
    except BaseException as error:
        if os.getpid() != parent:
            os._exit({"SystemExit": 10, "RuntimeError": 11, "FuruLeaseLost": 12}.get(type(error).__name__, 13))
        raise
    if os.getpid() != parent:
        os._exit(14)
    paths = Path(str(Forking(way=way, seen=seen)._base_furu_dir()))
    return {
        "seen": seen.read_text().split(),
        "is_whole": value == Forking(way=way, seen=seen).get(),
        "endings": sorted(path.suffix for path in (paths / "attempts").iterdir()),
    }


class FilesOfAChild(furu.Furu[str]):
    """Only a forked child asks for the directory."""

    def _create(self) -> str:
        assert exit_code(fork(lambda: (self.furu_dir / "a").write_text("by the child"))) == 0
        return ""

    def _load(self) -> str:
        return (self.furu_dir / "a").read_text()


def get_files_of_a_child() -> str:
    return FilesOfAChild().get() or FilesOfAChild().get()


class Stoppable(furu.Furu[str]):
    """The first to compute it says so, and goes on when it is told; others don't wait."""

    meeting: Path
    hogs: bool = furu.field(default=False, identity=False)

    def _create(self) -> str:
        directory = self.furu_dir
        (directory / "a").write_text(directory.name)
        try:
            descriptor = os.open(self.meeting / "started", os.O_CREAT | os.O_EXCL)
        except FileExistsError:
            pass
        else:
            os.close(descriptor)
            if self.hogs:
                ctypes.PyDLL(None).usleep(1_500_000)  # holds the interpreter's lock, as C code may
            else:
                wait_for(self.meeting / "go")
        leave_line(self.meeting / "computed", directory.name)
        (directory / "b").write_text(directory.name)
        return directory.name

    def _load(self) -> str:
        return read_pair(self.furu_dir)


def get_stoppable(meeting: str, host: str, hogs: bool = False) -> str:
    """Get it as a process on `host`; on this one, truly, if that is empty."""
    if host:
        pretend_host(host)
    return Stoppable(meeting=Path(meeting), hogs=hogs).get()


def race_blindly(root: str, trials: int, processes: int) -> list[dict[str, Any]]:
    """`race` with a broken protocol: nobody looks again once the lease is there."""
    Artifact.success_by_listing = lambda self: None  # type: ignore[method-assign]
    return race(root, trials, processes, 0.0, False)


def race(root: str, trials: int, processes: int, work_sec: float, kills_owner: bool) -> list[dict[str, Any]]:
    """Processes that a barrier lets go for one missing artifact, again and again; what each trial came to."""
    Counted(trace=Path("warm")).furu_hash  # noqa: B018 -- imports and caches what all children need
    with furu.using(path=f"{root}/warm"):
        Pair().get()
    return [_race_once(f"{root}/{trial}", processes, work_sec, kills_owner) for trial in range(trials)]


def _race_once(root: str, processes: int, work_sec: float, kills_owner: bool) -> dict[str, Any]:
    os.makedirs(root)
    trace, values = Path(f"{root}/trace"), Path(f"{root}/values")
    config = Counted(trace=trace, work_sec=work_sec, first_never_ends=kills_owner)
    reader, writer = os.pipe()

    def compete() -> None:
        os.close(writer)
        os.read(reader, 1)  # all wake up when the last writer closes
        leave_line(values, f"{config.get()} {time.monotonic()}")

    with furu.using(path=root):
        pids = [fork(compete) for _ in range(processes)]
        os.close(reader)
        time.sleep(0.02)  # let them get to the barrier
        os.close(writer)
        victim = _kill_owner(trace) if kills_owner else None
        codes = [exit_code(pid) for pid in pids if pid != victim]
        if victim is not None:
            exit_code(victim)
        lines = [line.split() for line in values.read_text().splitlines()]
        attempts = sorted(path.suffix[1:] for path in (config._base_furu_dir() / "attempts").iterdir())
        return {
            "failed": sum(code != 0 for code in codes),
            "values": len({token for token, _ in lines}),
            "computed": len(trace.read_text().splitlines()),
            "published": attempts.count("ok"),
            "others": [ending for ending in attempts if ending not in ("ok", "noop")],
            "is_whole": config.get() == lines[0][0],
        }


def _kill_owner(trace: Path) -> int:
    wait_for(trace)
    while not (content := trace.read_text()).endswith("\n"):
        time.sleep(0.001)
    victim = int(content.split()[2])
    os.kill(victim, 9)
    return victim
