"""What the README shows is run as it stands there."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.installed import PACKAGES

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text()
BLOCKS = re.findall(r"^```(\w*)\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)
QUICKSTART, SWEEP, MANY, TESTS = (text for language, text in BLOCKS if language == "python")
(SESSION,) = (text for language, text in BLOCKS if language == "pycon")
IMPORTED = "import furu\nfrom study import Dataset, Page, Summary\n"


def run_python(*arguments: str, cwd: Path) -> str:
    environment = {**os.environ, "PYTHONPATH": str(PACKAGES), "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    command = [sys.executable, "-W", "error", *arguments]
    done = subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True, timeout=100, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture
def project(tmp_path):
    (tmp_path / "study.py").write_text(QUICKSTART)
    return tmp_path


def test_the_quickstart(project):
    (project / "session.txt").write_text(SESSION)
    assert "" == run_python("-m", "doctest", "session.txt", cwd=project)


def test_the_sweep(project):
    (project / "sweep.py").write_text(f"{IMPORTED}\n{SWEEP}\nprint(*means)")
    assert "small seeds.0 seeds.1 seeds.2\n" == run_python("sweep.py", cwd=project)


def test_many_at_once(project):
    use = f"{IMPORTED}\n{SWEEP.partition('means =')[0]}\n{MANY}\nprint(all(config.exists() for config in Sizes))"
    (project / "many.py").write_text(use)
    shown = run_python("many.py", cwd=project)
    assert "Summary: 4 todo" in shown
    assert shown.endswith("True\n")


def test_the_tests(project):
    (project / "test_study.py").write_text(f"{IMPORTED}\n{TESTS}")
    options = ["-q", "-p", "furu.testing", "--basetemp=temporary"]
    assert "2 passed" in run_python("-m", "pytest", *options, "test_study.py", cwd=project)


def test_every_link_leads_somewhere():
    targets = re.findall(r"\]\(([^)#]+)", README)
    assert [] == [target for target in targets if "://" not in target and not (ROOT / target).exists()]
