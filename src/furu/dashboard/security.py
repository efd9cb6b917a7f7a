"""Who may ask, and what a browser may do with the answer.

Guard, around the whole application
    only GET and HEAD           nothing is changed by a request
    the Host is one of ours     a foreign name that leads here (DNS rebinding) is refused
    Origin, Sec-Fetch-Site      another site's page may link to us and no more
    the token                   by cookie or `Authorization: Bearer`; `?token=` in an address becomes the cookie
    every answer                gets headers under which stored text can't run as script
"""

from __future__ import annotations

import hashlib
import html
import re
import secrets
from dataclasses import dataclass
from http.cookies import CookieError, SimpleCookie
from typing import TYPE_CHECKING, Final
from urllib.parse import parse_qsl, quote, urlencode

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response

if TYPE_CHECKING:
    from collections.abc import Iterable

    from starlette.types import ASGIApp, Message, Receive, Scope, Send

MIN_TOKEN_CHARS: Final = 16
LOOPBACK: Final = frozenset({"127.0.0.1", "::1", "localhost"})

POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
FILE_POLICY: Final = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; sandbox"
"""For files of artifacts: whatever they are, nothing in them runs, loads or has our origin."""

_HEADERS: Final = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}
_HOST: Final = re.compile(r"(?P<name>\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+)(:[0-9]{1,5})?")
_REFUSAL: Final = """<!doctype html><html lang="en"><meta charset="utf-8"><title>furu</title>
<link rel="stylesheet" href="/static/dashboard.css"><main class="refusal"><h1>{title}</h1><p>{text}</p></main></html>"""
_ASK: Final = "Open the address that the command printed, the one with ?token= in it."


def cookie_name(token: str) -> str:
    """A name of each server's own: a browser sends the cookies of one port to all ports of a host."""
    return f"furu_{hashlib.blake2b(token.encode(), digest_size=4).hexdigest()}"


def new_token() -> str:
    """A token that nobody guesses."""
    return secrets.token_urlsafe(24)


@dataclass(frozen=True)
class Refusal:
    """Why a request is not answered.

    Attributes:
        status: of HTTP.
        title: in a few words.
        text: what to do.
    """

    status: int
    title: str
    text: str


class Guard:
    """Lets those requests through that may be answered.

    Args:
        app: what answers them.
        token: what a request has to bring.
        hosts: names by which browsers may call us, beside those of the loopback.
    """

    def __init__(self, app: ASGIApp, *, token: str, hosts: Iterable[str] = ()) -> None:
        self._app = app
        self._token = token
        self._cookie = cookie_name(token)
        self._hosts = LOOPBACK | {host.lower().strip("[]") for host in hosts}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        if scope["type"] != "http":  # nothing here talks by websocket; not accepting one closes it
            await send({"type": "websocket.close", "code": 1008})
            return

        async def send_guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in _HEADERS.items():
                    headers.setdefault(name, value)
            await send(message)

        answer = self._first_answer(scope)
        await (answer or self._app)(scope, receive, send_guarded)

    def _first_answer(self, scope: Scope) -> Response | None:
        """What is answered without asking the application; None lets the request through."""
        headers = Headers(scope=scope)
        refusal = self._refusal(scope, headers)
        if refusal is not None:
            return _refuse(scope, refusal)
        if scope["path"].startswith("/static/"):  # has no secrets, and the page that asks for the token wants its style
            return None
        pairs = parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True)
        given = [value for name, value in pairs if name == "token"]
        if given and self._is_token(given[-1]):
            rest = urlencode([pair for pair in pairs if pair[0] != "token"])
            # Two slashes at the beginning would be another host.
            path = "/" + quote(scope["path"].lstrip("/"))
            answer = RedirectResponse(f"{path}?{rest}" if rest else path, status_code=303)
            answer.set_cookie(self._cookie, self._token, httponly=True, samesite="lax", path="/")
            return answer
        if any(map(self._is_token, _shown_tokens(headers, self._cookie))):
            return None
        return _refuse(scope, Refusal(401, "A token is needed", _ASK))

    def _refusal(self, scope: Scope, headers: Headers) -> Refusal | None:
        if scope["method"] not in ("GET", "HEAD"):
            return Refusal(405, "Only reading is possible", "The dashboard answers GET and HEAD.")
        hosts = headers.getlist("host")
        host = _HOST.fullmatch(hosts[0]) if len(hosts) == 1 else None
        if host is None or host["name"].lower().strip("[]") not in self._hosts:
            return Refusal(400, "Unknown host", "Use the address that the command printed, or --host with this name.")
        origin = headers.get("origin")
        if origin is not None and origin.lower() not in (f"http://{hosts[0]}".lower(), f"https://{hosts[0]}".lower()):
            return Refusal(403, "Another site asks", "Pages of other sites can't read the dashboard.")
        is_link = headers.get("sec-fetch-mode") == "navigate" and headers.get("sec-fetch-dest") == "document"
        if headers.get("sec-fetch-site", "none") not in ("none", "same-origin") and not is_link:
            return Refusal(403, "Another site asks", "Pages of other sites can't embed or read the dashboard.")
        return None

    def _is_token(self, given: str) -> bool:
        return secrets.compare_digest(given.encode(errors="replace"), self._token.encode())


def _shown_tokens(headers: Headers, cookie: str) -> Iterable[str]:
    kind, _, token = headers.get("authorization", "").partition(" ")
    if kind.lower() == "bearer":
        yield token.strip()
    for line in headers.getlist("cookie"):
        try:
            cookies = SimpleCookie(line)
        except CookieError:
            continue
        if cookie in cookies:
            yield cookies[cookie].value


def _refuse(scope: Scope, refusal: Refusal) -> Response:
    headers = {"WWW-Authenticate": "Bearer"} if refusal.status == 401 else {}  # noqa: PLR2004 -- HTTP's own number
    if refusal.status == 405:  # noqa: PLR2004 -- HTTP's own number
        headers = {"Allow": "GET, HEAD"}
    if scope["path"].startswith("/api/"):
        detail = {"detail": f"{refusal.title}. {refusal.text}"}
        return JSONResponse(detail, status_code=refusal.status, headers=headers)
    text = _REFUSAL.format(title=html.escape(refusal.title), text=html.escape(refusal.text))
    return HTMLResponse(text, status_code=refusal.status, headers=headers)
