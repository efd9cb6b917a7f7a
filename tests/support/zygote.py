"""Python processes that begin with furu imported: forked from one process that has done nothing else.

A new interpreter takes a third of a second to import furu and what tests need; a fork of one that has takes a
hundredth. It is a process of its own in all that matters to furu: pid, start time, signals, environment, directory,
pipes, `__main__`, and the way it ends. What needs a new interpreter (hash seeds, options of Python, imports) starts one
itself.
"""

from __future__ import annotations

import atexit
import contextlib
import functools
import gc
import io
import json
import os
import select
import signal
import socket
import subprocess
import sys
import threading
import types
import warnings
from importlib import import_module, invalidate_caches
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Final, Self

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

PROJECT: Final = Path(__file__).parents[2]
_IMPORTED: Final = (
    "furu.cli.main",
    "furu.execution",
    "furu.execution.reporting.progress",
    "furu.evolution.migrate",
    "furu.index.search",
    "tests.lifecycle.steps",
    "tests.reliability.each_call",
    "tests.reliability.processes",
    "tests.support.computed",
    "tests.support.deeds",
)
"""Modules that most processes of tests use, and that do nothing when they are imported."""
_MOST_BYTES: Final = 1 << 20


class Child:
    """A process on Python source, with as much of `subprocess.Popen` as tests use; it is no child of this process.

    Attributes:
        pid: its process id.
        returncode: as with `Popen`; None until its end was seen.
        stdin: what it reads, if that was asked for.
        stdout: what it prints, if that was asked for.
        stderr: the same for errors.
    """

    def __init__(
        self,
        source: str,
        *,
        environment: Mapping[str, str],
        argv: Sequence[str] = ("-c",),
        directory: Path = PROJECT,
        stdin: int | IO[Any] = subprocess.PIPE,
        stdout: int | IO[Any] = subprocess.PIPE,
        stderr: int | IO[Any] = subprocess.PIPE,
        is_unbuffered: bool = False,
        has_own_session: bool = False,
        are_warnings_errors: bool = False,
    ) -> None:
        self.returncode: int | None = None
        self.stdin, theirs_in = _open_end(stdin, 0)
        self.stdout, theirs_out = _open_end(stdout, 1)
        self.stderr, theirs_err = _open_end(stderr, 1)
        news, theirs_news = os.pipe()
        order = {
            "source": source,
            "environment": dict(environment),
            "argv": list(argv),
            "directory": str(directory),
            "is_unbuffered": is_unbuffered,
            "has_own_session": has_own_session,
            "are_warnings_errors": are_warnings_errors,
        }
        handed_over = [theirs_in, theirs_out, theirs_err, (theirs_news, True)]
        _zygote().order(json.dumps(order).encode(), [descriptor for descriptor, _ in handed_over])
        for descriptor, is_made_here in handed_over:
            if is_made_here:
                os.close(descriptor)
        self._news = news
        self._lock = threading.Lock()
        self.pid = _hear(news)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for pipe in (self.stdout, self.stderr, self.stdin):
            if pipe is not None:
                pipe.close()
        self.wait()

    def poll(self) -> int | None:
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.wait(0)
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        with self._lock:
            if self.returncode is None:
                if not select.select([self._news], [], [], timeout)[0]:
                    raise subprocess.TimeoutExpired("python", timeout or 0)
                self.returncode = _hear(self._news)
                os.close(self._news)
            return self.returncode

    def communicate(self, timeout: float | None = None) -> tuple[str, str]:
        """What it prints until its end, and its errors."""
        if self.stdin is not None:
            self.stdin.close()
        texts = ["", ""]

        def read(index: int, pipe: IO[str] | None) -> None:
            texts[index] = pipe.read() if pipe is not None else ""

        pipes = (self.stdout, self.stderr)
        readers = [threading.Thread(target=read, args=each, daemon=True) for each in enumerate(pipes)]
        for reader in readers:
            reader.start()
        for reader in readers:
            reader.join(timeout)
            if reader.is_alive():
                raise subprocess.TimeoutExpired("python", timeout or 0)
        self.wait(timeout)
        for pipe in pipes:
            if pipe is not None:
                pipe.close()
        return texts[0], texts[1]

    def send_signal(self, number: int) -> None:
        if self.poll() is None:
            os.kill(self.pid, number)

    def terminate(self) -> None:
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)


def _open_end(wanted: int | IO[Any], ours: int) -> tuple[IO[str] | None, tuple[int, bool]]:
    """Our end of a new pipe, if one is wanted; the descriptor for the child, and whether to close it here."""
    if wanted == subprocess.PIPE:
        ends = os.pipe()
        our_end, theirs = (ends[1], ends[0]) if ours == 0 else ends
        return open(our_end, "w" if ours == 0 else "r", encoding="utf-8"), (theirs, True)
    if wanted == subprocess.DEVNULL:
        return None, (os.open(os.devnull, os.O_RDWR), True)
    return None, (wanted if isinstance(wanted, int) else wanted.fileno(), False)


class _Zygote:
    """The process that forks, started when it is first needed; it ends with this one."""

    def __init__(self) -> None:
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        path = os.pathsep.join(entry for entry in sys.path if entry)
        settled = {name: value for name, value in os.environ.items() if not name.startswith("FURU_")}
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "tests.support.zygote", str(theirs.fileno())],
                cwd=PROJECT,
                env={**settled, "PYTHONPATH": path},
                pass_fds=[theirs.fileno()],
            )
        self._socket = ours
        atexit.register(self.close)

    def order(self, text: bytes, descriptors: list[int]) -> None:
        socket.send_fds(self._socket, [text], descriptors)

    def close(self) -> None:
        self._socket.close()
        self._process.wait(10)


@functools.cache
def _zygote_of(_pid: int) -> _Zygote:
    return _Zygote()


def _zygote() -> _Zygote:
    return _zygote_of(os.getpid())


def serve(orders: socket.socket) -> tuple[dict[str, Any], list[int]] | None:
    """Fork for each order, and say how each child ended; in a child its order, in the zygote None at the end."""
    running: dict[int, tuple[int, int]] = {}
    while True:
        for ready in select.select([orders, *running], [], [])[0]:
            if ready is not orders:
                pid, news = running.pop(ready)
                status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
                os.close(ready)
                _tell(news, status)
                os.close(news)
                continue
            text, descriptors, _, _ = socket.recv_fds(orders, _MOST_BYTES, 4)
            if not text:
                return None
            pid = os.fork()
            if pid == 0:
                for handle, news in running.items():
                    os.close(handle)
                    os.close(news[1])
                orders.close()
                os.close(descriptors[3])
                return json.loads(text), descriptors[:3]
            for descriptor in descriptors[:3]:
                os.close(descriptor)
            running[os.pidfd_open(pid)] = (pid, descriptors[3])
            _tell(descriptors[3], pid)


def _tell(news: int, number: int) -> None:
    with contextlib.suppress(BrokenPipeError):  # nobody waits for it any more
        os.write(news, number.to_bytes(4, "little", signed=True))


def _hear(news: int) -> int:
    told = os.read(news, 4)
    assert told, "the zygote has ended"
    return int.from_bytes(told, "little", signed=True)


def become(order: dict[str, Any], descriptors: list[int]) -> types.ModuleType:
    """Let this process be as if it had just been started; its `__main__`."""
    if order["has_own_session"]:
        os.setsid()
    for number, descriptor in enumerate(descriptors):
        os.dup2(descriptor, number)
        os.close(descriptor)
    os.chdir(order["directory"])
    os.environ.clear()
    os.environ.update(order["environment"])
    added = os.environ.get("PYTHONPATH", "").split(os.pathsep)
    beside = (
        [""] if order["argv"][0] == "-c" else []
    )  # as Python does; the directory of an installed command has nothing
    sys.path[:] = [*beside, *dict.fromkeys([*filter(None, added), *filter(None, sys.path)])]
    sys.path_importer_cache.clear()
    invalidate_caches()
    sys.argv = order["argv"]
    sys.stdin = open(0, encoding="utf-8", closefd=False)  # noqa: SIM115 -- for all its life
    sys.stdout, sys.stderr = _writer(1, is_unbuffered=order["is_unbuffered"]), _writer(2, is_unbuffered=True)
    if order["are_warnings_errors"]:
        sys.warnoptions = ["error"]
        warnings.simplefilter("error")
    main = types.ModuleType("__main__")
    sys.modules["__main__"] = main
    return main


def _writer(descriptor: int, *, is_unbuffered: bool) -> io.TextIOWrapper:
    file = io.FileIO(descriptor, "w", closefd=False)
    binary: Any = file if is_unbuffered else io.BufferedWriter(file)
    errors = "backslashreplace" if descriptor == 2 else "strict"
    return io.TextIOWrapper(binary, "utf-8", errors, line_buffering=file.isatty(), write_through=is_unbuffered)


if __name__ == "__main__":
    for name in _IMPORTED:
        import_module(name)
    gc.collect()
    gc.freeze()  # so that what all have in common stays shared
    with socket.socket(fileno=int(sys.argv[1])) as _orders:
        _found = serve(_orders)
    if _found is not None:
        # Here and not in a function: what comes out of it ends the interpreter as it would end any.
        _main = become(*_found)
        exec(compile(_found[0]["source"], "<string>", "exec"), _main.__dict__)
