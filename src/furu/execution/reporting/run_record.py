"""The record of a run as a value, for whoever wants to know afterwards what it did; `run_log` writes it.

    list_runs(root)     names of runs, newest first
    read_run(paths)     plan and events of one

What is read may still be growing, or be all that a crash has left.
"""

from __future__ import annotations

import json
import os
import re
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from furu.errors import FuruCorruptRecord, FuruStoreError
from furu.storage.atomic import DISK
from furu.storage.layout import RootPaths
from furu.storage.numbers import LATEST
from furu.storage.records import parse_object

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from furu.storage.layout import RunPaths

_RUN_ID: Final = re.compile(r"[0-9]{8}T[0-9]{6}-[0-9a-f]{8}")
_EVENTS: Final = re.compile(r"events-.*\.jsonl")


class EventKind(StrEnum):
    """What events say that this furu knows of."""

    RUN_STARTED = "run started"
    NODE_ADDED = "node added"
    """The plan has grown: an owner gave up a node, and what it needs is needed now. Facts as in the plan."""
    NODE_STARTED = "node started"
    """A worker began with it. Facts: `attempt`."""
    NODE_ENDED = "node ended"
    """Facts: `attempt`, `outcome`, `status`, `wall_sec`, `is_computed`; where they say something also `because`,
    `skipped`, `error_type`, `error_text`."""
    OWNER_ENDED = "owner ended"
    """Somebody else is through with it. Facts: `status`, and `because`, `skipped` where they say something."""
    RUN_ENDED = "run ended"
    """Facts: how many nodes `succeeded`, `failed`, were `skipped` and `unstarted`; `error_type` and `error_text` of
    what ended the run before its time."""


@dataclass(frozen=True, slots=True)
class PlannedNode:
    """A node as the run found it.

    Attributes:
        furu_hash: its hash.
        cls: name of its class.
        namespace: of its class.
        status: as in `furu.execution.Status`: `"done"`, `"in progress"`, `"todo"`.
        because: the reason for that.
        spec_key: the resources it wants.
        deps_pending: hashes of the nodes it waits for.
    """

    furu_hash: str
    cls: str
    namespace: str
    status: str
    because: str
    spec_key: str
    deps_pending: tuple[str, ...]

    @property
    def name(self) -> str:
        """`Class(hash)`."""
        return f"{self.cls}({self.furu_hash})"


@dataclass(frozen=True, slots=True)
class RunEvent:
    """Something that happened.

    Attributes:
        at: when, in seconds since the epoch.
        kind: what; one of `EventKind`, or what a newer furu says.
        node: the hash of the node it is about; None for the run itself.
        facts: what `EventKind` says of it.
    """

    at: float
    kind: str
    node: str | None
    facts: Mapping[str, Any]


@dataclass(frozen=True)
class RunRecord:
    """A run.

    Attributes:
        run_id: its name.
        at: when it began, in seconds since the epoch.
        process: host, pid, user and more of the process that drove it, as in `ProcessIdentity`.
        argv: its command line, secrets masked.
        cwd: its working directory; None when that was gone.
        environment: digest of the record below `<root>/environments/`.
        roots: hashes of what was asked for.
        nodes: the plan, by hash; with what was added later.
        events: of all processes, in order of time.
    """

    run_id: str
    at: float
    process: Mapping[str, Any]
    argv: tuple[str, ...]
    cwd: str | None
    environment: str
    roots: tuple[str, ...]
    nodes: Mapping[str, PlannedNode] = field(repr=False)
    events: tuple[RunEvent, ...] = field(repr=False)

    @property
    def end(self) -> RunEvent | None:
        """The event that says how the run ended; None while it runs, and when it was killed."""
        return next((event for event in reversed(self.events) if event.kind == EventKind.RUN_ENDED), None)

    def last_events(self) -> dict[str, RunEvent]:
        """The last thing that happened to each node to which something did."""
        return {event.node: event for event in self.events if event.node is not None}

    def failures(self) -> list[RunEvent]:
        """How nodes failed for good, first the one that failed first."""
        return [event for event in self.events if event.node is not None and event.facts.get("status") == "failed"]


def list_runs(root: str) -> list[str]:
    """Names of the runs that left a record below a root, newest first."""
    paths = RootPaths(root)
    names = sorted(filter(_RUN_ID.fullmatch, DISK.list_directory(paths.runs)), reverse=True)
    return [name for name in names if os.path.exists(paths.run(name).plan)]


def read_run(paths: RunPaths) -> RunRecord:
    """A run's record, as far as it is written.

    Raises:
        FuruStoreError: there is none.
        FuruFutureRecord: a newer furu wrote it.
        FuruCorruptRecord: it is not what furu writes; a last line that is torn is, and is left out.
    """
    content = DISK.read(paths.plan)
    if content is None:
        msg = f"there is no record of a run in {paths.base}"
        raise FuruStoreError(msg, path=Path(paths.plan))
    plan = parse_object(content, paths.plan)
    events = [
        event
        for name in sorted(filter(_EVENTS.fullmatch, DISK.list_directory(paths.base)))
        for event in _read_events(f"{paths.base}/{name}")
    ]
    events.sort(key=lambda event: event.at)
    try:
        planned = {furu_hash: _planned(furu_hash, facts) for furu_hash, facts in plan["nodes"].items()}
        for event in events:
            if event.kind == EventKind.NODE_ADDED and event.node is not None:
                planned[event.node] = _planned(event.node, event.facts)
        record = RunRecord(
            run_id=plan["run"],
            at=plan["at"],
            process=plan["process"],
            argv=tuple(plan["argv"]),
            cwd=plan["cwd"],
            environment=plan["environment"],
            roots=tuple(plan["roots"]),
            nodes=planned,
            events=tuple(events),
        )
        _check(record, paths)
    except (AttributeError, KeyError, TypeError) as error:
        raise _corrupt(paths.plan, repr(error)) from None
    return record


def _check(record: RunRecord, paths: RunPaths) -> None:
    """Refuse what has not the types that people rely on, with a `TypeError`."""
    texts = [record.run_id, record.environment, *record.argv, *record.roots]
    for node in record.nodes.values():
        texts += [node.cls, node.namespace, node.status, node.because, node.spec_key, *node.deps_pending]
    if not all(type(text) is str for text in texts) or not isinstance(record.cwd, str | None):
        msg = "something is no text that should be"
        raise TypeError(msg)
    if type(record.process) is not dict or not _is_moment(record.at) or not paths.base.endswith(f"/{record.run_id}"):
        msg = "it is another run's, or its process or moment is none"
        raise TypeError(msg)


def _is_moment(at: object) -> bool:
    return isinstance(at, int | float) and -LATEST <= at <= LATEST


def _planned(furu_hash: str, facts: Mapping[str, Any]) -> PlannedNode:
    return PlannedNode(
        furu_hash,
        facts["class"],
        facts["namespace"],
        facts["status"],
        facts["because"],
        facts["spec_key"],
        tuple(facts["deps_pending"]),
    )


def _read_events(path: str) -> Iterator[RunEvent]:
    content = DISK.read(path) or b""
    header, *lines = content[: content.rfind(b"\n") + 1].splitlines() or [b""]
    if header:
        parse_object(header, path)
    for number, line in enumerate(lines, start=2):
        try:
            yield _event(json.loads(line))
        except (AttributeError, KeyError, RecursionError, TypeError, ValueError) as error:
            raise _corrupt(path, f"line {number}: {error!r}") from None


def _event(facts: dict[str, Any]) -> RunEvent:
    at, kind, node = facts.pop("at"), facts.pop("event"), facts.pop("node", None)
    if not _is_moment(at) or type(kind) is not str or not isinstance(node, str | None):
        msg = f"at={at!r:.40}, event={kind!r:.40}, node={node!r:.40}"
        raise TypeError(msg)
    return RunEvent(float(at), kind, node, facts)


def _corrupt(path: str, reason: str) -> FuruCorruptRecord:
    hints = ["it is history only: deleting the run's directory loses no result"]
    return FuruCorruptRecord(f"{path} is damaged: {reason}", path=Path(path), hints=hints)
