"""Measuring: several things in turns in one process, or each in a fresh one."""

from __future__ import annotations

import contextlib
import json
import os
import platform
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path


@contextmanager
def own_root() -> Iterator[str]:
    """A directory for all that a benchmark writes, gone afterwards; below `TMPDIR`.

    To delete many files takes long on a disk that is told of each free block (`discard`), so it is done once.
    """
    with tempfile.TemporaryDirectory(prefix="furu-bench-", ignore_cleanup_errors=True) as directory:
        yield directory


def filesystem_of(directory: str) -> str:
    """What kind it is on, as /proc/mounts names it; it decides about half of the figures."""
    try:
        with open("/proc/mounts") as file:
            mounts = [line.split() for line in file]
    except OSError:
        return "an unknown filesystem"
    at = max((fields for fields in mounts if _is_below(directory, fields[1])), key=lambda fields: len(fields[1]))
    return f"{at[2]}, mounted {at[3]}"


def machine() -> str:
    """The processor, cores, memory, kernel and Python that the figures are of."""
    with open("/proc/cpuinfo") as file:
        names = [line.partition(":")[2].strip() for line in file if line.startswith("model name")]
    gib = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 2**30
    cores = len(os.sched_getaffinity(0))
    facts = [f"{cores} cores of {names[0] if names else platform.machine()}", f"{gib:.0f} GiB"]
    return ", ".join([*facts, f"Linux {platform.release()}", f"Python {platform.python_version()}"])


def _is_below(directory: str, mounted: str) -> bool:
    return os.path.commonpath([os.path.realpath(directory), mounted]) == mounted


def in_turns(
    actions: Mapping[str, Callable[[int], object]], rounds: int, warm_up: int = 3, at_a_time: int = 1
) -> dict[str, list[float]]:
    """Seconds of each call, taken A B C A B C ...: what slows the machine for a while slows all of them.

    Args:
        actions: what to measure; each is told the number of the round.
        rounds: how often.
        warm_up: rounds before these that don't count.
        at_a_time: calls in each turn; several, where one alone would measure how cold the last one left the caches.
    """
    taken: dict[str, list[float]] = {name: [] for name in actions}
    for number in range(rounds + warm_up):
        for name, action in actions.items():
            for _ in range(at_a_time):
                began = time.perf_counter()
                action(number)
                taken[name].append(time.perf_counter() - began)
    return {name: times[warm_up * at_a_time :] for name, times in taken.items()}


def median_us(times: list[float]) -> float:
    """Seconds in, microseconds out."""
    return statistics.median(times) * 1e6


def run_fresh(module: str, *arguments: str, limit_sec: float, cwd: Path | None = None) -> dict[str, Any] | str:
    """What `python -m module arguments` prints as its last line, which is JSON; a text where it gave nothing.

    It has a process group of its own, and a limit: engines that start processes leave none behind.
    """
    command = [sys.executable, "-m", module, *arguments]
    with (
        tempfile.TemporaryFile() as errors,
        subprocess.Popen(command, stdout=subprocess.PIPE, stderr=errors, cwd=cwd, start_new_session=True) as process,
    ):
        try:
            output, _ = process.communicate(timeout=limit_sec)
        except subprocess.TimeoutExpired:
            return f"over {limit_sec:.0f} s"
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
        if process.returncode:
            errors.seek(0)
            lines = errors.read().decode(errors="replace").strip().splitlines() or [f"status {process.returncode}"]
            return f"failed: {lines[-1][:70]}"
    result: dict[str, Any] = json.loads(output.splitlines()[-1])
    return result
