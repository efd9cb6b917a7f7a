"""`furu note`."""

from __future__ import annotations

import click

from furu.cli import completion, output
from furu.cli.finding import find
from furu.evolution.annotate import annotations_of, note


@click.command("note")
@click.argument("artifact", metavar="HASH", shell_complete=completion.hashes)
@click.argument("text", required=False)
@click.option("--clear", "is_clearing", is_flag=True, help="Remove the note.")
@output.as_json
def command(artifact: str, text: str | None, *, is_clearing: bool, is_json: bool) -> None:
    """Write a note on an artifact, in the place of the one it has; without TEXT, print that one."""
    if is_clearing and text is not None:
        msg = "either TEXT or --clear"
        raise click.UsageError(msg)
    row = find(artifact)
    if is_clearing or text is not None:
        note(row, text)
    written = annotations_of(row).note
    if is_json:
        output.say_json({row.reference: written})
    elif written is not None:
        output.say("\n".join(map(output.printable, written.splitlines())))
