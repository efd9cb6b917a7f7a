"""A dashboard that is served, on the loopback, by a thread of this process."""

from __future__ import annotations

import contextlib
import http.client
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING

import httpx
import uvicorn

from furu.dashboard.app import make_app
from furu.dashboard.server import Server, bind
from furu.index.database import opened
from furu.index.refresh import refresh

if TYPE_CHECKING:
    from collections.abc import Iterator

TOKEN = "a-token-of-a-test-run"


@dataclass(frozen=True)
class Served:
    """Where it is."""

    port: int

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def client(self, **headers: str) -> httpx.Client:
        """Somebody who may ask."""
        return httpx.Client(
            base_url=self.address, headers={"Authorization": f"Bearer {TOKEN}", **headers}, timeout=30, trust_env=False
        )

    def raw(self, path: str, **headers: str) -> tuple[int, bytes]:
        """The answer for a path that no client would put in order first."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        with contextlib.closing(connection):
            connection.putrequest("GET", path, skip_host="Host" in headers)
            for name, value in {"Authorization": f"Bearer {TOKEN}", **headers}.items():
                connection.putheader(name, value)
            connection.endheaders()
            answer = connection.getresponse()
            return answer.status, answer.read()


@contextlib.contextmanager
def served(*roots: str) -> Iterator[Served]:
    """Serve a store; its index is up to date at first."""
    with opened(roots) as connection:
        refresh(connection, roots)
    app = make_app(roots, token=TOKEN)
    with bind("127.0.0.1", 0) as listening:
        settings = uvicorn.Config(app, log_level="warning", access_log=False, ws="none", timeout_graceful_shutdown=1)
        server = Server(settings, app.state.board)
        thread = threading.Thread(target=server.run, args=([listening],), name="dashboard of a test")
        thread.start()
        try:
            yield Served(listening.getsockname()[1])
        finally:
            server.should_exit = True
            thread.join()
