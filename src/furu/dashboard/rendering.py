"""Pages from templates: everything that is stored is escaped, and words for numbers are the command line's."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlencode

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape
from starlette.responses import HTMLResponse, JSONResponse

import furu
from furu import clock
from furu.cli import output
from furu.dashboard.addresses import artifact_url, file_url, list_url, url_with
from furu.dashboard.charts import draw_shares
from furu.dashboard.queries import quoted
from furu.dashboard.run_view import RUN_KINDS, class_shares, run_shares
from furu.dashboard.statistics import error_query
from furu.drawing.style import kind_of

if TYPE_CHECKING:
    from starlette.requests import Request

PARTIAL: Final = "x-partial"
"""A header: only the part of a page that changes is wanted."""

STATIC: Final = Path(__file__).parent / "static"


class Page(HTMLResponse):
    """HTML; halves of surrogate pairs, which stored text may have, are replaced."""

    def render(self, content: Any) -> bytes:
        return str(content).encode("utf-8", "replace")


class Json(JSONResponse):
    """JSON in ASCII, in which any text can be said."""

    def render(self, content: Any) -> bytes:
        return json.dumps(printable(content), allow_nan=False, separators=(",", ":")).encode("ascii")


def printable(value: Any) -> Any:
    """The same with what JSON and UTF-8 can say: no halves of surrogate pairs, no numbers that are none."""
    if isinstance(value, str):
        return value if value.isascii() else value.encode("utf-8", "replace").decode()
    if isinstance(value, float) and not math.isfinite(value):
        return repr(value)
    if isinstance(value, dict):
        return {printable(key): printable(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [printable(item) for item in value]
    return value


class Renderer:
    """The templates."""

    def __init__(self) -> None:
        self._environment = Environment(
            loader=PackageLoader("furu.dashboard"),
            autoescape=select_autoescape(default=True, default_for_string=True),
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._environment.globals.update(
            version=furu.__version__,
            now=clock.unix,
            artifact_url=artifact_url,
            file_url=file_url,
            url_with=url_with,
            list_url=list_url,
            kind_of=kind_of,
            run_kind=RUN_KINDS.get,
            run_shares=run_shares,
            class_shares=class_shares,
            draw_shares=draw_shares,
            error_query=error_query,
            quoted=quoted,
        )
        self._environment.filters.update(
            duration=output.duration,
            size=output.size,
            when=lambda at: clock.isoformat(at)[:19].replace("T", " ") + " UTC",
            ago=lambda at: output.ago(at, clock.unix()),
            iso=clock.isoformat,
            number=lambda count: f"{count:,}",
            short=lambda furu_hash: furu_hash[: output.SHORT_HASH],
            ids_query=lambda ids: urlencode([("id", each) for each in ids]),
            pretty=lambda value: json.dumps(value, indent=2, ensure_ascii=False, default=str),
        )

    def page(self, request: Request, template: str, *, status: int = 200, **values: Any) -> Page:
        """A page, or its part that changes if the request asks for that."""
        is_partial = request.headers.get(PARTIAL) == "1"
        text = self._environment.get_template(template).render(
            layout="partial.html" if is_partial else "base.html", path=request.url.path, **values
        )
        return Page(text, status_code=status, headers={"Vary": PARTIAL})
