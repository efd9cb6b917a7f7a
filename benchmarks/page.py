"""docs/benchmarks.md: one table of all ratios, what was promised, a picture, and each benchmark's own figures."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from benchmarks.table import Row, markdown, number

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

NAME: Final = "benchmarks.md"
_PICTURE: Final = "images/benchmarks.png"
_FURU: Final = "#1f5fbf"
_PEER: Final = "#c8c8c8"
_FLOOR: Final = "#404040"
_LEVELS: Final = (6, -6, 13, -13)
"""How far from its dot a name may stand, in points."""

_CHAR_POINTS: Final = 3.6
_INTRODUCTION: Final = """\
# Benchmarks

What furu costs beside a **floor**, the least that has to be done, written by hand without a library, and beside peers,
each used as its documentation does. A ratio of 2x is twice the floor's cost; less is better, also where a rate was
measured. All ratios of a workload come from one run, in which floor, furu and peers took turns, so a busy machine slows
all of them alike. Ratios travel between machines, absolute figures don't. How costs grow with the store is in
[scale.md](scale.md).

`make bench` measures anew and writes this page; `make bench BENCH=--quick` has a look in a few minutes.
"""
_KINDS: Final = """\
The libraries don't do the same work. joblib, diskcache, doit and Luigi have no lease, no record of an attempt and no
metadata, and none of them forces files to disk, so furu is measured with `FURU_FSYNC=0` where it stands beside them;
dask persists nothing. The floor of jobs on Slurm is a bare `submitit.map_array`.
"""


@dataclass(frozen=True)
class About:
    """Where and when the figures were taken.

    Attributes:
        machine: processor, cores, memory, kernel, Python.
        filesystem: below the temporary directory.
        date: as YYYY-MM-DD.
        load: of the machine over the last 15 minutes, at the end; the benchmarks themselves are about 2 of it.
        took_min: minutes for all of it.
        is_quick: few rounds.
    """

    machine: str
    filesystem: str
    date: str
    load: float
    took_min: float
    is_quick: bool

    def __str__(self) -> str:
        quick = " **A quick look with few rounds: rough figures.**" if self.is_quick else ""
        took = f"in {self.took_min:.1f} min, with a load of {self.load:.1f} at the end"
        return f"{self.date}, {took}: {self.machine}; {self.filesystem}.{quick}"


def ratios(tables: Mapping[str, list[Row]]) -> str:
    """The one table: each workload, from the floor upwards."""
    rows = [["workload", "", "costs", "measured", "target", ""]]
    for what, group in _workloads(tables).items():
        for at, row in enumerate(sorted(group, key=_cost_of)):
            cost = f"{number(row.cost)}x" if row.cost is not None else ""
            kept = {None: "", True: "met", False: "MISSED"}[row.is_met]
            rows.append(["" if at else what, row.who, cost, _value(row), row.target, kept])
    return markdown(rows, texts=2)


def write(directory: Path, about: About, tables: Mapping[str, list[Row]]) -> None:
    """The page and its picture."""
    (directory / _PICTURE).parent.mkdir(parents=True, exist_ok=True)
    draw(directory / _PICTURE, about, tables)
    parts = [_INTRODUCTION, str(about), f"![Cost of each library, as a multiple of the floor's]({_PICTURE})"]
    parts += ["## Ratios", ratios(tables), _KINDS.rstrip(), "## Promises", _promises(tables), "## All figures"]
    for title, rows in tables.items():
        parts += [f"### {title}", markdown([["workload", "", "measured", "ratio"], *map(_plain, rows)], texts=2)]
    (directory / NAME).write_text("\n\n".join(part.rstrip() for part in parts) + "\n", encoding="utf-8")


def draw(path: Path, about: About, tables: Mapping[str, list[Row]]) -> None:
    """A line for each workload, a dot for each library, on a logarithmic scale from the floor on."""
    import matplotlib as mpl

    mpl.use("agg")
    from matplotlib import pyplot

    found = {what: [row for row in group if row.cost] for what, group in _workloads(tables).items()}
    figure, axes = pyplot.subplots(figsize=(10, 0.75 * len(found) + 1.2), layout="constrained")
    axes.set_xscale("log")
    costs = [_cost_of(row) for group in found.values() for row in group]
    axes.set_xlim(min(costs) / 2, max(costs) * 2)
    axes.set_ylim(-0.6, len(found) - 0.4)
    axes.axvline(1.0, color=_FLOOR, linewidth=1, zorder=1)
    axes.set_yticks(range(len(found)), list(reversed(found)))
    axes.set_xlabel("cost, as a multiple of the floor's (less is better)")
    axes.set_title(f"{about.machine}, {about.date}", fontsize=8, color=_FLOOR)
    axes.spines[["top", "right", "left"]].set_visible(False)
    figure.canvas.draw()  # only now is it known where a cost lies on the paper
    for at, group in enumerate(reversed(found.values())):
        axes.hlines(at, 1.0, max(_cost_of(row) for row in group), color="#e6e6e6", zorder=1)
        _dots(axes, at, sorted(group, key=_cost_of))
    figure.savefig(path, dpi=150, metadata={"Software": None})
    pyplot.close(figure)


def _dots(axes: Any, at: int, rows: list[Row]) -> None:
    """Names above and below in turn, farther away where there is no room beside the one before."""
    taken_to = dict.fromkeys(_LEVELS, float("-inf"))
    for row in rows:
        is_own, is_floor = row.who.startswith("furu"), row.ratio == 1.0
        color = _FURU if is_own else _FLOOR if is_floor else _PEER
        axes.scatter(row.cost, at, color=color, s=36 if is_own else 24, zorder=3 if is_own else 2)
        if is_floor:
            continue
        place = axes.transData.transform((row.cost, at))[0] * 72 / axes.figure.dpi
        half = len(row.who) * _CHAR_POINTS / 2
        level = next(
            (each for each in _LEVELS if taken_to[each] < place - half), min(taken_to, key=taken_to.__getitem__)
        )
        taken_to[level] = place + half
        axes.annotate(
            row.who,
            (row.cost, at),
            textcoords="offset points",
            xytext=(0, level),
            ha="center",
            va="bottom" if level > 0 else "top",
            fontsize=6,
            color=_FURU if is_own else "#606060",
        )


def _workloads(tables: Mapping[str, list[Row]]) -> dict[str, list[Row]]:
    """Rows that stand beside a floor, and those that say why they don't, by workload."""
    rows = [row for each in tables.values() for row in each]
    floored = {row.what for row in rows if row.ratio == 1.0 and row.who}
    found: dict[str, list[Row]] = {}
    for row in rows:
        if row.what in floored and (row.cost is not None or (isinstance(row.value, str) and row.value)) and row.who:
            found.setdefault(row.what, []).append(row)
    return found


def _promises(tables: Mapping[str, list[Row]]) -> str:
    promised = [row for rows in tables.values() for row in rows if row.target]
    lines = [
        [
            row.what,
            row.who,
            _value(row) or f"{number(row.ratio or 0.0)}x",
            row.target,
            "met" if row.is_met else "MISSED",
        ]
        for row in promised
    ]
    return markdown([["workload", "", "measured", "target", ""], *lines], texts=2)


def _plain(row: Row) -> list[str]:
    return [row.what.strip(), row.who, _value(row), "" if row.ratio is None else f"{number(row.ratio)}x"]


def _value(row: Row) -> str:
    return row.value if isinstance(row.value, str) else f"{number(row.value)} {row.unit}".strip()


def _cost_of(row: Row) -> float:
    """Those that have none come last."""
    return float("inf") if row.cost is None else row.cost
