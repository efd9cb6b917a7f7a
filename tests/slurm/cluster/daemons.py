"""Child processes that die with us, and the ones that jobs leave behind."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import time
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

PROC = Path("/proc")


class Daemon:
    """One daemon in the foreground, as our child: its pid is certain, and we reap it.

    It gets SIGKILL from the kernel when the thread that started it ends, so even a killed test run leaves nothing.
    """

    def __init__(self, name: str, argv: Iterable[str], *, log: Path, environ: Mapping[str, str]) -> None:
        self.name = name
        with log.open("ab") as out:
            self._process = subprocess.Popen(
                ["setpriv", "--pdeathsig", "KILL", *argv],
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
                cwd="/",
                env=dict(environ),
                start_new_session=True,
            )

    @property
    def pid(self) -> int:
        return self._process.pid

    def is_alive(self) -> bool:
        return self._process.poll() is None

    def signal(self, number: signal.Signals) -> None:
        with contextlib.suppress(ProcessLookupError):
            self._process.send_signal(number)

    def reap(self, timeout_sec: float) -> None:
        """Wait for the end; SIGKILL if it takes longer than `timeout_sec`."""
        try:
            self._process.wait(timeout_sec)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait(10)


def stop_all(daemons: Iterable[Daemon], number: signal.Signals, *, timeout_sec: float) -> None:
    """Signal all first, then wait for each."""
    daemons = list(daemons)
    for daemon in daemons:
        daemon.signal(number)
    for daemon in daemons:
        daemon.reap(timeout_sec)


def find_job_processes(slurm_conf: Path, *, node: str | None = None, step_daemons: bool = True) -> list[int]:
    """Pids of everything that jobs of this cluster run (on `node` only, if given), with or without step daemons."""
    mark = f"SLURM_CONF={slurm_conf}".encode()
    found = []
    for entry in PROC.iterdir():
        if not entry.name.isdigit() or int(entry.name) == os.getpid():
            continue
        try:
            environ = (entry / "environ").read_bytes().split(b"\0")
            comm = (entry / "comm").read_text().strip()
        except OSError:
            continue  # ended while we looked
        is_step_daemon = comm == "slurmstepd"
        if mark not in environ or (is_step_daemon and not step_daemons):
            continue
        if node is not None and not _is_of_node(entry, comm, environ, node):
            continue
        if is_step_daemon or any(item.startswith(b"SLURM_JOB_ID=") for item in environ):
            found.append(int(entry.name))
    return found


def _is_of_node(entry: Path, comm: str, environ: list[bytes], node: str) -> bool:
    if comm != "slurmstepd":
        return f"SLURMD_NODENAME={node}".encode() in environ
    # A step daemon's own environment doesn't say; its children's does.
    children = b" ".join(path.read_bytes() for path in entry.glob("task/*/children")).split()
    for child in children:
        with contextlib.suppress(OSError):
            if f"SLURMD_NODENAME={node}".encode() in (PROC / child.decode() / "environ").read_bytes().split(b"\0"):
                return True
    return False


def kill_job_processes(slurm_conf: Path, *, node: str | None = None, step_daemons: bool = True) -> None:
    """SIGKILL all of them."""
    for pid in find_job_processes(slurm_conf, node=node, step_daemons=step_daemons):
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


def remove_freezers(root: Path, nodes: Iterable[str]) -> None:
    """Delete the control groups that killed nodes left; one with a process in it (another cluster's) stays."""
    for node in nodes:
        top = root / f"slurm_{node}"
        for path in [*sorted(top.rglob("*/"), reverse=True), top]:
            with contextlib.suppress(OSError):
                path.rmdir()


def wait_until(is_true: Callable[[], bool], *, timeout_sec: float, every_sec: float = 0.05) -> bool:
    """Ask again and again; False if it stayed false for `timeout_sec`."""
    end = time.monotonic() + timeout_sec
    while not is_true():
        if time.monotonic() >= end:
            return False
        time.sleep(every_sec)
    return True
