"""What one `furu gc` is about to take, written down whole before its first step, so that all of it can be had back.

`<root>/trash/<token>/journal.jsonl`: a head, then a line for each artifact and each loose end that is to go; after
that what happened: which lease an artifact is carried off under, and that all is done.
"""

from __future__ import annotations

import json
import re
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from furu import clock
from furu.config import settings
from furu.errors import FuruCorruptRecord, FuruFutureRecord, FuruStoreError
from furu.lifecycle.lease import THIS_PROCESS
from furu.storage.layout import HASH, TOKEN, RootPaths
from furu.storage.trash_layout import TrashPaths

if TYPE_CHECKING:
    from collections.abc import Iterable

_VERSION: Final = 1
_STEP: Final = re.compile(r"[^/]+(/[^/]+)*")
_LOOSE_FROM: Final = ("code", "data", "environments", "migrations", "runs", "submitit")


@dataclass(frozen=True)
class TakenArtifact:
    """An artifact that is to go.

    Attributes:
        reference: `<namespace>/<hash>`.
        because: why.
        size_bytes: what it takes on disk.
        took_sec: what it took to compute; None where that isn't known.
        success: token of the attempt whose result is published; None where none is.
        alias_of: reference of the artifact whose result it stands for.
        with_config: its record goes too.
    """

    reference: str
    because: str
    size_bytes: int = 0
    took_sec: float | None = None
    success: str | None = None
    alias_of: str | None = None
    with_config: bool = False


@dataclass(frozen=True)
class LooseEnd:
    """Something that is no artifact and is to go.

    Attributes:
        path: below the root.
        because: why.
        size_bytes: what it takes on disk.
    """

    path: str
    because: str
    size_bytes: int = 0


@dataclass(frozen=True)
class Journal:
    """What one `furu gc` took, or is about to take.

    Attributes:
        token: its id.
        root: of the store.
        at: when it began, in seconds since the epoch.
        user: whose it was.
        artifacts: in the order in which they go.
        loose: in the order in which they go.
        keep_tags: tags that keep an artifact, should somebody have given one meanwhile; None for any.
        leases: by reference, the tokens of the leases under which an artifact was about to be carried off.
        is_done: nothing is left to be taken.
    """

    token: str
    root: str
    at: float
    user: str
    artifacts: tuple[TakenArtifact, ...]
    loose: tuple[LooseEnd, ...] = ()
    keep_tags: tuple[str, ...] | None = None
    leases: dict[str, list[str]] = field(default_factory=dict)
    is_done: bool = False

    @property
    def paths(self) -> TrashPaths:
        """The names inside of it."""
        return TrashPaths(self.root, self.token)


def write_journal(journal: Journal) -> None:
    """Write it under its name, complete or not at all, and for good: what follows relies on it."""
    head = {"v": _VERSION, "id": journal.token, "at": journal.at, "user": journal.user}
    head |= {"keep_tags": journal.keep_tags, "items": len(journal.artifacts) + len(journal.loose)}
    lines = [head, *({"artifact": asdict(each)} for each in journal.artifacts)]
    lines += [{"loose": asdict(each)} for each in journal.loose]
    disk = THIS_PROCESS.disk
    disk.make_directories(journal.paths.base)
    disk.replace(journal.paths.journal, _rendered(lines), suffix=journal.token, sync=settings().fsync)
    if settings().fsync:
        disk.sync_file(journal.paths.base)
        disk.sync_names(journal.paths.base, journal.root)


def note(journal: Journal, **facts: Any) -> None:
    """Add what happens."""
    THIS_PROCESS.disk.append(journal.paths.journal, _rendered([{"at": clock.unix(), **facts}]))


def note_lease(journal: Journal, reference: str, token: str) -> None:
    """Add that an artifact is about to be carried off under a lease."""
    note(journal, taking=reference, lease=token)
    journal.leases.setdefault(reference, []).append(token)


def read_journal(root: str, token: str) -> Journal:
    """The journal of one `furu gc`.

    Raises:
        FuruCorruptRecord: it is damaged, or names paths that none takes.
        FuruFutureRecord: a newer furu wrote it.
        FuruStoreError: there is none.
    """
    path = TrashPaths(root, token).journal
    content = THIS_PROCESS.disk.read(path) if TOKEN.fullmatch(token) else None
    if content is None:
        hints = [f"there are: {', '.join(tokens(root)) or 'none'}"]
        raise FuruStoreError(f"there is no {token!r} in the trash of {root}", path=Path(path), hints=hints)
    try:
        return _parse(root, token, content)
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise FuruCorruptRecord(f"{path} is damaged: {error!r}", path=Path(path)) from error


def tokens(root: str) -> list[str]:
    """What lies in the trash of a root, oldest first."""
    names = THIS_PROCESS.disk.list_directory(RootPaths(root).trash)
    return sorted(filter(TOKEN.fullmatch, names))


def _rendered(values: Iterable[object]) -> bytes:
    return "".join(json.dumps(value, sort_keys=True) + "\n" for value in values).encode("ascii")


def _parse(root: str, token: str, content: bytes) -> Journal:
    # A line that has no end was being added when the process was killed: it says nothing yet.
    head, *lines = (json.loads(line) for line in content.splitlines(keepends=True) if line.endswith(b"\n"))
    if head["v"] > _VERSION:
        path = TrashPaths(root, token).journal
        msg = f"{path} was written by a newer furu"
        raise FuruFutureRecord(msg, path=Path(path), hints=["upgrade furu; nothing was changed"])
    artifacts = tuple(TakenArtifact(**line["artifact"]) for line in lines if "artifact" in line)
    loose = tuple(LooseEnd(**line["loose"]) for line in lines if "loose" in line)
    is_ours = all(_is_reference(each.reference) for each in artifacts) and all(_is_loose(each.path) for each in loose)
    if head["id"] != token or head["items"] != len(artifacts) + len(loose) or not is_ours:
        msg = "it isn't the journal that a gc wrote"
        raise ValueError(msg)
    leases: dict[str, list[str]] = {}
    for line in lines:
        if "taking" in line and TOKEN.fullmatch(line["lease"]):
            leases.setdefault(line["taking"], []).append(line["lease"])
    keep_tags = tuple(head["keep_tags"]) if head["keep_tags"] is not None else None
    is_done = any(line.get("done") for line in lines)
    return Journal(token, root, float(head["at"]), str(head["user"]), artifacts, loose, keep_tags, leases, is_done)


def _is_reference(reference: str) -> bool:
    return _is_inside(reference) and HASH.fullmatch(reference.rpartition("/")[2]) is not None


def _is_loose(path: str) -> bool:
    return _is_inside(path) and path.partition("/")[0] in _LOOSE_FROM and "/" in path


def _is_inside(path: str) -> bool:
    return _STEP.fullmatch(path) is not None and not {".", ".."} & set(path.split("/"))
