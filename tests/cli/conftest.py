"""The command in a process of its own, a study to compute, and stored artifacts that nobody computed."""

from __future__ import annotations

import json
import os
import subprocess
import textwrap
from typing import IO, TYPE_CHECKING

import pytest

from tests.support.installed import PACKAGES
from tests.support.stored import Stored, config
from tests.support.zygote import Child

if TYPE_CHECKING:
    from pathlib import Path

STUDY = """
import logging
import enum

import furu


class Mode(enum.Enum):
    FAST = "f"
    EXACT = "e"


class Data(furu.Furu[int]):
    name: str = "toy"
    vocab: int = 100

    def _create(self) -> int:
        return self.vocab


class Web(Data):
    pages: int = 3


class Train(furu.Furu[float]):
    data: Data = Data()
    lr: float = 1e-3
    seed: int | None = 0
    mode: Mode = Mode.FAST
    sizes: tuple[int, ...] = ()

    def _create(self) -> float:
        logging.getLogger(__name__).warning("lr is %s", self.lr)
        if self.lr > 1:
            raise ValueError("loss is nan")
        return self.lr * self.data.get()


def sweep():
    return [Train(seed=seed) for seed in (1, 2)]


def main():
    return 3
"""


class Command:
    """Calls `furu` in the directory of a user's project."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        path = os.pathsep.join([str(PACKAGES), os.environ.get("PYTHONPATH", "")]).rstrip(os.pathsep)
        self.environment = {"PYTHONPATH": path}

    def start(self, *arguments: str, stdout: int | IO[str] = subprocess.PIPE) -> Child:
        """Begin a call."""
        return Child(
            "from furu.cli.main import main; main()",
            argv=["furu", *arguments],
            environment={**os.environ, **self.environment},
            directory=self.directory,
            stdin=subprocess.DEVNULL,
            stdout=stdout,
            are_warnings_errors=True,
        )

    def __call__(self, *arguments: str, code: int = 0) -> str:
        """What a call prints; of one that should fail, what it says on stderr."""
        with self.start(*arguments) as process:
            out, err = process.communicate(timeout=60)
        assert code == process.returncode, f"{out}\n{err}"
        assert "Traceback" not in err
        return err if code else out

    def json(self, *arguments: str, code: int = 0):
        """The document that a call prints with `--json`."""
        with self.start(*arguments, "--json") as process:
            out, err = process.communicate(timeout=60)
        assert code == process.returncode, f"{out}\n{err}"
        return json.loads(out)


@pytest.fixture
def command(tmp_path, monkeypatch):
    monkeypatch.setenv("FURU_INDEX_DIR", str(tmp_path / "index"))
    monkeypatch.setenv("FURU_MAX_COMPUTE_RETRIES", "0")
    (tmp_path / "project").mkdir()
    (tmp_path / "project" / "study.py").write_text(textwrap.dedent(STUDY))
    return Command(tmp_path / "project")


@pytest.fixture
def stored(own_store):
    return Stored(own_store)


@pytest.fixture
def lab(stored):
    """References of some artifacts, by name."""
    toy = stored.add("lab/Data", name="toy")
    return {
        "toy": toy,
        "good": stored.add("lab/Train", lr=3e-4, seed=1, data=config(toy)),
        "bad": stored.add("lab/Train", "failed", lr=0.1, seed=1, data=config(toy)),
    }


def hash_of(reference: str) -> str:
    return reference.rpartition("/")[2]
