"""The command: two undisturbed rounds, then rounds of kills and stops until the time is over."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from furu import clock
from furu.cli import targets
from furu.cli.main import FAILED, INTERRUPTED, exit_code
from furu.errors import FuruError
from furu.testing.chaos.report import Report
from furu.testing.chaos.rounds import Order, run_calm, run_storm
from furu.testing.chaos.worker import graph_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from furu.testing.chaos.evidence import Round

_SEEDS: Final = 1_000_000


@click.command("python -m furu.testing.chaos", context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("arguments", nargs=-1, required=True, metavar=targets.METAVAR)
@click.option("--minutes", default=1.0, show_default=True, help="For how long, beside the undisturbed rounds.")
@click.option("--workers", default=8, show_default=True, type=click.IntRange(1), help="How many processes.")
@click.option("--seed", type=int, help="Of all random choices; drawn if it isn't given.")
@click.option("--directory", type=click.Path(path_type=Path), help="Keep the stores and all output there.")
def command(arguments: tuple[str, ...], minutes: float, workers: int, seed: int | None, directory: Path | None) -> int:
    """Compute the targets in scratch stores, again and again, while the processes are killed and stopped.

    Then say how often what was computed, whether the results are always the same, whether computations that can be
    resumed were, and which files were written outside of furu_dir. Exit code 1 if something is wrong. Your own store
    is not touched; whatever else your code does to the world, it does.
    """
    graph_of(targets.read_targets(arguments))
    order = Order(arguments, workers, clock.unix_ns() % _SEEDS if seed is None else seed)
    scratch = directory.absolute() if directory else Path(tempfile.mkdtemp(prefix="furu-chaos-"))
    click.echo(f"seed {order.seed}, {workers} workers, in {scratch}")
    report = _torment(scratch, order, minutes * 60)
    for line in report.lines():
        click.echo(line)
    if report.is_good and directory is None:
        shutil.rmtree(scratch)
    return 0 if report.is_good else FAILED


def _torment(scratch: Path, order: Order, seconds: float) -> Report:
    calm = [run_calm(f"{scratch}/calm-{number}", order) for number in (1, 2)]
    storms: list[Round] = []
    if Report(calm, []).is_good:  # what fails by itself needs no kills
        deadline = clock.monotonic() + seconds
        while not storms or clock.monotonic() < deadline:
            number = len(storms) + 1
            storms.append(run_storm(f"{scratch}/storm-{number}", order, number, calm[0].took_sec))
            click.echo(f"round {number}: {storms[-1].kills} kills, {storms[-1].stops} stops", err=True)
    return Report(calm, storms)


def main(arguments: Sequence[str]) -> int:
    """Run the command; its exit code: 0 nothing was wrong, 1 something was, 2 it can't be understood."""
    try:
        code: Any = command.main(list(arguments), standalone_mode=False)
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except (click.Abort, KeyboardInterrupt):
        return INTERRUPTED
    except FuruError as error:
        click.echo(f"furu.testing.chaos: {error}", err=True)
        return exit_code(error)
    return code if isinstance(code, int) else 0
