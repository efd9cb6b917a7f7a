"""What a pool leaves on disk about itself, besides its queue: whose it is, which workers it asked for, who adopted it.

    pool.json       PoolRecord, written once; the controller beats on it
    seats.jsonl     SeatRecord, a line for each worker that was asked for
    adopted.json    AdoptionRecord, linked once: only one pool can take another one over

Each is written whole, or appended to by one process only: a reader sees no half of one, but for the last line of
seats.jsonl.
"""

from __future__ import annotations

import json
from dataclasses import dataclass

from furu.storage.numbers import Duration, Moment  # noqa: TC001 -- pydantic reads the annotations
from furu.storage.process import ProcessIdentity
from furu.storage.records import VERSION, parse


@dataclass(frozen=True, kw_only=True)
class PoolRecord(ProcessIdentity):
    """Whose a pool is: its controller, and what it is for.

    Attributes:
        run_id: the run that made it.
        roots: hashes of what it is for, sorted.
        specs: for each spec key a text that is equal for equal resources.
        beat_sec: how often the controller means to beat.
        at: when it began, in seconds since the epoch.
    """

    run_id: str
    roots: list[str]
    specs: dict[str, str]
    beat_sec: Duration
    at: Moment


@dataclass(frozen=True)
class SeatRecord:
    """A worker that was asked for.

    Attributes:
        ticket: names it; the worker says it when it enters.
        spec_key: its resources.
        job_id: of its batch job; empty when the answer to the submission was lost.
    """

    ticket: str
    spec_key: str
    job_id: str


@dataclass(frozen=True)
class AdoptionRecord:
    """Another pool goes on with this one's workers.

    Attributes:
        pool: its directory.
        spec_keys: the keys whose resources are the same there; workers of other keys shall leave.
    """

    pool: str
    spec_keys: list[str]


def render(record: PoolRecord | SeatRecord | AdoptionRecord) -> bytes:
    """The bytes of a record, one line."""
    return json.dumps({"v": VERSION, **vars(record)}).encode() + b"\n"


def parse_seats(content: bytes, path: str) -> list[SeatRecord]:
    """The whole lines of a seats.jsonl; the last one may be torn by a crash, and is left out then."""
    whole = content[: content.rfind(b"\n") + 1]
    return [parse(SeatRecord, line, path) for line in whole.splitlines()]
