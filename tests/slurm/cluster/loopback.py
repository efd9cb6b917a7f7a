"""Slurm's daemons bind to what this host's own name resolves to; that must be loopback."""

from __future__ import annotations

import ipaddress
import socket
from pathlib import Path

HOSTS = Path("/etc/hosts")


def short_host_name() -> str:
    return socket.gethostname().split(".", 1)[0]


def is_loopback(host: str) -> bool:
    """True if `host` resolves to 127.x.x.x."""
    try:
        return ipaddress.ip_address(socket.gethostbyname(host)).is_loopback
    except OSError:
        return False


class LoopbackName:
    """Make the host's name mean 127.0.0.1 by a line at the top of /etc/hosts, until `restore()`."""

    def __init__(self, host: str) -> None:
        self._line = f"127.0.0.1 {host} # furu slurm tests\n"
        HOSTS.write_text(self._line + HOSTS.read_text())  # in place: containers mount this file, so no rename
        if not is_loopback(host):
            self.restore()
            msg = f"{host} does not resolve to 127.0.0.1 in spite of {HOSTS}"
            raise RuntimeError(msg)

    def restore(self) -> None:
        HOSTS.write_text(HOSTS.read_text().replace(self._line, "", 1))
