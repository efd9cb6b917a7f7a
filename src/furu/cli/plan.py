"""`furu plan`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from furu.cli import completion, output, targets
from furu.execution.plan import build_plan

if TYPE_CHECKING:
    from furu.execution.plan import DependencyPlan


@click.command("plan")
@click.argument("arguments", nargs=-1, required=True, metavar=targets.METAVAR, shell_complete=completion.targets)
@click.option("--nodes", is_flag=True, help="Also list every node with its reason.")
@output.as_json
def command(arguments: tuple[str, ...], *, nodes: bool, is_json: bool) -> None:
    """Show what `furu run` with the same arguments would compute, why, and what it would cost."""
    plan = build_plan(targets.read_targets(arguments))
    if is_json:
        output.say_json(_facts(plan))
        return
    if nodes:
        rows = [(node.status.value, node.name, node.spec_key, node.because) for node in plan.nodes.values()]
        output.table(("STATUS", "NODE", "SPEC KEY", "BECAUSE"), rows)
    output.say(str(plan.summary()))


def _facts(plan: DependencyPlan) -> dict[str, Any]:
    summary = plan.summary()
    return {
        "roots": [root.furu_hash for root in plan.roots],
        "counts": {status.value: count for status, count in plan.counts().items()},
        "estimated_sec": summary.total_sec,
        "nodes_of_unknown_cost": summary.unknown,
        "nodes": [
            {
                "class": type(node.obj).__name__,
                "hash": furu_hash,
                "status": node.status.value,
                "because": node.because,
                "spec_key": node.spec_key,
                "waits_for": node.deps_pending,
            }
            for furu_hash, node in plan.nodes.items()
        ],
    }
