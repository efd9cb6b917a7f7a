"""The Python blocks of docs/evolution.md, in a project whose results were made before the class changed."""

from __future__ import annotations

import sys

import pytest

from tests.support.documents import Document

BEFORE = """
from pathlib import Path
import furu


class Data(furu.Furu[int]):
    size: int = 10

    def _create(self) -> int:
        return self.size


class OldTrain(furu.Furu[Path]):
    lr: float

    def _create(self) -> Path:
        (self.furu_dir / "old").touch()
        return self.furu_dir / "old"


def train(size, lr, momentum, directory) -> Path:
    path = directory / "weights"
    path.write_text(f"{size} {lr} {momentum}")
    return path


"""
TRAINER = """
from experiments import *

class Trainer(furu.Furu[Path], name="study/old/Trainer", version="2"):
    data: Data = Data()
    learning_rate: float = 0.3
    verbose: bool = False

    def _create(self) -> Path:
        return train(self.data.get(), self.learning_rate, 0.0, self.furu_dir)

def make() -> None:
    OldTrain(lr=0.1).get()
    Trainer().get()
    Trainer(verbose=True).get()
"""

pytestmark = pytest.mark.slow


def test_the_blocks_of_evolution_run(reader):
    by_hand, history, planning, missing, code = (block.text for block in Document("docs/evolution.md").blocks("python"))
    imports, _, declared = history.partition("\n\n\n")
    (reader.home / "experiments.py").write_text(f"{imports}\n{BEFORE}{declared}")
    (reader.home / "trainer.py").write_text(TRAINER)
    reader.run(sys.executable, "-c", "import trainer; trainer.make()")
    use = [
        "from experiments import *",
        by_hand,
        "assert Train(lr=0.1).get().name == 'old'",
        planning.replace(
            "furu.undo", "assert Train(lr=0.3, momentum=0.0).get().read_text() == '10 0.3 0.0'\nfuru.undo"
        ),
        "assert not Train(lr=0.3, momentum=0.0).exists()",
        missing,
        code,
    ]
    printed = reader.run(sys.executable, "-c", "\n".join(use))
    assert "'verbose' was true, and only false may" in printed  # by the plan
    assert "Difference(path='lr', left=0.1, right=0.2)" in printed  # by the difference
