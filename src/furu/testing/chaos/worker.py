"""A process that is tormented: it gets every config of the graph, and writes down what the store can't tell.

    python -m furu.testing.chaos.worker NUMBER SEED TARGET [FIELD=VALUE]...

Every second worker says to be on a host of its own, whose death nobody can prove.
"""

from __future__ import annotations

import contextlib
import json
import os
import random
import sys
import traceback
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, cast

from furu import clock
from furu.cli.targets import read_targets
from furu.identity.dependencies import all_dependencies
from furu.lifecycle.lease import THIS_PROCESS
from furu.storage.atomic import Disk
from furu.storage.process import this_process

if TYPE_CHECKING:
    from collections.abc import Sequence

    from furu.core.furu import Furu

NOTES: Final = "FURU_CHAOS_NOTES"
"""Environment variable: the directory of what workers write down."""

_WRITING: Final = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
_IGNORED: Final = ("/dev/", "/proc/", "/sys/")


class Notes:
    """One append-only file of this process."""

    def __init__(self, directory: str) -> None:
        self.directory = directory
        path = f"{directory}/{os.getpid()}-{clock.unix_ns()}.jsonl"
        self._descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND, 0o666)

    def write(self, what: str, **facts: str) -> None:
        """One line, whole: it is all that is left of a process that is killed."""
        os.write(self._descriptor, f"{json.dumps({'what': what, **facts})}\n".encode())


class WatchedDisk(Disk):
    """The real disk; tells when an attempt begins, goes on in the files of an earlier one, and ends."""

    def __init__(self, notes: Notes) -> None:
        self._notes = notes
        self.running: list[str] = []

    def rename(self, source: str, target: str) -> None:
        super().rename(source, target)
        base = os.path.dirname(target)
        if target.endswith("/lock"):
            self.running.append(base)
        elif os.path.basename(base) == "attempts" and os.path.dirname(base) in self.running:
            self.running.remove(os.path.dirname(base))
        elif os.path.basename(base) == "files" and os.path.dirname(source) == base:
            self._notes.write("resumed", base=os.path.dirname(base))


def watch_writes(notes: Notes, disk: WatchedDisk, scratch: str) -> None:
    """Note which files outside of `scratch` Python code opens for writing while something is computed.

    What C libraries and other programs open is not seen.
    """

    def hook(event: str, arguments: tuple[Any, ...]) -> None:
        if not disk.running:
            return
        if event == "open":
            path, _, flags = arguments
            if isinstance(path, str | bytes | os.PathLike) and isinstance(flags, int) and flags & _WRITING:
                name = os.path.abspath(os.fsdecode(path))
                if not name.startswith((*_IGNORED, f"{scratch}/")) and "/__pycache__/" not in name:
                    notes.write("opened", path=name, base=disk.running[-1])
        elif event in ("os.rename", "os.remove"):
            with contextlib.suppress(TypeError):
                notes.write("moved", path=os.path.abspath(os.fsdecode(arguments[0])))

    sys.addaudithook(hook)


def pretend_host(name: str) -> None:
    """Be a process on another machine."""
    THIS_PROCESS.identity = lambda: replace(this_process(), host=name, machine=name, boot=name)


def graph_of(roots: Sequence[Furu[Any]]) -> list[Furu[Any]]:
    """The roots and all that they are known to need, each once."""
    found = {each.furu_hash: each for root in roots for each in all_dependencies(root)}
    found.update({root.furu_hash: root for root in roots})
    return cast("list[Furu[Any]]", list(found.values()))


def main(arguments: Sequence[str]) -> int:
    """Get everything, in an order of this worker's own; 1 if something raised."""
    number, seed, *targets = arguments
    notes = Notes(os.environ[NOTES])
    if int(number) % 2:
        pretend_host(f"host {number}")
    disk = WatchedDisk(notes)
    THIS_PROCESS.disk = disk
    nodes = graph_of(read_targets(targets))
    watch_writes(notes, disk, str(Path(notes.directory).parent))
    random.Random(f"{seed} {number} {os.getpid()}").shuffle(nodes)  # noqa: S311 -- an order, not a secret
    code = 0
    for node in nodes:
        try:
            node.get()
        except Exception as error:  # noqa: BLE001 -- whatever the user's code raises is what is to be reported
            code = 1
            text = "".join(traceback.format_exception(error))
            notes.write("failed", node=str(node), error=f"{type(error).__name__}: {error}", traceback=text)
    notes.write("bye")
    return code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
