"""Log lines: to a file below the artifact that is being created, and furu's own to stderr.

    capture(path_factory)   every stdlib record of this context -> the innermost capture's file
    console()               "furu" speaks on stderr, unless the application has set up logging itself

A capture is no handler. One on the root logger would turn `logging.basicConfig()` in user code into nothing, would be
thrown away by `dictConfig`, and would miss loggers that don't propagate. It listens where records are made
(`logging.setLogRecordFactory`, chained), and only while a capture is open. For that time the root logger's level is
lowered to INFO; a record that exists only because of this is hidden from everybody's handlers, so that nothing new
appears on them. What the application holds back by name (`getLogger("x").setLevel`, `logging.disable`) reaches no file
either; filters and `extra` are the application's own and don't touch the file.

A capture belongs to a context: `asyncio` tasks inherit it, and so do threads that run in a
`contextvars.copy_context()`. A plain thread starts outside, and its records go where they always went.
"""

from __future__ import annotations

import contextlib
import logging
import os
import sys
import threading
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, Final

from furu import clock, config

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextvars import Token
    from types import TracebackType
    from typing import Self

LOGGER: Final = logging.getLogger("furu")

RUNS: Final = logging.getLogger("furu.runs")
"""Says what concerns a whole run; the console prints it also while it is `hushed()`."""


class _OwnLevel(int):
    """A level set by furu: its identity tells it from the same number set by the application."""


# No handler's level is below 0, so this one passes none.
_HIDDEN: Final = -1
_INFO: Final = _OwnLevel(logging.INFO)
_CONSOLE_LEVELS: Final = {name: _OwnLevel(min(level, _INFO)) for name, level in logging.getLevelNamesMapping().items()}


class _FileFormatter(logging.Formatter):
    """`2026-01-23T12:00:00.123 INFO logger message`, in UTC as all of furu's records."""

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)s %(name)s %(message)s")

    def formatTime(self, record: logging.LogRecord, datefmt: str | None = None) -> str:  # noqa: ARG002, N802 - stdlib's
        return clock.isoformat(record.created).removesuffix("+00:00")


_FILE_FORMAT: Final = _FileFormatter()


class _FileHandler(logging.FileHandler):
    """Stays closed once it is closed; the stdlib's opens the file again for a late record.

    A log that can't be written, as on a full disk, is given up with one warning: it must neither fail what is computed
    nor hide why that failed.
    """

    def __init__(self, path: str) -> None:
        super().__init__(path, encoding="utf-8", errors="backslashreplace")
        self.setFormatter(_FILE_FORMAT)

    def emit(self, record: logging.LogRecord) -> None:
        if self.stream is not None:
            super().emit(record)

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - stdlib's
        error = sys.exception()
        if not isinstance(error, OSError):
            super().handleError(record)
            return
        self.close()  # first: the warning is a record of this context too
        LOGGER.warning("the log %s ends here: %s", self.baseFilename, error)

    def close(self) -> None:
        # What is still in the buffer is written now, and fails once more.
        with contextlib.suppress(OSError):
            super().close()


class Capture:
    """What `capture()` gives: a `with` block whose log records go to a file."""

    __slots__ = ("_file", "_is_open", "_lock", "_path_factory", "_token")

    def __init__(self, path_factory: Callable[[], str]) -> None:
        self._path_factory = path_factory
        # Held only to open the file. Writing is under the handler's own lock, which survives a fork.
        self._lock = threading.Lock()
        self._file: _FileHandler | None = None
        self._is_open = False
        self._token: Token[Capture | None] | None = None

    def __enter__(self) -> Self:
        self._is_open = True
        self._token = _current.set(self)
        _LISTENING.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        try:
            if error is not None:
                self.write_error(error)
        finally:
            _LISTENING.stop()
            if self._token is not None:
                _current.reset(self._token)
            with self._lock:
                self._is_open = False
                if self._file is not None:
                    self._file.close()

    def write(self, record: logging.LogRecord) -> None:
        """Append a record; from a thread that outlived the block, do nothing."""
        if self._is_open and self._file is None:
            self._open()
        if self._file is not None:
            self._file.handle(record)
            # Left in place, our rendering of the traceback would be taken over by every later handler.
            record.exc_text = None

    def write_error(self, error: BaseException) -> None:
        """Append an exception with its traceback; no handler hears of it."""
        exc_info = (type(error), error, error.__traceback__)
        self.write(logging.LogRecord(LOGGER.name, logging.ERROR, __file__, 0, "%r", (error,), exc_info))

    def _open(self) -> None:
        with self._lock:
            if self._file is not None or not self._is_open:
                return
            try:
                self._file = _FileHandler(self._path_factory())
            except OSError as error:
                # The computation goes on. Closed first: the warning is a record of this context too.
                self._is_open = False
                LOGGER.warning("no log is kept: %s", error)


_current: ContextVar[Capture | None] = ContextVar("furu_log_capture", default=None)


def capture(path_factory: Callable[[], str]) -> Capture:
    """Send the log records of this context to a file while a `with` block runs; the innermost block gets them.

    The file is made by the first record, so a silent computation has none; it is appended to, record by record. An
    exception that leaves the block is written down with its traceback. About 5 us when there is nothing to write.

    Args:
        path_factory: gives the file's path, asked at the first record; its directory must exist by then.
    """
    return Capture(path_factory)


class _RecordFactory:
    """Makes records as before, and shows them to the current capture."""

    def __init__(self, make_record: Callable[..., logging.LogRecord], root_level: int) -> None:
        self.make_record = make_record
        self.root_level = root_level
        # Whoever wrapped this factory meanwhile keeps calling it after the last capture is closed.
        self.is_active = True

    def __call__(self, name: str | None, *args: Any, **kwargs: Any) -> logging.LogRecord:
        record = self.make_record(name, *args, **kwargs)
        # logging.makeLogRecord() asks for an empty one first, to fill in what another process logged.
        if self.is_active and name is not None:
            if (current := _current.get()) is not None:
                current.write(record)
            if logging.root.level is _INFO and record.levelno < self.root_level and _inherits_root_level(name):
                record.levelno = _HIDDEN
        return record


def _inherits_root_level(name: str) -> bool:
    if name == logging.root.name:
        return True
    logger: Any = logging.root.manager.loggerDict.get(name)
    while isinstance(logger, logging.Logger) and logger is not logging.root and not logger.level:
        logger = logger.parent
    return logger is logging.root


class _Listening:
    """The one hook into `logging`: in place while a capture is open, in whatever thread."""

    def __init__(self) -> None:
        self.renew_lock()
        self._open_count = 0
        self._factory = _RecordFactory(logging.LogRecord, logging.WARNING)

    def start(self) -> None:
        """One capture more."""
        with self._lock:
            self._open_count += 1
            if self._open_count == 1:
                self._factory = _RecordFactory(logging.getLogRecordFactory(), logging.root.level)
                logging.setLogRecordFactory(self._factory)
                if logging.root.level > _INFO:
                    logging.root.setLevel(_INFO)

    def stop(self) -> None:
        """One capture less; after the last, `logging` is as it was, except for what others have changed."""
        with self._lock:
            self._open_count -= 1
            if self._open_count == 0:
                self._factory.is_active = False
                if logging.getLogRecordFactory() is self._factory:
                    logging.setLogRecordFactory(self._factory.make_record)
                if logging.root.level is _INFO:
                    logging.root.setLevel(self._factory.root_level)

    def renew_lock(self) -> None:
        """In a forked child: a thread that held the lock is not there to give it back."""
        self._lock = threading.Lock()


_LISTENING: Final = _Listening()
os.register_at_fork(after_in_child=_LISTENING.renew_lock)


class _ConsoleFormatter(logging.Formatter):
    """`12:00:00 furu: message`, with the level where it is a warning or worse, in colour on a terminal."""

    _COLOUR_FROM: Final = ((logging.ERROR, "31"), (logging.WARNING, "33"), (logging.NOTSET, "2"))

    def __init__(self) -> None:
        super().__init__("%(asctime)s furu: %(message)s", "%H:%M:%S")

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 - stdlib's
        if record.levelno >= logging.WARNING:
            record.message = f"{record.levelname.lower()}: {record.message}"
        line = super().formatMessage(record)
        if not sys.stderr.isatty() or "NO_COLOR" in os.environ:
            return line
        colour = next(code for level, code in self._COLOUR_FROM if record.levelno >= level)
        return f"\033[{colour}m{line}\033[0m"


class _ConsoleHandler(logging.Handler):
    """Writes to the `sys.stderr` of the moment; while there are `hushes`, only what `hushed()` says."""

    def __init__(self) -> None:
        super().__init__()
        self.hushes: list[None] = []  # one for each open block; appending and popping need no lock

    def emit(self, record: logging.LogRecord) -> None:
        if self.hushes and record.levelno < logging.WARNING and record.name != RUNS.name:
            return
        try:
            print(self.format(record), file=sys.stderr, flush=True)  # noqa: T201 - this is the console
        except Exception:  # noqa: BLE001 - as in every handler: what is reported on must not break
            self.handleError(record)


_CONSOLE: Final = _ConsoleHandler()
_CONSOLE.setFormatter(_ConsoleFormatter())


def console() -> None:
    """Let "furu" speak on stderr at the level of `FURU_LOG_LEVEL`; about 2 us, to be called before it speaks.

    An application that has handlers on the root logger or on "furu" hears furu through those, and only those.
    """
    is_ours = logging.root.handlers == [] and all(handler is _CONSOLE for handler in LOGGER.handlers)
    level = config.log_level()
    own_level = _CONSOLE_LEVELS[level] if is_ours else logging.NOTSET
    if is_ours != (_CONSOLE in LOGGER.handlers):
        (LOGGER.addHandler if is_ours else LOGGER.removeHandler)(_CONSOLE)
    # The logger itself passes INFO whatever the console's level: a capture wants it.
    if LOGGER.level != own_level and (LOGGER.level == logging.NOTSET or isinstance(LOGGER.level, _OwnLevel)):
        LOGGER.setLevel(own_level)
    if logging.getLevelName(_CONSOLE.level) != level:
        _CONSOLE.setLevel(level)


def has_console() -> bool:
    """Whether furu speaks on stderr by itself, since `console()` found no handlers of the application."""
    return _CONSOLE in LOGGER.handlers


def is_heard(level: int) -> bool:
    """Whether a line of furu's would reach a file or somebody; to make a record that nobody sees takes 13 us."""
    is_printed = level >= _CONSOLE.level and (level >= logging.WARNING or not is_hushed())
    return is_printed or _current.get() is not None or not has_console()


def is_hushed() -> bool:
    """Whether a `hushed()` block runs in some thread."""
    return bool(_CONSOLE.hushes)


@contextlib.contextmanager
def hushed() -> Iterator[None]:
    """Print on furu's own console only warnings and what `RUNS` says while the block runs, in all threads.

    For a view of a run, which would drown in a line for each node. Handlers of the application hear everything.
    """
    _CONSOLE.hushes.append(None)
    try:
        yield
    finally:
        _CONSOLE.hushes.pop()
