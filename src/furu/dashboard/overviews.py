"""The pages about the whole store: runs, graph, statistics, disk and health."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated, Any, Final

from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from furu import clock
from furu.dashboard.addresses import artifact_url
from furu.dashboard.gantt import MAX_BARS, Bar, draw_gantt
from furu.dashboard.graphs import MOST_STEPS, graph_around, graph_of_classes, graph_of_run
from furu.dashboard.health import check_health
from furu.dashboard.pages import Text
from furu.dashboard.rendering import Page
from furu.dashboard.statistics import statistics
from furu.drawing.style import GRAPH_CSS, kind_of, theme_css
from furu.drawing.svg import render_svg
from furu.index.search import query

if TYPE_CHECKING:
    from furu.dashboard.board import Board
    from furu.dashboard.rendering import Renderer
    from furu.index.rows import ArtifactRow

Hours = Annotated[int | None, Query(ge=1, le=24 * 31)]
Days = Annotated[int, Query(ge=1, le=366)]
Steps = Annotated[int, Query(ge=0, le=MOST_STEPS)]

HOURS: Final = (1, 6, 24, 168)
DAYS: Final = (7, 30, 90, 365)
_LISTED: Final = 50
_HOUR_SEC: Final = 3600


class Overviews:
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
            "/runs": self.runs,
            "/runs/{run_id}": self.run,
            "/graph": self.graph,
            "/stats": self.stats,
            "/disk": self.disk,
            "/health": self.health,
            "/graph.css": self.graph_css,
        }
        for path, answer in answers.items():
            router.add_api_route(path, answer, methods=["GET", "HEAD"], response_model=None)
        return router

    def runs(self, request: Request, hours: Hours = None) -> Response:
        """What runs, what failed lately, and what was worked on when."""
        known = self._board.watcher.look()
        now = clock.unix()
        views, unreadable = self._board.runs.latest()
        if hours is None:  # as many as it takes to see something
            hours = next((each for each in HOURS if self._query(f"age<{each}h", 1)), HOURS[-1])
        recent = self._query(f"age<{hours}h", MAX_BARS)
        return self._renderer.page(
            request,
            "runs.html",
            known=known,
            runs=views,
            unreadable=unreadable,
            running=self._query("status:running", _LISTED),
            failed=self._query("status:failed,crashed,lost age<7d", _LISTED),
            gantt=draw_gantt(
                (bar for row in recent if (bar := _bar_of(row, now))),
                now - hours * _HOUR_SEC,
                now,
                title="Computations",
            ),
            has_bars=any(row.took_sec is not None or row.status.value == "running" for row in recent),
            hours=hours,
            choices=HOURS,
            now_at=now,
        )

    def run(self, request: Request, run_id: str) -> Response:
        """One run: its plan as it stands, and what its workers did when."""
        known = self._board.watcher.look()
        view = self._board.runs.find(run_id)
        return self._renderer.page(
            request,
            "run.html",
            known=known,
            view=view,
            gantt=draw_gantt(view.bars, view.record.at, view.until, title=f"Run {view.record.run_id}"),
            graph=render_svg(graph_of_run(view), title="Plan of the run", css=False),
        )

    def graph(self, request: Request, root: Text = "", up: Steps = 2, down: Steps = 2) -> Response:
        """All classes, or what lies around one artifact."""
        known = self._board.watcher.look()
        values: dict[str, Any] = {"known": known, "root": root, "up": up, "down": down, "left_off": 0}
        if root:
            namespace, _, furu_hash = root.rpartition("/")
            artifact = self._board.store.locate(namespace, furu_hash)
            near = graph_around(self._board, artifact.reference, up=up, down=down)
            picture = render_svg(near.graph, title="Neighbourhood", centre=near.centre, css=False)
            values |= {"artifact": artifact, "left_off": near.left_off, "size": len(near.graph.nodes)}
        else:
            found = graph_of_classes(self._board)
            picture = render_svg(found, title="Classes", css=False) if found.nodes else ""
            values |= {"artifact": None, "size": len(found.nodes)}
        return self._renderer.page(request, "graph.html", picture=picture, steps=range(MOST_STEPS + 1), **values)

    def stats(self, request: Request, days: Days = 30) -> Response:
        """The store in numbers."""
        known = self._board.watcher.look()
        found = statistics(self._board, days)
        return self._renderer.page(request, "stats.html", known=known, stats=found, days=days, choices=DAYS)

    def disk(self, request: Request, again: str = "") -> Response:
        """What the artifacts take on disk."""
        known = self._board.watcher.look()
        state = self._board.disk.look(again=bool(again))
        return self._renderer.page(request, "disk.html", known=known, state=state)

    def health(self, request: Request) -> Response:
        """How the store, its index and this machine are."""
        known = self._board.watcher.look()
        return self._renderer.page(request, "health.html", known=known, health=check_health(self._board, known))

    def graph_css(self) -> Response:
        """The look of pictures of graphs; they come without, for no style may stand inside of a page."""
        return Response(f"{theme_css('.furu-graph')}\n{GRAPH_CSS}\n", media_type="text/css")

    def _query(self, text: str, limit: int) -> list[ArtifactRow]:
        return query(text, limit=limit, roots=self._board.roots, is_fresh=False)


def _bar_of(row: ArtifactRow, now: float) -> Bar | None:
    status = row.status.value
    if status == "running":
        began, ended = row.at, now
    elif row.took_sec is not None:
        began, ended = row.at - row.took_sec, row.at
    else:
        return None
    title = f"{row.node} {status} on {row.host or '?'}, {max(0.0, ended - began):.1f} s"
    return Bar(began, ended, row.class_name, title, kind_of(status), artifact_url(row.reference))
