"""Finding the artifact that a user means by a piece of its hash."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from furu.config import root
from furu.errors import FuruStoreError
from furu.evolution.archive import store_roots
from furu.index.database import opened
from furu.index.query import parse
from furu.index.refresh import tick
from furu.index.search import query

if TYPE_CHECKING:
    from collections.abc import Sequence

    from furu.index.rows import ArtifactRow

_NAMED: Final = re.compile(r"(?:.*[/(])?(?P<hash>[0-9a-f]{4,32})[)/]*")
_LISTED: Final = 10
_WALK_AFTER_SEC: Final = 600.0


class NoSuchArtifact(click.ClickException):
    """Nothing that is stored has such a hash."""

    exit_code = 3


def find(text: str) -> ArtifactRow:
    """The one artifact that `text` names: `7b9a` or more of its hash, `Class(hash)`, a reference, a directory.

    Raises:
        NoSuchArtifact: there is none.
        click.UsageError: it is no hash, or several begin like it.
    """
    match = _NAMED.fullmatch(text)
    if match is None:
        msg = f"{text!r} is no artifact: give at least 4 of its hash's hexadecimal digits (furu ls lists them)"
        raise click.UsageError(msg)
    asked = f"hash:{match['hash']}"
    with opened(roots := store_roots()) as connection:
        tick(connection, roots, walk_after_sec=_WALK_AFTER_SEC)
    found = query(asked, limit=_LISTED + 1, is_fresh=False) or query(asked, limit=_LISTED + 1)
    if not found:
        msg = f"no artifact below {root()} has a hash that begins with {match['hash']}"
        raise NoSuchArtifact(msg)
    if len(found) > 1:
        names = ", ".join(row.reference for row in found[:_LISTED])
        raise click.UsageError(f"several hashes begin with {match['hash']}: {names}")
    return found[0]


where = click.option("--where", "text", metavar="QUERY", help="All that fit this query, as in `furu ls`.")
"""The option of commands that work on what `chosen` gives."""


def chosen(artifacts: Sequence[str], text: str | None) -> list[ArtifactRow]:
    """Artifacts named one by one, and all that fit a query.

    Raises:
        click.UsageError: neither is said, for all by mistake is too many.
    """
    if not artifacts and not (text or "").strip():
        msg = "say which: hashes, or --where QUERY"
        raise click.UsageError(msg)
    rows = {row.reference: row for row in map(find, artifacts)}
    if text is not None:
        rows.update((row.reference, row) for row in query(parse(text)))
    return list(rows.values())


def find_document(row: ArtifactRow) -> dict[str, object]:
    """What the artifact's config.json holds.

    Raises:
        FuruStoreError: it can't be read.
    """
    ref = row.ref()
    if ref.document is None:
        raise FuruStoreError(ref.error or f"{row.node} has no config.json", path=Path(ref.paths.config))
    return ref.document
