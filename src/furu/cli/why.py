"""`furu why`: about a stored artifact, by its documents alone; no class is imported."""

from __future__ import annotations

import heapq
from functools import partial
from typing import TYPE_CHECKING, Any, Final

import click

from furu.cli import completion, output
from furu.cli.attempts import attempts_of
from furu.cli.finding import find
from furu.errors import FuruError
from furu.evolution.archive import Archive
from furu.evolution.differences import differences
from furu.evolution.nearest import Nearest
from furu.evolution.refs import ArtifactStatus
from furu.lifecycle.lease import THIS_PROCESS
from furu.lifecycle.published import why_inactive

if TYPE_CHECKING:
    from furu.index.rows import ArtifactRow

_COMPARED: Final = 5_000
_MEANINGS: Final = {
    ArtifactStatus.PUBLISHED: "get() loads it: it is published",
    ArtifactStatus.ALIAS: "get() loads what it is an alias of",
    ArtifactStatus.RUNNING: "get() waits: somebody computes it",
    ArtifactStatus.FAILED: "get() computes it again, unless FURU_RETRY_FAILED is off: its last attempt failed",
    ArtifactStatus.PREEMPTED: "get() computes it: its last attempt was interrupted",
    ArtifactStatus.CRASHED: "get() computes it: the process of its last attempt died",
    ArtifactStatus.LOST: "get() computes it: the owner of its last attempt showed no sign of life any more",
    ArtifactStatus.INVALID: "get() computes it: its result was taken back",
    ArtifactStatus.RECORDED: "get() computes it: it never was, or was deleted; others may refer to it",
}


@click.command("why")
@click.argument("artifact", metavar="HASH", shell_complete=completion.hashes)
@click.option("-n", "--nearest", "count", default=3, show_default=True, type=click.IntRange(min=0))
@output.as_json
def command(artifact: str, count: int, *, is_json: bool) -> None:
    """Say what get() would do with an artifact and why, and which results of its class come nearest."""
    row = find(artifact)
    has_result = row.status is ArtifactStatus.PUBLISHED
    because, details = _MEANINGS[row.status], _details(row)
    nearest = [] if has_result else _nearest(row, count)
    if is_json:
        output.say_json(
            {
                "node": row.node,
                "status": row.status.value,
                "because": because,
                "details": details,
                "nearest": [
                    {"reference": each.reference, "differences": [str(between) for between in each.differences]}
                    for each in nearest
                ],
            }
        )
        return
    output.say(f"{output.printable(row.node)}: {because}")
    for line in details:
        output.say(f"  {output.printable(line)}")
    for each in nearest:
        output.say(f"  near: {output.printable(str(each))}")


def _details(row: ArtifactRow) -> list[str]:
    lines = []
    paths = row.ref().paths
    if row.status is ArtifactStatus.ALIAS:
        try:
            inactive = why_inactive(paths, THIS_PROCESS.disk)
        except FuruError as error:
            inactive = error.message
        lines += [inactive] if inactive else []
    attempts = attempts_of(paths)
    if attempts:
        last = attempts[-1]
        where = last.owner.process if last.owner else "an unknown owner"
        lines.append(f"attempt {len(attempts)} on {where}: {last.state}")
        if last.failure is not None:
            lines += [last.failure, f"log: {last.paths.log}"]
        if last.silent_sec is not None:
            lines.append(f"last sign of life {output.duration(last.silent_sec)} ago")
    elif row.error:
        lines.append(row.error)
    return lines


def _nearest(row: ArtifactRow, count: int) -> list[Nearest]:
    archive = Archive([str(row.root)])
    ours = _document(archive, row.reference)
    if ours is None:
        return []
    look_up = partial(_document, archive)
    stored = archive.scan(row.namespace)
    published = [each for each, found in stored.items() if found.is_published and found.namespace == row.namespace]
    found = []
    for reference in published[:_COMPARED]:
        theirs = _document(archive, reference)
        if theirs is not None and reference != row.reference:
            between = differences(theirs, ours, look_up, look_up)
            found.append(Nearest(reference, tuple(between)))
    return heapq.nsmallest(count, found, key=lambda each: (len(each.differences), each.reference))


def _document(archive: Archive, reference: str) -> dict[str, Any] | None:
    try:
        return archive.document(reference)
    except FuruError:
        return None
