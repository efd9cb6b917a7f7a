"""Short nodes on Slurm, as jobs and as a pool, against a bare array: `python -m benchmarks.slurm`.

Brings up a cluster of its own on this machine, as the tests do (root, Debian's packages): 8 CPUs in the partition that
is used. Every case runs in a process of its own, one after the other. All daemons share the cores of this machine with
what they run, so seconds are upper bounds, and ratios say more.
"""

from __future__ import annotations

import argparse
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any, Final

from benchmarks.measure import own_root, run_fresh
from benchmarks.naps import NAP_SEC
from benchmarks.slurm_cases import WORKERS
from benchmarks.table import Row, print_table, shout
from tests.slurm.cluster import Cluster
from tests.slurm.cluster.pytest_plugin import find_obstacle

_LIMIT_SEC: Final = 300.0
_CHAIN: Final = 10
_FEW: Final = 20
_COLUMNS: Final = 5
_SHOWN: Final = 6
_BARE: Final = "submitit.map_array"
_NAMES: Final = {"array": _BARE, "dag": "furu DAG", "pool": "furu pool", "local": "furu run_local"}


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=200, help="nodes")
    parser.add_argument("--rounds", type=int, default=1)
    arguments = parser.parse_args()
    if obstacle := find_obstacle():
        shout(f"no Slurm cluster: {obstacle}")
        return
    with own_root() as root, Cluster(Path(root, "cluster")) as cluster:
        os.environ.update({name: cluster.environ()[name] for name in ("SLURM_CONF", "PATH")})
        os.environ["PYTHONPATH"] = os.pathsep.join(entry for entry in [os.getcwd(), *sys.path] if entry)
        rows = measure(cluster, root, arguments.count, arguments.rounds)
        print_table(f"{arguments.count} nodes of {NAP_SEC} s on Slurm, {WORKERS} at once", rows)


def measure(cluster: Cluster, root: str, count: int, rounds: int) -> list[Row]:
    """All lines."""
    found: dict[str, list[dict[str, Any] | str]] = {case: [] for case in _NAMES}
    for _ in range(rounds):
        for case in _NAMES:
            found[case].append(_run(cluster, root, case, count))
    rows = [row for case in _NAMES for row in _rows(found, case, count)]
    for case in ("dag chain", "pool chain"):
        result = _run(cluster, root, case, _CHAIN)
        what, who = "from the end of a node to the next", _NAMES[case.split()[0]]
        rows.append(Row(what, who, result if isinstance(result, str) else 1000 * result["hop"], "ms"))
    return rows + _syscalls(cluster, root, count)


def _run(cluster: Cluster, root: str, case: str, count: int) -> dict[str, Any] | str:
    with tempfile.TemporaryDirectory(dir=root) as directory:
        result = run_fresh("benchmarks.slurm_cases", case, directory, str(count), limit_sec=_LIMIT_SEC)
        cluster.cancel_all()
    return result


def _rows(found: dict[str, list[dict[str, Any] | str]], case: str, count: int) -> list[Row]:
    who = _NAMES[case]
    whole, bare = _seconds(found[case], "sec"), _seconds(found["array"], "sec")
    if isinstance(whole, str):
        return [Row("all", who, whole)]
    busy = float(_seconds(found[case], "busy"))
    lines = [
        Row(f"{count} nodes on Slurm, all", who, whole, "s", whole / bare if not isinstance(bare, str) else None),
        Row("  until the first node begins", who, _seconds(found[case], "first"), "s"),
        Row(
            "  from there on; ratio to the sleeps alone", who, count / busy, "nodes/s", busy * WORKERS / count / NAP_SEC
        ),
    ]
    return lines[:1] if case == "local" else lines


def _seconds(runs: list[dict[str, Any] | str], name: str) -> float | str:
    whole = [run[name] for run in runs if not isinstance(run, str)]
    return statistics.median(whole) if whole else next(run for run in runs if isinstance(run, str))


def _syscalls(cluster: Cluster, root: str, count: int) -> list[Row]:
    """What the controller of a pool does for one more node: the difference of two runs."""
    if shutil.which("strace") is None:
        return [Row("syscalls of the controller", _NAMES["pool"], "no strace here")]
    few, many = (_count_syscalls(cluster, root, number) for number in (_FEW, _FEW + count))
    each = (sum(many.values()) - sum(few.values())) / count
    rows = [Row("syscalls of the controller for a node", _NAMES["pool"], each)]
    slopes = {name: (many[name] - few.get(name, 0)) / count for name in many}
    for name, slope in sorted(slopes.items(), key=lambda item: -item[1])[:_SHOWN]:
        rows.append(Row(f"  {name}", "", slope))
    return rows


def _count_syscalls(cluster: Cluster, root: str, count: int) -> dict[str, int]:
    with tempfile.TemporaryDirectory(dir=root) as directory:
        summary = Path(directory, "strace")
        case = [sys.executable, "-m", "benchmarks.slurm_cases", "pool", directory, str(count)]
        command = ["strace", "-c", "-o", str(summary), *case]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, timeout=_LIMIT_SEC)
        cluster.cancel_all()
        fields = (line.split() for line in summary.read_text().splitlines())
        lines = [words for words in fields if len(words) >= _COLUMNS and words[3].isdigit() and words[-1] != "total"]
        return {words[-1]: int(words[3]) for words in lines}


if __name__ == "__main__":
    main()
