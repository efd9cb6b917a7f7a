"""Signals of a batch system, in the program of a job: time to save, and a record of which signal came."""

from __future__ import annotations

import signal
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

from furu.lifecycle.signals import in_batch_job

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import FrameType

WARNING: Final = signal.SIGUSR2
"""Sent some time before the end: the time limit is near, or a more urgent job wants the place."""


class Told:
    """What the batch system has said so far.

    Attributes:
        number: the last signal; None when there was none.
    """

    def __init__(self) -> None:
        self.number: int | None = None

    @property
    def is_warned(self) -> bool:
        """A warning came, so this process was given time to end by itself."""
        return self.number == WARNING

    def note(self, number: int, frame: FrameType | None) -> None:  # noqa: ARG002 - called as a handler
        # Not SIGTERM after a warning: what counts is why we were told to end.
        if self.number is None:
            self.number = number


@contextmanager
def scheduler_signals() -> Iterator[Told]:
    """For a job's program, around all of its work.

    While something is computed, SIGTERM and SIGUSR2 end the attempt as preempted: `_create()` sees `SystemExit` and may
    save in `finally`. At other times a warning is only noted, and SIGTERM does what it did before. In a thread nothing
    is changed.
    """
    told = Told()
    if threading.current_thread() is not threading.main_thread():
        yield told
        return
    before: Any = signal.signal(WARNING, told.note)
    try:
        with in_batch_job():
            yield told
    finally:
        signal.signal(WARNING, before)
