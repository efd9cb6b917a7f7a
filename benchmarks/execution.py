"""What a graph of no-op nodes costs: `python -m benchmarks.execution`.

Layers of 100 nodes, 3 parents each, every node asked for, 2 workers. Each engine runs in a fresh process with a time
limit, one after the other, round by round; furu with FURU_FSYNC=0, since none of the others forces files to disk.

All files are kept to the end, some 20 per node, below TMPDIR: `TMPDIR=/dev/shm` measures without a disk.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
from importlib.util import find_spec
from typing import Any, Final

from benchmarks.cases import CASES
from benchmarks.measure import filesystem_of, own_root, run_fresh
from benchmarks.table import Row, print_table, shout

_FLOOR: Final = "thread pool + files"
_FURU: Final = "furu threads"
_RIVALS: Final = ("luigi", "joblib threads", "joblib processes")
_NEEDS: Final = {"joblib": "joblib", "luigi": "luigi", "doit": "doit", "dask": "dask"}
"""The library of each peer, by the first word of its cases."""
_SMALL, _MEDIUM, _LARGE = 1_000, 10_000, 100_000
_LIMIT_SEC: Final = 60.0
_LARGE_LIMIT_SEC: Final = 1800.0

Figures = dict[str, dict[int, list[dict[str, Any] | str]]]


def main() -> None:
    """Print the tables that were asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3, help=f"for {_SMALL:,} nodes; {_MEDIUM:,} get a third of them")
    parser.add_argument("--limit", type=float, default=_LIMIT_SEC, help="seconds for each run")
    parser.add_argument("--large", action="store_true", help=f"only furu with {_LARGE:,} nodes, and its memory")
    parser.add_argument("--profile", action="store_true", help="only where the time of a run goes")
    arguments = parser.parse_args()
    with own_root() as root:
        if arguments.large:
            large(root)
        elif arguments.profile:
            profile(root)
        else:
            figures = measure(root, arguments.rounds, arguments.limit)
            where = filesystem_of(root)
            print_table(f"Graphs: ratio to a bare thread pool with a file for each node; on {where}", _rates(figures))
            print_table("Planning and rerun", plans(root, arguments.limit) + reruns(figures))


def measure(root: str, rounds: int, limit_sec: float) -> Figures:
    """All engines, round by round."""
    engines = find_engines()
    found: Figures = {name: {_SMALL: [], _MEDIUM: []} for name in (*engines, "rerun")}
    sizes = [_SMALL] * rounds
    sizes[1:1] = [_MEDIUM] * max(1, rounds // 3)  # between the small ones, so that both see the same machine
    for count in sizes:
        for name in engines:
            # Deleted only in the end: some disks are slow for minutes after many files were deleted.
            directory = tempfile.mkdtemp(dir=root)
            found[name][count].append(_run(name, directory, count, limit_sec))
            if name == _FURU:
                found["rerun"][count].append(_run("rerun", directory, count, limit_sec))
    return found


def find_engines() -> list[str]:
    """The cases that run the graph, as far as their libraries are installed."""
    missing = {first for first, library in _NEEDS.items() if find_spec(library) is None}
    for first in sorted(missing):
        shout(f"{first} is NOT measured: it is not installed")
    return [name for name in CASES if name not in ("rerun", "plan") and name.split()[0] not in missing]


def _run(name: str, directory: str, count: int, limit_sec: float) -> dict[str, Any] | str:
    return run_fresh("benchmarks.cases", name, directory, str(count), limit_sec=limit_sec)


def rate(figures: Figures, name: str, count: int) -> float | str:
    """Nodes per second, of the median run; or why there is none."""
    runs = figures[name][count]
    whole = [run["sec"] for run in runs if not isinstance(run, str)]
    return count / statistics.median(whole) if whole else next(run for run in runs if isinstance(run, str))


def _rates(figures: Figures) -> list[Row]:
    rows = []
    for count in (_SMALL, _MEDIUM):
        floor = rate(figures, _FLOOR, count)
        for name in (name for name in figures if name != "rerun"):
            found = rate(figures, name, count)
            is_whole = not isinstance(found, str) and not isinstance(floor, str)
            ratio = float(found) / float(floor) if is_whole else None
            target, is_met = _faster(figures, count) if name == _FURU else ("", None)
            rows.append(Row(f"{count:,} nodes", name, found, "nodes/s", ratio, target, is_met, is_rate=True))
    for name in ("furu threads", "furu processes"):
        small, medium = rate(figures, name, _SMALL), rate(figures, name, _MEDIUM)
        if not isinstance(small, str) and not isinstance(medium, str):
            what = f"{_MEDIUM:,} against {_SMALL:,} nodes"
            is_promised = name == _FURU
            is_met = medium / small >= 0.75 if is_promised else None  # noqa: PLR2004
            rows.append(
                Row(what, name, "", "", medium / small, ">= 0.75x" if is_promised else "", is_met, is_rate=True)
            )
    return rows


def _faster(figures: Figures, count: int) -> tuple[str, bool | None]:
    own = rate(figures, _FURU, count)
    measured = [rate(figures, name, count) for name in _RIVALS if name in figures]
    rivals = [found for found in measured if not isinstance(found, str)]
    is_met = not isinstance(own, str) and own > max(rivals, default=0.0)
    return "faster than luigi, joblib", is_met if measured else None


def plans(root: str, limit_sec: float) -> list[Row]:
    """Planning what is not there."""
    found = _run("plan", tempfile.mkdtemp(dir=root), _MEDIUM, limit_sec)
    what = f"plan {_MEDIUM:,} missing nodes"
    if isinstance(found, str):
        return [Row(what, "furu", found)]
    walk, ratio = found["walk"], found["plan"] / found["walk"]
    return [
        Row(what, "floor: dictionary + stat", walk, "ms", 1.0),
        Row(what, "furu", found["plan"], "ms", ratio, "<= 3x", ratio <= 3),  # noqa: PLR2004
        Row(what, "furu, hashes not known yet", found["hash and plan"], "ms", found["hash and plan"] / walk),
    ]


def reruns(figures: Figures) -> list[Row]:
    """Running what is done."""
    rows = []
    for count in (_SMALL, _MEDIUM):
        found = rate(figures, "rerun", count)
        is_met = not isinstance(found, str) and found >= 20_000  # noqa: PLR2004
        is_promised = count == _MEDIUM
        target = ">= 20,000 nodes/s" if is_promised else ""
        what = f"rerun {count:,} finished nodes"
        rows.append(Row(what, "furu, all as roots", found, "nodes/s", None, target, is_met if is_promised else None))
    return rows


def large(root: str) -> None:
    """One run that is large, and one over its results."""
    rows = []
    for name in (_FURU, "rerun"):
        found = _run(name, root, _LARGE, _LARGE_LIMIT_SEC)
        if isinstance(found, str):
            rows.append(Row(f"{_LARGE:,} nodes", name, found))
            continue
        rows.append(Row(f"{_LARGE:,} nodes", name, _LARGE / found["sec"], "nodes/s"))
        rows.append(Row(f"{_LARGE:,} nodes", f"{name}, peak memory", found["peak_mib"], "MiB"))
    print_table("A large graph", rows)


def profile(root: str) -> None:
    """Where the time of a worker goes."""
    shares = run_fresh("benchmarks.profiling", root, str(_SMALL), limit_sec=_LIMIT_SEC)
    if isinstance(shares, str):
        print(shares)
        return
    rows = [Row(part, "", 100 * share, "%") for part, share in shares.items()]
    print_table(f"A worker's time, {_SMALL:,} nodes, under cProfile", rows)


if __name__ == "__main__":
    main()
