"""What scripts get: the forms of all answers below `/api`."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel


class ArtifactSummary(BaseModel):
    """An artifact as the index knew it last."""

    class_name: str
    namespace: str
    hash: str
    status: str
    at: str
    took_sec: float | None
    version: str | None
    host: str | None
    user: str | None
    backend: str | None
    error: str | None
    tags: list[str]
    note: str | None
    pinned: bool
    directory: str
    config: dict[str, Any]


class ArtifactPage(BaseModel):
    """A page of what fits a query; `next_page` goes into `after`, and is null at the end."""

    artifacts: list[ArtifactSummary]
    next_page: str | None
    counts: dict[str, int]


class Attempt(BaseModel):
    """One try at computing an artifact."""

    token: str
    state: str
    began_at: str
    took_sec: float | None
    max_rss_bytes: int | None
    host: str | None
    pid: int | None
    user: str | None
    backend: str | None
    error: str | None
    silent_sec: float | None
    directory: str
    log: str


class ArtifactDetail(BaseModel):
    """One artifact as its directory is now."""

    class_name: str
    namespace: str
    hash: str
    status: str
    class_path: str | None
    version: str | None
    directory: str
    fields: dict[str, Any] | None
    depends_on: list[str]
    alias_of: str | None
    result: Any
    metadata: dict[str, Any] | None
    attempts: list[Attempt]
    problems: list[str]


class FileEntry(BaseModel):
    """A file; without a size it is a link or something else that is not followed."""

    path: str
    size: int | None


class Files(BaseModel):
    """The files of a result."""

    directory: str | None
    attempt: str | None
    files: list[FileEntry]
    is_whole: bool


class LogPart(BaseModel):
    """Some bytes of a log; go on at `next_offset`."""

    attempt: str
    text: str
    offset: int
    next_offset: int
    size: int
    is_running: bool


class FieldValue(BaseModel):
    """A value of a field, and how many artifacts have it."""

    value: Any
    count: int


class Fields(BaseModel):
    """Paths of fields that stored configs have, and the most frequent values of one of them."""

    paths: list[str]
    values: list[FieldValue]


class ComparedField(BaseModel):
    """A field of several configs; null where a config has none, else its value as text."""

    path: str
    values: list[str | None]
    is_same: bool


class Comparison(BaseModel):
    """Configs side by side."""

    artifacts: list[str]
    fields: list[ComparedField]


class Problem(BaseModel):
    """Why a request was not answered."""

    detail: str


class RunSummary(BaseModel):
    """A run; `states` counts its nodes."""

    run_id: str
    state: str
    at: str
    user: str
    host: str
    states: dict[str, int]


class RunList(BaseModel):
    """The newest runs, and those of them whose record can't be read, with the reason."""

    runs: list[RunSummary]
    unreadable: dict[str, str]


class RunNode(BaseModel):
    """A node of a run's plan as it stands."""

    hash: str
    namespace: str
    state: str
    spec_key: str
    waits_for: list[str]


class RunDetail(RunSummary):
    """One run with its nodes; `problem` ended it before its time."""

    nodes: list[RunNode]
    problem: str


class GraphNode(BaseModel):
    """A class, an artifact, or several of one class; `members` are those that it stands for."""

    reference: str
    class_name: str
    label: str
    status: str | None
    size: int
    counts: dict[str, int]
    members: list[str]


class GraphEdge(BaseModel):
    """What is needed, and by which node."""

    needed: str
    by: str


class GraphAnswer(BaseModel):
    """A graph; `left_off` artifacts were near enough and too many."""

    nodes: list[GraphNode]
    edges: list[GraphEdge]
    left_off: int


class ClassDurations(BaseModel):
    """What artifacts of a class took."""

    namespace: str
    count: int
    median_sec: float
    p95_sec: float
    max_sec: float
    total_sec: float


class StatisticsAnswer(BaseModel):
    """The store in numbers: by day and status, durations by class, failures by error."""

    days: dict[str, dict[str, int]]
    durations: list[ClassDurations]
    errors: dict[str, int]


class DiskClass(BaseModel):
    """What a class takes; `unused` bytes are of artifacts that no stored one depends on."""

    namespace: str
    bytes: int
    artifacts: int
    unused: int


class DiskAnswer(BaseModel):
    """The last measurement, null before the first has ended; asking begins one when it is due."""

    measured_at: str | None
    bytes: int | None
    is_measuring: bool
    classes: list[DiskClass]


class Finding(BaseModel):
    """An artifact with something wrong."""

    reference: str
    text: str


class HealthAnswer(BaseModel):
    """How the store and its index are."""

    versions: dict[str, str]
    roots: list[str]
    index: str
    index_bytes: int
    index_version: int
    refreshed_at: str | None
    problem: str | None
    stale: list[Finding]
    unreadable: list[Finding]
