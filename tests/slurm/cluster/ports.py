"""A block of free ports that no other cluster of this machine takes."""

from __future__ import annotations

import socket
from pathlib import Path

from tests.slurm.cluster.config import PORTS

FIRST, LAST = 26_000, 31_000
LISTEN = "0A"


class PortBlock:
    """`PORTS` ports from `first` on, ours until `release()` or until this process ends.

    What holds it is a socket on its last port, so two test runs that start at once can't choose the same block.
    """

    def __init__(self) -> None:
        busy = _listening_ports()
        for first in range(FIRST, LAST, PORTS):
            if not busy.isdisjoint(range(first, first + PORTS)):
                continue
            holder = socket.socket()
            try:
                holder.bind(("127.0.0.1", first + PORTS - 1))
                holder.listen()
            except OSError:
                holder.close()
                continue
            self.first, self._holder = first, holder
            return
        msg = f"no {PORTS} free ports in a row between {FIRST} and {LAST}"
        raise RuntimeError(msg)

    @property
    def number(self) -> int:
        """Which block this is, from 0."""
        return (self.first - FIRST) // PORTS

    def release(self) -> None:
        self._holder.close()


def _listening_ports() -> set[int]:
    ports = set()
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        if not Path(table).exists():
            continue
        for line in Path(table).read_text().splitlines()[1:]:
            fields = line.split()
            if fields[3] == LISTEN:
                ports.add(int(fields[1].rsplit(":", 1)[1], 16))
    return ports
