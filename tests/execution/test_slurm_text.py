"""What the commands of Slurm 22.05 printed, read as values."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from furu.execution.slurm.jobs import NEVER_SATISFIED, ExitCode, JobEnding, JobState
from furu.execution.slurm.text import (
    SlurmLimits,
    base_job_id,
    expand_job_id,
    parse_exit_code,
    parse_limits,
    parse_sacct,
    parse_squeue,
)

SQUEUE = """\
255403|CANCELLED|DependencyNeverSatisfied||0|1|0|
255407|CANCELLED|None|c1|0|1|15|
255405_2|COMPLETED|None|c1|0|1|0|
255401|FAILED|NonZeroExitCode|c1|0|1|768|
255408|FAILED|JobLaunchFailure|c2|0|0|9|
255402|PENDING|DependencyNeverSatisfied||0|1|0|
255414|PENDING|BeginTime||1|1|0|
255415|RUNNING|None|c[1-2]|2|1|0|
"""
SACCT = """\
255401|FAILED|3:0|None|c1
255403|CANCELLED|0:0|Dependency|None assigned
255407|CANCELLED by 0|0:0|None|c1
255408|FAILED|0:9|None|c2
255405_2|COMPLETED|0:0|JobArrayTaskLimit|c1
255406_[0-2,7%2]|PENDING|0:0|JobHeldUser|None assigned
255413|CANCELLED by 1000|0:0|Dependency|None assigned
255414|REQUEUED|0:0|None|c1
"""
CONFIG = """\
Configuration data as of 2026-11-23T17:37:13
AccountingStorageType   = accounting_storage/slurmdbd
JobRequeue              = 1
MaxArraySize            = 1001
MaxJobCount             = 10000
MinJobAge               = 3600 sec

Cgroup Support Configuration:
"""
IDS = [
    pytest.param("7", ["7"], id="job"),
    pytest.param("7_3", ["7_3"], id="element"),
    pytest.param("7_[3]", ["7_3"], id="one-waiting-element"),
    pytest.param("7_[0-2]", ["7_0", "7_1", "7_2"], id="range"),
    pytest.param("7_[0-1,5,8-9%4]", ["7_0", "7_1", "7_5", "7_8", "7_9"], id="list-with-limit"),
    pytest.param("7_[0-6:3]", ["7_0", "7_3", "7_6"], id="step"),
    pytest.param("7.batch", [], id="step-of-a-job"),
    pytest.param("7+0", [], id="heterogeneous"),
    pytest.param("7_[0-3,5,...%2]", [], id="cut-short"),
    pytest.param("", [], id="nothing"),
]
EXIT_CODES = [
    pytest.param("3:0", ExitCode(3, 0), id="code"),
    pytest.param("0:9", ExitCode(0, 9), id="signal"),
    pytest.param("768", ExitCode(3, 0), id="raw-code"),
    pytest.param("9", ExitCode(0, 9), id="raw-signal"),
    pytest.param("137", ExitCode(0, 9), id="raw-signal-with-core"),
    pytest.param("0", ExitCode(0, 0), id="raw-zero"),
    pytest.param("", None, id="nothing"),
    pytest.param("N/A", None, id="not-available"),
]


class TestJobIds:
    @pytest.mark.parametrize(("text", "expected"), IDS)
    def test_ids_are_expanded(self, text, expected):
        assert expected == expand_job_id(text)

    def test_the_base_is_what_an_array_is_asked_by(self):
        assert "7" == base_job_id("7_3") == base_job_id("7")

    @given(st.integers(1, 10**8), st.sets(st.integers(0, 200), min_size=1))
    def test_every_element_of_a_list_is_found(self, base, indices):
        text = f"{base}_[{','.join(map(str, sorted(indices)))}%5]"
        assert [f"{base}_{index}" for index in sorted(indices)] == expand_job_id(text)


class TestSqueue:
    def test_every_line_is_a_job(self):
        jobs = parse_squeue(SQUEUE)
        assert 8 == len(jobs)
        assert {"squeue"} == {facts.source for facts in jobs.values()}

    def test_states_reasons_and_codes(self):
        jobs = parse_squeue(SQUEUE)
        assert (JobState.FAILED, ExitCode(3, 0), "c1") == (
            jobs["255401"].state,
            jobs["255401"].exit_code,
            jobs["255401"].node,
        )
        assert NEVER_SATISFIED == jobs["255402"].reason
        assert "" == jobs["255407"].reason
        assert (1, True) == (jobs["255414"].restarts, jobs["255414"].is_requeueable)
        assert False is jobs["255408"].is_requeueable
        assert "c[1-2]" == jobs["255415"].node

    def test_endings(self):
        endings = {job_id: facts.ending() for job_id, facts in parse_squeue(SQUEUE).items()}
        expected = {
            "255403": JobEnding.DEPENDENCY_NEVER_SATISFIED,
            "255407": JobEnding.CANCELLED,
            "255405_2": JobEnding.OK,
            "255401": JobEnding.FAILED,
            "255408": JobEnding.FAILED,
            "255402": JobEnding.DEPENDENCY_NEVER_SATISFIED,
            "255414": None,
            "255415": None,
        }
        assert expected == endings

    def test_an_array_on_one_line_is_its_elements(self):
        jobs = parse_squeue("9_[0-1]|PENDING|Resources||0|1|0|\n")
        assert ["9_0", "9_1"] == list(jobs)

    @pytest.mark.parametrize("text", ["", "\n", "slurm_load_jobs error\n", "1|RUNNING\n", "x|RUNNING|||0|1|0|\n"])
    def test_what_is_no_table_says_nothing(self, text):
        assert {} == parse_squeue(text)

    @given(st.text())
    def test_no_text_can_break_it(self, text):
        assert isinstance(parse_squeue(text), dict)
        assert isinstance(parse_sacct(text), dict)


class TestSacct:
    def test_endings(self):
        endings = {job_id: facts.ending() for job_id, facts in parse_sacct(SACCT).items()}
        expected = {
            "255401": JobEnding.FAILED,
            "255403": JobEnding.DEPENDENCY_NEVER_SATISFIED,
            "255407": JobEnding.CANCELLED,
            "255408": JobEnding.FAILED,
            "255405_2": JobEnding.OK,
            "255413": JobEnding.CANCELLED,
            **{f"255406_{index}": None for index in (0, 1, 2, 7)},
            "255414": None,
        }
        assert expected == endings

    def test_who_cancelled_is_kept(self):
        jobs = parse_sacct(SACCT)
        assert (0, 1000, None) == tuple(jobs[job_id].cancelled_by for job_id in ("255407", "255413", "255403"))

    def test_a_node_that_was_never_assigned_is_no_node(self):
        assert "" == parse_sacct(SACCT)["255403"].node


@pytest.mark.parametrize(("text", "expected"), EXIT_CODES)
def test_exit_codes(text, expected):
    assert expected == parse_exit_code(text)


class TestLimits:
    def test_the_configuration_is_read(self):
        expected = SlurmLimits(max_array_size=1001, max_job_count=10_000, min_job_age_sec=3600.0, has_accounting=True)
        assert expected == parse_limits(CONFIG)

    def test_no_accounting(self):
        assert False is parse_limits("AccountingStorageType = accounting_storage/none\n").has_accounting

    def test_what_is_not_said_is_none(self):
        assert SlurmLimits() == parse_limits("nothing of interest\n")
