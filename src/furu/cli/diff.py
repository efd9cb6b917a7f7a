"""`furu diff`."""

from __future__ import annotations

from typing import Any

import click

from furu.cli import completion, output
from furu.cli.finding import find, find_document
from furu.errors import FuruError
from furu.evolution.archive import Archive
from furu.evolution.differences import ABSENT, differences
from furu.index.plain import leaves


@click.command("diff")
@click.argument("left", metavar="HASH", shell_complete=completion.hashes)
@click.argument("right", metavar="HASH", shell_complete=completion.hashes)
@click.option("--all", "is_all", is_flag=True, help="Also show fields that are equal.")
@output.as_json
def command(left: str, right: str, *, is_all: bool, is_json: bool) -> None:
    """Show in which fields two artifacts differ, nested ones too."""
    ours, theirs = find(left), find(right)
    finders = [_Finder(str(row.root)) for row in (ours, theirs)]
    found = list(differences(find_document(ours), find_document(theirs), *finders))
    if is_json:
        output.say_json({each.path: {"left": _json(each.left), "right": _json(each.right)} for each in found})
        return
    for each in found:
        output.say(output.printable(str(each)))
    if not found:
        output.say("no field differs")
    if is_all:
        equal = dict(leaves(theirs.config))
        for path, item in leaves(ours.config):
            if path in equal and equal[path] == item:
                output.say(output.printable(f"{path}: {output.value(item)}"))


class _Finder:
    """Gives nested documents of one store, or None for one that can't be read."""

    def __init__(self, root: str) -> None:
        self._archive = Archive([root])

    def __call__(self, reference: str) -> dict[str, Any] | None:
        try:
            return self._archive.document(reference)
        except FuruError:
            return None


def _json(value: Any) -> Any:
    return {"$absent": True} if value is ABSENT else value
