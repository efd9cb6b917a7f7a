"""What is done to stores that can't be written, are full, or lose power; run by `run_fresh`."""

from __future__ import annotations

import os
import shutil
import tempfile
from typing import TYPE_CHECKING, Any

import pytest

import furu
from furu.errors import FuruReadOnlyStore
from furu.lifecycle.computable import artifact_paths
from furu.storage import process
from furu.storage.process import is_running, start_ticks
from tests.reliability.configs import Number, Pair
from tests.reliability.scenarios import SCENARIOS, endings, leftovers
from tests.support.disks import Call, NumberedDisk, working_through
from tests.support.fresh import exit_code, fork

if TYPE_CHECKING:
    from collections.abc import Callable

NOBODY = 65534


def as_nobody(action: Callable[[], Any]) -> int:
    """Do it in a child that is another user; its exit code, 0 when it returned."""

    def act() -> None:
        os.setgroups([])
        os.setgid(NOBODY)
        os.setuid(NOBODY)
        action()

    return exit_code(fork(act))


def use_as_nobody() -> dict[str, Any]:
    """A hit and a miss in the store of another user."""
    root = tempfile.mkdtemp()  # pytest's own directories are closed to others
    os.chmod(root, 0o755)
    try:
        with furu.using(path=root):
            Pair(key=1).get()
            before = tree(root)
            hit = as_nobody(lambda: (Pair(key=1).get(), Pair(key=1).exists()))
            miss = as_nobody(refuse_miss)
            return {"hit": hit, "miss": miss, "is_unchanged": tree(root) == before}
    finally:
        shutil.rmtree(root)


def refuse_miss() -> None:
    """Compute where that can't be."""
    with pytest.raises(FuruReadOnlyStore, match="FURU_PATH"):
        Pair(key=2).get()


def tree(root: str) -> list[tuple[str, list[str], list[tuple[str, int]]]]:
    """All names, and the times of all files."""
    return sorted(
        (directory, sorted(names), sorted((name, os.stat(f"{directory}/{name}").st_mtime_ns) for name in files))
        for directory, names, files in os.walk(root)
    )


def look_for_hidden_process() -> dict[str, Any]:
    """What a user sees of another's process where /proc shows only one's own (`hidepid`)."""
    parent = os.getpid()
    started = start_ticks(parent)

    def look() -> None:
        process._read_line = lambda path: ""  # type: ignore[assignment]
        assert is_running(parent, started)
        assert not is_running(gone, started)

    gone = fork(lambda: None)
    exit_code(gone)
    return {"status": as_nobody(look)}


class Big(furu.Furu[str]):
    """More than the disk takes."""

    def _create(self) -> str:
        (self.furu_dir / "big").write_bytes(b"x" * 300_000)
        return ""


def fill(root: str) -> dict[str, Any]:
    """Compute on a disk that is too small, then again when there is room."""
    with furu.using(path=root):
        try:
            Big().get()
        except OSError as error:
            caught = os.strerror(error.errno or 0)
        full = endings(Big()), leftovers(root)
        shutil.rmtree(artifact_paths(Big()).files)
        return {"caught": caught, "full": full, "after": Number().get()}


class SyncLedger(NumberedDisk):
    """Knows which files and directories have reached stable storage, and looks at the moment of the publish."""

    def __init__(self) -> None:
        super().__init__()
        self.synced: set[str] = set()
        self.missing: list[str] = []
        self.publishes = 0

    def perform(self, call: Call, effect: Callable[[], Any]) -> Any:
        if call.name in ("link", "rename") and call.arguments[1].endswith("/SUCCESS.json"):
            self.publishes += 1
            self._check(os.path.dirname(call.arguments[1]))
        result = effect()
        if call.name == "sync_file":
            self.synced.add(call.arguments[0])
        return result

    def write_new(self, path: str, content: bytes, *, sync: bool = False) -> None:
        super().write_new(path, content, sync=sync)
        if sync:
            self.synced.add(path)

    def _check(self, base: str) -> None:
        token = os.listdir(f"{base}/lock")[0]
        wanted = [f"{base}/lock/{token}/success.json"]
        if os.path.isdir(f"{base}/files/{token}"):
            wanted.append(f"{base}/files")
            for directory, _, files in os.walk(f"{base}/files/{token}"):
                wanted += [directory, *(f"{directory}/{name}" for name in files)]
        self.missing += [path for path in wanted if path not in self.synced]


def publish_with_ledger(root: str, name: str) -> dict[str, Any]:
    """What had not reached stable storage when the publish was made; and whether the publish itself did."""
    disk, scenario = SyncLedger(), SCENARIOS[name]
    with furu.using(path=root, fsync=True):
        scenario.prepare()
        with working_through(disk):
            scenario.act()
        bases = [artifact_paths(config).base for config in scenario.configs]
    return {
        "publishes": disk.publishes,
        "missing": disk.missing,
        "is_publish_synced": all(base in disk.synced for base in bases),
    }
