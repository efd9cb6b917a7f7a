"""SlurmClient: which commands it runs, what it makes of their failures, and when it leaves them alone."""

from __future__ import annotations

import pickle
import sys

import pytest

from furu.execution.slurm.client import (
    MAX_IDS_PER_COMMAND,
    Backoff,
    FuruSlurmError,
    JobRequest,
    Outcome,
    SlurmClient,
    run_command,
)
from furu.execution.slurm.jobs import JobState

UNKNOWN_ID = Outcome(1, stderr="slurm_load_jobs error: Invalid job id specified\n")
NO_ACCOUNTING = Outcome(1, stderr="Slurm accounting storage is disabled\n")
AWAY = Outcome(1, stderr="slurm_load_jobs error: Unable to contact slurm controller (connect failure)\n")
HANGS = Outcome(None, stderr="no answer within 30 s")


class Commands:
    """Answers each program with what the test prepared; remembers what was run."""

    def __init__(self, **answers: Outcome | type[Exception]) -> None:
        self.answers = answers
        self.run_so_far: list[list[str]] = []
        self.now = 0.0
        self.client = SlurmClient(run=self.run, now=lambda: self.now)

    def run(self, argv, stdin, timeout_sec):
        self.run_so_far.append(list(argv))
        answer = self.answers.get(argv[0], Outcome(0))
        if isinstance(answer, Outcome):
            return answer
        raise answer(argv[0])

    def programs(self) -> list[str]:
        return [argv[0] for argv in self.run_so_far]

    def states(self, *job_ids: str) -> list[str]:
        return [facts.state for facts in self.client.jobs(job_ids).values()]


def squeue_rows(*job_ids: str) -> Outcome:
    return Outcome(0, "".join(f"{job_id}|RUNNING|None|c1|0|1|0|\n" for job_id in job_ids))


class TestJobs:
    def test_one_squeue_for_all_and_no_sacct_if_it_knows_them(self):
        commands = Commands(squeue=squeue_rows("1", "2", "3"))
        assert ["RUNNING"] * 3 == commands.states("1", "2", "3")
        assert ["squeue"] == commands.programs()
        assert "1,2,3" == commands.run_so_far[0][-1]

    def test_one_sacct_for_those_that_squeue_does_not_know(self):
        commands = Commands(squeue=squeue_rows("2"), sacct=Outcome(0, "1|FAILED|3:0|None|c1\n"))
        assert ["FAILED", "RUNNING", "UNKNOWN"] == commands.states("1", "2", "3")
        assert "1,3" == commands.run_so_far[1][-1]

    def test_squeue_is_believed_before_sacct(self):
        """After a node failure sacct says NODE_FAIL for seconds while the job is queued again."""
        commands = Commands(squeue=squeue_rows("1"), sacct=Outcome(0, "1|NODE_FAIL|0:0|None|c1\n"))
        assert "RUNNING" == commands.client.jobs(["1", "2"])["1"].state

    def test_elements_of_an_array_are_asked_for_by_its_id(self):
        commands = Commands(squeue=squeue_rows("7_0", "7_1", "7_2"))
        assert ["RUNNING"] * 2 == commands.states("7_0", "7_2")
        assert "7" == commands.run_so_far[0][-1]

    def test_every_id_is_answered_once_in_order(self):
        commands = Commands(squeue=squeue_rows("2"))
        assert ["3", "2", "1"] == list(commands.client.jobs(["3", "2", "1", "3"]))

    def test_no_question_for_no_job(self):
        commands = Commands()
        assert {} == commands.client.jobs([])
        assert [] == commands.programs()

    def test_many_ids_are_asked_in_few_commands(self):
        commands = Commands()
        commands.client.jobs(str(number) for number in range(1, 2 * MAX_IDS_PER_COMMAND + 2))
        assert ["squeue"] * 3 + ["sacct"] * 3 == commands.programs()

    @pytest.mark.parametrize("text", ["", "7.batch", "--all", "7_[0-3]", "x"])
    def test_what_is_no_job_id_is_refused(self, text):
        with pytest.raises(ValueError, match="is no job id"):
            Commands().client.jobs([text])


class TestSilence:
    """No answer is UNKNOWN with a reason, and never a failure of the job."""

    @pytest.mark.parametrize(
        ("answers", "because"),
        [
            pytest.param({}, "neither squeue nor sacct knows it", id="empty-answers"),
            pytest.param({"squeue": UNKNOWN_ID}, "neither squeue nor sacct knows it", id="forgotten"),
            pytest.param({"squeue": AWAY}, "Unable to contact slurm controller", id="controller-away"),
            pytest.param({"squeue": HANGS}, "squeue: no answer within 30 s", id="hangs"),
            pytest.param({"squeue": Outcome(1)}, "squeue: failed without a word", id="no-word"),
            pytest.param({"sacct": NO_ACCOUNTING}, "accounting storage is disabled", id="no-accounting"),
            pytest.param({"sacct": AWAY}, "sacct: slurm_load_jobs error", id="database-away"),
            pytest.param({"sacct": FileNotFoundError}, "no sacct on PATH", id="no-sacct"),
        ],
    )
    def test_no_answer_is_unknown(self, answers, because):
        facts = Commands(**answers).client.jobs(["7"])["7"]
        assert JobState.UNKNOWN is facts.state
        assert because in facts.because
        assert not facts.is_known

    def test_rows_before_an_error_do_not_count(self):
        commands = Commands(squeue=Outcome(1, squeue_rows("1").stdout, "slurm_load_jobs error: Socket timed out"))
        assert ["UNKNOWN"] == commands.states("1")

    def test_sacct_is_not_asked_while_squeue_fails(self):
        commands = Commands(squeue=AWAY, sacct=Outcome(0, "1|NODE_FAIL|0:0|None|c1\n"))
        assert ["UNKNOWN"] == commands.states("1")
        assert ["squeue"] == commands.programs()

    @pytest.mark.parametrize("answer", [NO_ACCOUNTING, FileNotFoundError])
    def test_without_accounting_sacct_is_asked_once(self, answer):
        commands = Commands(sacct=answer)
        for _ in range(3):
            commands.now += 1000
            assert ["UNKNOWN"] == commands.states("7")
        assert 1 == commands.programs().count("sacct")

    def test_without_squeue_there_is_no_slurm(self):
        with pytest.raises(FuruSlurmError, match="no squeue on PATH"):
            Commands(squeue=FileNotFoundError).client.jobs(["7"])


class TestBackoff:
    def test_a_failing_squeue_is_left_alone_for_longer_each_time(self):
        commands = Commands(squeue=AWAY)
        asked_at = []
        for second in range(30):
            commands.now = float(second)
            before = len(commands.run_so_far)
            assert ["UNKNOWN"] == commands.states("7")
            if len(commands.run_so_far) > before:
                asked_at.append(second)
        assert [0, 2, 6, 14] == asked_at

    def test_meanwhile_the_reason_says_when(self):
        commands = Commands(squeue=AWAY)
        commands.states("7")
        assert "squeue failed; asked again in 2 s" == commands.client.jobs(["7"])["7"].because

    def test_success_ends_it(self):
        commands = Commands(squeue=AWAY)
        commands.states("7")
        commands.answers["squeue"] = squeue_rows("7")
        commands.now = 2.0
        assert ["RUNNING"] == commands.states("7")
        assert ["RUNNING"] == commands.states("7")

    def test_squeue_and_sacct_have_their_own(self):
        commands = Commands(sacct=AWAY)
        commands.states("7")
        commands.answers["squeue"] = squeue_rows("7")
        assert ["RUNNING", "UNKNOWN"] == commands.states("7", "8")

    def test_it_waits_at_most_so_long(self):
        backoff = Backoff(first_sec=2, max_sec=5)
        waits = []
        for _ in range(4):
            backoff.failed(now=100)
            waits.append(backoff.remaining_sec(100))
        assert [2, 4, 5, 5] == waits
        assert 0 == backoff.remaining_sec(105)
        backoff.succeeded()
        assert 0 == backoff.remaining_sec(100)


class TestSubmit:
    def test_the_id_is_returned(self):
        assert "12" == Commands(sbatch=Outcome(0, "12\n")).client.submit(JobRequest(script="true"))

    def test_the_name_of_a_cluster_is_cut_off(self):
        assert "12" == Commands(sbatch=Outcome(0, "12;lab\n")).client.submit(JobRequest(script="true"))

    @pytest.mark.parametrize(
        ("answer", "message"),
        [
            pytest.param(
                Outcome(1, stderr="sbatch: error: Invalid partition"), "sbatch ended with 1: .*Invalid", id="no"
            ),
            pytest.param(HANGS, "sbatch did not answer: no answer within 30 s", id="hangs"),
            pytest.param(Outcome(0, "all fine"), "no job id in its answer 'all fine'", id="strange"),
        ],
    )
    def test_a_refusal_is_an_error(self, answer, message):
        with pytest.raises(FuruSlurmError, match=message):
            Commands(sbatch=answer).client.submit(JobRequest(script="true"))

    def test_the_error_keeps_its_facts_when_pickled(self):
        error = FuruSlurmError(command=["sbatch"], exit_code=1, stderr="no", hints=["do"])
        copy = pickle.loads(pickle.dumps(error))
        assert (str(error), ("sbatch",), 1, "no") == (str(copy), copy.command, copy.exit_code, copy.stderr)

    def test_the_command(self):
        request = JobRequest(
            script="true",
            name="train",
            after_ok=("1", "2_3"),
            array_size=5,
            array_limit=2,
            options={"partition": "gpu", "time": 10, "requeue": True},
        )
        expected = [
            "sbatch",
            "--parsable",
            "--job-name=train",
            "--dependency=afterok:1:2_3",
            "--kill-on-invalid-dep=yes",
            "--array=0-4%2",
            "--partition=gpu",
            "--time=10",
            "--requeue",
        ]
        assert expected == request.to_argv()


KILL_ERROR = "scancel: error: Kill job error on job id 1: "


class TestCancel:
    @pytest.mark.parametrize(
        "answer",
        [
            pytest.param(Outcome(0), id="done"),
            pytest.param(
                Outcome(1, stderr="scancel: error: Kill job error on job id 1: Invalid job id specified"), id="1"
            ),
            pytest.param(
                Outcome(
                    1, stderr="scancel: error: Kill job error on job id 1: Job/step already completing or completed"
                ),
                id="over",
            ),
        ],
    )
    def test_jobs_that_are_over_are_left_alone(self, answer):
        Commands(scancel=answer).client.cancel(["1"])

    @pytest.mark.parametrize("answer", [AWAY, HANGS, Outcome(1)])
    def test_other_failures_are_errors(self, answer):
        with pytest.raises(FuruSlurmError):
            Commands(scancel=answer).client.cancel(["1"])

    def test_nothing_to_cancel_runs_nothing(self):
        commands = Commands()
        commands.client.cancel([])
        assert [] == commands.programs()

    def test_requeue_and_limits(self):
        commands = Commands(scontrol=Outcome(0, "MaxArraySize = 1001\n"))
        commands.client.requeue("7")
        assert 1001 == commands.client.limits().max_array_size
        assert [["scontrol", "requeue", "7"], ["scontrol", "show", "config"]] == commands.run_so_far


class TestRunCommand:
    def test_output_and_exit_code(self):
        code = "import sys; print(sys.stdin.read()); print('no', file=sys.stderr); sys.exit(3)"
        assert Outcome(3, "hello\n", "no\n") == run_command([sys.executable, "-c", code], "hello", 20.0)

    def test_what_does_not_answer_is_stopped(self):
        code = "import time; time.sleep(60)"
        assert run_command([sys.executable, "-c", code], "", 0.3).exit_code is None

    def test_the_users_formats_and_filters_do_not_reach_the_command(self, monkeypatch):
        for name in ("SQUEUE_FORMAT", "SQUEUE_USERS", "SACCT_FORMAT", "SLURM_BITSTR_LEN"):
            monkeypatch.setenv(name, "x")
        code = (
            "import os; print(*(f'{k}={v}' for k, v in sorted(os.environ.items()) if k[:3] in ('SQU', 'SAC', 'SLU')))"
        )
        assert "SLURM_BITSTR_LEN=0\n" == run_command([sys.executable, "-c", code], "", 20.0).stdout
