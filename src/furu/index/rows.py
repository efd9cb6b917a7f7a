"""What a query gives: stored artifacts as the index knows them, page by page."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from furu import clock
from furu.errors import FuruError
from furu.evolution.archive import Archive
from furu.evolution.refs import ArtifactRef, ArtifactStatus
from furu.index.notebook import row_html, rows_html
from furu.index.plain import leaves
from furu.storage.layout import ArtifactPaths

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path


@dataclass(frozen=True)
class ArtifactRow:
    """A stored artifact as it was when the index last looked.

    Attributes:
        root: of the store.
        namespace: directory of the class below `data/`.
        furu_hash: name of the artifact's own directory.
        status: what it is.
        at: when it was published, failed or began, in seconds since the epoch.
        took_sec: wall time of the attempt that published or failed; None where that isn't known.
        version: the class option.
        host: where the attempt ran.
        user: whose it was.
        backend: of the executor; None when interactive.
        error: the failure in one line, or why the records can't be read.
        tags: sorted.
        note: what somebody wrote about it.
        is_pinned: `furu gc` never takes it.
        config: the fields as plain JSON, nested configs in their places.
    """

    root: Path
    namespace: str
    furu_hash: str
    status: ArtifactStatus
    at: float
    took_sec: float | None
    version: str | None
    host: str | None
    user: str | None
    backend: str | None
    error: str | None
    tags: tuple[str, ...]
    note: str | None
    is_pinned: bool
    config: dict[str, Any] = field(repr=False)

    @property
    def class_name(self) -> str:
        """The class's own name."""
        return self.namespace.rpartition("/")[2]

    @property
    def reference(self) -> str:
        """`<namespace>/<hash>`."""
        return f"{self.namespace}/{self.furu_hash}"

    @property
    def node(self) -> str:
        """`Class(hash)`."""
        return f"{self.class_name}({self.furu_hash})"

    @property
    def directory(self) -> Path:
        """The artifact's directory."""
        return self.root / "data" / self.reference

    @property
    def paths(self) -> ArtifactPaths:
        """The names inside of its directory."""
        return ArtifactPaths(f"{self.root}/data/{self.reference}")

    def ref(self) -> ArtifactRef:
        """The artifact itself, for its result, metadata and config; what is on disk now counts from there on."""
        archive = Archive([str(self.root)])
        document, problem = None, None
        try:
            document = archive.document(self.reference)
        except FuruError as error:
            problem = error.message
        return ArtifactRef(self.root, self.namespace, self.furu_hash, self.status, document, problem, archive)

    def _repr_html_(self) -> str | None:
        return row_html(self)

    def to_json(self) -> dict[str, Any]:
        """The row for scripts."""
        return {
            "class": self.class_name,
            "hash": self.furu_hash,
            "status": self.status.value,
            "at": clock.isoformat(self.at),
            "took_sec": self.took_sec,
            "namespace": self.namespace,
            "version": self.version,
            "host": self.host,
            "user": self.user,
            "backend": self.backend,
            "error": self.error,
            "tags": list(self.tags),
            "note": self.note,
            "pinned": self.is_pinned,
            "directory": str(self.directory),
            "config": self.config,
        }


class Rows(list[ArtifactRow]):
    """One page of what a query found.

    Args:
        rows: the artifacts, in the query's order.

    Attributes:
        next_page: for `query(..., after=...)`; None when this was the last page.
    """

    def __init__(self, rows: Iterable[ArtifactRow] = (), next_page: str | None = None) -> None:
        super().__init__(rows)
        self.next_page = next_page

    def _repr_html_(self) -> str | None:
        return rows_html(self, self.next_page)

    def to_pandas(self) -> Any:
        """A DataFrame: a row for each artifact, facts first, then `config.<path>` for each field."""
        import pandas as pd

        records = []
        for row in self:
            record = row.to_json()
            record.update((f"config.{path}", value) for path, value in leaves(record.pop("config")) if path)
            records.append(record)
        return pd.DataFrame.from_records(records)
