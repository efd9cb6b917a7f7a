"""`furu cancel`."""

from __future__ import annotations

import click

from furu.cli import completion, output
from furu.cli.runs import find_run
from furu.cli.slurm import find_dag
from furu.execution.slurm.report import OPEN


@click.command("cancel")
@click.argument("run", shell_complete=completion.runs)
@click.option("--yes", is_flag=True, help="Do it; without this, only say what would be done.")
@output.as_json
def command(run: str, *, yes: bool, is_json: bool) -> None:
    """End what runs of a `furu run --slurm-dag`, and take the rest out of Slurm's queue. What is done stays done.

    A run on this machine, and one with --slurm-pool, ends with Ctrl-C in its own terminal.
    """
    dag = find_dag(find_run(run))
    open_nodes = [node for node in dag.look().nodes.values() if node.state in OPEN]
    if yes and open_nodes:
        dag.cancel()
    if is_json:
        jobs = [{"node": node.name, "job": node.job_id, "state": node.state.value} for node in open_nodes]
        output.say_json({"run": dag.run_id, "is_dry_run": not yes, "jobs": jobs})
        return
    for node in open_nodes:
        output.say(f"{node.state.value:8} {node.job_id:10} {output.printable(node.name)}")
    verb = "cancelled" if yes else "would be cancelled; --yes does it"
    output.say(f"{len(open_nodes)} jobs {verb}" if open_nodes else "no job of it is open")
