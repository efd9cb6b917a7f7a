"""What errors are for who asked: the answer's status, and the reason in words."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException

from furu.dashboard.rendering import Json
from furu.dashboard.store import NotFound, Refused
from furu.errors import FuruCorruptRecord, FuruError, FuruFutureRecord, FuruStoreError
from furu.index.query import FuruQueryError

if TYPE_CHECKING:
    from fastapi import FastAPI
    from starlette.requests import Request
    from starlette.responses import Response

    from furu.dashboard.rendering import Renderer

_TITLES = {400: "That can't be understood", 404: "Not found", 422: "That can't be understood", 503: "Not now"}


def answer_problems(app: FastAPI, renderer: Renderer) -> None:
    """Have every error answered with its reason: as JSON below `/api`, else as a page."""

    def answer(request: Request, error: Exception) -> Response:
        status, detail = describe(error)
        if request.url.path.startswith(("/api/", "/events")):
            return Json({"detail": detail}, status_code=status)
        values = {"title": _TITLES.get(status, "That did not work"), "text": detail}
        return renderer.page(request, "problem.html", status=status, **values)

    for kind in (FuruError, HTTPException, RequestValidationError):
        app.add_exception_handler(kind, answer)


def describe(error: Exception) -> tuple[int, str]:
    """The status of HTTP for an error, and why."""
    if isinstance(error, FuruQueryError | Refused):
        return 400, str(error)
    if isinstance(error, NotFound):
        return 404, str(error)
    if isinstance(error, FuruCorruptRecord | FuruFutureRecord):
        return 422, str(error)
    if isinstance(error, RequestValidationError):
        return 422, "; ".join(map(_issue, error.errors()))
    if isinstance(error, HTTPException):
        return error.status_code, str(error.detail)
    # The request was fine; the store or its index can't be read at the moment.
    return (503 if isinstance(error, FuruStoreError) else 500), str(error)


def _issue(issue: Any) -> str:
    return f"{'.'.join(map(str, issue['loc'][1:]))}: {issue['msg']}"
