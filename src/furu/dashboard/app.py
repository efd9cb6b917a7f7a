"""The application: pages, answers for scripts and events, behind the guard.

Nothing of it is loaded from elsewhere, and every answer comes from here.
"""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from fastapi import FastAPI
from starlette.staticfiles import StaticFiles

import furu
from furu.dashboard.api import Api
from furu.dashboard.board import Board
from furu.dashboard.events import Events
from furu.dashboard.overview_api import OverviewApi
from furu.dashboard.overviews import Overviews
from furu.dashboard.pages import Pages
from furu.dashboard.problems import answer_problems
from furu.dashboard.rendering import STATIC, Json, Renderer
from furu.dashboard.security import Guard

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable, Sequence


def make_app(roots: Sequence[str], *, token: str, hosts: Iterable[str] = ()) -> FastAPI:
    """The dashboard of a store, to be served.

    Args:
        roots: of the store.
        token: what every request has to bring.
        hosts: names by which browsers may call it, beside those of the loopback.
    """
    board = Board(roots)
    renderer = Renderer()

    @contextlib.asynccontextmanager
    async def watch(_: FastAPI) -> AsyncIterator[None]:
        board.start()
        yield
        board.stop()

    app = FastAPI(
        title="furu dashboard",
        version=furu.__version__,
        docs_url=None,  # these two load scripts from elsewhere
        redoc_url=None,
        openapi_url="/api/openapi.json",
        default_response_class=Json,
        redirect_slashes=False,
        lifespan=watch,
    )
    for each in (Api(board), OverviewApi(board), Pages(board, renderer), Overviews(board, renderer), Events(board)):
        app.include_router(each.router())
    app.mount("/static", StaticFiles(directory=STATIC), name="static")
    answer_problems(app, renderer)
    app.state.board = board
    app.add_middleware(Guard, token=token, hosts=hosts)
    return app
