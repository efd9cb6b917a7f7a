"""The attempts of one artifact as its directories tell of them, for `show`, `logs` and `why`."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from furu import clock
from furu.errors import FuruError
from furu.storage.atomic import DISK
from furu.storage.layout import TOKEN, ArtifactPaths, AttemptPaths
from furu.storage.records import ErrorRecord, OwnerRecord, Usage, parse_own, parse_success

if TYPE_CHECKING:
    from collections.abc import Callable


@dataclass(frozen=True)
class AttemptFacts:
    """One try at computing an artifact.

    Attributes:
        token: its name.
        state: how it ended; "running" while it holds the lease.
        paths: the names in its directory.
        owner: who ran it; None if that can't be read.
        error: why it failed.
        usage: what it took.
        silent_sec: for how long a running one has shown no sign of life, by the clock of this machine.
    """

    token: str
    state: str
    paths: AttemptPaths
    owner: OwnerRecord | None
    error: ErrorRecord | None
    usage: Usage | None
    silent_sec: float | None = None

    @property
    def failure(self) -> str | None:
        """Why it failed, in a line."""
        return f"{self.error.type.removeprefix('builtins.')}: {self.error.message}" if self.error else None

    @property
    def began_at(self) -> float:
        """When it began, in seconds since the epoch."""
        return int(self.token.partition("-")[0]) / 1e9

    def to_json(self) -> dict[str, Any]:
        """The attempt for scripts."""
        return {
            "token": self.token,
            "state": self.state,
            "began_at": clock.isoformat(self.began_at),
            "took_sec": self.usage.wall_sec if self.usage else None,
            "max_rss_bytes": self.usage.max_rss_bytes if self.usage else None,
            "host": self.owner.host if self.owner else None,
            "pid": self.owner.pid if self.owner else None,
            "user": self.owner.user if self.owner else None,
            "backend": self.owner.backend if self.owner else None,
            "error": self.failure,
            "silent_sec": self.silent_sec,
            "directory": self.paths.base,
            "log": self.paths.log,
        }


def attempts_of(paths: ArtifactPaths) -> list[AttemptFacts]:
    """Those that ended and the one that runs, oldest first; without those that found nothing to do."""
    found = []
    for name in DISK.list_directory(paths.attempts):
        token, _, ending = name.partition(".")
        if TOKEN.fullmatch(token) and ending and ending != "noop":
            found.append(_facts(token, ending, AttemptPaths(f"{paths.attempts}/{name}"), paths))
    found += [
        _facts(name, "running", paths.lease(name), paths)
        for name in DISK.list_directory(paths.lock)
        if TOKEN.fullmatch(name)
    ]
    return sorted(found, key=lambda attempt: attempt.token)


def _facts(token: str, state: str, attempt: AttemptPaths, paths: ArtifactPaths) -> AttemptFacts:
    owner = _parsed(attempt.owner, lambda content: parse_own(OwnerRecord, content, attempt.owner, "token"))
    error = _parsed(attempt.error, lambda content: parse_own(ErrorRecord, content, attempt.error, "token"))
    usage = error.usage if error else None
    if state == "ok":
        success = _parsed(paths.success, lambda content: parse_success(content, paths.success))
        usage = success.usage if success is not None and success.token == token else None
    return AttemptFacts(
        token, state, attempt, owner, error, usage, _silent_sec(attempt) if state == "running" else None
    )


def _parsed(path: str, read: Callable[[bytes], Any]) -> Any:
    content = DISK.read(path)
    try:
        return read(content) if content else None
    except FuruError:
        return None  # the state of the attempt is in its name; `furu doctor` is for damage


def _silent_sec(attempt: AttemptPaths) -> float | None:
    try:
        return max(0.0, clock.unix() - os.stat(attempt.owner).st_mtime)
    except OSError:
        return None
