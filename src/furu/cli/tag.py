"""`furu tag`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from furu.cli import output
from furu.cli.finding import chosen, where
from furu.evolution.annotate import annotations_of, tag, untag

if TYPE_CHECKING:
    from furu.index.rows import ArtifactRow


@click.command("tag")
@click.argument("words", nargs=-1, required=True, metavar="[HASH]... NAME")
@click.option("--remove", "is_removal", is_flag=True, help="Take the tag away.")
@where
@output.as_json
def command(words: tuple[str, ...], text: str | None, *, is_removal: bool, is_json: bool) -> None:
    """Give artifacts a tag, which `tag:NAME` finds and `furu gc` keeps; several names with commas between them."""
    *hashes, names = words
    rows = chosen(hashes, text)
    for row in rows:
        (untag if is_removal else tag)(row, *names.split(","))
    if is_json:
        output.say_json({row.reference: annotations_of(row).tags for row in rows})
        return
    for row in rows:
        output.say(output.printable(f"{row.node}: {_described(row)}"))


def _described(row: ArtifactRow) -> str:
    return " ".join(annotations_of(row).tags) or "no tags"
