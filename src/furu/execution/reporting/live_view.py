"""The live view of a run on a terminal; needs rich. See `furu.execution.reporting.progress` for when it is shown.

It redraws itself four times a second in a thread of its own, below whatever is printed meanwhile: `sys.stderr`, and
`sys.stdout` where that is the terminal too, are replaced by streams that print above it.
"""

from __future__ import annotations

import contextlib
import os
import sys
import threading
from typing import TYPE_CHECKING, Final, TextIO, cast

from rich.console import Console, Group
from rich.file_proxy import FileProxy
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from furu.execution.cost import format_sec
from furu.execution.reporting.progress_text import (
    describe_class,
    describe_eta,
    describe_rate,
    first_line,
    label_classes,
    label_node,
)
from furu.execution.reporting.tally import State

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from rich.console import ConsoleDimensions, JustifyMethod, RenderableType

    from furu.execution.reporting.tally import ClassCount, Snapshot

REFRESHES_PER_SEC: Final = 4

_BAR_WIDTH: Final = 24
_CLASSES_SHOWN: Final = 12
_JUSTIFY: Final[tuple[JustifyMethod, ...]] = ("left", "left", "right")

_TERMINAL: Final = threading.Lock()
"""Held by the one view that is shown."""


class LiveView:
    """A region at the bottom of the terminal that shows the last snapshot."""

    def __init__(self, run_id: str, snapshot: Callable[[], Snapshot]) -> None:
        self._run_id = run_id
        self._snapshot = snapshot
        # The real one: what is behind sys.stderr changes as soon as the view is open.
        self._console = Console(file=sys.stderr, markup=False, highlight=False, emoji=False)
        self._live = Live(
            console=self._console, auto_refresh=False, transient=True, redirect_stdout=False, redirect_stderr=False
        )
        self._streams = _Streams(self._console)
        self._drawing = threading.Lock()
        self._closing = threading.Event()

    def open(self) -> None:
        """Begin to draw, a quarter of a second from now: a run may be over by then."""
        self._live.start()
        # rich hides the cursor; a process that is killed could not bring it back.
        self._console.show_cursor(show=True)
        self._streams.replace()
        threading.Thread(target=self._refresh, name="furu-view", daemon=True).start()

    def changed(self, now: float) -> None:
        """Nothing: the view looks by itself."""

    def close(self) -> None:
        """Give the terminal back, with nothing of the view left on it."""
        with self._drawing:
            self._closing.set()
        self._live.update("")
        try:
            with contextlib.suppress(OSError):  # the terminal may be gone
                self._live.stop()
        finally:
            self._streams.restore()
            _TERMINAL.release()

    def _refresh(self) -> None:
        while not self._closing.wait(1 / REFRESHES_PER_SEC):
            # Taken before the locks of the terminal: it may read files, and others want to print meanwhile.
            snapshot = self._snapshot()
            with self._drawing:
                if self._closing.is_set():
                    return
                try:
                    self._live.update(render(self._run_id, snapshot, size=self._console.size), refresh=True)
                except OSError:
                    return


class _Streams:
    """What `sys.stdout` and `sys.stderr` were, and what stands in for them."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._replaced: dict[str, tuple[TextIO, TextIO]] = {}  # by name: the stream, and its stand-in

    def replace(self) -> None:
        for name in ("stdout", "stderr"):
            stream: TextIO | None = getattr(sys, name)
            if stream is not None and not stream.closed and stream.isatty():
                stand_in = cast("TextIO", FileProxy(self._console, stream))
                self._replaced[name] = stream, stand_in
                setattr(sys, name, stand_in)
        _OPEN.append(self)

    def restore(self) -> None:
        """Put back what nobody else has replaced meanwhile."""
        for name, (stream, stand_in) in self._replaced.items():
            if getattr(sys, name) is stand_in:
                setattr(sys, name, stream)
        self._replaced = {}
        if self in _OPEN:
            _OPEN.remove(self)


_OPEN: Final[list[_Streams]] = []


def _restore_in_child() -> None:
    # A forked child has no thread that draws, and may have copied locks of rich that nobody will release.
    while _OPEN:
        _OPEN[-1].restore()


os.register_at_fork(after_in_child=_restore_in_child)


def open_live_view(run_id: str, look: Callable[[], Snapshot]) -> LiveView | None:
    """Show a view on stderr; None where one is shown already.

    Args:
        run_id: its name.
        look: gives what is to be shown; called from another thread.
    """
    if not _TERMINAL.acquire(blocking=False):
        return None
    view = LiveView(run_id, look)
    view.open()
    return view


def render(run_id: str, snapshot: Snapshot, size: ConsoleDimensions) -> RenderableType:
    """A snapshot as it is shown.

    Args:
        run_id: name of the run.
        snapshot: what there is to show.
        size: of the terminal.
    """
    labels = label_classes(entry.namespace for entry in snapshot.classes)
    shown = choose_classes(snapshot.classes, min(_CLASSES_SHOWN, max(1, size.height - len(snapshot.oldest) - 7)))
    parts: list[RenderableType] = [_render_head(run_id, snapshot), _render_classes(shown, labels, size.width)]
    if len(shown) < len(snapshot.classes):
        parts.append(Text(f"classes not shown: {len(snapshot.classes) - len(shown)}", style="dim"))
    if snapshot.oldest:
        parts += [Text("longest running:", style="dim", no_wrap=True), _render_running(snapshot, labels)]
    if snapshot.last_error:
        parts.append(
            Text(f"last error: {first_line(snapshot.last_error)}", style="red", no_wrap=True, overflow="ellipsis")
        )
    return Group(*parts)


def choose_classes(classes: tuple[ClassCount, ...], count: int) -> list[ClassCount]:
    """At most `count` classes, those that run or failed first; what comes first in the work stands on top.

    The plan meets roots before what they need, so its order is turned round.
    """
    by_interest = sorted(
        range(len(classes)),
        key=lambda index: (
            not classes[index].counts[State.RUNNING],
            not classes[index].counts[State.FAILED],
            not classes[index].left,
            -index,
        ),
    )
    return [classes[index] for index in sorted(by_interest[:count], reverse=True)]


def _render_head(run_id: str, snapshot: Snapshot) -> Text:
    head = Text(no_wrap=True, overflow="ellipsis")
    head.append(f"furu  {snapshot.count(State.DONE)}/{snapshot.total} done", style="bold")
    head.append(f"  {format_sec(snapshot.elapsed_sec)}")
    if snapshot.rate is not None:
        head.append(f"  {describe_rate(snapshot.rate)}")
    head.append(f"  ETA {describe_eta(snapshot.eta)}", style="cyan")
    return head.append(f"  run {run_id}", style="dim")


def _render_classes(classes: list[ClassCount], labels: Mapping[str, str], columns: int) -> Table:
    table = Table.grid(padding=(0, 2))
    for justify in _JUSTIFY:
        table.add_column(justify=justify, no_wrap=True)
    table.add_column()  # the only one that gives way where there is little room
    bar_width = min(_BAR_WIDTH, max(_BAR_WIDTH // 4, columns // 4))
    for entry in classes:
        done = entry.counts[State.DONE]
        style = "red" if entry.counts[State.FAILED] else "dim"
        table.add_row(
            Text(f"  {labels[entry.namespace]}"),
            ProgressBar(total=entry.total, completed=done, width=bar_width, complete_style="blue"),
            Text(f"{done}/{entry.total}"),
            Text(describe_class(entry), style=style, no_wrap=True, overflow="ellipsis"),
        )
    return table


def _render_running(snapshot: Snapshot, labels: Mapping[str, str]) -> Table:
    table = Table.grid(padding=(0, 2))
    for each in snapshot.oldest:
        table.add_row(
            Text(f"  {label_node(labels[each.namespace], each.node)}"), Text(format_sec(each.age_sec)), style="dim"
        )
    return table
