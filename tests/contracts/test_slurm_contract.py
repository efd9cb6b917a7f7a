"""What `Slurm` promises, kept by `FakeSlurm` and by a real cluster: the same scripts, the same answers.

The fake runs the scripts with bash, so what a job does is real in both.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from furu.execution.slurm.client import FuruSlurmError, JobRequest, Slurm, SlurmClient
from furu.execution.slurm.fake import FakeSlurm, run_script
from furu.execution.slurm.jobs import NEVER_SATISFIED, ExitCode, JobEnding, JobFacts, JobState

pytest_plugins = ["tests.slurm.cluster.pytest_plugin"]

MANY = 30
# Sleeps long in its first run and not at all in the next.
LONG_ONCE = "SECONDS_TO_GO=$((60 - 60 * SLURM_RESTART_COUNT));"


@dataclass
class World:
    """A Slurm, and what only an administrator or time can do to it."""

    slurm: Slurm
    turn: Callable[[], object]
    fail_node: Callable[[str], None]
    repair: Callable[[], object]

    def submit(self, script: str, *after_ok: str, **more) -> str:
        options = {"output": "/dev/null", **more.pop("options", {})}
        text = f"#!/bin/bash\n{script}\n"
        return self.slurm.submit(JobRequest(script=text, after_ok=after_ok, options=options, **more))

    def facts(self, job_id: str) -> JobFacts:
        return self.slurm.jobs([job_id])[job_id]

    def wait_for(self, *job_ids: str, what: Callable[[JobFacts], bool], timeout_sec: float = 30) -> list[JobFacts]:
        """Facts of all these jobs, once `what` holds for each."""
        end = time.monotonic() + timeout_sec
        while time.monotonic() < end:
            self.turn()
            found = list(self.slurm.jobs(job_ids).values())
            if all(what(facts) for facts in found):
                return found
            time.sleep(0.05)
        raise AssertionError(f"after {timeout_sec} s: {found}")

    def ends(self, *job_ids: str) -> list[JobEnding | None]:
        return [facts.ending() for facts in self.wait_for(*job_ids, what=lambda facts: facts.has_ended)]

    def wait_until_running(self, *job_ids: str) -> list[JobFacts]:
        return self.wait_for(*job_ids, what=lambda facts: facts.state is JobState.RUNNING)


def has_text(path: Path) -> bool:
    """The shell that writes it has come to do so (it makes the file a moment before)."""
    return path.exists() and path.stat().st_size > 0


def make_fake() -> World:
    slurm = FakeSlurm(now=time.monotonic, body=run_script)
    return World(slurm, slurm.step, slurm.fail_node, lambda: [slurm.resume_node(node) for node in ("c1", "c2")])


def make_real(cluster) -> World:
    def repair():
        for node in set(cluster.nodes) - cluster.idle_nodes():
            cluster.run("scontrol", "update", f"nodename={node}", "state=resume", check=False)

    return World(SlurmClient(), lambda: None, cluster.set_node_down, repair)


REAL = [pytest.mark.slurm, pytest.mark.slow, pytest.mark.xdist_group("slurm")]


@pytest.fixture(
    params=[
        "fake",
        pytest.param("slurm_cluster", marks=REAL, id="real"),
        pytest.param("slurm_cluster_without_accounting", marks=REAL, id="real-without-accounting"),
    ]
)
def world(request):
    if request.param == "fake":
        made = make_fake()
        yield made
        made.slurm.cancel(made.slurm.job_ids())
    else:
        yield make_real(request.getfixturevalue(request.param))


class TestEnds:
    def test_a_script_that_ends_well_is_ok(self, world, tmp_path):
        job_id = world.submit(f"echo done > {tmp_path}/out")
        assert [JobEnding.OK] == world.ends(job_id)
        assert "done\n" == (tmp_path / "out").read_text()

    @pytest.mark.parametrize(
        ("script", "exit_code", "ending"),
        [
            pytest.param("exit 3", ExitCode(3, 0), JobEnding.FAILED, id="code"),
            pytest.param("kill -9 $$", ExitCode(0, 9), JobEnding.FAILED, id="signal"),
            pytest.param("exit 143", ExitCode(143, 0), JobEnding.PREEMPTED, id="as-our-worker-after-sigterm"),
        ],
    )
    def test_a_script_that_fails_says_how(self, world, script, exit_code, ending):
        job_id = world.submit(script)
        assert [ending] == world.ends(job_id)
        assert (JobState.FAILED, exit_code) == (world.facts(job_id).state, world.facts(job_id).exit_code)

    def test_a_running_job_has_a_node_and_no_ending(self, world):
        facts = world.wait_until_running(world.submit("sleep 60"))[0]
        assert facts.node in {"c1", "c2"}
        assert not facts.has_ended
        assert not facts.is_waiting

    def test_a_job_sees_its_id_and_partition(self, world, tmp_path):
        script = f"echo $SLURM_JOB_ID $SLURM_JOB_PARTITION $SLURMD_NODENAME > {tmp_path}/out"
        job_id = world.submit(script, options={"partition": "gpu"})
        assert [JobEnding.OK] == world.ends(job_id)
        assert f"{job_id} gpu g1\n" == (tmp_path / "out").read_text()


class TestDependencies:
    def test_a_child_runs_after_its_parents(self, world, tmp_path):
        log = tmp_path / "log"
        parents = [world.submit(f"sleep 0.3; echo parent >> {log}") for _ in range(2)]
        child = world.submit(f"echo child >> {log}", *parents)
        assert world.facts(child).is_waiting
        assert [JobEnding.OK] == world.ends(child)
        assert ["parent", "parent", "child"] == log.read_text().split()

    def test_a_failure_cancels_all_that_depend_on_it(self, world, tmp_path):
        parent = world.submit("sleep 0.3; exit 1")
        child = world.submit(f"touch {tmp_path}/ran", parent)
        grandchild = world.submit(f"touch {tmp_path}/ran", child)
        expected = [JobEnding.FAILED, JobEnding.DEPENDENCY_NEVER_SATISFIED, JobEnding.DEPENDENCY_NEVER_SATISFIED]
        assert expected == world.ends(parent, child, grandchild)
        assert JobState.CANCELLED is world.facts(grandchild).state
        assert not (tmp_path / "ran").exists()

    def test_without_kill_on_invalid_dep_a_child_waits_in_vain(self, world):
        parent = world.submit("exit 1")
        child = world.submit("true", options={"dependency": f"afterok:{parent}"})
        assert [JobEnding.FAILED, JobEnding.DEPENDENCY_NEVER_SATISFIED] == world.ends(parent, child)
        assert (JobState.PENDING, NEVER_SATISFIED) == (world.facts(child).state, world.facts(child).reason)
        assert not world.facts(child).is_waiting

    def test_a_parent_that_failed_long_ago_but_is_remembered_cancels_at_once(self, world):
        parent = world.submit("exit 1")
        world.ends(parent)
        assert [JobEnding.DEPENDENCY_NEVER_SATISFIED] == world.ends(world.submit("true", parent))

    def test_an_unknown_parent_counts_as_ended_well(self, world):
        assert [JobEnding.OK] == world.ends(world.submit("true", "99999999"))

    def test_an_element_of_an_array_can_be_a_parent(self, world):
        base = world.submit("exit $SLURM_ARRAY_TASK_ID", array_size=2)
        children = [world.submit("true", parent) for parent in (f"{base}_0", f"{base}_1", base)]
        bad = JobEnding.DEPENDENCY_NEVER_SATISFIED
        assert [JobEnding.OK, bad, bad] == world.ends(*children)

    def test_elements_can_wait_for_the_corresponding_ones(self, world):
        parents = world.submit("exit $((SLURM_ARRAY_TASK_ID == 1))", array_size=3)
        options = {"dependency": f"aftercorr:{parents}", "kill-on-invalid-dep": "yes"}
        children = world.submit("true", array_size=3, options=options)
        expected = [JobEnding.OK, JobEnding.DEPENDENCY_NEVER_SATISFIED, JobEnding.OK]
        assert expected == world.ends(*(f"{children}_{index}" for index in range(3)))


class TestArrays:
    def test_each_element_is_a_job(self, world, tmp_path):
        script = f"echo $SLURM_ARRAY_JOB_ID > {tmp_path}/$SLURM_ARRAY_TASK_ID; exit $((SLURM_ARRAY_TASK_ID == 2))"
        base = world.submit(script, array_size=4)
        endings = world.ends(*(f"{base}_{index}" for index in range(4)))
        assert [JobEnding.OK, JobEnding.OK, JobEnding.FAILED, JobEnding.OK] == endings
        assert {f"{base}\n"} == {(tmp_path / str(index)).read_text() for index in range(4)}

    def test_waiting_elements_are_known_before_they_start(self, world):
        base = world.submit("true", array_size=5, options={"hold": True})
        assert all(facts.is_waiting for facts in world.slurm.jobs(f"{base}_{index}" for index in range(5)).values())

    def test_the_array_itself_is_no_job(self, world):
        base = world.submit("true", array_size=2, options={"hold": True})
        assert JobState.UNKNOWN is world.facts(base).state

    def test_one_of_many_running_elements_can_be_cancelled(self, world):
        base = world.submit("sleep 60", array_size=3)
        world.wait_until_running(*(f"{base}_{index}" for index in range(3)))
        world.slurm.cancel([f"{base}_1"])
        assert [JobEnding.CANCELLED] == world.ends(f"{base}_1")
        assert JobState.RUNNING is world.facts(f"{base}_0").state

    def test_a_waiting_array_is_cancelled_by_its_id(self, world):
        base = world.submit("true", array_size=3, options={"hold": True})
        world.slurm.cancel([base])
        assert [JobEnding.CANCELLED] * 3 == world.ends(*(f"{base}_{index}" for index in range(3)))

    def test_a_waiting_element_cancelled_alone_leaves_no_trace_and_its_children_run(self, world):
        """Slurm strikes it off the array's list: neither squeue nor sacct ever knows it."""
        base = world.submit("true", array_size=3, options={"hold": True})
        world.slurm.cancel([f"{base}_1"])
        states = [facts.state for facts in world.slurm.jobs(f"{base}_{index}" for index in range(3)).values()]
        assert [JobState.PENDING, JobState.UNKNOWN, JobState.PENDING] == states
        assert [JobEnding.OK] == world.ends(world.submit("true", f"{base}_1"))


class TestCancel:
    def test_waiting_and_running_jobs_end(self, world):
        running, waiting = world.submit("sleep 60"), world.submit("true", options={"hold": True})
        world.wait_until_running(running)
        world.slurm.cancel([running, waiting])
        assert [JobEnding.CANCELLED] * 2 == world.ends(running, waiting)

    def test_jobs_that_are_over_or_unknown_are_left_alone(self, world):
        job_id = world.submit("true")
        world.ends(job_id)
        world.slurm.cancel([job_id, "99999999"])
        world.slurm.cancel(["99999999"])
        assert JobEnding.OK is world.facts(job_id).ending()

    def test_children_of_a_cancelled_job_are_cancelled(self, world):
        parent = world.submit("sleep 60")
        child = world.submit("true", parent)
        world.slurm.cancel([parent])
        assert [JobEnding.CANCELLED, JobEnding.DEPENDENCY_NEVER_SATISFIED] == world.ends(parent, child)


class TestRunningAgain:
    def test_a_requeued_job_keeps_its_id(self, world, tmp_path):
        job_id = world.submit(f"{LONG_ONCE} echo ${{SLURM_RESTART_COUNT:-0}} >> {tmp_path}/runs; sleep $SECONDS_TO_GO")
        world.wait_for(job_id, what=lambda facts: has_text(tmp_path / "runs"))
        world.slurm.requeue(job_id)
        assert [JobEnding.OK] == world.ends(job_id)
        assert "0\n1\n" == (tmp_path / "runs").read_text()
        assert 1 == world.facts(job_id).restarts

    def test_a_job_of_a_failed_node_runs_again(self, world, tmp_path):
        job_id = world.submit(f"{LONG_ONCE} echo $SLURMD_NODENAME >> {tmp_path}/runs; sleep $SECONDS_TO_GO")
        world.wait_for(job_id, what=lambda facts: has_text(tmp_path / "runs"))
        child = world.submit("true", job_id)
        world.fail_node(world.facts(job_id).node)
        assert [JobEnding.OK, JobEnding.OK] == world.ends(job_id, child)
        assert 2 == len(set((tmp_path / "runs").read_text().split()))
        world.repair()

    def test_without_requeue_a_failed_node_is_the_end(self, world):
        job_id = world.submit("sleep 60", options={"no-requeue": True})
        child = world.submit("true", job_id)
        facts = world.wait_until_running(job_id)[0]
        assert False is facts.is_requeueable
        world.fail_node(facts.node)
        assert [JobEnding.NODE_FAILED, JobEnding.DEPENDENCY_NEVER_SATISFIED] == world.ends(job_id, child)
        assert not world.facts(job_id).may_run_again
        world.repair()

    def test_an_unknown_job_cannot_be_requeued(self, world):
        with pytest.raises(FuruSlurmError, match="Invalid job id"):
            world.slurm.requeue("99999999")

    def test_a_waiting_job_cannot_be_requeued(self, world):
        job_id = world.submit("true", options={"hold": True})
        with pytest.raises(FuruSlurmError):
            world.slurm.requeue(job_id)


class TestQuestions:
    def test_an_unknown_job_is_unknown_alone_and_among_others(self, world):
        job_id = world.submit("true", options={"hold": True})
        assert [JobState.UNKNOWN] == [facts.state for facts in world.slurm.jobs(["99999999"]).values()]
        jobs = world.slurm.jobs(["99999998", job_id, "99999999"])
        assert [JobState.UNKNOWN, JobState.PENDING, JobState.UNKNOWN] == [facts.state for facts in jobs.values()]
        assert jobs["99999999"].because

    def test_many_jobs_are_told_at_once(self, world):
        job_ids = [world.submit("true", options={"hold": True}) for _ in range(MANY)]
        assert [JobState.PENDING] * MANY == [facts.state for facts in world.slurm.jobs(job_ids).values()]

    def test_limits_are_known(self, world):
        limits = world.slurm.limits()
        assert 1001 == limits.max_array_size
        assert limits.max_job_count > 0
        assert limits.min_job_age_sec > 0


class TestRefusals:
    @pytest.mark.parametrize(
        ("more", "message"),
        [
            pytest.param({"array_size": 1002}, "Invalid job array specification", id="array-too-large"),
            pytest.param({"options": {"partition": "nowhere"}}, "Invalid partition", id="no-such-partition"),
            pytest.param({"options": {"dependency": "sometime:1"}}, "dependency problem", id="bad-dependency"),
        ],
    )
    def test_what_slurm_refuses_is_an_error_with_its_words(self, world, more, message):
        with pytest.raises(FuruSlurmError, match=message):
            world.submit("true", **more)
