"""`furu index`."""

from __future__ import annotations

import os
from typing import Any

import click

from furu import clock
from furu.cli import output
from furu.evolution.archive import store_roots
from furu.index.database import clear, opened
from furu.index.location import index_path
from furu.index.refresh import refresh


@click.group("index")
def command() -> None:
    """Care for the index, which is made from the directories and can be thrown away at any time."""


@command.command("status")
@output.as_json
def status(*, is_json: bool) -> None:
    """Say where the index is, what it holds, and when it was refreshed."""
    roots = store_roots()
    path = index_path(roots)
    with opened(roots) as connection:
        (artifacts,) = connection.execute("SELECT count(*) FROM artifact").fetchone()
        at, took, number = connection.execute("SELECT at, took, version FROM refreshed").fetchone()
        facts: dict[str, Any] = {
            "path": path,
            "roots": roots,
            "artifacts": artifacts,
            "bytes": os.stat(path).st_size,
            "version": number,
            "walked_at": clock.isoformat(at) if at else None,
            "walk_sec": took if at else None,
        }
    if is_json:
        output.say_json(facts)
        return
    output.say(output.printable(path))
    refreshed = f"all looked at {output.ago(at, clock.unix())} in {took:.2f} s" if at else "never refreshed"
    output.say(f"{artifacts} artifacts, {output.size(facts['bytes'])}, {refreshed}")
    for root in roots:
        output.say(output.printable(f"of {root}"))


@command.command("refresh")
@output.as_json
def refresh_it(*, is_json: bool) -> None:
    """Bring the index up to date; every reading command does this by itself."""
    _refresh(is_json=is_json)


@command.command("rebuild")
@output.as_json
def rebuild(*, is_json: bool) -> None:
    """Throw the index away and make it anew."""
    clear(store_roots())
    _refresh(is_json=is_json)


def _refresh(*, is_json: bool) -> None:
    roots = store_roots()
    with opened(roots) as connection:
        done = refresh(connection, roots)
    if is_json:
        output.say_json(done._asdict() | {"walked_at": clock.isoformat(done.walked_at)})
        return
    output.say(f"{done.stored} artifacts, {done.looked_at} looked at, {done.removed} gone, {done.took_sec:.2f} s")
