"""What `benchmarks.execution` measures, each in a process of its own: `python -m benchmarks.cases NAME DIRECTORY N`."""

from __future__ import annotations

import json
import os
import resource
import sys
import time
from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

import furu
from benchmarks import floors
from benchmarks.configs import layered
from benchmarks.measure import in_turns, median_us

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

WORKERS: Final = 2
_PLANS: Final = 5


def main() -> None:
    """Run one case; print its figures, and the peak memory of the process, as JSON."""
    name, directory, count = sys.argv[1], sys.argv[2], int(sys.argv[3])
    # A peer that doesn't force its files to disk is compared with a furu that doesn't.
    os.environ.update(FURU_PATH=f"{directory}/furu", FURU_FSYNC="0", FURU_LOG_LEVEL="ERROR")
    figures = CASES[name](directory, count)
    figures["peak_mib"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps(figures))


def _timed(action: Callable[[], object]) -> dict[str, Any]:
    began = time.perf_counter()
    action()
    return {"sec": time.perf_counter() - began}


def run_floor(directory: str, count: int) -> dict[str, Any]:
    """A bare thread pool with a small file for each node."""
    os.mkdir(f"{directory}/floor")
    return _timed(lambda: floors.run_graph(f"{directory}/floor", count, WORKERS))


def run_furu(_directory: str, count: int, **options: Any) -> dict[str, Any]:
    """From making the configs to the end of the run, as a user would see it, record of the run included."""
    from furu.execution import run_local

    furu.config.settings()  # imports what reads them; the peers' imports are left out too
    return _timed(lambda: run_local(layered(count), max_workers=WORKERS, **options))


def run_furu_processes(directory: str, count: int) -> dict[str, Any]:
    """The same on processes, their start included."""
    return run_furu(directory, count, workers="process")


def run_furu_unreported(directory: str, count: int) -> dict[str, Any]:
    """The same without view and record of the run."""
    from furu.execution.reporting.reporter import Reporter

    return run_furu(directory, count, reporter=Reporter())


def rerun_furu(_directory: str, count: int) -> dict[str, Any]:
    """All nodes are done and all are roots: hash, look, nothing else. Making the configs is left out."""
    from furu.execution import run_local

    furu.config.settings()
    nodes = layered(count)
    return _timed(lambda: run_local(nodes, max_workers=WORKERS))


def plan_furu(directory: str, count: int) -> dict[str, Any]:
    """Plan what is not there, beside a bare walk over as many names."""
    from furu.execution import build_plan

    fresh = [layered(count) for _ in range(_PLANS + 1)]
    hashed = layered(count)
    build_plan(hashed)  # reads the settings, imports what a first plan imports
    actions: Mapping[str, Callable[[int], object]] = {
        "walk": lambda _: floors.walk(directory, count),
        "plan": lambda _: build_plan(hashed),
        "hash and plan": lambda number: build_plan(fresh[number]),
    }
    return {name: median_us(times) / 1000 for name, times in in_turns(actions, _PLANS, warm_up=1).items()}


def _peer(module: str, **options: Any) -> Callable[[str, int], dict[str, Any]]:
    def run(directory: str, count: int) -> dict[str, Any]:
        peer = import_module(f"benchmarks.peers.{module}")
        own = f"{directory}/{module}"
        os.mkdir(own)
        return _timed(lambda: peer.run_graph(own, count, WORKERS, **options))

    return run


CASES: Final[Mapping[str, Callable[[str, int], dict[str, Any]]]] = {
    "thread pool + files": run_floor,
    "furu threads": run_furu,
    "furu threads, no report": run_furu_unreported,
    "furu processes": run_furu_processes,
    "joblib threads": _peer("joblib_memory", is_threaded=True),
    "joblib processes": _peer("joblib_memory", is_threaded=False),
    "luigi": _peer("luigi_tasks"),
    "doit": _peer("doit_tasks"),
    "dask delayed, not persisted": _peer("dask_delayed"),
    "rerun": rerun_furu,
    "plan": plan_furu,
}

if __name__ == "__main__":
    main()
