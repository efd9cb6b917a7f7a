"""Tables of figures, each beside its floor and its target."""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass
from typing import Final

ROWS_FILE: Final = "FURU_BENCHMARK_ROWS"
"""Set by `python -m benchmarks` for the benchmarks that it runs."""

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
        is_rate: more is better, for the ratio too.
    """

    what: str
    who: str
    value: float | str
    unit: str = ""
    ratio: float | None = None
    target: str = ""
    is_met: bool | None = None
    is_rate: bool = False

    @property
    def cost(self) -> float | None:
        """How many times what the floor costs; less is better, whatever was measured."""
        return 1 / self.ratio if self.ratio and self.is_rate else self.ratio


def number(value: float) -> str:
    """Three digits that mean something."""
    return f"{value:,.0f}" if abs(value) >= _HUNDRED else f"{value:.3g}"


def print_table(title: str, rows: list[Row]) -> None:
    """Print it, with "met" or "missed" for each target; also to the file that `ROWS_FILE` names, as a line of JSON."""
    if path := os.environ.get(ROWS_FILE):
        with open(path, "a") as file:
            file.write(json.dumps({"title": title, "rows": [asdict(row) for row in rows]}) + "\n")
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


def read_tables(path: str) -> dict[str, list[Row]]:
    """What `print_table` wrote there: rows by the table's title."""
    with open(path) as file:
        tables = [json.loads(line) for line in file]
    return {table["title"]: [Row(**row) for row in table["rows"]] for table in tables}


def shout(text: str) -> None:
    """A line that nobody overlooks."""
    print(f"!!! {text}", flush=True)


def markdown(rows: list[list[str]], texts: int = 1) -> str:
    """A table for a document: the first row is its heading, the first `texts` columns are text, the others numbers."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    heading, *others = [
        " | ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).join(("| ", " |"))
        for row in rows
    ]
    rules = ["-" * (width + 1) + ("-" if at < texts else ":") for at, width in enumerate(widths)]
    return "\n".join([heading, "|".join(rules).join("||"), *others])
