"""The records of an artifact: frozen, versioned, and strict when they are read.

A reader ignores fields it doesn't know, so that a newer furu may add some; a higher version is refused, never
guessed at; anything else that isn't right is corrupt and named with its path.
"""

from __future__ import annotations

import json
import zlib
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final, NoReturn, TypeVar, cast

from pydantic import TypeAdapter, ValidationError

from furu.errors import FuruCorruptRecord, FuruFutureRecord
from furu.storage.layout import TOKEN
from furu.storage.numbers import LATEST, Duration, Moment
from furu.storage.process import ProcessIdentity

VERSION: Final = 1

_CHECKSUM: Final = b', "crc": '
"""What comes before the last value of a success record: the checksum of all bytes before this."""

_JSON: Final = json.JSONEncoder(allow_nan=False)


def _refuse_constant(name: str) -> NoReturn:
    msg = f"{name} is no number of JSON"
    raise ValueError(msg)


_DECODER: Final = json.JSONDecoder(parse_constant=_refuse_constant)

_Record = TypeVar("_Record")


@dataclass(frozen=True)
class Usage:
    """What an attempt took.

    Attributes:
        wall_sec: from acquiring the lease to its end.
        process_cpu_sec: CPU time of all threads of the process meanwhile.
        thread_cpu_sec: CPU time of the thread that computed; None when it isn't known.
        max_rss_bytes: the process's peak memory so far; None when it isn't known.
    """

    wall_sec: Duration
    process_cpu_sec: Duration | None = None
    thread_cpu_sec: Duration | None = None
    max_rss_bytes: int | None = None


@dataclass(frozen=True, kw_only=True)
class OwnerRecord(ProcessIdentity):
    """Who runs an attempt: enough to prove, later and elsewhere, that the process is gone.

    Attributes:
        token: the attempt.
        node: `Class(hash)`.
        lease_sec: how long the owner may be silent before it is taken for lost; the owner's own promise.
        at: when the lease was acquired, in seconds since the epoch.
        backend: as in `ExecContext`; None when interactive.
        spec_key: as in `ExecContext`.
        environment: digest of the record below `<root>/environments/`.
        code: digest of the record below `<root>/code/`.
        scheduler: facts of the batch system, such as the job id.
    """

    token: str
    node: str
    lease_sec: Duration
    at: Moment
    backend: str | None = None
    spec_key: str | None = None
    environment: str | None = None
    code: str | None = None
    scheduler: dict[str, str] | None = None


@dataclass(frozen=True)
class SuccessRecord:
    """The publish.

    Attributes:
        token: the attempt whose result counts.
        data: that token again, or None when `_create()` wrote no files.
        at: when, in seconds since the epoch.
        result: what a codec made of the returned value, in a list of one; empty when the class has a `_load`.
        usage: what the attempt took.
        furu_hash: of the artifact, so that a copy of another one's record is never taken for this one's; None in
            records that are older.
    """

    token: str
    data: str | None
    at: float
    result: list[Any]
    usage: Usage | None = None
    furu_hash: str | None = None


@dataclass(frozen=True)
class ErrorRecord:
    """Why an attempt failed.

    Attributes:
        type: qualified name of the exception's class.
        message: its text.
        traceback: as Python prints it.
        at: when, in seconds since the epoch.
        usage: what the attempt took.
        token: the attempt; None in records that are older.
    """

    type: str
    message: str
    traceback: str
    at: Moment
    usage: Usage | None = None
    token: str | None = None


@dataclass(frozen=True)
class AliasRecord:
    """One artifact stands for another one's result.

    Attributes:
        own: `<namespace>/<hash>` of the artifact that the record lies in.
        target: the same of the other one, below the same root.
        at: when, in seconds since the epoch.
        because: who decided it, for people: a migration, a user.
    """

    own: str
    target: str
    at: Moment
    because: str = ""

    def data_directory(self, base: str) -> str:
        """`<root>/data`, given the directory that the record lies in.

        Raises:
            FuruCorruptRecord: the record was copied here from elsewhere.
        """
        if not base.endswith(f"/{self.own}"):
            raise _corrupt(f"{base}/alias.json", f"it belongs to {self.own}")
        return base[: -len(self.own) - 1]


@dataclass(frozen=True)
class JobRecord:
    """A batch job stands for an artifact: while it waits or runs, nobody else should compute it.

    Attributes:
        scheduler: kind of batch system: `"slurm"`.
        cluster: its name; empty when it isn't known.
        job_id: `123`, or `123_4` for an element of an array.
        spec_key: the resources it was given.
        run_id: of the submission.
        submitted_at: in seconds since the epoch.
        log_dir: where its output goes.
    """

    scheduler: str
    cluster: str
    job_id: str
    spec_key: str
    run_id: str
    submitted_at: Moment
    log_dir: str


@dataclass(frozen=True)
class EndedJobRecord:
    """How a batch job ended.

    Attributes:
        job_id: as in `JobRecord`.
        ending: in furu's words: `"failed"`, `"cancelled"`, `"timed-out"`, ...
        state: the batch system's own word.
        reason: its reason, or empty.
        node: where it ran, or empty.
        exit_code: `code:signal`, or empty.
        at: when this was learnt, in seconds since the epoch.
    """

    job_id: str
    ending: str
    state: str
    reason: str
    node: str
    exit_code: str
    at: Moment


@dataclass(frozen=True)
class AnnotationRecord:
    """What somebody says of an artifact: a tag, a note, or that it shall be kept.

    Attributes:
        text: the note, or the reason of a pin; empty for a tag.
        user: login name.
        at: when, in seconds since the epoch.
    """

    text: str
    user: str
    at: float


Record = OwnerRecord | SuccessRecord | ErrorRecord | AliasRecord | JobRecord | EndedJobRecord | AnnotationRecord


def render(record: Record) -> bytes:
    """The bytes of a record, one line."""
    fields = {"v": VERSION, **{name: _storable(value) for name, value in vars(record).items()}}
    if isinstance(usage := fields.get("usage"), Usage):
        fields["usage"] = vars(usage)
    content = _JSON.encode(fields).encode("ascii")
    if type(record) is SuccessRecord:
        return b"%s%s%d}" % (content[:-1], _CHECKSUM, zlib.crc32(content[:-1]))
    return content


def _storable(value: Any) -> Any:
    """Half a surrogate, as in the name of a file that is no UTF-8, as an escape: no reader of JSON takes it."""
    return value.encode("utf-8", "backslashreplace").decode() if isinstance(value, str) else value


def parse(cls: type[_Record], content: bytes, path: str) -> _Record:
    """The record in `content`.

    Raises:
        FuruFutureRecord: a newer furu wrote it.
        FuruCorruptRecord: it is not such a record.
    """
    parse_object(content, path)
    try:
        record: _Record = _adapter(cast("Any", cls)).validate_json(content, strict=True)
    except ValidationError as error:
        issues = "; ".join(f"{'.'.join(map(str, issue['loc']))}: {issue['msg']}" for issue in error.errors())
        raise _corrupt(path, issues) from None
    return record


def parse_own(cls: type[_Record], content: bytes, path: str, named_by: str) -> _Record:
    """`parse` of a record that says whose it is, by the field `named_by`, in words that its path must say as well.

    Raises:
        FuruFutureRecord: a newer furu wrote it.
        FuruCorruptRecord: it is not such a record, or the copy of another one's.
    """
    record = parse(cls, content, path)
    name = getattr(record, named_by)
    if name is not None and name not in {part.partition(".")[0] for part in path.split("/")}:
        raise _corrupt(path, f"it belongs to {name!r}")
    return record


def parse_success(content: bytes, path: str) -> SuccessRecord:
    """`parse(SuccessRecord, …)` without pydantic: this is most of a cache hit.

    Raises:
        FuruFutureRecord: a newer furu wrote it.
        FuruCorruptRecord: it is not a success record, or it names another directory than the attempt's own.
    """
    fields = parse_object(content, path)
    token, data, result, usage = fields.get("token"), fields.get("data"), fields.get("result"), fields.get("usage")
    furu_hash = fields.get("furu_hash")
    if furu_hash is not None and (type(furu_hash) is not str or f"/{furu_hash}/" not in path):
        raise _corrupt(path, f"it belongs to {furu_hash!r}")
    crc = fields.get("crc")
    if crc is not None and crc != zlib.crc32(content[: content.rfind(_CHECKSUM)]):
        raise _corrupt(path, "its checksum is wrong")
    if type(token) is not str or not TOKEN.fullmatch(token):
        raise _corrupt(path, f"token {token!r} is no token")
    if data is not None and data != token:
        raise _corrupt(path, f"data {data!r} is not the attempt's own directory")
    if type(result) is not list or len(result) > 1:
        raise _corrupt(path, "result is not a list of at most one")
    try:
        at = fields["at"] + 0.0
        took = _usage(usage) if usage else None
        if not -LATEST <= at <= LATEST:
            raise _corrupt(path, f"at {at!r} is no moment")
        return SuccessRecord(token, data, at, result, took, furu_hash)
    except (AttributeError, KeyError, OverflowError, TypeError, ValueError) as error:
        raise _corrupt(path, repr(error)) from None


def parse_object(content: bytes, path: str) -> dict[str, Any]:
    """The JSON object of a record of any kind, its version checked.

    Raises:
        FuruFutureRecord: a newer furu wrote it.
        FuruCorruptRecord: it is no versioned JSON object.
    """
    try:
        fields: Any = _DECODER.decode(content.decode())
    except (ValueError, RecursionError) as error:
        raise _corrupt(path, f"no JSON: {error}") from None
    version = fields.get("v") if type(fields) is dict else None
    if type(version) is not int or version < 1:
        raise _corrupt(path, "no versioned JSON object")
    if version > VERSION:
        msg = f"{path} was written by a newer furu (record version {version}, this one knows {VERSION})"
        raise FuruFutureRecord(msg, path=Path(path), hints=["upgrade furu; nothing was changed"])
    return cast("dict[str, Any]", fields)


_USAGE: Final = Usage.__match_args__
_LARGEST: Final = 1 << 62


def _usage(fields: dict[str, Any]) -> Usage:
    # What a newer furu added is ignored. What is known must be a number, for others calculate with it.
    found: list[Any] = [*map(fields.get, _USAGE)]
    if found[0] is None:
        raise ValueError(fields)
    for value in found:
        if value is not None and not 0 <= value <= _LARGEST:
            raise ValueError(fields)
    return Usage(*found)


def _corrupt(path: str, reason: str) -> FuruCorruptRecord:
    return FuruCorruptRecord(
        f"{path} is damaged: {reason}",
        path=Path(path),
        hints=[
            "look at the file; if the result is worthless, delete the artifact's directory and compute it again",
            "on a mount that caches attributes, a file that was just replaced may look cut off for some seconds",
        ],
    )


@cache
def _adapter(cls: Any) -> TypeAdapter[Any]:
    return TypeAdapter(cls)
