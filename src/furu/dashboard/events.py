"""What open pages hear: that something changed, by server-sent events. They fetch what they show themselves."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Final

from fastapi import APIRouter, Request
from starlette.responses import StreamingResponse

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from furu.dashboard.board import Board
    from furu.dashboard.watcher import Known

_ALIVE_SEC: Final = 15.0
"""So often something is said, for proxies and so that a page that is gone is noticed."""


class Events:
    """The stream of changes.

    Args:
        board: what is watched.
    """

    def __init__(self, board: Board) -> None:
        self._watcher = board.watcher

    def router(self) -> APIRouter:
        """The address."""
        router = APIRouter(include_in_schema=False)
        router.add_api_route("/events", self.events, methods=["GET"], response_model=None)
        return router

    async def events(self, request: Request) -> StreamingResponse:
        """`{version, counts}`, at once and whenever it has changed."""
        return StreamingResponse(self._stream(request), media_type="text/event-stream")

    async def _stream(self, request: Request) -> AsyncIterator[str]:
        loop = asyncio.get_running_loop()
        changed = asyncio.Event()

        def tell(_: Known) -> None:
            loop.call_soon_threadsafe(changed.set)

        with self._watcher.listen(tell):
            while not (self._watcher.is_closed or await request.is_disconnected()):
                yield _said(self._watcher.known)
                try:
                    await asyncio.wait_for(changed.wait(), _ALIVE_SEC)
                except TimeoutError:
                    yield ": alive\n\n"
                changed.clear()


def _said(known: Known) -> str:
    facts = {"version": known.version, "counts": known.counts, "problem": known.problem}
    return f"data: {json.dumps(facts)}\n\n"
