"""Every file name furu uses on disk, in one place.

    <root>/data/<namespace>/<hash>/
        config.json                 identity and class
        SUCCESS.json                the publish; its presence is the one truth of "done"
        alias.json                  when this artifact stands for another one
        lock/<token>/               the running attempt: owner.json (its mtime is the heartbeat), furu.log, success.json
        attempts/<token>.<ending>/  the attempts that ended: owner.json, error.json, furu.log
        files/<token>/              what `_create()` wrote
        new-<token>/                a lease about to be acquired
    <root>/environments/<digest>.json   facts that many attempts share
    <root>/runs/<run id>/               one call of an executor: plan.json, configs.jsonl, events-<host>-<pid>.jsonl
    <root>/submitit/{nodes,workers}/<spec key>/

Paths are plain strings here: `pathlib` would be most of the cost of a cache hit.
"""

from __future__ import annotations

import enum
import re
from pathlib import Path
from typing import Final, NamedTuple

from furu.errors import FuruStoreError

TOKEN: Final = re.compile(r"[0-9]{20}-[0-9a-f]{12}")
HASH: Final = re.compile(r"[0-9a-f]{32}")


class Ending(enum.Enum):
    """How an attempt ended; the name of its directory says so."""

    OK = "ok"
    NOOP = "noop"
    FAILED = "failed"
    PREEMPTED = "preempted"
    CRASHED = "crashed"
    LOST = "lost"

    @property
    def is_proven(self) -> bool:
        """Whether nobody can still be writing for that attempt; a lost one may only have been slow."""
        return self is not Ending.LOST


class EndedAttempt(NamedTuple):
    """The name of a directory below `attempts/`; `ending` is None when a newer furu gave it."""

    token: str
    ending: Ending | None

    @property
    def is_proven(self) -> bool:
        """Whether nobody can still be writing for it; an unknown ending proves nothing."""
        return self.ending is not None and self.ending.is_proven


_ENDINGS: Final = {ending.value: ending for ending in Ending}


def parse_ended(name: str) -> EndedAttempt | None:
    """`<token>.<ending>` as a value; None for a name that is no attempt's."""
    token, _, ending = name.partition(".")
    return EndedAttempt(token, _ENDINGS.get(ending)) if ending and TOKEN.fullmatch(token) else None


class ArtifactPaths:
    """The names inside one artifact's directory, as strings."""

    __slots__ = ("base", "success")

    def __init__(self, base: str) -> None:
        self.base = base
        self.success = base + "/SUCCESS.json"

    @property
    def config(self) -> str:
        return self.base + "/config.json"

    @property
    def alias(self) -> str:
        return self.base + "/alias.json"

    @property
    def lock(self) -> str:
        return self.base + "/lock"

    @property
    def attempts(self) -> str:
        return self.base + "/attempts"

    @property
    def files(self) -> str:
        return self.base + "/files"

    def files_of(self, token: str) -> str:
        return f"{self.base}/files/{token}"

    def candidate(self, token: str) -> str:
        return f"{self.base}/new-{token}"

    def lease(self, token: str) -> AttemptPaths:
        return AttemptPaths(f"{self.base}/lock/{token}")

    def ended(self, token: str, ending: Ending) -> AttemptPaths:
        return AttemptPaths(f"{self.base}/attempts/{token}.{ending.value}")


class AttemptPaths:
    """The names inside an attempt's directory: below `lock/` while it runs, below `attempts/` afterwards."""

    __slots__ = ("base",)

    def __init__(self, base: str) -> None:
        self.base = base

    @property
    def owner(self) -> str:
        return self.base + "/owner.json"

    @property
    def success(self) -> str:
        return self.base + "/success.json"

    @property
    def error(self) -> str:
        return self.base + "/error.json"

    @property
    def log(self) -> str:
        return self.base + "/furu.log"

    @property
    def config(self) -> str:
        return self.base + "/config.json"

    @property
    def files(self) -> str:
        """Where the files of all attempts go that a deletion takes away."""
        return self.base + "/files"

    @property
    def attempts(self) -> str:
        """Where the ended attempts go that a deletion takes away."""
        return self.base + "/attempts"

    @property
    def withdrawn(self) -> str:
        """Where a SUCCESS.json goes that is taken back."""
        return self.base + "/withdrawn.json"


class RootPaths:
    """The names below a root."""

    __slots__ = ("root",)

    def __init__(self, root: str) -> None:
        self.root = root

    @property
    def data(self) -> str:
        return self.root + "/data"

    @property
    def raw(self) -> str:
        return self.root + "/raw"

    @property
    def runs(self) -> str:
        return self.root + "/runs"

    @property
    def environments(self) -> str:
        return self.root + "/environments"

    def run(self, run_id: str) -> RunPaths:
        return RunPaths(f"{self.root}/runs/{run_id}")

    def environment(self, digest: str) -> str:
        return f"{self.root}/environments/{digest}.json"

    def artifact(self, namespace: str, furu_hash: str) -> ArtifactPaths:
        """The artifact of a class's namespace and a hash.

        Raises:
            FuruStoreError: the hash is not one of ours, so the name could lead anywhere.
        """
        if not HASH.fullmatch(furu_hash):
            msg = f"{furu_hash!r} is not a furu hash (32 hexadecimal digits)"
            raise FuruStoreError(msg, path=Path(self.data))
        return ArtifactPaths(f"{self.root}/data/{namespace}/{furu_hash}")


class RunPaths:
    """The names inside a run's directory."""

    __slots__ = ("base",)

    def __init__(self, base: str) -> None:
        self.base = base

    @property
    def plan(self) -> str:
        """What the run found to do."""
        return self.base + "/plan.json"

    @property
    def configs(self) -> str:
        """Every config that a worker of the run may need, a line each."""
        return self.base + "/configs.jsonl"

    def events(self, host: str, pid: int) -> str:
        """What one process saw happen; nobody else writes there."""
        return f"{self.base}/events-{host}-{pid}.jsonl"
