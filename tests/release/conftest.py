"""A release as a stranger gets it: built, its sources gone, installed into an environment that has nothing else."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tarfile
from dataclasses import dataclass
from pathlib import Path

import pytest

PROJECT = Path(__file__).parents[2]
_PIP = ("-m", "pip", "--disable-pip-version-check", "install", "--quiet")


@dataclass(frozen=True)
class Release:
    """What would be uploaded."""

    sdist: Path
    wheel: Path


@dataclass(frozen=True)
class Stranger:
    """A user with an empty environment and a directory of his own."""

    python: Path
    home: Path

    def run(self, *command: str | Path, code: int = 0, **variables: str) -> str:
        """What the command prints, stderr included."""
        keep = {name: value for name, value in os.environ.items() if not name.startswith(("FURU_", "PYTHON", "COV"))}
        environment = {**keep, "FURU_INDEX_DIR": str(self.home / "index"), "FURU_LOG_LEVEL": "ERROR", **variables}
        done = subprocess.run(
            command,
            cwd=self.home,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=100,
            check=False,
        )
        assert code == done.returncode, done.stdout[-3000:]
        return done.stdout


def _pip(python: Path | str, *arguments: str | Path) -> None:
    """Install; without a package index this can't be tested, which nobody shall overlook."""
    done = subprocess.run([python, *_PIP, *arguments], capture_output=True, text=True, timeout=300, check=False)
    if done.returncode:
        reason = f"!!! THE WHEEL IS NOT TESTED: pip can't install {arguments[-1]}: {done.stderr.strip()[-300:]}"
        if os.environ.get("CI", "").lower() in {"1", "true", "yes"}:
            pytest.fail(reason)
        pytest.skip(reason)


@pytest.fixture(scope="session")
def release(tmp_path_factory: pytest.TempPathFactory) -> Release:
    """Both files; the wheel is built of the unpacked sdist, which is gone afterwards."""
    top = tmp_path_factory.mktemp("release")
    _pip(sys.executable, "--target", top / "tools", "hatchling")

    def build(kind: str, source: Path) -> Path:
        command = [sys.executable, "-m", "hatchling", "build", "--target", kind, "--directory", top / "dist"]
        environment = {**os.environ, "PYTHONPATH": str(top / "tools")}
        subprocess.run(command, cwd=source, env=environment, check=True, capture_output=True, timeout=100)
        (made,) = (top / "dist").glob("*.whl" if kind == "wheel" else "*.tar.gz")
        return made

    sdist = build("sdist", PROJECT)
    with tarfile.open(sdist) as archive:
        archive.extractall(top / "source", filter="data")
    (source,) = (top / "source").iterdir()
    wheel = build("wheel", source)
    shutil.rmtree(top / "source")
    return Release(sdist, wheel)


@pytest.fixture(scope="session")
def stranger(release: Release, tmp_path_factory: pytest.TempPathFactory) -> Stranger:
    """Has the wheel and what it can't do without."""
    home = tmp_path_factory.mktemp("stranger")
    subprocess.run([PROJECT / "tools" / "make-venv.sh", sys.executable, home / "venv"], check=True, timeout=200)
    python = home / "venv" / "bin" / "python"
    _pip(python, release.wheel)
    return Stranger(python, home)


@pytest.fixture(scope="session")
def with_cli(stranger: Stranger) -> dict[str, str]:
    """For the environment of a call: what `furu[cli]` brings, and no other extra."""
    _pip(stranger.python, "--target", stranger.home / "cli", "click", "rich")
    return {"PYTHONPATH": str(stranger.home / "cli")}
