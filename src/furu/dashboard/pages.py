"""The pages about artifacts: the list, one of them, several side by side, and their files."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal

from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from furu.dashboard.artifact import Documents, said_of_file, view_artifact
from furu.dashboard.comparison import MAX_COMPARED, compare
from furu.dashboard.config_tree import config_tree
from furu.dashboard.file_response import file_response, split_address
from furu.dashboard.files import first_picture, list_files, look_into, place_of
from furu.dashboard.graphs import picture_around
from furu.dashboard.listing import list_artifacts
from furu.dashboard.logs import read_log
from furu.dashboard.rendering import Page
from furu.dashboard.store import NotFound, Refused
from furu.errors import FuruError
from furu.index.query import FuruQueryError
from furu.storage.results.directory import RESULT_FOLDER

if TYPE_CHECKING:
    from collections.abc import Callable

    from furu.dashboard.board import Board
    from furu.dashboard.rendering import Renderer
    from furu.dashboard.store import Located
    from furu.index.rows import ArtifactRow

MAX_CHARS: Final = 4_000
"""Of what an address asks for."""

Sort = Literal["newest", "oldest", "slowest", "hash"]
Text = Annotated[str, Query(max_length=MAX_CHARS)]
After = Annotated[str | None, Query(max_length=MAX_CHARS)]
Ids = Annotated[list[str], Query(max_length=100)]
SomeIds = Annotated[list[str] | None, Query(max_length=100)]


class Pages:
    """Answers for pages.

    Args:
        board: what is shown.
        renderer: makes it HTML.
    """

    def __init__(self, board: Board, renderer: Renderer) -> None:
        self._board = board
        self._renderer = renderer

    def router(self) -> APIRouter:
        """The addresses."""
        router = APIRouter(include_in_schema=False, default_response_class=Page)
        answers: dict[str, Callable[..., Any]] = {
            "/": self.artifacts,
            "/compare": self.compare,
            "/a/{namespace:path}/{furu_hash}": self.artifact,
            "/file/{reference:path}": self.file,
        }
        for path, answer in answers.items():
            router.add_api_route(path, answer, methods=["GET", "HEAD"], response_model=None)
        return router

    def artifacts(
        self, request: Request, q: Text = "", sort: Sort = "newest", after: After = None, columns: str = ""
    ) -> Response:
        """The list."""
        known = self._board.watcher.look()
        values: dict[str, Any] = {"q": q, "sort": sort, "after": after, "columns": columns, "known": known}
        try:
            listing = list_artifacts(self._board, q, sort=sort, after=after, is_whole=columns == "all")
        except FuruQueryError as error:
            problem = str(error)
            return self._renderer.page(request, "artifacts.html", status=400, listing=None, problem=problem, **values)
        return self._renderer.page(request, "artifacts.html", listing=listing, problem=None, **values)

    def artifact(self, request: Request, namespace: str, furu_hash: str, file: Text = "") -> Response:
        """One of them."""
        known = self._board.watcher.look()
        artifact = self._board.store.locate(namespace, furu_hash)
        view = view_artifact(self._board.store, artifact)
        files = list_files(view.place) if view.place else None
        shown = file or (first_picture(files) if files else None)
        look = look_into(view.place, shown) if view.place and shown else None
        if look is not None and look.kind == "other" and look.path.startswith(f"{RESULT_FOLDER}/"):
            said = said_of_file(view.stored, look.path.rpartition("/")[2])
            look = replace(look, kind="record", text=said) if said is not None else look
        return self._renderer.page(
            request,
            "artifact.html",
            view=view,
            row=self._row(artifact),
            neighbourhood=picture_around(self._board, artifact.reference),
            known=known,
            log=read_log(artifact) if view.attempts else None,
            files=files,
            look=look,
        )

    def compare(self, request: Request, id: SomeIds = None, show: str = "") -> Response:  # noqa: A002 -- the address's word
        """Several side by side."""
        references = list(dict.fromkeys(id or ()))
        if len(references) > MAX_COMPARED:
            msg = f"{len(references)} artifacts can't be compared at once, {MAX_COMPARED} can"
            raise Refused(msg)
        known = self._board.watcher.look()
        artifacts = [self._locate(reference) for reference in references]
        archive = self._board.store.archive()
        find = Documents(archive)
        trees = [config_tree(find(each.reference) or {}, find, is_whole=True) for each in artifacts]
        lines = compare(trees) if artifacts else []
        return self._renderer.page(
            request,
            "compare.html",
            artifacts=artifacts,
            rows=[self._row(each) for each in artifacts],
            lines=[line for line in lines if show == "all" or not line.is_same],
            same=sum(line.is_same for line in lines),
            show=show,
            known=known,
        )

    def file(self, reference: str) -> Response:
        """A file's bytes, in such a way that a browser runs nothing of it."""
        namespace, furu_hash, path = split_address(reference)
        place = place_of(self._board.store.locate(namespace, furu_hash))
        if place is None:
            msg = f"{namespace}/{furu_hash} has no files"
            raise NotFound(msg)
        return file_response(place.root, f"{place.relative}/{path}")

    def _locate(self, reference: str) -> Located:
        namespace, _, furu_hash = reference.rpartition("/")
        return self._board.store.locate(namespace, furu_hash)

    def _row(self, artifact: Located) -> ArtifactRow | None:
        try:
            return self._board.store.find(artifact.reference)
        except FuruError:
            return None
