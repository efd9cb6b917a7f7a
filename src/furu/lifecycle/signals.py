"""SIGTERM and SIGINT while something is computed: end the attempt as preempted, then go.

Handlers stand only in the main thread and only while it computes; what was there before is put back, and is called
if it was the application's own. The handler raises, so the attempts end on the way out through `finally`, innermost
first. While an attempt is being published or ended the signal is kept until that is done. A second signal ends the
process at once; the next one to look finds a dead owner.
"""

from __future__ import annotations

import os
import signal
import threading
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from types import FrameType, TracebackType

# SIGINT first: until its handler stands, Python's own may raise anywhere.
_SIGNALS: Final = (signal.SIGINT, signal.SIGTERM)
# What batch systems send some time before they end a job.
_WARNINGS: Final = (signal.SIGUSR2,)


class FuruTerminated(SystemExit):
    """SIGTERM came while computing; uncaught, the process exits with 143."""


class FuruInterrupted(KeyboardInterrupt, SystemExit):
    """SIGINT came while computing: a `KeyboardInterrupt` that, uncaught, exits with 130."""

    def __init__(self, code: int) -> None:
        super().__init__(code)
        self.code = code  # the first base knows nothing of exit codes


class _Watch:
    """The signals of the main thread, for as long as it computes."""

    def __init__(self) -> None:
        self.depth = 0
        self.shields = 0
        self.received: int | None = None
        self.pending = False
        self.previous: dict[int, Any] = {}
        self.is_batch_job = False
        self.is_told = False  # to end, by whoever started this process

    def handle(self, number: int, frame: FrameType | None) -> None:
        if self.received is not None and (self.is_batch_job or self.is_told):
            return
        if self.received is not None:
            os._exit(128 + number)
        self.received = number
        # In the middle of our own bookkeeping, to raise would leave it half done; it looks for this at its end.
        if self.shields or _is_bookkeeping(frame):
            self.pending = True
        else:
            self.throw()

    def throw_pending(self) -> None:
        if self.pending and not self.shields:
            self.throw()

    def throw(self) -> None:
        self.pending = False
        number = self.received or signal.SIGTERM
        is_interrupt = number == signal.SIGINT
        raise FuruInterrupted(128 + number) if is_interrupt else FuruTerminated(128 + signal.SIGTERM)


_WATCH = _Watch()


def _is_bookkeeping(frame: FrameType | None) -> bool:
    """Whether code of this module was interrupted, or what it calls."""
    while frame is not None:
        if frame.f_globals is globals():
            return True
        frame = frame.f_back
    return False


def _is_main_thread() -> bool:
    return threading.current_thread() is threading.main_thread()


def _setup_signal_handlers() -> None:
    """Install the handlers; does nothing outside the main thread, where Python allows none."""
    if not _is_main_thread():
        return
    _WATCH.received, _WATCH.pending = None, False
    try:
        for number in (*_SIGNALS, *(_WARNINGS if _WATCH.is_batch_job else ())):
            previous = signal.getsignal(number)
            # An ignored signal stays ignored (nohup), and a handler that C code installed can't be put back.
            if previous not in (signal.SIG_IGN, None):
                _WATCH.previous[number] = previous
                signal.signal(number, _WATCH.handle)
    except BaseException:
        _restore_signal_handlers()
        raise


def _restore_signal_handlers() -> None:
    for number, previous in reversed(_WATCH.previous.items()):
        signal.signal(number, previous)
    own = _WATCH.previous.get(_WATCH.received) if _WATCH.received is not None else None
    _WATCH.previous = {}
    if callable(own) and own is not signal.default_int_handler:
        _WATCH.pending = False
        own(_WATCH.received, None)


class in_batch_job:  # noqa: N801 -- reads as the block that it opens
    """Inside this block SIGUSR2 counts as SIGTERM, and a second signal ends nothing.

    The same SIGTERM may come twice, from the batch system and from its launcher, and a warning may come before it;
    the attempt must have its time to save. Who really means it sends SIGKILL.
    """

    def __enter__(self) -> None:
        self._before, _WATCH.is_batch_job = _WATCH.is_batch_job, True

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        _WATCH.is_batch_job = self._before


def terminate_this_process() -> None:
    """As if SIGTERM came, from any thread; with a Ctrl-C that came at the same time it is one signal, not two."""
    _WATCH.is_told = True
    # To the main thread: a thread that gets it instead would leave that one asleep.
    signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGTERM)


# Classes, not `contextlib.contextmanager`: its frames, between ours, would be no bookkeeping of ours to the handler.


class computing:  # noqa: N801 -- reads as the block that it opens
    """The handlers stand inside this block; nested blocks share them."""

    def __enter__(self) -> None:
        self._is_watched = _is_main_thread()
        if not self._is_watched:
            return
        if _WATCH.depth == 0:
            _setup_signal_handlers()
        _WATCH.depth += 1
        if _WATCH.pending and not _WATCH.shields:
            self.__exit__(None, None, None)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if not self._is_watched:
            return
        _WATCH.depth -= 1
        if _WATCH.depth == 0:
            _restore_signal_handlers()
        _WATCH.throw_pending()


class shielded:  # noqa: N801 -- reads as the block that it opens
    """A signal that comes inside this block is kept until its end."""

    def __enter__(self) -> None:
        self._is_shielded = _is_main_thread()
        if self._is_shielded:
            _WATCH.shields += 1

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._is_shielded:
            _WATCH.shields -= 1
            _WATCH.throw_pending()
