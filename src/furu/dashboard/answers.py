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
