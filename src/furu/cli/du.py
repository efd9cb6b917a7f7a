"""`furu du`."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Final

import click

from furu.cli import output
from furu.evolution.archive import store_roots
from furu.index.query import parse_all
from furu.index.search import query
from furu.storage.atomic import DISK
from furu.storage.layout import RootPaths
from furu.storage.scan import bytes_below

if TYPE_CHECKING:
    from collections.abc import Iterator

    from furu.index.query import Query
    from furu.index.rows import ArtifactRow

_PAGE: Final = 1000


@click.command("du")
@click.argument("words", nargs=-1, metavar="[QUERY]...")
@click.option("--by", type=click.Choice(["class", "artifact", "status"]), default="class", show_default=True)
@click.option("-n", "--limit", default=50, show_default=True, type=click.IntRange(min=1), help="Biggest to show.")
@output.as_json
def command(words: tuple[str, ...], by: str, limit: int, *, is_json: bool) -> None:
    """Show how much disk the artifacts take that fit QUERY; every file is looked at, which takes its time.

    Without QUERY also what runs, records, the trash and the like take.
    """
    sizes: dict[str, int] = {}
    numbers: dict[str, int] = {}
    for row in _found(parse_all(words)):
        name = _group(row, by)
        sizes[name] = sizes.get(name, 0) + bytes_below(str(row.directory))
        numbers[name] = numbers.get(name, 0) + 1
    biggest = sorted(sizes, key=lambda name: (-sizes[name], name))
    rest = _rest() if not words else {}
    if is_json:
        groups = [{by: name, "bytes": sizes[name], "artifacts": numbers[name]} for name in biggest]
        facts = {"bytes": sum(sizes.values()), "artifacts": sum(numbers.values())}
        output.say_json({**facts, "groups": groups, "other": rest})
        return
    rows = [(output.size(sizes[name]), str(numbers[name]), name) for name in biggest[:limit]]
    total = (output.size(sum(sizes.values())), str(sum(numbers.values())), "in all")
    output.table(("SIZE", "ARTIFACTS", by.upper()), [*rows, total])
    for name, taken in rest.items():
        output.say(output.printable(f"{output.size(taken)} beside the artifacts: {name}"))


def _found(asked: Query) -> Iterator[ArtifactRow]:
    """Page by page: a million rows at once would be gigabytes."""
    page = query(asked, limit=_PAGE)
    yield from page
    while page.next_page is not None:
        page = query(asked, limit=_PAGE, after=page.next_page, is_fresh=False)
        yield from page


def _group(row: ArtifactRow, by: str) -> str:
    return {"class": row.namespace, "artifact": row.reference, "status": row.status.value}[by]


def _rest() -> dict[str, int]:
    """What else lies below the roots, by its path below them."""
    found: dict[str, int] = {}
    for root in store_roots():
        for name in DISK.list_directory(root):
            path = f"{root}/{name}"
            if path != RootPaths(root).data:
                found[f"{name}/" if os.path.isdir(path) else name] = bytes_below(path)
    return found
