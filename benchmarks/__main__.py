"""Every benchmark, one after the other, each in a process of its own; one table and one picture of all ratios.

    python -m benchmarks             writes docs/benchmarks.md and docs/images/benchmarks.png
    python -m benchmarks --quick     a few minutes, for a look: writes below build/

On a machine that has nothing else to do. No exit code depends on a time.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from benchmarks import page
from benchmarks.measure import filesystem_of, machine
from benchmarks.table import ROWS_FILE, Row, read_tables, shout

_FULL: Final[dict[str, tuple[str, ...]]] = {
    "core": (),
    "execution": (),
    "index": ("--artifacts", "50000"),
    "dashboard": ("--artifacts", "100000"),
    "slurm": ("--count", "100"),
}
_QUICK: Final = {
    "core": ("--rounds", "20"),
    "execution": ("--rounds", "1", "--limit", "10"),
    "index": ("--artifacts", "2000"),
    "dashboard": ("--artifacts", "2000"),
    "slurm": ("--count", "20"),
}
"""The benchmarks, in order, and what they are told."""

_PROJECT: Final = Path(__file__).parents[1]


def main() -> None:
    """Run them and write the page."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="few rounds; figures are rough")
    parser.add_argument("--only", nargs="+", choices=_FULL, default=list(_FULL), help="not all of them")
    parser.add_argument("--into", type=Path, help="directory of benchmarks.md; docs/, with --quick build/")
    arguments = parser.parse_args()
    directory = arguments.into or _PROJECT / ("build" if arguments.quick else "docs")
    began = time.perf_counter()
    tables = run({name: (_QUICK if arguments.quick else _FULL)[name] for name in arguments.only})
    about = page.About(
        machine=machine(),
        filesystem=filesystem_of(tempfile.gettempdir()),
        date=f"{datetime.now(UTC):%Y-%m-%d}",
        load=os.getloadavg()[2],
        took_min=(time.perf_counter() - began) / 60,
        is_quick=arguments.quick,
    )
    print(f"\n{about}\n\n{page.ratios(tables)}", flush=True)
    page.write(directory, about, tables)
    print(f"\n{directory / page.NAME}")


def run(benchmarks: dict[str, tuple[str, ...]]) -> dict[str, list[Row]]:
    """The tables of all, by title; one that fails is shouted, and the others are run."""
    with tempfile.TemporaryDirectory(prefix="furu-bench-rows-") as directory:
        path = f"{directory}/rows.jsonl"
        Path(path).touch()
        for name, options in benchmarks.items():
            print(f"\n== {name} {' '.join(options)}", flush=True)
            command = [sys.executable, "-m", f"benchmarks.{name}", *options]
            done = subprocess.run(command, env={**os.environ, ROWS_FILE: path}, check=False)
            if done.returncode:
                shout(f"{name} ended with exit code {done.returncode}")
        return read_tables(path)


if __name__ == "__main__":
    main()
