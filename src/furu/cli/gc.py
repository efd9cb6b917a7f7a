"""`furu gc`."""

from __future__ import annotations

import shlex
from collections import Counter
from typing import TYPE_CHECKING, Any, Final

import click

from furu import clock
from furu.cli import output
from furu.cli.targets import import_all, importing, read_targets
from furu.cli.trash import empty_trash, finish_taking, list_trash, undo
from furu.cli.units import age, size
from furu.config import root as main_root
from furu.gc.current import needed_by, still_current
from furu.gc.facts import Rules
from furu.gc.plan import carry_out, make_plan
from furu.index.query import parse_all

if TYPE_CHECKING:
    from collections.abc import Sequence

    from furu.gc.journal import LooseEnd, TakenArtifact
    from furu.gc.plan import Plan
    from furu.index.query import Query

_SHOWN: Final = 20
_ACTIONS: Final = ("is_list", "is_empty", "undo_id", "resume_id")


@click.command("gc")
@click.argument("words", nargs=-1, metavar="[QUERY]...")
@click.option("--older", type=age, help="Only what is older than this.")
@click.option("--keep-size", type=size, help="Take what is cheapest to have again, until all fits in here.")
@click.option("--stale", "is_stale", is_flag=True, help="Only what today's classes don't lead to. Imports them.")
@importing
@click.option("--for", "targets", multiple=True, metavar="TARGET", help="Only what these targets don't need.")
@click.option("--grace", type=age, default="1d", show_default=True, help="What is younger stays.")
@click.option("--keep-tag", "keep_tags", multiple=True, metavar="NAME", help="Only these tags keep anything.")
@click.option("--no-tags", is_flag=True, help="No tag keeps anything.")
@click.option("--needed-too", is_flag=True, help="Also what something that stays depends on.")
@click.option("--leftovers", "is_sweep", is_flag=True, help="Also leftovers; without any other condition only these.")
@click.option("--runs-older", type=age, default="30d", show_default=True, help="Which runs are leftovers.")
@click.option("-v", "--verbose", "is_verbose", is_flag=True, help="Name each artifact, also those that stay.")
@click.option("--yes", is_flag=True, help="Do it; without this, only say what would be done.")
@click.option("--list", "is_list", is_flag=True, help="Say what lies in the trash.")
@click.option("--undo", "undo_id", metavar="ID", help="Put back what one gc took.")
@click.option("--resume", "resume_id", metavar="ID", help="Go on with one that was killed.")
@click.option("--empty", "is_empty", is_flag=True, help="Empty the trash, with --older only what lies there that long.")
@output.as_json
def command(**options: Any) -> int:
    """Move to the trash what fits QUERY and the options, unless something keeps it; a dry run without --yes.

    Kept is what is pinned, tagged, being computed, young, or what an alias stands for, and all that these and other
    results that stay depend on.
    """
    chosen = [name for name in _ACTIONS if options[name]]
    if len(chosen) > 1:
        msg = "--list, --undo, --resume and --empty exclude each other"
        raise click.UsageError(msg)
    is_json, yes = options["is_json"], options["yes"]
    if options["is_list"]:
        return list_trash(is_json=is_json)
    if options["is_empty"]:
        return empty_trash(options["older"] or 0.0, yes=yes, is_json=is_json)
    if options["undo_id"]:
        return undo(options["undo_id"], yes=yes, is_json=is_json)
    if options["resume_id"]:
        return finish_taking(options["resume_id"], yes=yes, is_json=is_json)
    plan = _plan(options)
    if not yes or not (plan.artifacts or plan.loose or plan.indexes):
        _print(plan, is_json=is_json, is_verbose=options["is_verbose"])
        return 0
    journal, refused = carry_out(plan)
    _print(plan, is_json=is_json, is_verbose=options["is_verbose"], token=journal.token, refused=refused)
    return 1 if refused else 0


def _plan(options: dict[str, Any]) -> Plan:
    by_code = bool(options["is_stale"] or options["modules"] or options["targets"])
    asked = _asked(options, by_code=by_code)
    tags = frozenset() if options["no_tags"] else frozenset(options["keep_tags"]) or None
    rules = Rules(
        now=clock.unix(),
        grace_sec=options["grace"],
        older_than_sec=options["older"],
        keep_bytes=options["keep_size"],
        keep_tags=tags,
        keeps_needed=not options["needed_too"],
        by_code=by_code,
    )
    current: set[str] = set()
    if options["targets"]:
        words = [word for target in options["targets"] for word in shlex.split(target)]
        current |= needed_by(read_targets(words))
    if options["is_stale"] or options["modules"]:
        current |= import_all(options["modules"], still_current)
    is_sweep = options["is_sweep"] or asked is None
    return make_plan(main_root(), asked, rules, current, run_sec=options["runs_older"] if is_sweep else None)


def _asked(options: dict[str, Any], *, by_code: bool) -> Query | None:
    """What may go; None if only leftovers are meant."""
    is_conditional = by_code or options["older"] is not None or options["keep_size"] is not None
    return parse_all(options["words"]) if options["words"] or is_conditional else None


def _print(
    plan: Plan, *, is_json: bool, is_verbose: bool, token: str | None = None, refused: dict[str, str] | None = None
) -> None:
    refused = refused or {}
    if is_json:
        output.say_json(_document(plan, token, refused))
        return
    if is_verbose:
        for reference, verdict in plan.verdicts.items():
            word = "goes " if verdict.goes else "stays"
            output.say(output.printable(f"{word} {reference}: {verdict.because}"))
    _print_groups(plan)
    for path in plan.indexes:
        output.say(output.printable(f"removed for good: {path}, the index of a store that nobody looks at any more"))
    for name, reason in list(refused.items())[:_SHOWN]:
        output.say(output.printable(f"not moved: {name}: {reason}"))
    stays = Counter(_kind(verdict.because) for verdict in plan.verdicts.values() if not verdict.goes)
    if stays:
        output.say(output.printable("stays: " + ", ".join(f"{count} ({why})" for why, count in stays.most_common())))
    output.say(_summary(plan, token, refused))


def _print_groups(plan: Plan) -> None:
    groups: dict[tuple[str, str], list[TakenArtifact | LooseEnd]] = {}
    for each in plan.artifacts:
        groups.setdefault((each.reference.rpartition("/")[0], _kind(each.because)), []).append(each)
    for end in plan.loose:
        groups.setdefault((end.path.partition("/")[0] + "/", end.because), []).append(end)
    rows = [
        (name, str(len(items)), output.size(sum(each.size_bytes for each in items)), _cost(items), because)
        for (name, because), items in sorted(groups.items())
    ]
    if rows:
        output.table(("WHAT", "NUMBER", "SIZE", "TOOK", "WHY"), rows)


def _cost(items: Sequence[TakenArtifact | LooseEnd]) -> str:
    known = [took for each in items if (took := getattr(each, "took_sec", None)) is not None]
    return output.duration(sum(known)) if known else ""


def _kind(because: str) -> str:
    """A reason without the numbers and names in it, so that like ones can be counted together."""
    if because.startswith("room is needed, "):
        return "room is needed"
    for ending in (" needs it", " stays"):
        if because.endswith(ending):
            return "something that stays needs it" if ending == " needs it" else "an alias that stays stands for it"
    return because


def _summary(plan: Plan, token: str | None, refused: dict[str, str]) -> str:
    number = len(plan.artifacts) + len(plan.loose)
    if not number and not plan.indexes:
        return "nothing may go"
    unknown = f" and {plan.unknown} times what nobody knows" if plan.unknown else ""
    cost = f"to compute the results again would take {output.duration(plan.recompute_sec) or '0s'}{unknown}"
    what = f"{len(plan.artifacts)} artifacts and {len(plan.loose)} other things, {output.size(plan.size_bytes)}"
    if token is None:
        return f"{what}; {cost}\nnothing was moved; --yes does it"
    left = f" ({len(refused)} of these stayed)" if refused else ""
    return (
        f"moved to the trash{left}: {what}; {cost}\n"
        f"furu gc --undo {token} --yes puts it back, furu gc --empty --yes frees the room"
    )


def _document(plan: Plan, token: str | None, refused: dict[str, str]) -> dict[str, Any]:
    return {
        "is_dry_run": token is None,
        "id": token,
        "bytes": plan.size_bytes,
        "recompute_sec": plan.recompute_sec,
        "unknown": plan.unknown,
        "artifacts": {
            each.reference: {"because": each.because, "bytes": each.size_bytes, "took_sec": each.took_sec}
            for each in plan.artifacts
        },
        "other": {each.path: {"because": each.because, "bytes": each.size_bytes} for each in plan.loose},
        "stays": {reference: each.because for reference, each in plan.verdicts.items() if not each.goes},
        "indexes": plan.indexes,
        "refused": refused,
    }
