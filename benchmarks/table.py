"""Tables of figures, each beside its floor and its target."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

_HUNDRED: Final = 100


@dataclass(frozen=True)
class Row:
    """One line of a table.

    Attributes:
        what: the workload.
        who: the library; empty for a line of furu's own.
        value: what was measured, or why it was not.
        unit: of the value.
        ratio: to the floor; None where there is none.
        target: what was promised, as text; empty where nothing was.
        is_met: whether the promise is kept; None without one.
    """

    what: str
    who: str
    value: float | str
    unit: str = ""
    ratio: float | None = None
    target: str = ""
    is_met: bool | None = None


def number(value: float) -> str:
    """Three digits that mean something."""
    return f"{value:,.0f}" if abs(value) >= _HUNDRED else f"{value:.3g}"


def print_table(title: str, rows: list[Row]) -> None:
    """Print it, with "met" or "missed" for each target."""
    cells = [("workload", "who", "measured", "ratio", "target", "")]
    for row in rows:
        value = row.value if isinstance(row.value, str) else f"{number(row.value)} {row.unit}".strip()
        ratio = "" if row.ratio is None else f"{number(row.ratio)}x"
        cells.append(
            (row.what, row.who, value, ratio, row.target, {None: "", True: "met", False: "MISSED"}[row.is_met])
        )
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    print(f"\n{title}")
    for line in cells:
        print("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip(), flush=True)


def shout(text: str) -> None:
    """A line that nobody overlooks."""
    print(f"!!! {text}", flush=True)


def markdown(rows: list[list[str]]) -> str:
    """A table for a document: the first row is its heading, columns after the first are numbers."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    heading, *others = [
        " | ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).join(("| ", " |"))
        for row in rows
    ]
    rule = "|".join(["-" * (widths[0] + 2), *("-" * (width + 1) + ":" for width in widths[1:])]).join("||")
    return "\n".join([heading, rule, *others])
