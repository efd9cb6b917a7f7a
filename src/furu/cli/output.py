"""How commands print: tables and trees for people, JSON for scripts, no colour where no terminal is."""

from __future__ import annotations

import json
import shutil
import sys
from typing import TYPE_CHECKING, Any, Final

import click

from furu.drawing.units import duration, size

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = [
    "SHORT_HASH",
    "ago",
    "as_json",
    "duration",
    "printable",
    "say",
    "say_json",
    "size",
    "styled_status",
    "table",
    "value",
]

SHORT_HASH: Final = 10
_COLOURS: Final = {
    "published": "green",
    "alias": "green",
    "running": "cyan",
    "failed": "red",
    "crashed": "red",
    "lost": "red",
    "preempted": "yellow",
    "invalid": "yellow",
    "ok": "green",
    "warning": "yellow",
    "problem": "red",
}

as_json = click.option("--json", "is_json", is_flag=True, help="Print JSON, for scripts.")
"""The option that every reading command has."""


def say(text: str = "") -> None:
    """A line on stdout."""
    click.echo(text)


def say_json(value: Any) -> None:
    """One JSON document on stdout."""
    click.echo(json.dumps(value, indent=2, default=str))


def printable(text: str) -> str:
    """`text` with its control characters, line ends included, as escapes: stored text must not drive a terminal."""
    return "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in text)


def styled_status(status: str, width: int = 0) -> str:
    """The status in its colour, filled up to `width`; click takes the colour away where there is no terminal."""
    return click.style(status.ljust(width), fg=_COLOURS.get(status))


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Columns side by side; on a terminal the last is cut where the line ends."""
    cells = [[printable(cell) for cell in row] for row in (head, *rows)]
    widths = [max(len(row[column]) for row in cells) for column in range(len(head))]
    width = shutil.get_terminal_size().columns if sys.stdout.isatty() else None
    for number, row in enumerate(cells):
        padded = [cell.ljust(size) for cell, size in zip(row, widths, strict=True)]
        room = max(10, width - sum(widths[:-1]) - 2 * (len(row) - 1)) if width is not None else None
        last = row[-1] if room is None or len(row[-1]) <= room else row[-1][: room - 1] + "…"
        first = click.style(padded[0], bold=True) if number == 0 else click.style(padded[0], fg=_COLOURS.get(row[0]))
        say("  ".join([first, *padded[1:-1], last] if len(row) > 1 else [first]).rstrip())


def ago(at: float, now: float) -> str:
    """How long `at` is ago."""
    return f"{duration(max(0.0, now - at))} ago"


def value(item: Any) -> str:
    """A plain value in one line."""
    return item if isinstance(item, str) and item else json.dumps(item, ensure_ascii=False)
