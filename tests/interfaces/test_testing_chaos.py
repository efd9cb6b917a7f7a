"""`python -m furu.testing.chaos`: kills and stops for a user's own graph, and what it says of it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from furu.testing.chaos.evidence import ArtifactEvidence, Round, digests, read_notes
from furu.testing.chaos.report import Report
from tests.support.installed import PACKAGES

PIPELINE = """
import time
from pathlib import Path
import furu

class Data(furu.Furu[list[int]]):
    size: int = 10

    def _create(self) -> list[int]:
        return list(range(self.size))

class Steps(furu.Furu[Path], resumable=True):
    data: Data = Data()

    def _create(self) -> Path:
        path = self.furu_dir / "steps.txt"
        for number in range(len(path.read_text()) if path.exists() else 0, 12):
            path.write_text("x" * (number + 1))
            time.sleep(0.25)
        Path("cache.txt").write_text(str(self.data.get()))
        return path

class Leaving(furu.Furu[bool]):
    '''Goes by what an attempt that was killed has left outside of furu_dir.'''

    def _create(self) -> bool:
        mark = Path("mark")
        is_found = mark.exists()
        mark.touch()
        time.sleep(2.0)
        mark.unlink(missing_ok=True)
        return is_found

class Failing(furu.Furu[int]):
    def _create(self) -> int:
        raise ValueError("never works")
"""


def run(directory: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    (directory / "pipeline.py").write_text(PIPELINE)
    command = [sys.executable, "-m", "furu.testing.chaos", *arguments, "--workers", "3", "--seed", "5"]
    environment = {**os.environ, "PYTHONPATH": str(PACKAGES), "FURU_PATH": str(directory / "own store")}
    return subprocess.run(
        command, cwd=directory, env=environment, capture_output=True, text=True, timeout=110, check=False
    )


@pytest.mark.slow
def test_a_graph_that_bears_it(tmp_path: Path) -> None:
    """Every result is the same under kills; the user's own store is not touched, and the scratch ones are gone."""
    done = run(tmp_path, "pipeline:Steps", "data.size=3", "--minutes", "0.01")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "nothing was wrong" in done.stdout
    assert "cache.txt (pipeline/Steps" in done.stdout
    assert not (tmp_path / "own store").exists()
    assert not Path(done.stdout.splitlines()[0].rpartition(" in ")[2]).exists()


@pytest.mark.slow
def test_a_computation_that_goes_by_what_the_killed_left(tmp_path: Path) -> None:
    done = run(tmp_path, "pipeline:Leaving", "--minutes", "0.1", "--directory", str(tmp_path / "kept"))
    assert done.returncode == 1
    assert "pipeline/Leaving: the stored result is not always the same" in done.stdout
    assert (tmp_path / "kept" / "calm-1" / "store").is_dir()


@pytest.mark.slow
def test_a_computation_that_fails_is_not_even_tormented(tmp_path: Path) -> None:
    done = run(tmp_path, "pipeline:Failing", "--directory", str(tmp_path / "kept"))
    assert done.returncode == 1
    assert "a worker raised ValueError: never works\nTraceback" in done.stdout
    assert "0 rounds" in done.stdout


@pytest.mark.parametrize(
    ("target", "said"),
    [("pipeline:Step", "did you mean Steps"), ("pipeline", "is no target"), ("nowhere:Steps", "no module 'nowhere'")],
)
def test_a_target_that_is_none(target: str, said: str, tmp_path: Path) -> None:
    done = run(tmp_path, target)
    assert done.returncode == 2
    assert said in done.stderr


def artifact(result: str | None = "1", files: dict[str, str] | None = None, **endings: int) -> ArtifactEvidence:
    return ArtifactEvidence("a/B/0", Counter(endings or {"ok": 1}), result, files or {})


def seen(*artifacts: ArtifactEvidence, **facts: object) -> Round:
    found = Round(artifacts={each.name: each for each in artifacts})
    vars(found).update(facts)
    return found


CALM = [seen(artifact()), seen(artifact())]


@pytest.mark.parametrize(
    ("calm", "storm", "verdict", "is_good"),
    [
        (CALM, seen(artifact(ok=1, crashed=2)), "equal", True),
        (CALM, seen(artifact("2")), "DIFFERENT", False),
        (CALM, seen(artifact(files={"x": "1"})), "DIFFERENT", False),
        (CALM, seen(artifact(None)), "MISSING", False),
        (CALM, seen(), "MISSING", False),
        ([seen(artifact()), seen(artifact("2"))], seen(artifact("3")), "equal where they ever are", True),
        (CALM, seen(artifact(), is_stuck=True), "equal", False),
        (CALM, seen(artifact(), broken=[-11]), "equal", False),
        (CALM, seen(artifact(), errors={"ValueError: x": "Traceback"}), "equal", False),
    ],
    ids=["equal", "result", "file", "unpublished", "gone", "never equal", "stuck", "segfault", "raised"],
)
def test_the_verdict(calm: list[Round], storm: Round, verdict: str, is_good: bool) -> None:
    report = Report(calm, [storm])
    assert (report.classes["a/B"].verdict, report.is_good) == (verdict, is_good)
    assert any(verdict in line for line in report.lines())


def test_a_file_that_is_renamed_when_complete_is_no_risk(tmp_path: Path) -> None:
    """And of a process that was killed nobody knows what it would have done."""
    opened = {"what": "opened", "base": "/r/data/a/B/0"}
    whole = [
        {**opened, "path": "/x.tmp"},
        {"what": "moved", "path": "/x.tmp"},
        {**opened, "path": "/torn"},
        {"what": "resumed", "base": "/r/data/a/B/0"},
        {"what": "bye"},
    ]
    for name, notes in {"1": whole, "2": [{**opened, "path": "/of the killed"}]}.items():
        (tmp_path / f"{name}.jsonl").write_text("".join(f"{json.dumps(note)}\n" for note in notes) + '{"what"')
    found = Round()
    read_notes(str(tmp_path), found)
    assert found.outside == {("/torn", "a/B"): 1}
    assert found.resumed == {"a/B": 1}


def test_digests_of_a_directory(tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "a").write_text("1")
    (tmp_path / "b").symlink_to("sub/a")
    first = digests(str(tmp_path))
    (tmp_path / "sub" / "a").write_text("2")
    assert set(first) == {"sub/a", "b"}
    assert digests(str(tmp_path))["sub/a"] != first["sub/a"]
    assert digests(str(tmp_path))["b"] == first["b"] == "link to sub/a"
