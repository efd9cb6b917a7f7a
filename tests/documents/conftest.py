"""A reader's project: the classes that docs/cli.md talks of, two results, and one that failed."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.support.installed import PACKAGES

if TYPE_CHECKING:
    from collections.abc import Iterator

DATA = """
    import furu


    class Data(furu.Furu[int]):
        name: str = "wiki"
        vocab: int = 16_000

        def _create(self) -> int:
            return self.vocab


    class Web(Data):
        pages: int = 1
"""
PIPELINES = """
    import furu
    from my_project.data import Data


    class Train(furu.Furu[float]):
        data: Data = Data()
        lr: float = 1e-3
        seed: int = 1

        def _create(self) -> float:
            if self.lr == 0.01:
                raise ValueError("loss is nan")
            return self.lr
"""
NEW_HOME = """
    import furu


    class Source(furu.Furu[int]):
        name: str = "wiki"
        vocab: int = 16_000

        _migrations = (furu.Migration(from_class="my_project.data.Data"),)

        def _create(self) -> int:
            return self.vocab
"""
SWEEP = """
    import furu
    from my_project.pipelines import Train


    class Eval(furu.Furu[float]):
        train: Train = Train()
        split: str = "valid"

        def _create(self) -> float:
            return self.train.get()


    def sweep() -> list[Eval]:
        return [Eval(train=Train(seed=seed)) for seed in range(3)]
"""
RESULTS = """
from my_project.data import Data
from my_project.pipelines import Train

good, bad = Train(), Train(lr=0.01, seed=2)
good.get()
good.data.get()
try:
    bad.get()
except ValueError:
    print(bad.furu_hash, good.furu_hash)
"""


@dataclass(frozen=True)
class Reader:
    """Somebody who types what a document says."""

    home: Path

    @property
    def environment(self) -> dict[str, str]:
        others = {name: value for name, value in os.environ.items() if not name.startswith("FURU_")}
        own = {
            "PYTHONPATH": str(PACKAGES),
            "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]]),
            "FURU_INDEX_DIR": str(self.home / "index"),
            "FURU_LOG_LEVEL": "ERROR",
        }
        return others | own

    def run(self, *command: str, code: int | None = 0, **variables: str) -> str:
        """What it prints, stderr left out; a text is for the shell."""
        argv = ["bash", "-c", *command] if len(command) == 1 else command
        environment = self.environment | variables
        done = subprocess.run(
            argv, cwd=self.home, env=environment, capture_output=True, text=True, timeout=100, check=False
        )
        assert code in (None, done.returncode), f"{command}\n{done.stdout}\n{done.stderr}"
        assert "Traceback" not in done.stderr, done.stderr
        return done.stdout

    @contextmanager
    def serving(self, command: str) -> Iterator[list[str]]:
        """Inside a `with`, the command runs; gives the lines that it prints until it names its address."""
        argv = [*command.split(), "--port", "0", "--no-browser"]
        with subprocess.Popen(
            argv, cwd=self.home, env=self.environment, stdout=subprocess.PIPE, stdin=subprocess.DEVNULL, text=True
        ) as process:
            assert process.stdout is not None
            try:
                lines = []
                for line in process.stdout:
                    lines.append(line.rstrip("\n"))
                    if "http://" in line:
                        break
                yield lines
            finally:
                process.terminate()


@pytest.fixture(scope="session")
def reader(tmp_path_factory: pytest.TempPathFactory) -> Reader:
    home = tmp_path_factory.mktemp("reader")
    (home / "pyproject.toml").write_text("[tool.furu]\nrecord_git = 'ignore'\nfsync = false\n")
    (home / "my_project").mkdir()
    for name, source in {"data": DATA, "pipelines": PIPELINES, "new_home": NEW_HOME, "__init__": ""}.items():
        (home / "my_project" / f"{name}.py").write_text(textwrap.dedent(source))
    (home / "study.py").write_text(textwrap.dedent(SWEEP))
    return Reader(home)


@pytest.fixture(scope="session")
def hashes(reader: Reader) -> dict[str, str]:
    """The beginnings of hashes in the documents, and what they stand for here."""
    bad, good = reader.run(sys.executable, "-c", RESULTS).split()
    return {"0532": bad, "3248": good}
