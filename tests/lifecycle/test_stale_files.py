"""Files of a published result that a network filesystem says are not there: waited for where a listing shows them."""

from __future__ import annotations

import shutil
from typing import Any

import pytest

import furu
from furu.lifecycle.computable import artifact_paths
from furu.lifecycle.waiting import STALE_LOOKUP_TRIES
from furu.storage.atomic import Disk
from tests.support.disks import working_through

LOADS: list[str] = []


class CachingDisk(Disk):
    """Remembers for `left` lookups that there was no `files/`, and counts naps."""

    def __init__(self, left: int) -> None:
        self.left = left
        self.naps = 0

    def sleep(self, seconds: float) -> None:
        self.naps += 1

    def is_real_directory(self, path: str) -> bool | None:
        if self.left and "/files" in path:
            self.left -= 1
            return None
        return super().is_real_directory(path)


DISKS: list[CachingDisk] = []
"""What the mount is on which `Filed` reads; reads are no calls of furu's."""


class Filed(furu.Furu[str]):
    missing: bool = False

    def _create(self) -> str:
        (self.furu_dir / "text").write_text("whole")
        return "whole"

    def _load(self) -> str:
        LOADS.append("load")
        if DISKS and DISKS[0].left:
            raise FileNotFoundError("cached")
        return (self.furu_dir / ("other" if self.missing else "text")).read_text()


class Validated(Filed):
    def _validate(self) -> bool:
        return not (DISKS and DISKS[0].left) and (self.furu_dir / "text").exists()


@pytest.fixture(autouse=True)
def no_caches():
    yield
    DISKS.clear()
    LOADS.clear()


def read(config: Filed, left: int) -> tuple[Any, CachingDisk]:
    disk = CachingDisk(left)
    DISKS[:] = [disk]
    LOADS.clear()
    with working_through(disk):
        return config.get(), disk


@pytest.mark.parametrize("left", [2, 7])
def test_f24_a_hit_waits_for_what_is_listed(left: int) -> None:
    Filed().get()
    value, disk = read(Filed(), left)
    assert value == "whole"
    assert disk.naps > 0
    assert LOADS == ["load", "load"]


def test_f24_what_can_not_be_seen_for_a_moment_is_not_invalid() -> None:
    token = artifact_token(Validated().get() and Validated())
    assert read(Validated(), 5)[0] == "whole"
    assert artifact_token(Validated()) == token


def artifact_token(config: Filed) -> str:
    return str(config.furu_dir.name)


def test_a_file_that_is_really_missing_is_said_to_be_at_once() -> None:
    Filed(missing=True).get()
    with pytest.raises(FileNotFoundError, match="other"):
        read(Filed(missing=True), 0)
    assert DISKS[0].naps == 0
    assert LOADS == ["load"]


@pytest.mark.parametrize("what", ["files", "its own"])
def test_deleted_files_are_not_waited_for(what: str) -> None:
    config = Filed()
    config.get()
    shutil.rmtree(artifact_paths(config).files if what == "files" else config.furu_dir)
    with pytest.raises(FileNotFoundError):
        read(config, 0)
    assert DISKS[0].naps == 0


def test_a_cache_that_never_learns_is_given_up() -> None:
    Filed().get()
    with pytest.raises(FileNotFoundError, match="cached"):
        read(Filed(), 10 * STALE_LOOKUP_TRIES)
    assert DISKS[0].naps == STALE_LOOKUP_TRIES
