"""How jobs end, and what is known of them when answers are late or missing."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from furu.execution.slurm.jobs import (
    ENDINGS,
    ENDINGS_BY_CAUSE,
    MAY_RUN_AGAIN,
    NEVER_SATISFIED,
    WAITING,
    ExitCode,
    JobEnding,
    JobFacts,
    JobMemory,
    JobState,
    classify_ending,
)

STATES = [
    pytest.param("COMPLETED", JobState.COMPLETED, id="plain"),
    pytest.param("CANCELLED by 0", JobState.CANCELLED, id="by-somebody"),
    pytest.param("CANCELLED+", JobState.CANCELLED, id="cut-off"),
    pytest.param("OUT_OF_ME+", JobState.OUT_OF_MEMORY, id="cut-off-in-a-word"),
    pytest.param("TIMEOU+", JobState.TIMEOUT, id="cut-off-by-one"),
    pytest.param("running", JobState.RUNNING, id="lower-case"),
    pytest.param("COMPLET+", JobState.UNKNOWN, id="ambiguous"),
    pytest.param("REQUEUE", JobState.UNKNOWN, id="ambiguous-but-a-prefix"),
    pytest.param("FROBNICATED", JobState.UNKNOWN, id="new-to-us"),
    pytest.param("", JobState.UNKNOWN, id="nothing"),
]
ENDS = [
    pytest.param(JobState.COMPLETED, None, "", JobEnding.OK, id="completed"),
    pytest.param(JobState.FAILED, ExitCode(1, 0), "NonZeroExitCode", JobEnding.FAILED, id="failed"),
    pytest.param(JobState.FAILED, ExitCode(0, 9), "", JobEnding.FAILED, id="killed"),
    pytest.param(JobState.FAILED, ExitCode(137, 0), "", JobEnding.FAILED, id="worker-killed"),
    pytest.param(JobState.FAILED, ExitCode(143, 0), "", JobEnding.PREEMPTED, id="worker-ended-by-sigterm"),
    pytest.param(JobState.FAILED, ExitCode(130, 0), "", JobEnding.PREEMPTED, id="worker-ended-by-sigint"),
    pytest.param(JobState.FAILED, ExitCode(0, 15), "", JobEnding.PREEMPTED, id="script-ended-by-sigterm"),
    pytest.param(JobState.TIMEOUT, ExitCode(0, 15), "TimeLimit", JobEnding.TIMED_OUT, id="timeout"),
    pytest.param(JobState.DEADLINE, None, "", JobEnding.TIMED_OUT, id="deadline"),
    pytest.param(JobState.NODE_FAIL, None, "NodeDown", JobEnding.NODE_FAILED, id="node-fail"),
    pytest.param(JobState.BOOT_FAIL, None, "", JobEnding.NODE_FAILED, id="boot-fail"),
    pytest.param(JobState.PREEMPTED, None, "", JobEnding.PREEMPTED, id="preempted"),
    pytest.param(JobState.OUT_OF_MEMORY, ExitCode(0, 125), "", JobEnding.FAILED, id="out-of-memory"),
    pytest.param(JobState.CANCELLED, ExitCode(0, 15), "", JobEnding.CANCELLED, id="cancelled"),
    pytest.param(JobState.CANCELLED, None, "Dependency", JobEnding.CANCELLED, id="cancelled-while-waiting"),
    pytest.param(
        JobState.CANCELLED, None, NEVER_SATISFIED, JobEnding.DEPENDENCY_NEVER_SATISFIED, id="killed-by-dependency"
    ),
    pytest.param(JobState.PENDING, None, NEVER_SATISFIED, JobEnding.DEPENDENCY_NEVER_SATISFIED, id="waiting-in-vain"),
    pytest.param(JobState.PENDING, None, "Dependency", None, id="waiting"),
    pytest.param(JobState.PENDING, ExitCode(143, 0), "BeginTime", None, id="requeued-after-sigterm"),
    pytest.param(JobState.RUNNING, ExitCode(0, 0), "", None, id="running"),
    pytest.param(JobState.COMPLETING, None, "", None, id="completing"),
    pytest.param(JobState.REQUEUED, None, "", None, id="requeued"),
    pytest.param(JobState.UNKNOWN, None, "", JobEnding.UNKNOWN, id="unknown"),
]


class TestStates:
    @pytest.mark.parametrize(("text", "expected"), STATES)
    def test_words_are_matched_by_prefix(self, text, expected):
        assert expected is JobState.parse(text)

    @given(st.sampled_from(JobState), st.text(alphabet="abc 0123456789"))
    def test_whatever_follows_a_state_changes_nothing(self, state, tail):
        assert state is JobState.parse(f"{state} {tail}")


class TestEndings:
    @pytest.mark.parametrize(("state", "exit_code", "reason", "expected"), ENDS)
    def test_how_a_job_ended(self, state, exit_code, reason, expected):
        assert expected is classify_ending(state, exit_code=exit_code, reason=reason)

    def test_every_state_is_in_the_table(self):
        assert set(JobState) == set(ENDINGS)

    def test_every_ending_can_come_out(self):
        assert set(JobEnding) == ({*ENDINGS.values(), *ENDINGS_BY_CAUSE.values()} - {None})

    def test_what_waits_or_may_run_again_is_consistent(self):
        assert all(ENDINGS[state] is None for state in WAITING)
        assert all(ENDINGS[state] is not None for state in MAY_RUN_AGAIN)

    @pytest.mark.parametrize(("state", "exit_code", "reason", "expected"), ENDS)
    def test_a_site_that_preempts_by_cancelling_changes_only_cancelled(self, state, exit_code, reason, expected):
        ending = classify_ending(state, exit_code=exit_code, reason=reason, cancelled_is_preempted=True)
        assert ending is (JobEnding.PREEMPTED if expected is JobEnding.CANCELLED else expected)


def facts(state: JobState, **more) -> JobFacts:
    return JobFacts(job_id="7", state=state, source="squeue", **more)


UNKNOWN = JobFacts(job_id="7", state=JobState.UNKNOWN, because="squeue: no answer")
GRACE, RERUN = 300.0, 60.0


@pytest.fixture
def memory():
    return JobMemory(unknown_grace_sec=GRACE, rerun_grace_sec=RERUN)


class TestMemory:
    def test_nothing_is_known_of_what_was_never_asked(self, memory):
        assert (None, None, 0.0) == (memory.facts("7"), memory.verdict("7", now=0), memory.unknown_sec("7", now=0))

    def test_a_live_job_has_no_verdict_however_old_the_answer(self, memory):
        memory.learn([facts(JobState.RUNNING)], now=0)
        assert memory.verdict("7", now=10**6) is None

    def test_unknown_is_no_verdict_until_the_grace_is_over(self, memory):
        memory.learn([facts(JobState.RUNNING)], now=0)
        memory.learn([UNKNOWN], now=100)
        memory.learn([UNKNOWN], now=200)
        assert memory.verdict("7", now=100 + GRACE - 1) is None
        assert memory.verdict("7", now=100 + GRACE) is JobEnding.UNKNOWN
        assert GRACE == memory.unknown_sec("7", now=100 + GRACE)

    def test_unknown_from_the_beginning_counts_from_the_first_answer(self, memory):
        memory.learn([UNKNOWN], now=5)
        assert memory.verdict("7", now=5 + GRACE - 1) is None
        assert memory.verdict("7", now=5 + GRACE) is JobEnding.UNKNOWN

    def test_an_answer_ends_the_unknown(self, memory):
        memory.learn([UNKNOWN], now=0)
        memory.learn([facts(JobState.RUNNING)], now=GRACE - 1)
        memory.learn([UNKNOWN], now=GRACE)
        assert memory.verdict("7", now=GRACE + 1) is None
        assert memory.facts("7").state is JobState.RUNNING

    def test_an_ended_job_stays_ended_when_slurm_forgets_it(self, memory):
        memory.learn([facts(JobState.COMPLETED)], now=0)
        memory.learn([UNKNOWN], now=1)
        assert memory.verdict("7", now=10**6) is JobEnding.OK

    @pytest.mark.parametrize(
        ("state", "ending"),
        [(JobState.NODE_FAIL, JobEnding.NODE_FAILED), (JobState.PREEMPTED, JobEnding.PREEMPTED)],
    )
    def test_what_slurm_may_run_again_is_no_verdict_for_a_while(self, memory, state, ending):
        memory.learn([facts(state, is_requeueable=True)], now=10)
        memory.learn([facts(state, is_requeueable=True)], now=40)
        assert memory.verdict("7", now=10 + RERUN - 1) is None
        assert memory.verdict("7", now=10 + RERUN) is ending

    def test_a_requeued_job_lives(self, memory):
        memory.learn([facts(JobState.NODE_FAIL, is_requeueable=True)], now=0)
        memory.learn([facts(JobState.PENDING, restarts=1)], now=2)
        assert memory.verdict("7", now=RERUN + 1) is None

    def test_each_node_failure_has_its_own_grace(self, memory):
        memory.learn([facts(JobState.NODE_FAIL, restarts=0)], now=0)
        memory.learn([facts(JobState.NODE_FAIL, restarts=1)], now=50)
        assert memory.verdict("7", now=50 + RERUN - 1) is None

    def test_without_requeue_a_node_failure_is_final_at_once(self, memory):
        memory.learn([facts(JobState.NODE_FAIL, is_requeueable=False)], now=0)
        assert memory.verdict("7", now=0) is JobEnding.NODE_FAILED

    def test_a_job_that_waits_in_vain_is_over(self, memory):
        memory.learn([facts(JobState.PENDING, reason=NEVER_SATISFIED)], now=0)
        assert memory.verdict("7", now=0) is JobEnding.DEPENDENCY_NEVER_SATISFIED

    def test_cancelled_means_what_the_site_says(self):
        memory = JobMemory(cancelled_is_preempted=True)
        memory.learn([facts(JobState.CANCELLED)], now=0)
        assert memory.verdict("7", now=0) is JobEnding.PREEMPTED

    def test_only_open_jobs_are_worth_asking_about(self, memory):
        jobs = {"1": JobState.RUNNING, "2": JobState.COMPLETED, "3": JobState.UNKNOWN, "4": JobState.FAILED}
        memory.learn([JobFacts(job_id=job_id, state=state) for job_id, state in jobs.items()], now=0)
        assert ["1", "3", "5"] == memory.open_ids(["1", "2", "3", "4", "5"], now=10**6)

    @given(st.lists(st.tuples(st.sampled_from(JobState), st.integers(0, 400)), max_size=12))
    def test_no_row_of_answers_without_a_failure_is_ever_judged_a_failure(self, rows):
        memory, now, seen = JobMemory(unknown_grace_sec=GRACE, rerun_grace_sec=RERUN), 0.0, set()
        for state, wait_sec in rows:
            now += wait_sec
            memory.learn([facts(state)], now=now)
            seen.add(ENDINGS[state])
            assert memory.verdict("7", now=now) in seen | {None}
