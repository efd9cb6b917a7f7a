"""Taking a migration back."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path
from typing import TYPE_CHECKING

from furu.config import settings
from furu.errors import FuruStoreError
from furu.evolution.archive import Archive, store_roots
from furu.evolution.journal import Journal, note, read_journal, tokens
from furu.lifecycle.compute import forget_identity
from furu.storage.atomic import DISK
from furu.storage.layout import TOKEN, ArtifactPaths, RootPaths
from furu.storage.records import AliasRecord, parse

if TYPE_CHECKING:
    from collections.abc import Collection


def undo_migration(migration: str) -> int:
    """Remove the aliases that a migration made, and what else it put there; nothing that others made since.

    Results are never touched: an artifact that was computed anew after it had been an alias keeps its own. May be
    called again after it was killed, and for a migration that was.

    Args:
        migration: the id that `apply()` or `migrate()` gave.

    Returns:
        How many aliases were removed.

    Raises:
        FuruStoreError: there is no such migration below the root, or its journal is damaged.
    """
    roots = store_roots()
    journals = [journal for root in roots if TOKEN.fullmatch(migration) and (journal := read_journal(root, migration))]
    if not journals:
        known = [token for root in roots for token in tokens(root)]
        msg = f"there is no migration {migration!r} below {' or '.join(roots)}"
        raise FuruStoreError(msg, path=Path(RootPaths(roots[0]).migrations), hints=[f"there are: {', '.join(known)}"])
    removed = sum(_remove_aliases(journal) for journal in journals)
    made = [journal for journal in journals if journal.made]
    if made:
        _remove_made(made, roots)
    if settings().fsync:
        _sync_removed(journals)
    for journal in journals:
        DISK.remove_tree(RootPaths(journal.root).new_alias(migration).base)
        note(journal.root, migration, undone=True)
    return removed


def _remove_aliases(journal: Journal) -> int:
    removed = 0
    for own, target in reversed(list(journal.aliases.items())):
        path = ArtifactPaths(f"{journal.root}/data/{own}").alias
        content = DISK.read(path)
        if not content:
            continue
        record = parse(AliasRecord, content, path)
        # Somebody may have made another one since, of the same artifact or for another migration.
        if (record.own, record.target, record.because) == (own, target, f"migration {journal.token}"):
            DISK.unlink(path)
            removed += 1
    return removed


def _remove_made(journals: list[Journal], roots: list[str]) -> None:
    """Remove configs that nobody refers to any more, then directories that are empty."""
    own = {f"{journal.root}/{name}" for journal in journals for name in journal.made if not name.endswith("/")}
    lonely = {path for path in own if os.path.lexists(path) and os.listdir(os.path.dirname(path)) == ["config.json"]}
    for path in lonely - _needed(lonely, roots):
        with contextlib.suppress(FileNotFoundError):
            DISK.unlink(path)
        forget_identity(path)
    for journal in journals:
        for name in reversed(journal.made):
            if name.endswith("/"):
                with contextlib.suppress(OSError):  # not empty, or not there
                    DISK.remove_directory(f"{journal.root}/{name.rstrip('/')}")


def _sync_removed(journals: list[Journal]) -> None:
    """What was taken away must not come back after a power cut."""
    touched = set()
    for journal in journals:
        names = [*(f"data/{own}/alias.json" for own in journal.aliases), *journal.made]
        touched |= {os.path.dirname(f"{journal.root}/{name.rstrip('/')}") for name in names}
    for directory in sorted(touched):
        if os.path.isdir(directory):  # one that was removed is a name in the one above, which is touched as well
            DISK.sync_file(directory)


def _needed(candidates: Collection[str], roots: list[str]) -> set[str]:
    """Which of these config.json files others refer to, directly or through each other."""
    archive = Archive(roots)
    waiting = [each for each, found in archive.scan().items() if found.paths.config not in candidates]
    seen = set(waiting)
    while waiting:
        for needed in archive.needs(waiting.pop()):
            if needed not in seen:
                seen.add(needed)
                waiting.append(needed)
    return {ArtifactPaths(f"{root}/data/{each}").config for each in seen for root in roots}
