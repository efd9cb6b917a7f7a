"""`furu run` on a real Slurm, from a project's directory and with its own resources."""

from __future__ import annotations

import json
import signal

import pytest

from tests.cli.conftest import command  # noqa: F401 -- a fixture

pytestmark = [pytest.mark.slurm, pytest.mark.slow, pytest.mark.xdist_group("slurm"), pytest.mark.timeout(200)]

PYPROJECT = """
[tool.furu.slurm.default]
partition = "cpu"
cpus = 1
time_min = 60
"""


@pytest.fixture
def project(command, slurm_cluster):  # noqa: F811
    (command.directory / "pyproject.toml").write_text(PYPROJECT)
    return command


def test_a_dag_is_left_and_attached_to(project):
    submitted = project.json("run", "study:Train", "lr=3,1e-3", "--slurm-dag", "--detach")
    assert 3 == len(submitted["jobs"])
    said = project("attach", submitted["run"][:-2], code=1)
    assert "ValueError: loss is nan" in said
    (run,) = project.json("runs")
    assert ("slurm-dag", 2, 3) == (run["backend"], run["done"], run["total"])
    with project.start("runs", run["run"], "--json") as process:
        shown = json.loads(process.communicate(timeout=60)[0])
    assert ({"done": 2, "failed": 1}, 1) == (shown["jobs"], process.returncode)
    # The same again, attached: what is done needs no job.
    assert "1/1" not in project("run", "study:Train", "lr=1e-3", "--slurm-dag")


def test_jobs_that_wait_are_cancelled(project):
    later = 'extra = { slurm_additional_parameters = { begin = "now+1hour" } }'
    (project.directory / "pyproject.toml").write_text(PYPROJECT + later)
    project.json("run", "study:Train", "--slurm-dag", "--detach", "--spec", "default=time_min:50")
    (run,) = project.json("runs")
    with project.start("attach") as process:
        assert "Ctrl-C leaves its jobs to Slurm" in process.stderr.readline()
        process.send_signal(signal.SIGINT)
        said = process.communicate(timeout=30)[1]
    assert 130 == process.returncode
    assert f"`furu cancel {run['run']}` ends them" in said
    assert 2 == len(project.json("cancel", run["run"])["jobs"])
    assert "2 jobs cancelled" in project("cancel", run["run"], "--yes")
    assert "no job of it is open" in project("cancel", run["run"], "--yes")


def test_a_pool_computes_a_sweep(project):
    done = project.json("run", "study:Train", "lr=1e-3,1e-4", "--slurm-pool", "--max-workers", "2")
    assert [True, True] == [root["is_done"] for root in done["roots"]]
    assert ["slurm-pool"] == [run["backend"] for run in project.json("runs")]
    assert {"submitit"} == {each["backend"] for each in project.json("ls")["artifacts"]}
