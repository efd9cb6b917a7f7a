"""What a round has left: attempts and results in its store, and the notes of its workers."""

from __future__ import annotations

import hashlib
import json
import os
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from furu.storage.atomic import DISK
from furu.storage.layout import Ending
from furu.storage.locks import ArtifactLock
from furu.storage.scan import scan


@dataclass(frozen=True)
class ArtifactEvidence:
    """One artifact of a round.

    Attributes:
        name: `namespace/hash`.
        endings: how its attempts ended, and how often; those that found it done are left out.
        result: what the record holds, as JSON; None when nothing is published.
        files: digest of every file of the result, by its path.
    """

    name: str
    endings: Counter[str]
    result: str | None
    files: dict[str, str]

    @property
    def kind(self) -> str:
        """The class's namespace."""
        return self.name.rpartition("/")[0]

    def differences(self, other: ArtifactEvidence) -> list[str]:
        """What is not the same in the results of two rounds."""
        paths = sorted(self.files.keys() | other.files.keys())
        found = [f"file {path}" for path in paths if self.files.get(path) != other.files.get(path)]
        return ["the stored result", *found] if self.result != other.result else found


@dataclass
class Round:
    """All that is known of a round.

    Attributes:
        took_sec: until all workers were through.
        kills, stops: what was done to them.
        is_stuck: some never got through.
        artifacts: by name.
        resumed: how often an attempt went on in the files of an earlier one, by class.
        errors: what `get()` raised in a worker, with a traceback each.
        outside: files that Python code wrote outside of the store under their own name, by class.
        broken: exit codes of workers that ended otherwise.
    """

    took_sec: float = 0.0
    kills: int = 0
    stops: int = 0
    is_stuck: bool = False
    artifacts: dict[str, ArtifactEvidence] = field(default_factory=dict)
    resumed: Counter[str] = field(default_factory=Counter)
    errors: dict[str, str] = field(default_factory=dict)
    outside: Counter[tuple[str, str]] = field(default_factory=Counter)
    broken: list[int] = field(default_factory=list)


def read_store(root: str) -> dict[str, ArtifactEvidence]:
    """The artifacts below a root."""
    found = {}
    for each in scan(root):
        lock = ArtifactLock(each.paths, DISK)
        endings = Counter(attempt.ending.value if attempt.ending else "unknown" for attempt in lock.ended())
        del endings[Ending.NOOP.value]
        success = lock.success()
        files = digests(each.paths.files_of(success.data)) if success is not None and success.data else {}
        result = json.dumps(success.result, sort_keys=True) if success is not None else None
        name = f"{each.namespace}/{each.furu_hash}"
        found[name] = ArtifactEvidence(name, endings, result, files)
    return found


def digests(directory: str) -> dict[str, str]:
    """Digest of every file below a directory, by its path from there."""
    found = {}
    for top, _, names in os.walk(directory):
        for name in names:
            path = Path(top, name)
            text = f"link to {path.readlink()}" if path.is_symlink() else _digest(path)
            found[str(path.relative_to(directory))] = text
    return found


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "blake2b").hexdigest()


def read_notes(directory: str, found: Round) -> None:
    """Add what workers wrote down."""
    for path in sorted(Path(directory).glob("*.jsonl")):
        lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
        notes = [json.loads(line) for line in lines if line.endswith("\n")]
        found.resumed.update(_kind(note["base"]) for note in notes if note["what"] == "resumed")
        found.errors.update({note["error"]: note["traceback"] for note in notes if note["what"] == "failed"})
        if notes and notes[-1]["what"] == "bye":
            # Of one that was killed nobody knows whether it would have renamed the file when it was complete.
            found.outside.update(_written_in_place(notes))


def _written_in_place(notes: list[dict[str, Any]]) -> list[tuple[str, str]]:
    moved = {note["path"] for note in notes if note["what"] == "moved"}
    opened = {note["path"]: _kind(note["base"]) for note in notes if note["what"] == "opened"}
    return [(path, kind) for path, kind in opened.items() if path not in moved]


def _kind(base: str) -> str:
    """The class's namespace, of an artifact's directory."""
    return os.path.dirname(base).partition("/data/")[2]
