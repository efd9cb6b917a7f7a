"""`furu run`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import click

from furu.cli import output, targets
from furu.cli.main import FAILED, exit_code
from furu.errors import FuruError, FuruMissingArtifact
from furu.execution.local import run_local
from furu.execution.scheduling.arguments import FuruArgumentError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from furu.core.furu import Furu


@click.command("run")
@click.argument("arguments", nargs=-1, required=True, metavar=targets.METAVAR)
@click.option("-j", "--workers", default=8, show_default=True, help="How many nodes run at once.")
@click.option("--processes", is_flag=True, help="Workers are processes, for Python code that holds the interpreter.")
@click.option("--keep-going", is_flag=True, help="After a failure, finish what can be finished.")
@click.option(
    "--window",
    default="bfs",
    show_default=True,
    metavar="dfs|bfs|N",
    help="On how many roots to work.",
)
@click.option("--limit", "limits", multiple=True, metavar="SPEC=N", help="How many nodes of a spec key run at once.")
@output.as_json
def command(
    arguments: tuple[str, ...],
    workers: int,
    window: str,
    limits: tuple[str, ...],
    *,
    processes: bool,
    keep_going: bool,
    is_json: bool,
) -> int:
    """Compute what the targets need and what is missing, on this machine.

    A field takes the value that its type makes of the text; lr=1e-3,1e-4 is a sweep. Dots lead into nested configs:
    data.name=toy, or data=package.module:Other for another class.
    """
    roots = targets.read_targets(arguments)
    kind: Literal["thread", "process"] = "process" if processes else "thread"
    failure: FuruError | None = None
    try:
        run_local(
            roots,
            max_workers=workers,
            window_size=_window_size(window),
            workers=kind,
            limits=_limits(limits),
            on_error="continue" if keep_going else "stop",
        )
    except FuruArgumentError as error:
        raise click.UsageError(str(error)) from error
    except FuruError as error:
        failure = error
    _report(roots, failure, is_json=is_json)
    if failure is None:
        return 0
    # A node that asks for what it hasn't declared is failed work, not a question for a missing artifact.
    return FAILED if isinstance(failure, FuruMissingArtifact) else exit_code(failure)


def _window_size(text: str) -> Any:
    return int(text) if text.isdecimal() else text


def _limits(texts: Sequence[str]) -> dict[str, int] | None:
    limits = {}
    for text in texts:
        key, _, number = text.rpartition("=")
        if not key or not number.isdigit():
            msg = f"--limit {text}: write the spec key and a number, as --limit gpu=1"
            raise click.UsageError(msg)
        limits[key] = int(number)
    return limits or None


def _report(roots: Sequence[Furu[Any]], failure: FuruError | None, *, is_json: bool) -> None:
    if failure is not None:
        click.echo(f"furu: {failure}", err=True)
    entries = [(root, root.exists()) for root in roots]
    if is_json:
        facts = [
            {
                "class": type(root).__name__,
                "hash": root.furu_hash,
                "is_done": is_done,
                "directory": str(root._base_furu_dir()),
                "files": str(root.furu_dir) if is_done else None,
            }
            for root, is_done in entries
        ]
        output.say_json({"error": str(failure) if failure else None, "roots": facts})
        return
    for root, is_done in entries:
        output.say(f"{output.styled_status('ok') if is_done else output.styled_status('failed')}  {_line(root)}")


def _line(root: Furu[Any]) -> str:
    return output.printable(f"{type(root).__name__} {root.furu_hash}  {root._base_furu_dir()}")
