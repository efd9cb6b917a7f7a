"""Finding the artifact that a user means by a piece of its hash."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from furu.config import root
from furu.errors import FuruStoreError
from furu.index.search import query

if TYPE_CHECKING:
    from furu.index.rows import ArtifactRow

_NAMED: Final = re.compile(r"(?:.*[/(])?(?P<hash>[0-9a-f]{4,32})[)/]*")
_LISTED: Final = 10


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
    found = query(f"hash:{match['hash']}", limit=_LISTED + 1)
    if not found:
        msg = f"no artifact below {root()} has a hash that begins with {match['hash']}"
        raise NoSuchArtifact(msg)
    if len(found) > 1:
        names = ", ".join(row.reference for row in found[:_LISTED])
        raise click.UsageError(f"several hashes begin with {match['hash']}: {names}")
    return found[0]


def find_document(row: ArtifactRow) -> dict[str, object]:
    """What the artifact's config.json holds.

    Raises:
        FuruStoreError: it can't be read.
    """
    ref = row.ref()
    if ref.document is None:
        raise FuruStoreError(ref.error or f"{row.node} has no config.json", path=Path(ref.paths.config))
    return ref.document
