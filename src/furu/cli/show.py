"""`furu show`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import click

from furu import clock
from furu.cli import completion, output
from furu.cli.attempts import attempts_of
from furu.cli.finding import find
from furu.errors import FuruError
from furu.evolution.annotate import annotations_of
from furu.evolution.archive import store_roots
from furu.index.database import opened
from furu.index.edges import depends_on, used_by
from furu.lifecycle.lease import THIS_PROCESS
from furu.lifecycle.published import find_published

if TYPE_CHECKING:
    from furu.index.rows import ArtifactRow

_LISTED: Final = 20


@click.command("show")
@click.argument("artifact", metavar="HASH", shell_complete=completion.hashes)
@output.as_json
def command(artifact: str, *, is_json: bool) -> None:
    """Show one artifact: config, attempts, paths. HASH is the beginning of its hash."""
    row = find(artifact)
    facts = _facts(row)
    if is_json:
        output.say_json(facts)
    else:
        _print(row, facts)


def _facts(row: ArtifactRow) -> dict[str, Any]:
    ref = row.ref()
    facts = row.to_json()
    facts["class_path"] = ref.class_path
    facts["attempts"] = [attempt.to_json() for attempt in attempts_of(ref.paths)]
    with opened(store_roots()) as connection:  # which was refreshed when the artifact was looked for
        facts["depends_on"] = depends_on(connection, row.reference)
        facts["used_by"] = used_by(connection, row.reference)
    facts["files"] = facts["alias_of"] = facts["pin_reason"] = None
    try:
        facts["pin_reason"] = annotations_of(row).pin_reason
        published = find_published(ref.paths, THIS_PROCESS.disk)
    except FuruError as error:
        facts["error"] = error.message
    else:
        if published is not None:
            facts["files"] = published.directory
            facts["alias_of"] = published.source.base if published.source.base != ref.paths.base else None
    return facts


def _print(row: ArtifactRow, facts: dict[str, Any]) -> None:
    output.say(f"{click.style(row.class_name, bold=True)} {row.furu_hash}  {output.styled_status(row.status.value)}")
    if row.error:
        output.say(f"  {output.printable(row.error)}")
    lines = {
        "class": facts["class_path"],
        "version": row.version,
        "directory": facts["directory"],
        "files": facts["files"] if facts["files"] != facts["directory"] else None,
        "alias of": facts["alias_of"],
        "tags": " ".join(row.tags) or None,
        "note": row.note,
        "pinned": (facts["pin_reason"] or "yes") if row.is_pinned else None,
    }
    for name, text in lines.items():
        if text is not None:
            output.say(f"{name:10} {output.printable(str(text))}")
    output.say("config")
    _print_tree(row.config, "  ")
    for relation, references in (("depends on", facts["depends_on"]), ("used by", facts["used_by"])):
        for reference in references[:_LISTED]:
            output.say(f"{relation} {output.printable(reference)}")
        if len(references) > _LISTED:
            output.say(f"{relation} {len(references) - _LISTED} more; --json names them")
    _print_attempts(facts["attempts"])


def _print_tree(config: dict[str, Any], indent: str) -> None:
    for name, item in config.items():
        if isinstance(item, dict) and item:
            output.say(f"{indent}{output.printable(name)}")
            _print_tree(item, indent + "  ")
        else:
            output.say(f"{indent}{output.printable(name)} = {output.printable(output.value(item))}")


def _print_attempts(attempts: list[dict[str, Any]]) -> None:
    if not attempts:
        output.say("never computed")
        return
    output.say("attempts")
    now = clock.unix()
    for number, attempt in enumerate(attempts, start=1):
        began = int(attempt["token"].partition("-")[0]) / 1e9
        where = f"host {attempt['host']} pid {attempt['pid']}" if attempt["host"] else "unknown owner"
        took = f", took {output.duration(attempt['took_sec'])}" if attempt["took_sec"] is not None else ""
        silent = f", last sign of life {output.ago(now - attempt['silent_sec'], now)}" if attempt["silent_sec"] else ""
        state = output.styled_status(attempt["state"])
        output.say(f"  {number} {state}  began {output.ago(began, now)}, {output.printable(where)}{took}{silent}")
        if attempt["error"]:
            output.say(f"    {output.printable(attempt['error'])}")
