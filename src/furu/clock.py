"""The only module that reads a clock or sleeps; everything else is told what time it is."""

from __future__ import annotations

import time
from datetime import UTC, datetime


def monotonic() -> float:
    """Seconds on this process's own clock; never compared with another host's."""
    return time.monotonic()


def unix() -> float:
    """Seconds since the epoch, for records that people read; decides nothing."""
    return time.time()


def unix_ns() -> int:
    """Nanoseconds since the epoch: the sortable half of an attempt's token."""
    return time.time_ns()


def isoformat(at: float) -> str:
    """`at` (seconds since the epoch) as ISO 8601 in UTC."""
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds")


def sleep(seconds: float) -> None:
    """Let `seconds` pass."""
    time.sleep(seconds)


def process_cpu() -> float:
    """CPU seconds of all threads of this process, user and system."""
    return time.process_time()


def thread_cpu() -> float:
    """CPU seconds of the calling thread."""
    return time.thread_time()
