"""`furu pin` and `furu unpin`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from furu.cli import completion, output
from furu.cli.finding import chosen, where
from furu.evolution.annotate import annotations_of, pin, unpin

if TYPE_CHECKING:
    from collections.abc import Sequence

    from furu.index.rows import ArtifactRow


@click.command("pin")
@click.argument("artifacts", nargs=-1, metavar="[HASH]...", shell_complete=completion.hashes)
@click.option("--reason", default="", help="Why, for whoever wants to know later.")
@where
@output.as_json
def command(artifacts: tuple[str, ...], text: str | None, reason: str, *, is_json: bool) -> None:
    """Have `furu gc` keep artifacts, and all that they depend on."""
    rows = chosen(artifacts, text)
    for row in rows:
        pin(row, reason)
    _print(rows, is_json=is_json)


@click.command("unpin")
@click.argument("artifacts", nargs=-1, metavar="[HASH]...", shell_complete=completion.hashes)
@where
@output.as_json
def unpin_command(artifacts: tuple[str, ...], text: str | None, *, is_json: bool) -> None:
    """Take the pins of artifacts away."""
    rows = chosen(artifacts, text)
    for row in rows:
        unpin(row)
    _print(rows, is_json=is_json)


def _print(rows: Sequence[ArtifactRow], *, is_json: bool) -> None:
    found = {row.reference: annotations_of(row) for row in rows}
    if is_json:
        output.say_json(
            {reference: {"pinned": each.is_pinned, "reason": each.pin_reason} for reference, each in found.items()}
        )
        return
    for row in rows:
        each = found[row.reference]
        reason = f": {each.pin_reason}" if each.pin_reason else ""
        output.say(output.printable(f"{row.node} {'is' if each.is_pinned else 'is not'} pinned{reason}"))
