"""The scripts that the Makefile calls, with fakes of the programs that they call."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

TOOLS = Path(__file__).parents[1] / "tools"


class FakeMachine:
    """A folder of fake programs, the only ones on PATH besides the basic ones, and the list of what was called."""

    def __init__(self, directory: Path) -> None:
        self.bin = directory / "bin"
        self.bin.mkdir()
        self.calls_path = directory / "calls"
        for name in ("bash", "env", "mktemp", "rm"):
            (self.bin / name).symlink_to(shutil.which(name))

    def add(self, name: str, body: str) -> Path:
        program = self.bin / name
        program.write_text(f'#!/bin/bash\necho "{name} $*" >> "{self.calls_path}"\n{body}\n')
        program.chmod(0o755)
        return program

    def calls_of(self, name: str) -> list[str]:
        lines = self.calls_path.read_text().splitlines() if self.calls_path.exists() else []
        return [line.removeprefix(f"{name} ") for line in lines if line.startswith(f"{name} ")]

    def run(self, tool: str, *arguments: str | Path, **environ: str) -> subprocess.CompletedProcess[str]:
        environ |= {"PATH": str(self.bin), "TMPDIR": str(self.bin.parent)}
        return subprocess.run([TOOLS / tool, *arguments], env=environ, capture_output=True, text=True, check=False)


@pytest.fixture
def machine(tmp_path):
    return FakeMachine(tmp_path)


class TestAptInstall:
    @pytest.fixture(autouse=True)
    def debian(self, machine):
        """Root on a Debian that has git and nothing else."""
        machine.add("id", "echo 0")
        machine.add("dpkg-query", '[ "${!#}" = git ] && echo -n installed')
        machine.add("apt-get", "")

    def test_installed_packages_cost_no_call(self, machine):
        assert machine.run("apt-install.sh", "git").returncode == 0
        assert [] == machine.calls_of("apt-get")

    def test_missing_packages_are_installed_by_one_call_after_one_update(self, machine):
        assert machine.run("apt-install.sh", "munge", "git", "chromium").returncode == 0
        update, install = machine.calls_of("apt-get")
        assert update.endswith("-o DPkg::Lock::Timeout=300 update")
        assert install.endswith(" install --yes --no-install-recommends munge chromium")

    @pytest.mark.parametrize(("environ", "code"), [({}, 0), ({"CI": "true"}, 1)], ids=["developer", "ci"])
    @pytest.mark.parametrize("reason", ["not root", "apt-get install failed", "no apt-get here"])
    def test_what_cannot_be_installed_is_said_aloud_and_fails_in_ci(self, machine, environ, code, reason):
        match reason:
            case "not root":
                machine.add("id", "echo 1000")
            case "apt-get install failed":
                machine.add("apt-get", '[[ "$*" = *update ]]')
            case "no apt-get here":
                (machine.bin / "apt-get").unlink()
        run = machine.run("apt-install.sh", "munge", "git", **environ)
        assert code == run.returncode
        assert run.stderr.startswith(f"!!! MISSING DEBIAN PACKAGES: munge ({reason}")


class TestFindPythons:
    def test_a_python_that_only_pretends_is_not_found(self, machine):
        """As pyenv's python3.12 where only 3.11 is chosen."""
        machine.add("python3.12", "echo 'command not found' >&2; exit 127")
        machine.add("python3.13", "echo 3.13")
        machine.add("python3", "echo 3.11")
        run = machine.run("find-pythons.sh", "--except", "python3", "3.11", "3.12", "3.13")
        assert ["3.13"] == run.stdout.split()

    def test_the_main_python_is_left_out(self, machine):
        machine.add("python3.11", "echo 3.11")
        machine.add("python3", "echo 3.11")
        assert machine.run("find-pythons.sh", "--except", "python3", "3.11").stdout == ""

    def test_a_version_that_only_pyenv_has_is_found(self, machine, tmp_path):
        hidden = tmp_path / "pyenv" / "versions" / "3.12.1" / "bin" / "python"
        hidden.parent.mkdir(parents=True)
        machine.add("python", "echo 3.12").rename(hidden)
        machine.add("pyenv", f"echo {tmp_path}/pyenv")
        assert machine.run("find-pythons.sh", "--path", "3.12").stdout.strip() == str(hidden)

    def test_a_missing_version_has_no_path(self, machine):
        assert machine.run("find-pythons.sh", "--path", "3.12").returncode == 1


class TestMakeVenv:
    def test_a_working_one_is_left_alone(self, machine, tmp_path):
        machine.add("python", "").rename(tmp_path / "python")
        venv = tmp_path / "venv"
        (venv / "bin").mkdir(parents=True)
        (venv / "bin" / "python").symlink_to(tmp_path / "python")
        assert machine.run("make-venv.sh", "python3", venv).returncode == 0
        assert ["-m pip --version"] == machine.calls_of("python")

    def test_an_old_python_is_refused_with_what_to_do(self, machine, tmp_path):
        machine.add("python3", "exit 1")
        run = machine.run("make-venv.sh", "python3", tmp_path / "venv")
        assert run.returncode == 1
        assert "make PYTHON=" in run.stderr

    def test_without_venv_it_falls_back_to_virtualenv(self, machine, tmp_path):
        machine.add("python3", '[ "$1 $2" != "-m venv" ]')
        assert machine.run("make-venv.sh", "python3", tmp_path / "venv").returncode == 0
        modules = [call.split()[1] for call in machine.calls_of("python3") if call.startswith("-m ")]
        assert ["venv", "pip", "virtualenv"] == modules

    def test_without_either_it_names_the_debian_package(self, machine, tmp_path):
        machine.add("python3", '[ "$1" = -c ]')
        run = machine.run("make-venv.sh", "python3", tmp_path / "venv")
        assert run.returncode == 1
        assert "apt-get install python3-venv" in run.stderr


class TestTryAgain:
    @pytest.mark.parametrize(
        ("status", "notes"), [(0, "Python 3.0  test_a\nPython 3.0  test_b\n"), (1, None), (5, None)], ids=str
    )
    def test_only_what_passes_then_is_named(self, machine, tmp_path, status, notes):
        """5 is pytest's "no tests": it crashed the first time, so that nobody knows what failed."""
        for name in ("mkdir", "sed", "dirname"):
            (machine.bin / name).symlink_to(shutil.which(name))
        answers = f"case $1 in -c) echo test_a; echo test_b;; -V) echo Python 3.0;; *) exit {status};; esac"
        machine.add("python", answers)
        assert status == machine.run("try-again.sh", "python", tmp_path / "build" / "notes").returncode
        written = tmp_path / "build" / "notes"
        assert notes == (written.read_text() if written.exists() else None)


class TestMakefile:
    @pytest.mark.skipif(not shutil.which("make"), reason="no make here")
    @pytest.mark.parametrize("target", ["demo", "test", "test-fast", "lint", "format", "bench", "docs", "clean"])
    def test_the_target_exists(self, target):
        """Only printed, not run."""
        environ = {name: value for name, value in os.environ.items() if not name.startswith("MAKE")}
        command = ["make", "--dry-run", "--directory", TOOLS.parent, target]
        assert subprocess.run(command, env=environ, capture_output=True, check=False).returncode == 0
