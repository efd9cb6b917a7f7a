"""`furu attach`."""

from __future__ import annotations

import os
import sys

import click

from furu.cli import completion, output
from furu.cli.main import exit_code
from furu.cli.runs import find_run
from furu.cli.slurm import find_dag, wait
from furu.errors import FuruError
from furu.execution.reporting.run_state import Backend


@click.command("attach")
@click.argument("run", required=False, shell_complete=completion.runs)
@output.as_json
def command(run: str | None, *, is_json: bool) -> int:
    """Wait for the jobs of a `furu run --slurm-dag`. RUN is the beginning of its name; the newest without it.

    Ctrl-C leaves the jobs to Slurm. `furu runs RUN` looks without waiting.
    """
    dag = find_dag(find_run(run, Backend.SLURM_DAG))
    # For the view of classes that are where the run was started.
    if os.getcwd() not in sys.path:
        sys.path.insert(0, os.getcwd())
    failure: FuruError | None = None
    try:
        wait(dag)
    except FuruError as error:
        failure = error
    report = dag.look()
    if is_json:
        nodes = [
            {"node": node.name, "state": node.state.value, "because": node.because, "job": node.job_id}
            for node in report.nodes.values()
        ]
        output.say_json({"run": dag.run_id, "error": str(failure) if failure else None, "nodes": nodes})
    else:
        for line in str(report).splitlines():
            output.say(output.printable(line))
    return 0 if failure is None else exit_code(failure)
