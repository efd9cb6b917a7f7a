"""Every file name furu uses on disk, in one place.

    <root>/data/<namespace>/<hash>/
        config.json                 identity and class
        SUCCESS.json                the publish; its presence is the one truth of "done"
        alias.json                  when this artifact stands for another one
        lock/<token>/               the running attempt: owner.json (its mtime is the heartbeat), furu.log, success.json
        attempts/<token>.<ending>/  the attempts that ended: owner.json, error.json, furu.log
        files/<token>/              what `_create()` wrote
        jobs/<job id>.json          a batch job that was submitted for it; <job id>.ended.json: how that job ended
        new-<token>/                a lease about to be acquired
        tag.<name>                  somebody gave it this tag; note.json: a note; pin.json: it shall be kept
    <root>/environments/<digest>.json   facts that many attempts share
    <root>/code/<digest>.json           fingerprints of the code that attempts ran
    <root>/runs/<run id>/               one call of an executor: plan.json, configs.jsonl, events-<host>-<pid>.jsonl,
                                        jobs.jsonl, payloads/<hash>.json
    <root>/migrations/<token>.jsonl     what one migration did, so that it can be undone; <token>.new/: a new alias
    <root>/submitit/{nodes,workers}/<spec key>/<run id>/    logs of batch jobs
    <root>/trash/<token>/               what one `furu gc` took, see `trash_layout`

Paths are plain strings here: `pathlib` would be most of the cost of a cache hit.
"""

from __future__ import annotations

import enum
import re
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

from furu.errors import FuruAnnotationError, FuruStoreError

if TYPE_CHECKING:
    from collections.abc import Iterable

TOKEN: Final = re.compile(r"[0-9]{20}-[0-9a-f]{12}")
HASH: Final = re.compile(r"[0-9a-f]{32}")
DIGEST: Final = re.compile(r"[0-9a-f]{64}")
_RUN_ID: Final = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*")
ENDED_JOB: Final = ".ended.json"
TAG: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+-]{0,63}")
_TAGGED: Final = "tag."
_TEMPORARY: Final = re.compile(rf"new-(?P<new>{TOKEN.pattern})|.+\.(?P<file>{TOKEN.pattern})\.tmp")
_JOB: Final = re.compile(r"(?P<id>[\w-]+)(?P<ended>\.ended)?\.json")


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


def parse_jobs(names: Iterable[str]) -> dict[str, bool]:
    """Job ids among the names in a `jobs/`, and whether it is on record how each ended."""
    matches = [match for name in names if (match := _JOB.fullmatch(name))]
    ended = {match["id"] for match in matches if match["ended"]}
    return {match["id"]: match["id"] in ended for match in matches}


def parse_tags(names: Iterable[str]) -> tuple[str, ...]:
    """The tags among the names in an artifact's directory, sorted."""
    tags = (name.removeprefix(_TAGGED) for name in names if name.startswith(_TAGGED))
    return tuple(sorted(tag for tag in tags if TAG.fullmatch(tag)))


def is_said(name: str) -> bool:
    """Whether a name in an artifact's directory is that of an annotation."""
    return name in ("note.json", "pin.json") or (name.startswith(_TAGGED) and TAG.fullmatch(name[4:]) is not None)


def parse_temporary(name: str) -> str | None:
    """The token in the name of a file that was to replace another one, or of a lease that was about to be acquired."""
    match = _TEMPORARY.fullmatch(name)
    return match["new"] or match["file"] if match else None


class ArtifactPaths:
    """The names inside one artifact's directory, as strings."""

    __slots__ = ("base", "success")

    def __init__(self, base: str) -> None:
        self.base = base
        self.success = base + "/SUCCESS.json"

    @property
    def class_directory(self) -> str:
        """Where the artifacts of its class lie; its time stamp tells who looks there to look at all of them."""
        return self.base.rpartition("/")[0]

    @property
    def root(self) -> str:
        """The store's; where that can't be told, the artifact's own directory."""
        return self.base.rpartition("/data/")[0] or self.base

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

    @property
    def jobs(self) -> str:
        return self.base + "/jobs"

    # Annotations lie beside the records, not in a directory of their own: so the time stamp of the artifact's directory
    # tells of each change.

    @property
    def note(self) -> str:
        return self.base + "/note.json"

    @property
    def pin(self) -> str:
        return self.base + "/pin.json"

    def tag(self, name: str) -> str:
        """The file that says that the artifact has this tag.

        Raises:
            FuruAnnotationError: no tag has such a name, which could lead anywhere.
        """
        if not TAG.fullmatch(name):
            hints = ["a tag has up to 64 letters, digits and . _ + - of ASCII, and begins with a letter or digit"]
            raise FuruAnnotationError(f"{name!r} can't be a tag", hints=hints)
        return f"{self.base}/{_TAGGED}{name}"

    def job(self, job_id: str) -> str:
        """The record that a batch job stands for this artifact."""
        return f"{self.base}/jobs/{job_id}.json"

    def ended_job(self, job_id: str) -> str:
        """How that job ended, written by whoever learns it first."""
        return f"{self.base}/jobs/{job_id}{ENDED_JOB}"

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

    @property
    def migrations(self) -> str:
        return self.root + "/migrations"

    def migration(self, token: str) -> str:
        return f"{self.root}/migrations/{token}.jsonl"

    def new_alias(self, token: str) -> ArtifactPaths:
        """The directory of an alias that a migration is about to rename to where it belongs."""
        return ArtifactPaths(f"{self.root}/migrations/{token}.new")

    @property
    def trash(self) -> str:
        return self.root + "/trash"

    def run(self, run_id: str) -> RunPaths:
        """The directory of a run.

        Raises:
            FuruStoreError: the id is not one name, so it could lead anywhere.
        """
        if not _RUN_ID.fullmatch(run_id):
            msg = f"{run_id!r} is not the id of a run"
            raise FuruStoreError(msg, path=Path(self.runs))
        return RunPaths(f"{self.root}/runs/{run_id}")

    @property
    def codes(self) -> str:
        return self.root + "/code"

    def code(self, digest: str) -> str:
        return f"{self.root}/code/{digest}.json"

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

    @property
    def jobs(self) -> str:
        """The batch jobs that a submission made or found, a line each."""
        return self.base + "/jobs.jsonl"

    @property
    def payloads(self) -> str:
        return self.base + "/payloads"

    def payload(self, furu_hash: str) -> str:
        """What the batch job of a node reads."""
        return f"{self.base}/payloads/{furu_hash}.json"
