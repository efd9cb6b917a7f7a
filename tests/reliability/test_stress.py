"""Many processes under SIGKILL and SIGSTOP."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

import pytest

from tests.reliability import stress
from tests.support.fresh import run_fresh


@pytest.mark.slow
@pytest.mark.parametrize("seed", [1, 2])
@pytest.mark.parametrize("where", ["/dev/shm", None], ids=["in memory", "on disk"])
def test_stress(where: str | None, seed: int) -> None:
    """Nothing torn, nothing lost, nothing published twice, and no overlap that no lease explains."""
    if where and not Path(where).is_dir():
        pytest.skip(f"no {where} here")
    root = tempfile.mkdtemp(dir=where)
    try:
        report = run_fresh(stress.run, root, 15.0, 10, seed)
    finally:
        shutil.rmtree(root)
    print(report)
    assert report["problems"] == []
    assert report["keys"] > 20
    assert report["killed"] > 10
    assert report["stopped"] > 10
