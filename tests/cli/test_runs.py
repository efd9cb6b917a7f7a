"""Runs: on Slurm, and as they are listed, looked after and ended later."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from furu.cli import main, slurm
from furu.execution.slurm import watch as slurm_watch
from furu.testing import FakeSlurm
from tests.support.slurm_graphs import Part, Total, in_process, root_file

TARGET = "tests.support.slurm_graphs:Part"


@pytest.fixture
def fake(monkeypatch):
    """A Slurm that computes in this process when it is told to, and that is asked from now on."""
    watch = slurm_watch.SlurmWatch()
    monkeypatch.setattr(slurm_watch, "WATCH", watch)
    monkeypatch.setattr("furu.execution.slurm.attach.WATCH", watch)
    return FakeSlurm(body=in_process)


@pytest.fixture
def furu(capsys):
    """Calls the command in this process, whose Slurm is the fake; the exit code and what it printed."""

    def call(*arguments):
        code = main.run(arguments)
        said = capsys.readouterr()
        return code, said.out + said.err

    return call


def submit(fake, *roots):
    return slurm.submit(roots, ["default=time_min:60"], slurm=fake)


class TestOptions:
    @pytest.mark.parametrize(
        ("options", "said"),
        [
            (["--slurm-dag", "--slurm-pool"], "choose one"),
            (["--spec", "gpu=gpus:1"], "--spec goes only with --slurm-dag and --slurm-pool"),
            (["--detach"], "--detach goes only with --slurm-dag"),
            (["--slurm-pool", "--detach"], "--detach goes only with --slurm-dag"),
            (["--slurm-pool", "--processes"], "--processes goes only with runs on this machine"),
            (["--slurm-dag", "-j", "3"], "--workers goes only with runs on this machine and --slurm-pool"),
            (["--slurm-dag", "--spec", "default=cpu:3"], "did you mean cpus?"),
            (["--slurm-dag"], "write --spec default="),
            (["--slurm-pool"], "write --spec default="),
        ],
        ids=lambda each: " ".join(each) if isinstance(each, list) else "",
    )
    def test_what_does_not_go_together_is_usage(self, command, options, said):
        assert said in command("run", "study:Train", *options, code=2)


class TestDag:
    def test_is_submitted_looked_at_and_waited_for(self, fake, furu, capsys):
        submission = submit(fake, Total(parts=[Part(n=1), Part(n=2)]))
        slurm.report_submission(submission, is_json=False)
        assert f"`furu attach {submission.run_id}` waits" in capsys.readouterr().out
        (run,) = json.loads(furu("runs", "--json")[1])
        assert ("submitted", "slurm-dag", 0, 3) == tuple(run[key] for key in ("state", "backend", "done", "total"))
        code, said = furu("runs", submission.run_id[:-4])
        assert (0, True) == (code, "3 queued" in said)
        fake.drain()
        code, said = furu("attach")
        assert (0, True) == (code, f"run {submission.run_id}: 3 done" in said)
        assert "done  " in furu("runs")[1]

    def test_a_failure_is_named_and_is_exit_code_1(self, fake, furu):
        root_file("").mkdir(exist_ok=True)
        root_file("fail-1").touch()
        submission = submit(fake, Total(parts=[Part(n=1), Part(n=2)]))
        fake.drain()
        code, said = furu("attach", submission.run_id, "--json")
        assert 1 == code
        nodes = json.loads(said[said.index("{") : said.rindex("}") + 1])["nodes"]
        assert ["done", "failed", "skipped"] == sorted(node["state"] for node in nodes)
        code, said = furu("runs", submission.run_id)
        assert (1, True) == (code, "told to fail" in said)

    def test_is_cancelled_with_yes(self, fake, furu):
        submission = submit(fake, Total(parts=[Part(n=1)]))
        assert "2 jobs would be cancelled; --yes does it" in furu("cancel", submission.run_id)[1]
        assert "queued" in furu("runs", submission.run_id)[1]
        assert "2 jobs cancelled" in furu("cancel", submission.run_id, "--yes")[1]
        assert {"CANCELLED"} == {fake.job(each).state for each in fake.job_ids()}

    def test_nothing_to_do_is_no_run(self, fake, furu, capsys):
        Part(n=1).get()
        submission = submit(fake, Part(n=1))
        slurm.report_submission(submission, is_json=False)
        slurm.wait_for(submission)
        assert "nothing to do" in capsys.readouterr().out
        assert 3 == furu("attach")[0]


class TestRuns:
    @pytest.mark.slow
    def test_of_this_machine(self, command):
        command("run", "study:Train", "lr=3,1e-3", "--keep-going", code=1)
        command("run", "study:Data", "name=other")
        # Names say when to the second, so these two may come in either order.
        done, failed = sorted(command.json("runs"), key=lambda each: each["state"])
        assert ("done", 1, 1) == (done["state"], done["done"], done["total"])
        assert ("failed", 2, 3, 1) == tuple(failed[key] for key in ("state", "done", "total", "failed"))
        with command.start("runs", failed["run"]) as process:
            out, _ = process.communicate(timeout=60)
        assert (1, True) == (process.returncode, "ValueError: loss is nan" in out)
        command("runs", "19700101", code=3)
        command("attach", failed["run"], code=2)
        assert "several runs begin with 2" in command("runs", "2", code=2)

    @pytest.mark.slow
    def test_one_that_runs_and_one_that_was_killed(self, command):
        (command.directory / "slow.py").write_text(
            "import time\nimport furu\n\n\nclass Slow(furu.Furu[int]):\n    def _create(self) -> int:\n"
            "        time.sleep(60)\n        return 1\n"
        )
        with command.start("run", "slow:Slow") as process:
            for line in process.stderr:
                if "begins" in line:
                    break
            assert ["running"] == [each["state"] for each in command.json("runs")]
            process.send_signal(signal.SIGKILL)
            process.communicate(timeout=30)
        assert ["killed"] == [each["state"] for each in command.json("runs")]


class TestCompletion:
    """What bash asks for, with the words as bash splits them."""

    @pytest.mark.parametrize(
        ("words", "expected"),
        [
            (["furu", "attac"], ["attach"]),
            (["furu", "run", "stu"], ["study"]),
            (["furu", "run", "study", ":", "T"], ["Train"]),
            (["furu", "plan", "study", ":", ""], ["Data", "Mode", "Train", "Web", "main", "sweep"]),
            (["furu", "run", "--slurm-d"], ["--slurm-dag"]),
            (["furu", "run", "gone", ":", ""], []),
        ],
        ids=" ".join,
    )
    def test_of_commands_options_modules_and_classes(self, command, words, expected):
        command.environment |= {
            "_FURU_COMPLETE": "bash_complete",
            "COMP_WORDS": " ".join(words),
            "COMP_CWORD": str(len(words) - 1),
        }
        assert expected == [line.partition(",")[2] for line in command().split()]

    @pytest.mark.slow
    def test_of_hashes_and_runs(self, command, lab):
        command("ls")
        name = lab["good"].rpartition("/")[2]
        command("run", "study:Data")
        (run,) = command.json("runs")
        for words, expected in ((["furu", "show", name[:6]], name), (["furu", "runs", run["run"][:9]], run["run"])):
            command.environment |= {
                "_FURU_COMPLETE": "bash_complete",
                "COMP_WORDS": " ".join(words),
                "COMP_CWORD": "2",
            }
            assert f"plain,{expected}\n" == command()
            del command.environment["_FURU_COMPLETE"]

    def test_bash_itself_completes(self, command):
        """In a real bash: its function is loaded and called as for a press of the tab key."""
        script = (
            'eval "$(_FURU_COMPLETE=bash_source furu)"\n'
            'COMP_WORDS=(furu doc) COMP_CWORD=1\n_furu_completion furu\necho "${COMPREPLY[@]}"\n'
        )
        path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
        environment = {**os.environ, **command.environment, "PATH": path}
        done = subprocess.run(["bash", "-c", script], env=environment, capture_output=True, text=True, check=False)
        assert ("doctor\n", "") == (done.stdout, done.stderr)
