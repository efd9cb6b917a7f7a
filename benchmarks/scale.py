"""How furu's costs grow with the store: `python -m benchmarks.scale [--sizes 10000 100000 1000000]`.

Makes a store of each size below TMPDIR (some 30 KiB and 8 inodes for each artifact), measures it, and removes it. Each
case runs in a process of its own. Times are CPU times, and the page cache is as it is after the store was made: what is
measured is furu and the kernel, not the disk. `--only memory` needs no store at all.
"""

from __future__ import annotations

import argparse
import itertools
import os
import shutil
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from benchmarks.measure import filesystem_of, machine, own_root, run_fresh
from benchmarks.scale_cases import CASES
from benchmarks.table import markdown, number, shout

_SIZES: Final = (10_000, 100_000, 1_000_000)
_LIMIT_SEC: Final = 3600.0
PAGE: Final = Path(__file__).parents[1] / "docs" / "scale.md"
_BEGIN, _END = "<!-- the table: written by benchmarks.scale -->", "<!-- end of the table -->"


def main() -> None:
    """Print one table: a column for each size, and how much more each costs than the one before."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", type=int, nargs="+", default=_SIZES, help="artifacts, smallest first")
    parser.add_argument("--only", nargs="+", choices=CASES, default=list(CASES), help="what to measure")
    parser.add_argument("--keep", metavar="DIRECTORY", help="make the stores there, or use those there, and keep them")
    parser.add_argument("--write", action="store_true", help="put the table into docs/scale.md, too")
    arguments = parser.parse_args()
    with own_root() as own:
        top = arguments.keep or own
        os.makedirs(top, exist_ok=True)
        found = {size: measure(f"{top}/store-{size}", size, arguments.only) for size in arguments.sizes}
        where = filesystem_of(top)
        if not arguments.keep:
            for size in arguments.sizes:
                shutil.rmtree(f"{top}/store-{size}", ignore_errors=True)
    text = f"{machine()}; {where}; {datetime.now(UTC):%Y-%m-%d}\n\n{render(found)}"
    print(f"\n{text}")
    if arguments.write:
        put_into(PAGE, text)


def put_into(page: Path, text: str) -> None:
    """Replace what stands between the two marks of the page."""
    before, _, others = page.read_text(encoding="utf-8").partition(_BEGIN)
    _, _, after = others.partition(_END)
    page.write_text(f"{before}{_BEGIN}\n\n{text}\n\n{_END}{after}", encoding="utf-8")


def measure(root: str, size: int, names: list[str]) -> dict[str, float | str]:
    """The figures of one size, by what they are of, in order; a text where there is none."""
    figures: dict[str, float | str] = {}
    needs_store = any(name not in ("make", "memory") for name in names)
    for name in CASES:
        if name not in names and not (name == "make" and needs_store):
            continue
        if name == "make" and os.path.isdir(root):
            continue
        shout(f"{size:,}: {name}")
        result = run_fresh("benchmarks.scale_cases", name, root, str(size), limit_sec=_LIMIT_SEC)
        if isinstance(result, str):
            shout(f"  {result}")
            figures[name] = result
            continue
        # A line that begins with spaces belongs to the one above it.
        heading = ""
        for what, value in result.items():
            heading = heading if what.startswith(" ") else what
            figures[f"{heading}\0{what}" if what.startswith(" ") else what] = value
            shout(f"  {what}: {number(value)}")
    return figures


def render(found: dict[int, dict[str, float | str]]) -> str:
    """The table as Markdown: figures, then the growth from each size to the next."""
    sizes = list(found)
    steps = list(itertools.pairwise(sizes))
    rows = [["", *(f"{size:,}" for size in sizes), *(f"{large / small:g}x artifacts" for small, large in steps)]]
    for what in dict.fromkeys(name for figures in found.values() for name in figures):
        values = [found[size].get(what) for size in sizes]
        cells = [number(value) if isinstance(value, int | float) else value or "" for value in values]
        growths = []
        for small, large in itertools.pairwise(values):
            is_known = isinstance(small, int | float) and isinstance(large, int | float) and small
            growths.append(f"{number(float(large) / float(small))}x" if is_known else "")  # type: ignore[arg-type]
        rows.append([what.rpartition("\0")[2], *cells, *growths])
    return markdown(rows)


if __name__ == "__main__":
    main()
