"""`furu run`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import click

from furu.cli import completion, output, slurm, targets
from furu.cli.main import FAILED, exit_code
from furu.errors import FuruError, FuruMissingArtifact
from furu.execution.local import run_local
from furu.execution.scheduling.arguments import FuruArgumentError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from furu.core.furu import Furu

_WORKERS: Final = 8
_POOL_WORKERS: Final = 50
# Which options go with which way to run.
_LOCAL: Final = "runs on this machine"
_DAG: Final = "--slurm-dag"
_POOL: Final = "--slurm-pool"
_GOES_WITH: Final = {
    "processes": (_LOCAL,),
    "workers": (_LOCAL, _POOL),
    "keep_going": (_LOCAL, _POOL),
    "window": (_LOCAL, _POOL),
    "limits": (_LOCAL, _POOL),
    "specs": (_DAG, _POOL),
    "detach": (_DAG,),
}


@dataclass(frozen=True)
class _Options:
    """What was said beside the targets."""

    workers: int | None
    processes: bool
    keep_going: bool
    window: str | None
    limits: tuple[str, ...]
    slurm_dag: bool
    slurm_pool: bool
    specs: tuple[str, ...]
    detach: bool

    def __post_init__(self) -> None:
        if self.slurm_dag and self.slurm_pool:
            raise click.UsageError(f"{_DAG} is a job for each node, {_POOL} keeps workers: choose one")
        way = _DAG if self.slurm_dag else _POOL if self.slurm_pool else _LOCAL
        for name, ways in _GOES_WITH.items():
            if getattr(self, name) not in (None, False, ()) and way not in ways:
                option = {"limits": "limit", "specs": "spec"}.get(name, name).replace("_", "-")
                raise click.UsageError(f"--{option} goes only with {' and '.join(ways)}")

    def scheduling(self) -> dict[str, Any]:
        """What `run_local` and `run_slurm_pool` both take."""
        window = self.window or "bfs"
        return {
            "window_size": int(window) if window.isdecimal() else window,
            "limits": _limits(self.limits),
            "on_error": "continue" if self.keep_going else "stop",
        }


@click.command("run")
@click.argument("arguments", nargs=-1, required=True, metavar=targets.METAVAR, shell_complete=completion.targets)
@click.option(
    "-j", "--workers", "--max-workers", type=int, metavar="N", help="How many nodes run at once: 8; of a pool 50."
)
@click.option("--processes", is_flag=True, help="Workers are processes, for Python code that holds the interpreter.")
@click.option("--keep-going", is_flag=True, help="After a failure, finish what can be finished.")
@click.option("--window", metavar="dfs|bfs|N", help="On how many roots to work; all at once by default.")
@click.option("--limit", "limits", multiple=True, metavar="SPEC=N", help="How many nodes of a spec key run at once.")
@click.option("--slurm-dag", is_flag=True, help="On Slurm, a job for each node.")
@click.option("--slurm-pool", is_flag=True, help="On Slurm, long-lived workers that this process drives.")
@slurm.spec_option
@click.option("--detach", is_flag=True, help="With --slurm-dag: submit and leave; `furu attach` waits later.")
@output.as_json
def command(arguments: tuple[str, ...], *, is_json: bool, **given: Any) -> int:
    """Compute what the targets need and what is missing: on this machine, or on Slurm.

    A field takes the value that its type makes of the text; lr=1e-3,1e-4 is a sweep. Dots lead into nested configs:
    data.name=toy, or data=package.module:Other for another class.
    """
    options = _Options(**given)
    roots = targets.read_targets(arguments)
    if options.slurm_dag:
        submission = slurm.submit(roots, options.specs)
        if options.detach:
            slurm.report_submission(submission, is_json=is_json)
            return 0
        failure = _failure_of(lambda: slurm.wait_for(submission))
    elif options.slurm_pool:
        workers = options.workers if options.workers is not None else _POOL_WORKERS
        failure = _failure_of(lambda: slurm.run_pool(roots, options.specs, workers, **options.scheduling()))
    else:
        kind: Any = "process" if options.processes else "thread"
        workers = options.workers if options.workers is not None else _WORKERS
        failure = _failure_of(lambda: run_local(roots, max_workers=workers, workers=kind, **options.scheduling()))
    _report(roots, failure, is_json=is_json)
    if failure is None:
        return 0
    # A node that asks for what it hasn't declared is failed work, not a question for a missing artifact.
    return FAILED if isinstance(failure, FuruMissingArtifact) else exit_code(failure)


def _failure_of(run: Callable[[], object]) -> FuruError | None:
    try:
        run()
    except FuruArgumentError as error:
        raise click.UsageError(str(error)) from error
    except FuruError as error:
        return error
    return None


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
