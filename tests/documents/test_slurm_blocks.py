"""The Python blocks of docs/slurm.md, on a Slurm in memory that really starts the jobs, as processes."""

from __future__ import annotations

import sys

import pytest

from tests.support.documents import Document

REPORT = """
import furu


class Part(furu.Furu[int]):
    number: int

    def _create(self) -> int:
        return self.number


class Report(furu.Furu[int]):
    parts: tuple[Part, ...]
    key: str = furu.field(default="gpu", identity=False)

    def _executor_spec_key(self) -> str:
        return self.key

    def _create(self) -> int:
        return sum(part.get() for part in self.parts)
"""
ON_A_CLUSTER = """
import threading
from functools import partial

import furu.execution
from furu.testing import FakeSlurm, run_script
from report import Part, Report

slurm = FakeSlurm(body=run_script, partitions={"cpu": ["c1"], "gpu": ["g1"]})
is_over = threading.Event()

def turn():
    while not is_over.wait(0.05):
        slurm.step()

threading.Thread(target=turn, daemon=True).start()
for name in ("submit_slurm_dag", "run_slurm_pool"):
    setattr(furu.execution, name, partial(getattr(furu.execution, name), slurm=slurm))
report = Report(parts=(Part(number=1), Part(number=2)))
"""

pytestmark = pytest.mark.slow


def test_the_blocks_run(reader):
    one_job_each, own_test, pool = (block.text for block in Document("docs/slurm.md").blocks("python"))
    (reader.home / "report.py").write_text(REPORT)
    (reader.home / "cluster.py").write_text(ON_A_CLUSTER)
    (reader.home / "test_graph.py").write_text(
        "import furu\nfrom furu.execution import submit_slurm_dag\nfrom report import Part, Report\n"
        f"report = Report(parts=(Part(number=5),), key='default')\n{own_test}"
    )
    assert "1 passed" in reader.run(sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "test_graph.py")

    lines = ["from cluster import *", one_job_each, "assert report.get() == 3", "report.delete()", pool]
    reader.run(sys.executable, "-c", "\n".join([*lines, "assert report.get() == 3", "is_over.set()"]))
