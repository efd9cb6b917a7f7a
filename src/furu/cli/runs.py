"""`furu runs`."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, Final

import click

from furu import clock, config
from furu.cli import completion, output
from furu.cli.finding import NoSuchArtifact
from furu.errors import FuruError
from furu.execution.reporting.run_record import list_runs
from furu.execution.reporting.run_state import Backend, RunState, RunSummary, summarize_run
from furu.execution.slurm.attach import attach_slurm_dag
from furu.execution.slurm.report import NodeState

if TYPE_CHECKING:
    from furu.execution.slurm.report import DagReport

_ARGV_CHARS: Final = 80


def find_run(prefix: str | None, backend: Backend | None = None) -> str:
    """The name of the one run that begins like that, or of the newest; of one backend, where that is asked.

    Raises:
        click.UsageError: several begin like that.
        NoSuchArtifact: there is none.
    """
    root = config.root()
    found = [each for each in list_runs(root) if prefix is None or each.startswith(prefix)]
    if prefix is None:
        found = [each for each in found if backend is None or summarize_run(root, each).backend is backend][:1]
    if not found:
        kind = f"{backend.value} " if backend else ""
        msg = f"no {kind}run below {root}" + (f" begins with {prefix}" if prefix else " is on record")
        raise NoSuchArtifact(f"{msg}; `furu runs` lists them")
    if len(found) > 1 and prefix not in found:
        raise click.UsageError(f"several runs begin with {prefix}: {', '.join(found[:10])}")
    return prefix if prefix in found else found[0]


@click.command("runs")
@click.argument("run", required=False, shell_complete=completion.runs)
@click.option("-n", "--limit", type=click.IntRange(min=1), default=20, show_default=True, help="So many, newest first.")
@output.as_json
def command(run: str | None, limit: int, *, is_json: bool) -> int:
    """List runs, or show one. RUN is the beginning of its name; of a --slurm-dag Slurm is asked for its jobs."""
    if run is not None:
        return _show(find_run(run), is_json=is_json)
    summaries = []
    for run_id in list_runs(config.root())[:limit]:
        try:
            summaries.append(summarize_run(config.root(), run_id))
        except FuruError as error:
            click.echo(f"furu: {run_id}: {error.message}", err=True)
    if is_json:
        output.say_json([_facts(each) for each in summaries])
        return 0
    now = clock.unix()
    rows = [
        (
            each.state.value,
            each.record.run_id,
            each.backend.value,
            f"{each.done}/{each.total}" + (f", {each.failed} failed" if each.failed else ""),
            output.ago(each.record.at, now),
            f"{each.record.process.get('host')}",
            _command(each)[:_ARGV_CHARS],
        )
        for each in summaries
    ]
    output.table(("STATE", "RUN", "ON", "DONE", "BEGAN", "HOST", "COMMAND"), rows)
    return 0


def _show(run_id: str, *, is_json: bool) -> int:
    summary = summarize_run(config.root(), run_id)
    report = attach_slurm_dag(run_id).look() if summary.backend is Backend.SLURM_DAG else None
    failures = _failures(summary, report)
    if is_json:
        counts = {state.value: count for state, count in report.counts().items()} if report else None
        output.say_json({**_facts(summary), "failures": failures, "jobs": counts})
    else:
        _print(summary, report, failures)
    has_failed = bool(failures) or summary.state in (RunState.FAILED, RunState.KILLED)
    return 1 if has_failed else 0


def _command(summary: RunSummary) -> str:
    program, *arguments = summary.record.argv or ("",)
    return " ".join([os.path.basename(program), *arguments])


def _print(summary: RunSummary, report: DagReport | None, failures: dict[str, str]) -> None:
    record = summary.record
    output.say(f"{click.style(record.run_id, bold=True)}  {output.styled_status(summary.state.value)}")
    output.say(f"on         {summary.backend.value}, host {record.process.get('host')} pid {record.process.get('pid')}")
    output.say(f"began      {output.ago(record.at, clock.unix())}")
    output.say(f"command    {output.printable(_command(summary))}")
    output.say(f"computed   {summary.done} of {summary.total}")
    if report is not None:
        counts = report.counts()
        output.say("jobs       " + ", ".join(f"{counts[state]} {state}" for state in NodeState if counts[state]))
    for node, because in failures.items():
        output.say(f"{output.styled_status('failed')}     {output.printable(f'{node}: {because}')}")


def _failures(summary: RunSummary, report: DagReport | None) -> dict[str, str]:
    """Nodes that failed, with the reason."""
    if report is not None:
        return {node.name: node.because for node in report.with_state(NodeState.FAILED)}
    nodes = summary.record.nodes
    failures = {}
    for event in summary.record.failures():
        node = nodes.get(event.node or "")
        name = node.name if node is not None else str(event.node)
        text = f"{event.facts.get('error_type', '')}: {event.facts.get('error_text', '')}".strip(": ")
        failures[name] = text or str(event.facts.get("because", ""))
    return failures


def _facts(summary: RunSummary) -> dict[str, Any]:
    record = summary.record
    return {
        "run": record.run_id,
        "state": summary.state.value,
        "backend": summary.backend.value,
        "began_at": clock.isoformat(record.at),
        "host": record.process.get("host"),
        "pid": record.process.get("pid"),
        "user": record.process.get("user"),
        "argv": list(record.argv),
        "roots": list(record.roots),
        "total": summary.total,
        "done": summary.done,
        "failed": summary.failed,
    }
