"""Python processes that a test talks to: they print lines, the test answers with lines, signals and kills."""

from __future__ import annotations

import os
import queue
import signal
import subprocess
import sys
import threading
from typing import TYPE_CHECKING, Final

from tests.support.zygote import PROJECT, Child

if TYPE_CHECKING:
    from collections.abc import Callable

PATIENCE_SEC: Final = 30.0
"""How long to wait for what should happen at once; the machine may be busy."""


class Script:
    """A running process of its own, in the test's environment of this moment.

    It is forked from one that has imported furu, unless a variable asks for something of Python itself.

    Attributes:
        lines: what it has printed and a test has already waited for.
    """

    def __init__(self, source: str, **environment: str) -> None:
        path = os.pathsep.join(entry for entry in sys.path if entry)
        settings = {**os.environ, "PYTHONPATH": path, **environment}
        self._process: Child | subprocess.Popen[str]
        if any(name.startswith("PYTHON") for name in environment):
            self._process = subprocess.Popen(
                [sys.executable, "-W", "error", "-u", "-c", source],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                cwd=PROJECT,
                env=settings,
                encoding="utf-8",
            )
        else:
            self._process = Child(source, environment=settings, is_unbuffered=True, are_warnings_errors=True)
        self.pid = self._process.pid
        self.lines: list[str] = []
        self._printed: queue.Queue[str | None] = queue.Queue()
        self._errors: list[str] = []
        self._readers = [
            threading.Thread(target=_read, args=(self._process.stdout, self._printed.put), daemon=True),
            threading.Thread(target=_read, args=(self._process.stderr, self._errors.append), daemon=True),
        ]
        for reader in self._readers:
            reader.start()

    def expect(self, beginning: str, timeout_sec: float = PATIENCE_SEC) -> str:
        """Wait for a line that begins like this; its rest."""
        while True:
            try:
                line = self._printed.get(timeout=timeout_sec)
            except queue.Empty:
                raise AssertionError(f"no {beginning!r} within {timeout_sec} s\n{self.story()}") from None
            if line is None:
                raise AssertionError(f"ended before {beginning!r}\n{self.story()}")
            self.lines.append(line)
            if line.startswith(beginning):
                return line.removeprefix(beginning).strip()

    def tell(self, line: str) -> None:
        """Write a line to its stdin."""
        assert self._process.stdin is not None
        self._process.stdin.write(line + "\n")
        self._process.stdin.flush()

    def send(self, number: int) -> None:
        """Send it a signal."""
        self._process.send_signal(number)

    def finish(self, timeout_sec: float = PATIENCE_SEC) -> int:
        """Wait for its end; the exit code."""
        code = self._process.wait(timeout_sec)
        for reader in self._readers:
            reader.join(timeout_sec)
        return code

    def kill(self) -> None:
        """End it without a chance to clean up."""
        self._process.kill()
        self.finish()

    def errors(self) -> str:
        """What it has written to stderr."""
        return "".join(filter(None, self._errors))

    def story(self) -> str:
        """All we know of it, for a failing test."""
        return "\n".join([*self.lines, "stderr:", self.errors()])

    def close(self) -> None:
        """End it, if it has not ended, and give its pipes back."""
        if self._process.poll() is None:
            self._process.kill()
            self._process.send_signal(signal.SIGCONT)
        self.finish()
        for pipe in (self._process.stdin, self._process.stdout, self._process.stderr):
            if pipe is not None:
                pipe.close()


def _read(pipe: object, put: Callable[[str | None], object]) -> None:
    for line in pipe:  # type: ignore[attr-defined]
        put(line)
    put(None)
