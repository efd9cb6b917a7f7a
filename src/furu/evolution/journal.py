"""What a migration is about to do, written down whole before its first step, so that it can be undone exactly.

`<root>/migrations/<token>.jsonl`: a head, then a line for each alias, then one for each file and directory that wasn't
there before, in the order in which they are made; at last what happened, a line each.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from furu import clock
from furu.errors import FuruCorruptRecord, FuruFutureRecord
from furu.lifecycle.published import alias_target
from furu.storage.atomic import DISK
from furu.storage.layout import TOKEN, ArtifactPaths, RootPaths

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

_VERSION: Final = 1


@dataclass(frozen=True)
class Journal:
    """One migration below one root.

    Attributes:
        token: its id.
        root: of the store.
        at: when it began, in seconds since the epoch.
        aliases: reference of each alias, and of the artifact that it was to stand for.
        made: paths below the root that weren't there before, in the order of making; directories end in a slash.
        is_undone: it was reverted.
    """

    token: str
    root: str
    at: float
    aliases: Mapping[str, str]
    made: tuple[str, ...]
    is_undone: bool = False


def write_journal(journal: Journal, *, sync: bool) -> None:
    """Write it under its name, complete or not at all."""
    counts = {"aliases": len(journal.aliases), "made": len(journal.made)}
    lines: list[object] = [{"v": _VERSION, "id": journal.token, "at": journal.at, **counts}]
    lines += [{"own": own, "target": target} for own, target in journal.aliases.items()]
    lines += [{"made": path} for path in journal.made]
    paths = RootPaths(journal.root)
    DISK.make_directories(paths.migrations)
    path = paths.migration(journal.token)
    DISK.replace(path, _lines(lines), suffix=journal.token, sync=sync)
    if sync:
        DISK.sync_file(paths.migrations)
        DISK.sync_names(paths.migrations, journal.root)


def note(root: str, token: str, **facts: Any) -> None:
    """Add what happened."""
    DISK.append(RootPaths(root).migration(token), _lines([{"at": clock.unix(), **facts}]))


def read_journal(root: str, token: str) -> Journal | None:
    """A migration's journal; None when there is none below this root.

    Raises:
        FuruCorruptRecord: it is damaged, or names paths that no migration makes.
        FuruFutureRecord: a newer furu wrote it.
    """
    path = RootPaths(root).migration(token)
    content = DISK.read(path)
    return _parse(root, token, path, content) if content is not None else None


def tokens(root: str) -> list[str]:
    """The migrations below a root, oldest first."""
    names = DISK.list_directory(RootPaths(root).migrations)
    return sorted(name[:-6] for name in names if name.endswith(".jsonl") and TOKEN.fullmatch(name[:-6]))


def living_aliases(root: str, reference: str) -> list[str]:
    """References of the artifacts below `root` that have no result but this one's.

    By the journals: every alias that furu made is in one. What an alias.json says is the truth.
    """
    found: dict[str, None] = {}
    for token in tokens(root):
        content = DISK.read(RootPaths(root).migration(token))
        if content is None or reference.encode() not in content:
            continue
        journal = _parse(root, token, RootPaths(root).migration(token), content)
        for own in (own for own, target in journal.aliases.items() if target == reference):
            paths = ArtifactPaths(f"{root}/data/{own}")
            target = alias_target(paths, DISK)
            if target is not None and target.base == f"{root}/data/{reference}" and not os.path.exists(paths.success):
                found[own] = None
    return list(found)


def _lines(values: Iterable[object]) -> bytes:
    return "".join(json.dumps(value, sort_keys=True) + "\n" for value in values).encode("ascii")


def _parse(root: str, token: str, path: str, content: bytes) -> Journal:
    try:
        head, *lines = _objects(content)
        if head["v"] > _VERSION:
            msg = f"{path} was written by a newer furu"
            raise FuruFutureRecord(msg, path=Path(path), hints=["upgrade furu; nothing was changed"])
        aliases = {str(line["own"]): str(line["target"]) for line in lines if "own" in line}
        made = tuple(str(line["made"]) for line in lines if "made" in line)
        is_whole = (len(aliases), len(made)) == (head["aliases"], head.get("made", len(made)))
        is_ours = all(_is_ours(name) for name in made)
        at = float(head["at"])
    except (KeyError, TypeError, ValueError) as error:
        raise FuruCorruptRecord(f"{path} is damaged: {error!r}", path=Path(path)) from error
    if not (is_whole and is_ours) or head.get("id") != token:
        raise FuruCorruptRecord(f"{path} is damaged: it isn't the journal that a migration wrote", path=Path(path))
    return Journal(token, root, at, aliases, made, any("undone" in line for line in lines))


def _objects(content: bytes) -> Iterator[dict[str, Any]]:
    """The lines that can be read: a power cut may tear a note, and the head says how many others there must be."""
    for line in content.splitlines():
        try:
            value = json.loads(line)
        except (ValueError, RecursionError):
            continue
        if type(value) is dict:
            yield value


def _is_ours(name: str) -> bool:
    parts = name.rstrip("/").split("/")
    return parts[0] == "data" and ".." not in parts and (name.endswith("/") or parts[-1] == "config.json")
