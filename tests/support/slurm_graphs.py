"""Graphs for tests of Slurm, and a body for `FakeSlurm` that runs jobs in this process."""

from __future__ import annotations

import os
import re
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import furu
from furu.config import settings
from furu.execution.slurm import job as slurm_job

if TYPE_CHECKING:
    from furu.execution.slurm.fake_job import FakeJob


def root_file(name: str) -> Path:
    """A file in the store's root, by which a test tells jobs what to do, or they tell the test what they did."""
    return settings().path / name


def note(line: str) -> None:
    """For `notes()`, from any process."""
    root_file("").mkdir(parents=True, exist_ok=True)
    with root_file("notes").open("a") as file:
        file.write(line + "\n")


def notes() -> list[str]:
    """What was computed, in order."""
    path = root_file("notes")
    return path.read_text().splitlines() if path.exists() else []


class Part(furu.Furu[int]):
    """Needs nothing. Fails while the root has a file `fail-<n>`."""

    n: int = 0
    key: str = furu.field(default="default", identity=False)

    def _create(self) -> int:
        note(f"part {self.n}")
        if root_file(f"fail-{self.n}").exists():
            raise RuntimeError("told to fail")
        return self.n

    def _executor_spec_key(self) -> str:
        return self.key


class Total(furu.Furu[int]):
    """Needs its parts, and by `_dependencies()` another one."""

    parts: list[furu.Furu[int]]
    key: str = furu.field(default="default", identity=False)
    more: int | None = None

    def _create(self) -> int:
        note("total")
        return sum(part.get() for part in [*self.parts, *self._dependencies()])

    def _dependencies(self) -> list[furu.Furu[Any]]:
        return [] if self.more is None else [Part(n=self.more)]

    def _executor_spec_key(self) -> str:
        return self.key


class Sneaky(furu.Furu[int]):
    """Asks for something that it does not declare."""

    n: int = 77

    def _create(self) -> int:
        return Part(n=self.n).get()

    def _executor_spec_key(self) -> str:
        return "gpu"


class Slow(furu.Furu[int], resumable=True):
    """Goes on until the root has a file `finish`; keeps an `x` for each time that it was interrupted."""

    def _create(self) -> int:
        checkpoint = self.furu_dir / "steps"
        begun = checkpoint.read_text() if checkpoint.exists() else ""
        note(f"slow from {begun!r}")
        try:
            while not root_file("finish").exists():
                time.sleep(0.02)
        finally:
            checkpoint.write_text(begun + "x")
            note("slow saved")
        return len(begun)


class Hasty(furu.Furu[str]):
    """As `Slow`, but what an interrupted attempt left is not gone on with."""

    def _create(self) -> str:
        note("hasty")
        while not root_file("finish").exists():
            time.sleep(0.02)
        return "done"


class Facts(furu.Furu[dict[str, Any]]):
    """What a computation is told about where it runs."""

    key: str = furu.field(default="default", identity=False)

    def _create(self) -> dict[str, Any]:
        context = furu.EXEC_CONTEXT.get()
        return {
            "mode": context.mode,
            "key": context.spec_key,
            "backend": context.backend,
            "hash": context.current_node_hash,
            "time_left": furu.time_left(),
            "gpus": os.environ.get("CUDA_VISIBLE_DEVICES"),
        }

    def _executor_spec_key(self) -> str:
        return self.key


class Fussy(furu.Furu[int]):
    """Never accepts what it computes."""

    def _create(self) -> int:
        return 1

    def _validate(self) -> bool:
        return False


_SLURM = re.compile(r"SLURM_|SLURMD_")


def in_process(job: FakeJob) -> int:
    """Run the program of a job that computes a node in this process; its exit code."""
    index = job.job_id.partition("_")[2]
    line = f"{index}) exec " if index else "exec "
    path = next(each for each in job.script.splitlines() if each.startswith(line)).removesuffix(" ;;").split()[-1]
    before = {name: value for name, value in os.environ.items() if _SLURM.match(name)}
    os.environ.update(job.environ())
    try:
        return slurm_job.main([path])
    except SystemExit as error:
        return int(error.code or 0)
    except Exception:
        return 1
    finally:
        for name in [name for name in os.environ if _SLURM.match(name)]:
            del os.environ[name]
        os.environ.update(before)
