"""`furu du`."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import click

from furu.cli import output
from furu.index.query import parse_all
from furu.index.search import query

if TYPE_CHECKING:
    from furu.index.rows import ArtifactRow


@click.command("du")
@click.argument("words", nargs=-1, metavar="[QUERY]...")
@click.option("--by", type=click.Choice(["class", "artifact", "status"]), default="class", show_default=True)
@click.option("-n", "--limit", default=50, show_default=True, type=click.IntRange(min=1), help="Biggest to show.")
@output.as_json
def command(words: tuple[str, ...], by: str, limit: int, *, is_json: bool) -> None:
    """Show how much disk the artifacts take that fit QUERY; every file is looked at, which takes its time."""
    sizes: dict[str, int] = {}
    numbers: dict[str, int] = {}
    for row in query(parse_all(words)):
        name = _group(row, by)
        sizes[name] = sizes.get(name, 0) + bytes_below(str(row.directory))
        numbers[name] = numbers.get(name, 0) + 1
    biggest = sorted(sizes, key=lambda name: (-sizes[name], name))
    if is_json:
        groups = [{by: name, "bytes": sizes[name], "artifacts": numbers[name]} for name in biggest]
        output.say_json({"bytes": sum(sizes.values()), "artifacts": sum(numbers.values()), "groups": groups})
        return
    rows = [(output.size(sizes[name]), str(numbers[name]), name) for name in biggest[:limit]]
    total = (output.size(sum(sizes.values())), str(sum(numbers.values())), "in all")
    output.table(("SIZE", "ARTIFACTS", by.upper()), [*rows, total])


def _group(row: ArtifactRow, by: str) -> str:
    return {"class": row.namespace, "artifact": row.reference, "status": row.status.value}[by]


def bytes_below(top: str) -> int:
    """What the blocks of all files take, each once; links are not followed."""
    seen: set[tuple[int, int]] = set()
    total = 0
    for directory, _, names in os.walk(top):
        for name in ("", *names):
            try:
                found = os.lstat(f"{directory}/{name}".rstrip("/"))
            except OSError:
                continue  # it was removed meanwhile
            if (found.st_dev, found.st_ino) not in seen:
                seen.add((found.st_dev, found.st_ino))
                total += found.st_blocks * 512
    return total
