"""A job in sbatch's terms, from parameters in submitit's."""

from __future__ import annotations

import subprocess

import pytest

from furu import FuruConfigError, SlurmSpec
from furu.execution.slurm.script import JobProgram, job_request

ONE = [JobProgram("some.module", ("an argument", "$HOME"))]


def request(programs=ONE, **parameters):
    return job_request(programs, parameters, python="/bin/echo", name="n", log_dir="/logs")


@pytest.mark.parametrize(
    ("parameters", "options"),
    [
        pytest.param({"timeout_min": 7}, {"time": 7}, id="time"),
        pytest.param({"mem_gb": 0.5}, {"mem": "512M"}, id="memory"),
        pytest.param({"gpus_per_node": 2, "cpus_per_task": 3}, {"gpus-per-node": 2, "cpus-per-task": 3}, id="units"),
        pytest.param(
            {"slurm_partition": "p", "slurm_mail_type": "END"}, {"partition": "p", "mail-type": "END"}, id="p"
        ),
        pytest.param({"tasks_per_node": 2}, {"ntasks-per-node": 2}, id="tasks"),
        pytest.param({"slurm_additional_parameters": {"a_b": 1}}, {"a-b": 1}, id="additional"),
        pytest.param({"slurm_signal_delay_s": 30}, {"signal": "B:USR2@30"}, id="warning"),
        pytest.param({"slurm_exclusive": True}, {"exclusive": True}, id="flag"),
    ],
)
def test_options(parameters, options):
    assert options.items() <= request(**parameters).options.items()


def test_what_says_nothing_is_left_out():
    assert request().options == request(slurm_exclusive=False, slurm_account=None, slurm_use_srun=True).options


@pytest.mark.parametrize("name", ["slurm_srun_args", "slurm_teardown"])
def test_what_only_submitit_can_do_is_refused(name):
    with pytest.raises(FuruConfigError, match=f"{name}.*submitit"):
        request(**{name: ["x"]})


def run(script, **environ):
    return subprocess.run(["bash", "-c", script], capture_output=True, text=True, env=environ, check=False).stdout


def test_arguments_arrive_as_they_are():
    assert "-u -m some.module an argument $HOME\n" == run(request().script)


def test_setup_comes_first():
    script = request(slurm_setup=["cd /", "pwd"]).script
    assert ["/", "-u -m some.module an argument $HOME"] == run(script).splitlines()


def test_each_element_of_an_array_has_its_own_program():
    made = request([JobProgram("m", (str(n),)) for n in range(3)], slurm_array_parallelism=2)
    assert (3, 2) == (made.array_size, made.array_limit)
    assert ["-u -m m 2"] == run(made.script, SLURM_ARRAY_TASK_ID="2").splitlines()
    assert "/logs/%A_%a.log" == made.options["output"]


def test_equal_programs_need_no_choice():
    assert "case" not in request(ONE * 3).script


def test_dependencies_of_a_spec_arrive():
    spec = SlurmSpec().to_submitit_parameters(parent_job_ids=["1", "2"], corresponding_job_ids=["5"])
    wanted = {"dependency": "afterok:1:2,aftercorr:5", "kill-on-invalid-dep": "yes"}
    assert wanted.items() <= request(**spec).options.items()
