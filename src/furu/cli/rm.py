"""`furu rm`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import click

from furu.cli import completion, output
from furu.cli.finding import chosen, where
from furu.config import settings
from furu.errors import FuruError
from furu.evolution.annotate import annotations_of
from furu.evolution.journal import living_aliases
from furu.evolution.refs import ArtifactStatus
from furu.lifecycle.artifact import Terms
from furu.lifecycle.removal import delete_at
from furu.storage.layout import ArtifactPaths

if TYPE_CHECKING:
    from furu.index.rows import ArtifactRow


_NOTHING: Final = ArtifactStatus.RECORDED


@click.command("rm")
@click.argument("artifacts", nargs=-1, metavar="[HASH]...", shell_complete=completion.hashes)
@where
@click.option("--yes", is_flag=True, help="Do it; without this, only say what would be done.")
@click.option("--force", is_flag=True, help="Also what is pinned, or what aliases stand for.")
@output.as_json
def command(artifacts: tuple[str, ...], text: str | None, *, yes: bool, force: bool, is_json: bool) -> int:
    """Delete results, files and attempts. Records of configs stay, and what somebody is computing is left alone."""
    rows = {row.reference: row for row in chosen(artifacts, text) if text is None or row.status is not _NOTHING}
    outcomes = {reference: _remove(row, yes=yes, force=force) for reference, row in rows.items()}
    if is_json:
        output.say_json({"is_dry_run": not yes, "artifacts": outcomes})
    else:
        _print(rows, outcomes, yes=yes)
    return 1 if any("refused" in outcome for outcome in outcomes.values()) else 0


def _remove(row: ArtifactRow, *, yes: bool, force: bool) -> dict[str, Any]:
    try:
        aliases = [] if force else living_aliases(str(row.root), row.reference)
        if aliases:
            return {
                "refused": f"{len(aliases)} aliases stand for it, such as {aliases[0]}; --force leaves them without"
            }
        if not force and annotations_of(row).is_pinned:
            return {"refused": "it is pinned; --force deletes it all the same"}
        if row.status is ArtifactStatus.RUNNING and not yes:
            return {"refused": "somebody is computing it"}
        if not yes:
            return {"would_delete": True}
        return {"deleted": delete_at(ArtifactPaths(str(row.directory)), row.node, lambda: _terms(row))}
    except FuruError as error:
        return {"refused": error.message}


def _terms(row: ArtifactRow) -> Terms:
    current = settings()
    return Terms(row.node, current.lease_sec, current.heartbeat_sec)


def _print(rows: dict[str, ArtifactRow], outcomes: dict[str, dict[str, Any]], *, yes: bool) -> None:
    for reference, outcome in outcomes.items():
        row = rows[reference]
        if "refused" in outcome:
            words = f"not deleted: {outcome['refused']}"
        elif not yes:
            words = "would be deleted"
        else:
            words = "deleted" if outcome["deleted"] else "there was nothing to delete"
        output.say(output.printable(f"{row.node} ({row.status.value}): {words}"))
    if not outcomes:
        output.say("nothing fits")
    elif not yes:
        output.say("nothing was deleted; --yes does it")
