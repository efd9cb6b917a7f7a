"""What `benchmarks.scale` measures, each in a process of its own: `python -m benchmarks.scale_cases NAME ROOT N`.

Times are CPU times, the kernel's share included: a run takes so long that a machine is hardly idle all the while.
"""

from __future__ import annotations

import json
import os
import random
import resource
import statistics
import subprocess
import sys
import time
from typing import TYPE_CHECKING, Any, Final

import furu
from benchmarks.configs import layered
from benchmarks.synthetic import Family, Report, Train, fill
from furu.execution import build_plan
from furu.execution.plan import Status
from furu.execution.scheduling.outcomes import Node, Outcome
from furu.execution.scheduling.schedule import Schedule
from furu.index.database import opened, remove
from furu.index.location import index_path
from furu.index.refresh import refresh
from furu.storage.scan import scan

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from furu.execution.plan import DependencyPlan

_SAMPLE: Final = 1000
_ROUNDS: Final = 5
_CHANGED: Final = 100
_PAGE: Final = 50

Figures = dict[str, float]


def main() -> None:
    """Run one case; print its figures, and the peak memory of the process, as JSON."""
    name, root, count = sys.argv[1], sys.argv[2], int(sys.argv[3])
    os.environ.update(FURU_PATH=root, FURU_VERSION_CONTROLLED_PATH=f"{root}-vc", FURU_INDEX_DIR=f"{root}-index")
    os.environ.update(FURU_LOG_LEVEL="ERROR")
    furu.config.settings()  # imports what reads them
    print(json.dumps(CASES[name](root, count)))


def _peak_mib() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def _sec(action: Callable[[], object]) -> float:
    began = time.process_time()
    action()
    return time.process_time() - began


def _wall_sec(action: Callable[[], object]) -> float:
    """For what is too short for CPU time; the median of many calls knows nothing of others on the machine."""
    began = time.perf_counter()
    action()
    return time.perf_counter() - began


def _median_sec(action: Callable[[], object]) -> float:
    return statistics.median(_sec(action) for _ in range(_ROUNDS))


def make(root: str, count: int) -> Figures:
    """The store itself, and what an artifact of it takes of the disk."""
    os.makedirs(root)
    before = os.statvfs(root)
    taken = _sec(lambda: fill(count))
    after = os.statvfs(root)
    kib = (before.f_bfree - after.f_bfree) * after.f_frsize / 1024
    return {"fill, s": taken, "disk, KiB each": kib / count, "inodes each": (before.f_ffree - after.f_ffree) / count}


def one(_root: str, count: int) -> Figures:
    """One artifact among many; each is a fresh config, which is hashed too."""
    draw = random.Random(count)  # others than those that the kernel has just seen in order
    sample = draw.sample(list(Family(count)), 2 * _SAMPLE)
    found = [_wall_sec(config.exists) for config in sample[:_SAMPLE]]
    # What failed would be computed.
    got = [_wall_sec(config.get) for config in sample[_SAMPLE:] if not isinstance(config, Train)]
    return {"exists, us": 1e6 * statistics.median(found), "get hit, us": 1e6 * statistics.median(got)}


def plan_all(_root: str, count: int) -> Figures:
    """All artifacts are roots."""
    roots: list[Any] = []
    made = _sec(lambda: roots.extend(Family(count)))
    held = _peak_mib()
    planned = _sec(lambda: build_plan(roots))
    return {
        "make the configs, s": made,
        "  peak, MiB": held,
        "plan, all are roots, s": planned,
        "  peak with configs and plan, MiB": _peak_mib(),
    }


def plan_one(_root: str, count: int) -> Figures:
    """One missing root above all, and one that is done."""
    family = Family(count)
    top = Report(parts=tuple(family))
    hashed = _sec(lambda: top.furu_hash)
    planned = _sec(lambda: build_plan([top]))
    done = _sec(lambda: build_plan(family.scores[:1]))
    return {
        "hash one root above all, s": hashed,
        "plan, that root, s": planned,
        "  peak, MiB": _peak_mib(),
        "plan, one root that is done, ms": 1000 * done,
    }


def look(root: str, _count: int) -> Figures:
    """Every artifact by the names in its directory, as migrations and `furu.refs()` begin."""
    return {"scan of all directories, s": _sec(lambda: sum(1 for _ in scan(root)))}


def index(root: str, count: int) -> Figures:
    """The index made, brought up to date, and asked."""
    roots = [root, f"{root}-vc"]
    remove(index_path(roots))

    def bring() -> None:
        with opened(roots) as connection:
            refresh(connection, roots)

    cold = _sec(bring)
    peak = _peak_mib()
    idle = _median_sec(bring)
    for config in random.Random(0).sample(list(Family(count)), _CHANGED):
        os.utime(config._base_furu_dir())
    changed = _sec(bring)
    figures = {
        "index: cold build, s": cold,
        "  peak, MiB": peak,
        "  size, MiB": os.stat(index_path(roots)).st_size / 2**20,
        "index: refresh, nothing new, s": idle,
        f"index: refresh, {_CHANGED} new, s": changed,
    }
    questions = {
        "first page": "",
        "filtered page": "status:published lr<=0.01 train.split.corpus.number=3",
        "failed page": "status:failed",
        "rare value, page": f"number={count // 200} class:Corpus",
        "a word, page": "nan",
    }
    for name, text in questions.items():
        taken = _median_sec(lambda text=text: furu.query(text, limit=_PAGE, is_fresh=False))  # type: ignore[misc]
        figures[f"index: {name}, ms"] = 1000 * taken
    return figures


def command(*words: str) -> Callable[[str, int], Figures]:
    """A command of `furu`: seconds and its peak memory."""

    def run(_root: str, _count: int) -> Figures:
        argv = [sys.executable, "-m", "furu.cli", *words]
        subprocess.run(argv, check=True, stdout=subprocess.DEVNULL)
        used = resource.getrusage(resource.RUSAGE_CHILDREN)
        return {f"furu {' '.join(words)}, s": used.ru_utime + used.ru_stime, "  peak, MiB": used.ru_maxrss / 1024}

    return run


def memory(_root: str, count: int) -> Figures:
    """A graph of which nothing is stored: planned, scheduled, and run to its end without computing anything."""
    nodes: list[Any] = []
    made = _sec(lambda: nodes.extend(layered(count)))
    held = _peak_mib()
    plans: list[DependencyPlan] = []
    planned = _sec(lambda: plans.append(build_plan(nodes)))
    with_plan = _peak_mib()
    driven = _sec(lambda: _drive(plans[0]))
    return {
        "in memory: make the configs, s": made,
        "  peak, MiB": held,
        "in memory: hash and plan, s": planned,
        "  peak with the plan, MiB": with_plan,
        "in memory: schedule all to the end, s": driven,
        "  peak with the schedule, MiB": _peak_mib(),
    }


def _drive(plan: DependencyPlan) -> None:
    """As a run with two workers would ask and tell; every node succeeds."""
    todo = {furu_hash: node for furu_hash, node in plan.nodes.items() if node.status is Status.TODO}
    nodes = [Node(furu_hash, node.deps_pending, node.spec_key) for furu_hash, node in todo.items()]
    schedule = Schedule(nodes, roots=[root.furu_hash for root in plan.roots], max_running=2)
    now = 0.0
    while not schedule.is_finished:
        for start in schedule.take(now):
            schedule.finished(start.hash, Outcome.SUCCEEDED, now)
        now += 1.0


CASES: Final[Mapping[str, Callable[[str, int], Figures]]] = {
    "make": make,
    "one": one,
    "plan all": plan_all,
    "plan one": plan_one,
    "look": look,
    "index": index,
    "ls": command("ls"),
    "ls --no-refresh": command("ls", "--no-refresh"),
    "du": command("du"),
    "gc": command("gc", "status:failed"),
    "memory": memory,
}

if __name__ == "__main__":
    main()
