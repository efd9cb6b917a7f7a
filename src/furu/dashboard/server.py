"""Serving the dashboard: the port, the address to open, and the end."""

from __future__ import annotations

import errno
import os
import socket
import sys
import webbrowser
from typing import TYPE_CHECKING, Final

import uvicorn

from furu.dashboard.app import make_app
from furu.dashboard.security import LOOPBACK, MIN_TOKEN_CHARS
from furu.errors import FuruError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from furu.dashboard.board import Board

DEFAULT_PORT: Final = 8421
_TRIED_PORTS: Final = 20
_SHUTDOWN_SEC: Final = 2
_BACKLOG: Final = 128


class CantServe(FuruError):
    """The address can't be had, or the token is none that protects anything."""


class Server(uvicorn.Server):
    """Uvicorn's, which first lets those go who listen for events: they would stay until they are cut off."""

    def __init__(self, config: uvicorn.Config, board: Board) -> None:
        super().__init__(config)
        self._board = board

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self._board.close()
        await super().shutdown(sockets)


def serve(
    roots: Sequence[str],
    *,
    host: str,
    port: int | None,
    token: str,
    has_browser: bool,
    say: Callable[[str], None],
) -> None:
    """Serve until interrupted.

    Args:
        roots: of the store.
        host: address or name to listen on.
        port: to listen on, 0 for any; without it, the first free one from 8421 on.
        token: what requests have to bring.
        has_browser: open a browser, if there is one on a screen.
        say: takes lines for whoever started it.

    Raises:
        CantServe: the address can't be had, or the token is too short.
    """
    if len(token) < MIN_TOKEN_CHARS or not token.isascii() or not token.isprintable() or " " in token:
        msg = f"a token has {MIN_TOKEN_CHARS} characters or more, of ASCII and without spaces"
        raise CantServe(msg)
    with bind(host, port) as listening:
        bound, taken = listening.getsockname()[:2]
        is_loopback = host in LOOPBACK
        shown = f"[{host}]" if ":" in host else host
        name = "127.0.0.1" if host == "localhost" else shown if _is_specific(bound) else socket.gethostname()
        address = f"http://{name}:{taken}/?token={token}"
        say(f"furu dashboard of {', '.join(roots)}")
        say(f"  {address}")
        if not is_loopback:
            say("  everybody who sees the traffic sees the token: there is no encryption")
        elif os.environ.get("SSH_CONNECTION"):
            say(f"  from your own machine: ssh -L {taken}:127.0.0.1:{taken} {socket.gethostname()}")
        hosts = [] if is_loopback else [host, bound, socket.gethostname(), socket.getfqdn()]
        app = make_app(roots, token=token, hosts=hosts)
        settings = uvicorn.Config(
            app,
            log_level="warning",
            access_log=False,  # the first address has the token in it
            server_header=False,
            proxy_headers=False,
            ws="none",
            timeout_graceful_shutdown=_SHUTDOWN_SEC,
        )
        if has_browser and _has_screen():
            webbrowser.open(address)
        Server(settings, app.state.board).run(sockets=[listening])


def bind(host: str, port: int | None) -> socket.socket:
    """A socket that listens.

    Raises:
        CantServe: the address can't be had.
    """
    tried = [port] if port is not None else range(DEFAULT_PORT, DEFAULT_PORT + _TRIED_PORTS)
    for each in tried:
        try:
            family, kind, protocol, _, address = socket.getaddrinfo(host, each, type=socket.SOCK_STREAM)[0]
            listening = socket.socket(family, kind, protocol)
        except OSError as error:
            msg = f"{host} is no address of this machine: {error.strerror}"
            raise CantServe(msg) from error
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listening.bind(address)
            listening.listen(_BACKLOG)
        except OSError as error:
            listening.close()
            if error.errno != errno.EADDRINUSE:
                msg = f"can't listen on {host} port {each}: {error.strerror}"
                raise CantServe(msg) from error
        else:
            return listening
    msg = f"port {tried[0]} of {host} is taken" if port is not None else "no port is free"
    raise CantServe(msg, hints=["--port 0 takes any that is free"])


def _is_specific(bound: str) -> bool:
    return bound not in ("0.0.0.0", "::")  # noqa: S104 -- compared, not bound


def _has_screen() -> bool:
    """Without one, a browser would be one in the terminal, in the place of the server."""
    return sys.platform == "darwin" or bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))
