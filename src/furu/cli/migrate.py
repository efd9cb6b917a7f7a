"""`furu migrate`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import click

from furu.cli import output, targets
from furu.evolution.archive import store_roots
from furu.evolution.journal import tokens
from furu.evolution.planning import plan_migrations
from furu.evolution.undo import undo_migration

if TYPE_CHECKING:
    from furu.evolution.plan import MigrationPlan


@click.command("migrate")
@click.argument("namespaces", nargs=-1)
@click.option("--conflict", type=click.Choice(["throw", "skip"]), default="throw", show_default=True)
@click.option("--undo", metavar="ID", help="Take this migration back instead.")
@click.option("--yes", is_flag=True, help="Do it; without this, only say what would be done.")
@targets.importing
@output.as_json
def command(
    namespaces: tuple[str, ...],
    modules: tuple[str, ...],
    conflict: Literal["throw", "skip"],
    undo: str | None,
    *,
    yes: bool,
    is_json: bool,
) -> None:
    """Let configs of today's classes stand for results of their former shapes: nothing is copied or deleted.

    NAMESPACES are directories below data/; all without any. Modules with classes that took over need --import.
    """
    if undo is not None:
        _undo(undo, yes=yes, is_json=is_json)
        return
    plan: MigrationPlan = targets.import_all(modules, lambda: plan_migrations(*namespaces))
    done = plan.apply(conflict=conflict) if yes else None
    if is_json:
        facts = _facts(plan)
        facts["done"] = {"id": done.id, "made": done.made, "skipped": list(map(str, done.skipped))} if done else None
        output.say_json(facts)
        return
    for line in str(plan).splitlines():
        output.say(output.printable(line))
    if done is None:
        output.say("nothing was written; --yes does it")
    elif done.id is None:
        output.say("there was nothing to do")
    else:
        output.say(f"{done.made} aliases made; furu migrate --undo {done.id} --yes takes them back")


def _facts(plan: MigrationPlan) -> dict[str, Any]:
    return {
        "aliases": [{"own": each.own, "target": each.target, "because": each.because} for each in plan.aliases],
        "conflicts": [{"own": each.own, "target": each.target, "because": each.because} for each in plan.conflicts],
        "refused": [{"reference": each.reference, "because": each.because} for each in plan.refused],
        "current": plan.current,
        "aliased_already": plan.done,
    }


def _undo(migration: str, *, yes: bool, is_json: bool) -> None:
    known = [token for root in store_roots() for token in tokens(root)]
    if migration not in known:
        msg = f"there is no migration {migration!r}; there are: {', '.join(known) or 'none'}"
        raise click.UsageError(msg)
    removed = undo_migration(migration) if yes else None
    if is_json:
        output.say_json({"id": migration, "removed": removed})
    elif removed is None:
        output.say(f"would take migration {migration} back; --yes does it")
    else:
        output.say(f"{removed} aliases removed")
