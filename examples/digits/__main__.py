"""Compute what is missing of the study, and print what was computed, what was loaded, and how long each took."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING, Any, NamedTuple

from rich.console import Console
from rich.table import Table

from examples.digits.features import Features
from examples.digits.models import Classifier
from examples.digits.pipeline import ALL, REPORT
from furu.execution import run_local

if TYPE_CHECKING:
    from collections.abc import Sequence

    import furu


class Line(NamedTuple):
    """One config in the table.

    Attributes:
        kind: what it is, and on which features; configs that differ in the split alone are of one kind.
        is_computed: in this run; otherwise it was loaded.
        computing_sec: how long its computation took, whenever that was.
        loading_sec: how long `get()` takes now that it is there.
        accuracy: in percent; of models only.
    """

    kind: tuple[str, str]
    is_computed: bool
    computing_sec: float
    loading_sec: float
    accuracy: float | None


def compute(roots: Sequence[furu.Furu[Any]]) -> None:
    """Make all of them be there; in processes, since scikit-learn holds the interpreter for most of the time."""
    run_local(roots, workers="process", max_workers=min(4, os.cpu_count() or 1))


def kind_of(config: furu.Furu[Any]) -> tuple[str, str]:
    """What a config is, and on which features."""
    if isinstance(config, Classifier):
        return f"{config.family}, {config.setting}", config.features.title
    if isinstance(config, Features):
        return "features", config.title
    return type(config).__name__.lower(), ""


def describe(config: furu.Furu[Any], *, is_computed: bool) -> Line:
    """The line of a config that is there."""
    started = time.perf_counter()
    value = config.get()
    loading_sec = time.perf_counter() - started
    computing_sec = config.get_metadata()["usage"]["wall_sec"]
    accuracy = 100 * value.accuracy if isinstance(config, Classifier) else None
    return Line(kind_of(config), is_computed, computing_sec, loading_sec, accuracy)


def table_of(lines: Sequence[Line]) -> Table:
    """The lines, those of one kind as one: how many, in how long together, and their mean accuracy."""
    table = Table(header_style="bold", box=None, pad_edge=False)
    table.add_column("what")
    table.add_column("on")
    for heading in ("computed", "loaded", "accuracy"):
        table.add_column(heading, justify="right")
    for kind in dict.fromkeys(line.kind for line in lines):
        group = [line for line in lines if line.kind == kind]
        computed = [line.computing_sec for line in group if line.is_computed]
        loaded = [line.loading_sec for line in group if not line.is_computed]
        accuracies = [line.accuracy for line in group if line.accuracy is not None]
        table.add_row(
            *kind,
            f"{len(computed)} in {sum(computed):5.2f} s" if computed else "",
            f"{len(loaded)} in {1000 * sum(loaded):4.1f} ms" if loaded else "",
            f"{sum(accuracies) / len(accuracies):.2f} %" if accuracies else "",
        )
    return table


def main() -> None:
    """Run the study."""
    console = Console()
    started = time.perf_counter()
    missing = {config for config in ALL if not config.exists()}
    compute(ALL)
    elapsed_sec = time.perf_counter() - started
    lines = [describe(config, is_computed=config in missing) for config in ALL]
    console.print(table_of(lines))
    computing_sec = sum(line.computing_sec for line in lines)
    console.print(
        f"\n{len(missing)} computed and {len(ALL) - len(missing)} loaded in {elapsed_sec:.2f} s; "
        f"to compute all of them takes {computing_sec:.1f} s."
    )
    console.print(f"Figure: {os.path.relpath(REPORT.get().figure)}", soft_wrap=True, highlight=False)


if __name__ == "__main__":
    main()
