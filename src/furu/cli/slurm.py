"""What `furu run`, `furu runs`, `furu attach` and `furu cancel` do on Slurm."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from furu.cli import output
from furu.errors import FuruError
from furu.execution.reporting.progress import Progress
from furu.execution.slurm.attach import SlurmDag, attach_slurm_dag
from furu.execution.slurm_dag import SlurmDagSubmission, submit_slurm_dag
from furu.execution.slurm_pool import run_slurm_pool
from furu.execution.slurm_spec import FuruMissingSpec
from furu.execution.slurm_specs import project_specs
from furu.identity.decode import FuruDecodeError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from furu.core.furu import Furu
    from furu.execution.slurm.client import Slurm

spec_option = click.option(
    "--spec",
    "specs",
    multiple=True,
    metavar="KEY=NAME:VALUE,...",
    help="Resources of a spec key, over those of [tool.furu.slurm.KEY] in pyproject.toml.",
)
"""The option that says what jobs ask Slurm for."""


def submit(roots: Sequence[Furu[Any]], specs: Sequence[str], *, slurm: Slurm | None = None) -> SlurmDagSubmission:
    """Queue a job for each missing node.

    Raises:
        click.UsageError: the plan needs a spec key that nobody gave.
        FuruError: as `submit_slurm_dag`.
    """
    try:
        return submit_slurm_dag(roots, specs=project_specs(specs), slurm=slurm)
    except FuruMissingSpec as error:
        raise _missing(error) from error


def run_pool(
    roots: Sequence[Furu[Any]], specs: Sequence[str], workers: int, *, slurm: Slurm | None = None, **scheduling: Any
) -> None:
    """Compute everything on workers in Slurm jobs.

    Raises:
        click.UsageError: the plan needs a spec key that nobody gave.
        FuruError: as `run_slurm_pool`.
    """
    try:
        run_slurm_pool(roots, specs=project_specs(specs), max_workers_total=workers, slurm=slurm, **scheduling)
    except FuruMissingSpec as error:
        raise _missing(error) from error


def report_submission(submission: SlurmDagSubmission, *, is_json: bool) -> None:
    """Say what was queued."""
    jobs = submission.job_id_by_hash
    if is_json:
        output.say_json({"run": submission.run_id if jobs else None, "jobs": jobs, "roots": submission.root_job_ids})
    elif not jobs:
        output.say("nothing to do: all of it is there")
    else:
        output.say(f"run {submission.run_id}: {len(jobs)} jobs")
        output.say(_how_to_go_on(submission.run_id))


def wait_for(submission: SlurmDagSubmission) -> None:
    """Wait until its jobs are through; Ctrl-C leaves them to Slurm.

    Raises:
        FuruRunError: nodes failed.
    """
    if submission.job_id_by_hash:
        wait(submission.attach())


def wait(dag: SlurmDag) -> None:
    """Wait until the jobs of a run are through, showing how far they are where its classes can be imported.

    Raises:
        FuruRunError: nodes failed.
    """
    try:
        click.echo(f"run {dag.run_id}; Ctrl-C leaves its jobs to Slurm", err=True)
        try:
            dag.wait(reporter=Progress())
        except FuruDecodeError as error:
            click.echo(f"furu: no progress is shown: {error.message}", err=True)
            dag.wait()
    except KeyboardInterrupt:
        click.echo(_how_to_go_on(dag.run_id), err=True)
        raise


def find_dag(run_id: str) -> SlurmDag:
    """The jobs of a run.

    Raises:
        click.UsageError: the run has no jobs of its own.
    """
    try:
        return attach_slurm_dag(run_id)
    except FuruError as error:
        msg = f"run {run_id} is none of --slurm-dag: there are no jobs to look after"
        raise click.UsageError(msg) from error


def _how_to_go_on(run_id: str) -> str:
    return f"the jobs go on by themselves: `furu attach {run_id}` waits for them, `furu cancel {run_id}` ends them"


def _missing(error: FuruMissingSpec) -> click.UsageError:
    lines = [error.message]
    lines += [f"  write --spec {key}=partition:...,cpus:4,mem_gb:8,time_min:60" for key in error.missing]
    lines.append("  or [tool.furu.slurm.KEY] in pyproject.toml; see docs/slurm.md")
    return click.UsageError("\n".join(lines))
