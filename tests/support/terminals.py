"""A terminal of a test's own, with Python in it: what a user would see, and Ctrl-C."""

from __future__ import annotations

import os
import pty
import re
import select
import signal
import sys
import time
from typing import IO, Final

from tests.support.scripts import PATIENCE_SEC
from tests.support.zygote import Child

_SIZE: Final = {"COLUMNS": "100", "LINES": "30"}
_ESCAPES: Final = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


class Terminal:
    """A process whose stdin, stdout and stderr are a terminal, in the test's environment of this moment.

    Attributes:
        seen: all that it has written so far, escape sequences included.
    """

    def __init__(self, source: str, *, stdout: IO[bytes] | None = None) -> None:
        self._near_end, far_end = pty.openpty()
        path = os.pathsep.join(entry for entry in sys.path if entry)
        self._process = Child(
            source,
            environment={**os.environ, "PYTHONPATH": path, "TERM": "xterm", **_SIZE},
            stdin=far_end,
            stdout=stdout or far_end,
            stderr=far_end,
            is_unbuffered=True,
            has_own_session=True,
            are_warnings_errors=True,
        )
        os.close(far_end)
        self.seen = ""

    @property
    def text(self) -> str:
        """What it has written, on one line without escape sequences."""
        return " ".join(_ESCAPES.sub("", self.seen).split())

    @property
    def has_cursor(self) -> bool:
        """Whether the cursor can be seen."""
        return self.seen.rfind("\x1b[?25l") <= self.seen.rfind("\x1b[?25h")

    def expect(self, text: str) -> None:
        """Read until it has been written."""
        deadline = time.monotonic() + PATIENCE_SEC
        while text not in self.seen:
            assert time.monotonic() < deadline, self.seen
            assert self._read() or self._process.poll() is None, self.seen

    def interrupt(self) -> None:
        """Ctrl-C, which reaches all processes of the terminal."""
        os.killpg(self._process.pid, signal.SIGINT)

    def kill(self) -> None:
        """End it without a chance to clean up."""
        self._process.kill()
        self.finish()

    def finish(self) -> int:
        """Read to the end; the exit code."""
        deadline = time.monotonic() + PATIENCE_SEC
        while self._read() or self._process.poll() is None:
            assert time.monotonic() < deadline, self.seen
        return self._process.wait()

    def close(self) -> None:
        """End it, if it has not ended, and give its terminal back."""
        if self._process.poll() is None:
            self._process.kill()
        self._process.wait()
        os.close(self._near_end)

    def _read(self) -> bool:
        """Something it wrote, waiting a moment for it; False when there was nothing, or will never be."""
        if not select.select([self._near_end], [], [], 0.1)[0]:
            return False
        try:
            content = os.read(self._near_end, 1 << 16)
        except OSError:  # nobody has the far end open any more
            return False
        self.seen += content.decode(errors="replace")
        return bool(content)
