"""Answers for scripts, below `/api`; every one has the form that `answers` says."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Annotated, Any, Final

from fastapi import APIRouter, Path, Query

from furu.dashboard.answers import (
    ArtifactDetail,
    ArtifactPage,
    ArtifactSummary,
    Attempt,
    ComparedField,
    Comparison,
    Fields,
    FieldValue,
    FileEntry,
    Files,
    LogPart,
    Problem,
)
from furu.dashboard.artifact import Documents, view_artifact
from furu.dashboard.comparison import MAX_COMPARED, MIN_COMPARED, compare
from furu.dashboard.config_tree import config_tree
from furu.dashboard.files import list_files, place_of
from furu.dashboard.listing import MAX_PAGE_ROWS, PAGE_ROWS
from furu.dashboard.logs import read_log
from furu.dashboard.pages import After, Ids, Sort, Text
from furu.dashboard.rendering import Json, printable
from furu.dashboard.store import Refused
from furu.index.conditions import json_path
from furu.index.query import parse
from furu.index.search import counts, query
from furu.index.summary import field_paths, field_values

if TYPE_CHECKING:
    from collections.abc import Callable

    from furu.dashboard.board import Board
    from furu.index.rows import ArtifactRow

_MAX_OFFSET: Final = 1 << 62
_MAX_VALUES: Final = 100
PROBLEMS: Final[dict[int | str, dict[str, Any]]] = {
    status: {"model": Problem, "description": text}
    for status, text in {
        400: "The query or request can't be understood",
        404: "There is no such thing",
        422: "A parameter or a stored record is not valid",
        503: "The index can't be used at the moment",
    }.items()
}

Name = Annotated[str, Path(max_length=1000)]
Token = Annotated[str | None, Query(max_length=100)]
Limit = Annotated[int, Query(ge=1, le=MAX_PAGE_ROWS)]
Offset = Annotated[int | None, Query(ge=0, le=_MAX_OFFSET)]


class Api:
    """Answers for scripts.

    Args:
        board: what they are about.
    """

    def __init__(self, board: Board) -> None:
        self._board = board

    def router(self) -> APIRouter:
        """The addresses; those with more behind the hash come first."""
        router = APIRouter(prefix="/api", default_response_class=Json, responses=PROBLEMS)
        artifact = "/artifacts/{namespace:path}/{furu_hash}"
        answers: dict[str, Callable[..., Any]] = {
            "/artifacts": self.artifacts,
            "/fields": self.fields,
            "/compare": self.compare,
            f"{artifact}/logs": self.logs,
            f"{artifact}/files": self.files,
            artifact: self.artifact,
        }
        for path, answer in answers.items():
            router.add_api_route(path, answer, methods=["GET"])
        return router

    def artifacts(
        self, q: Text = "", sort: Sort = "newest", after: After = None, limit: Limit = PAGE_ROWS
    ) -> ArtifactPage:
        """The artifacts that fit a query, page by page, and how many there are of each status."""
        self._board.watcher.look()
        roots = self._board.roots
        rows = query(q, limit=limit, after=after, order=sort, roots=roots, is_fresh=False)
        found = self._board.remember(("status counts", q), lambda: counts(q, roots=roots))
        return ArtifactPage(artifacts=list(map(_summary, rows)), next_page=rows.next_page, counts=found)

    def fields(
        self, class_name: Annotated[str | None, Query(alias="class", max_length=1000)] = None, path: Text = ""
    ) -> Fields:
        """Paths of fields; with `path`, also the values that this field has most often."""
        self._board.watcher.look()
        roots = self._board.roots
        values: list[tuple[Any, int]] = []
        if path:
            conditions = parse(f"{path}=0").conditions
            if len(conditions) != 1 or conditions[0].is_fact or conditions[0].name != path:
                msg = f"{path!r} is no path of a field"
                raise Refused(msg)
            where = json_path(conditions[0].steps)
            values = field_values(where, class_name, limit=_MAX_VALUES, roots=roots)
        return Fields(
            paths=field_paths(class_name, roots=roots),
            values=[FieldValue(value=value, count=count) for value, count in values],
        )

    def compare(self, id: Ids) -> Comparison:  # noqa: A002 -- the address's word
        """Configs side by side, field by field."""
        references = list(dict.fromkeys(id))
        if not MIN_COMPARED <= len(references) <= MAX_COMPARED:
            msg = f"{MIN_COMPARED} to {MAX_COMPARED} artifacts can be compared, not {len(references)}"
            raise Refused(msg)
        for reference in references:
            namespace, _, furu_hash = reference.rpartition("/")
            self._board.store.locate(namespace, furu_hash)
        find = Documents(self._board.store.archive())
        lines = compare([config_tree(find(each) or {}, find, is_whole=True) for each in references])
        return Comparison(
            artifacts=references,
            fields=[
                ComparedField(
                    path=printable(line.path),
                    values=[None if cell.is_absent else printable(cell.text) for cell in line.cells],
                    is_same=line.is_same,
                )
                for line in lines
            ],
        )

    def artifact(self, namespace: Name, furu_hash: Name) -> ArtifactDetail:
        """Config, attempts, result and metadata of one artifact."""
        artifact = self._board.store.locate(namespace, furu_hash)
        view = view_artifact(self._board.store, artifact)
        return ArtifactDetail(
            class_name=artifact.class_name,
            namespace=artifact.namespace,
            hash=artifact.furu_hash,
            status=view.status,
            class_path=printable(view.class_path),
            version=printable(view.version),
            directory=artifact.paths.base,
            fields=printable((view.document or {}).get("fields")),
            depends_on=printable(view.depends_on),
            alias_of=view.alias_of,
            result=printable(view.result),
            metadata=printable(view.metadata),
            attempts=[Attempt(**printable(each.to_json())) for each in view.attempts],
            problems=printable(view.problems),
        )

    def logs(self, namespace: Name, furu_hash: Name, attempt: Token = None, offset: Offset = None) -> LogPart:
        """A piece of a log: of the running or last attempt, from near its end."""
        piece = read_log(self._board.store.locate(namespace, furu_hash), attempt, offset)
        return LogPart(**dataclasses.asdict(piece))

    def files(self, namespace: Name, furu_hash: Name) -> Files:
        """The files of a result; without one, those of the newest attempt."""
        place = place_of(self._board.store.locate(namespace, furu_hash))
        if place is None:
            return Files(directory=None, attempt=None, files=[], is_whole=True)
        found = list_files(place)
        return Files(
            directory=printable(found.directory),
            attempt=found.attempt,
            files=[FileEntry(path=printable(each.path), size=each.size) for each in found.files],
            is_whole=found.is_whole,
        )


def _summary(row: ArtifactRow) -> ArtifactSummary:
    facts = row.to_json()
    return ArtifactSummary(class_name=facts.pop("class"), **printable(facts))
