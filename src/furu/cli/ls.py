"""`furu ls`."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Final

import click

from furu import clock
from furu.cli import output
from furu.evolution.archive import store_roots
from furu.index.database import opened
from furu.index.plain import leaves
from furu.index.query import parse_all
from furu.index.refresh import last_walk, refresh, tick
from furu.index.search import ORDERS, counts, query

if TYPE_CHECKING:
    from collections.abc import Sequence

    from furu.index.rows import ArtifactRow


_WALK_AFTER_SEC: Final = 600.0
_MENTIONED_SEC: Final = 60.0


@click.command("ls")
@click.argument("words", nargs=-1, metavar="[QUERY]...")
@click.option("-n", "--limit", default=50, show_default=True, type=click.IntRange(min=0), help="0 for all.")
@click.option("--after", metavar="PAGE", help="The next page: what the page before gave.")
@click.option("--sort", default="newest", show_default=True, type=click.Choice(list(ORDERS)))
@click.option("--count", "is_count", is_flag=True, help="Only count, by status.")
@click.option("--no-refresh", is_flag=True, help="Say what the index knew last, without a look at the directories.")
@click.option("--fresh", "is_walk", is_flag=True, help="Look at every artifact, also at results that are long done.")
@click.option("--all-fields", is_flag=True, help="Also show fields that are the same in all listed.")
@output.as_json
def command(
    words: tuple[str, ...],
    limit: int,
    after: str | None,
    sort: str,
    *,
    is_count: bool,
    no_refresh: bool,
    is_walk: bool,
    all_fields: bool,
    is_json: bool,
) -> None:
    """List stored artifacts that fit QUERY: lr=3e-4 data.vocab>=16000 status:failed class:Train words."""
    asked = parse_all(words)
    with opened(roots := store_roots()) as connection:
        if is_walk:
            refresh(connection, roots)
        elif not no_refresh:
            tick(connection, roots, walk_after_sec=_WALK_AFTER_SEC)
        walked_at = last_walk(connection)
    rows = query(asked, limit=0 if is_count else limit or None, after=after, order=sort, is_fresh=False)
    if is_count:
        found = counts(asked)
        if is_json:
            output.say_json(found)
        for status, number in () if is_json else found.items():
            output.say(f"{number:8}  {output.styled_status(status)}")
    elif is_json:
        artifacts = [row.to_json() for row in rows]
        freshness = {"is_ticked": not no_refresh, "walked_at": clock.isoformat(walked_at)}
        output.say_json({"artifacts": artifacts, "next_page": rows.next_page, "freshness": freshness})
    else:
        _print(rows, all_fields=all_fields)
        if rows.next_page:
            output.say(f"more: --after {rows.next_page}")
        if sys.stdout.isatty() and clock.unix() - walked_at > _MENTIONED_SEC:
            output.say(f"results that are done were looked at {output.ago(walked_at, clock.unix())}; --fresh does it")


def _print(rows: Sequence[ArtifactRow], *, all_fields: bool) -> None:
    now = clock.unix()
    shown = _shown_fields(rows, all_fields=all_fields)
    output.table(
        ("STATUS", "CLASS", "HASH", "TOOK", "WHEN", "FIELDS"),
        [
            (
                row.status.value,
                row.class_name,
                row.furu_hash[: output.SHORT_HASH],
                output.duration(row.took_sec),
                output.ago(row.at, now),
                _fields(row, shown[row.namespace]),
            )
            for row in rows
        ],
    )


def _shown_fields(rows: Sequence[ArtifactRow], *, all_fields: bool) -> dict[str, set[str]]:
    """By namespace, the paths worth a place: those that tell the listed artifacts apart."""
    values: dict[str, dict[str, set[str]]] = {}
    sizes: dict[str, int] = {}
    for row in rows:
        sizes[row.namespace] = sizes.get(row.namespace, 0) + 1
        by_path = values.setdefault(row.namespace, {})
        for path, item in leaves(row.config):
            by_path.setdefault(path, set()).add(output.value(item))
    return {
        namespace: {path for path, seen in by_path.items() if all_fields or sizes[namespace] == 1 or len(seen) > 1}
        for namespace, by_path in values.items()
    }


def _fields(row: ArtifactRow, shown: set[str]) -> str:
    fields = [f"{path}={output.value(item)}" for path, item in leaves(row.config) if path in shown and path]
    said = [f"#{tag}" for tag in row.tags] + (["(pinned)"] if row.is_pinned else [])
    return " ".join([*fields, *said, *([f"({row.error})"] if row.error else [])])
