"""Who this process is, in words that another host or a later boot can check."""

from __future__ import annotations

import getpass
import os
import socket
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from furu.storage.numbers import ProcessId  # noqa: TC001 -- pydantic reads the annotations

_EXITING: Final = 0x4
"""PF_EXITING of Linux: the process runs no code of its own any more, but is not a zombie yet."""


@dataclass(frozen=True)
class ProcessIdentity:
    """A process, named so that nobody can mistake a later one with the same pid for it.

    Attributes:
        host: host name.
        machine: contents of /etc/machine-id, empty when there is none.
        boot: the kernel's random id of this boot.
        pid_namespace: inode of the pid namespace; pids mean nothing outside it.
        pid: process id.
        started: start time of the process in clock ticks since boot, as /proc gives it.
        user: login name.
    """

    host: str
    machine: str
    boot: str
    pid_namespace: int
    pid: ProcessId
    started: str
    user: str

    @property
    def process(self) -> str:
        """`host pid`, as messages name a process."""
        return f"host {self.host} pid {self.pid}"


def _read_line(path: str) -> str:
    try:
        with open(path, encoding="ascii", errors="replace") as file:
            return file.read().strip()
    except OSError:
        return ""


def start_ticks(pid: int) -> str:
    """When a process started, as /proc gives it; empty for one that is gone, a zombie, or about to be one.

    A process that dies closes its files first, and is a zombie later. Whoever hears of the death by a pipe, as pools of
    workers do, may look in between.
    """
    return _start_ticks(_read_line(f"/proc/{pid}/stat"))


def _start_ticks(line: str) -> str:
    if not line:
        return ""
    # The command may hold spaces and brackets, so fields are counted from the last bracket.
    state, *fields = line[line.rindex(")") + 2 :].split()
    return "" if state in "ZX" or int(fields[5]) & _EXITING else fields[18]


def is_running(pid: int, started: str) -> bool:
    """Whether that very process still runs on this kernel."""
    if seen := _read_line(f"/proc/{pid}/stat"):
        return _start_ticks(seen) == started
    # /proc can hide the processes of other users (hidepid); a signal that is not allowed has found somebody.
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:
        pass
    return True


@lru_cache(maxsize=1)
def _identity_of(pid: int) -> ProcessIdentity:
    try:
        namespace = os.stat("/proc/self/ns/pid").st_ino
    except OSError:
        namespace = 0
    try:
        user = getpass.getuser()
    except (KeyError, OSError):
        user = str(os.getuid())
    return ProcessIdentity(
        host=socket.gethostname(),
        machine=_read_line("/etc/machine-id"),
        boot=_read_line("/proc/sys/kernel/random/boot_id"),
        pid_namespace=namespace,
        pid=pid,
        started=start_ticks(pid),
        user=user,
    )


def this_process() -> ProcessIdentity:
    """Who we are; asked again after a fork."""
    return _identity_of(os.getpid())
