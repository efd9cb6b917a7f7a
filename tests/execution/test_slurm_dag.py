"""`submit_slurm_dag`: what is submitted, in which order, after what, and what is refused before anything is."""

from __future__ import annotations

import json
import time
from dataclasses import replace
from pathlib import Path

import pytest

import furu
from furu import FuruComputeError, FuruConfigError, FuruError, SlurmSpec, clock
from furu.execution import Status, attach_slurm_dag, build_plan, submit_slurm_dag
from furu.execution.context import ExecContext, executing
from furu.execution.slurm import watch as slurm_watch
from furu.execution.slurm.client import FuruSlurmError, SlurmClient
from furu.execution.slurm.text import SlurmLimits
from furu.lifecycle.artifact import Artifact, Terms
from furu.lifecycle.computable import artifact_paths
from furu.lifecycle.lease import THIS_PROCESS, Participant
from furu.storage.layout import Ending
from furu.storage.process import this_process
from furu.storage.records import JobRecord, parse
from furu.testing import FakeSlurm, Trouble, run_script
from tests.support.slurm_graphs import Facts, Fussy, Part, Sneaky, Total, in_process, notes, root_file

OTHER_HOST = Participant(identity=lambda: replace(this_process(), host="other", machine="m", boot="b", pid=1))
SPECS = {"default": SlurmSpec(), "gpu": SlurmSpec(partition="gpu", gpus=1)}


@pytest.fixture(autouse=True)
def own_watch(monkeypatch):
    """What this process believes about jobs ends with the test."""
    watch = slurm_watch.SlurmWatch()
    monkeypatch.setattr(slurm_watch, "WATCH", watch)
    monkeypatch.setattr("furu.execution.slurm.attach.WATCH", watch)
    return watch


@pytest.fixture
def slurm():
    """Jobs run in this process when the test says `drain`."""
    return FakeSlurm(body=in_process)


def submit(slurm, *roots, specs=SPECS, **more):
    return submit_slurm_dag(roots, specs=specs, slurm=slurm, **more)


def option(slurm, job_id, name):
    return slurm.job(job_id).options.get(name)


def ended_state(slurm, job_id):
    """How a job that runs a script ended, once it has."""
    while not slurm.job(job_id).has_ended:
        time.sleep(0.02)
    return slurm.job(job_id).state


def diamond():
    left, right = Part(n=1), Part(n=2)
    return left, right, Total(parts=[Total(parts=[left]), Total(parts=[right, left])])


class TestChecks:
    def test_s190_default_is_required(self, slurm):
        with pytest.raises(KeyError, match="specs lacks 'default'"):
            submit(slurm, Part(), specs={"gpu": SlurmSpec()})
        assert [] == slurm.job_ids()

    def test_s191_all_missing_keys_are_named_before_the_first_submission(self, slurm):
        root = Total(parts=[Part(n=1), Part(n=2, key="big")], key="huge")
        with pytest.raises(KeyError) as caught:
            submit(slurm, root)
        for fact in ("'big'", "'huge'", root.furu_hash, root.parts[1].furu_hash, "Part(", "Total(", "'default', 'gpu'"):
            assert fact in str(caught.value)
        assert [] == slurm.job_ids()

    def test_s191_only_keys_that_are_needed_must_be_there(self, slurm):
        Part(n=2, key="big").get()
        submit(slurm, Total(parts=[Part(n=2, key="big")]))
        assert 1 == len(slurm.job_ids())

    def test_a_spec_that_is_none_is_refused(self, slurm):
        with pytest.raises(FuruConfigError, match=r"specs\['default'\] must be a SlurmSpec"):
            submit(slurm, Part(), specs={"default": {"gpus": 1}})

    def test_s023_a_class_that_no_job_can_import_is_refused_before_the_first_submission(self, slurm):
        class Local(furu.Furu[int]):
            part: Part = Part()

            def _create(self) -> int:
                return 1

        with pytest.raises(ValueError, match="local class"):
            submit(slurm, Local())
        assert [] == slurm.job_ids()

    def test_s197_a_sticky_failure_is_refused(self, slurm, monkeypatch):
        root_file("").mkdir(exist_ok=True)
        root_file("fail-1").touch()
        with pytest.raises(RuntimeError):
            Part(n=1).get()
        monkeypatch.setenv("FURU_RETRY_FAILED", "0")
        with pytest.raises(RuntimeError, match=f"failed dependencies.*{Part(n=1).furu_hash}"):
            submit(slurm, Total(parts=[Part(n=1), Part(n=2)]))
        assert [] == slurm.job_ids()

    def test_s204_an_owner_outside_of_slurm_is_refused_and_the_pool_suggested(self, slurm):
        lease = Artifact(artifact_paths(Part(n=1)), THIS_PROCESS).acquire(Terms("x", 60, 15))
        with pytest.raises(FuruError, match=f"{Part(n=1).furu_hash}.*(?s:.)*run_slurm_pool"):
            submit(slurm, Total(parts=[Part(n=1), Part(n=2)]))
        assert [] == slurm.job_ids()
        lease.lock.end(lease.token, Ending.PREEMPTED)


class TestJobs:
    def test_s192_one_job_per_node_each_after_its_dependencies(self, slurm):
        left, right, root = diamond()
        submission = submit(slurm, root)
        ids = submission.job_id_by_hash
        assert set(submission.plan.nodes) == set(ids)
        assert set(slurm.job_ids()) == set(ids.values())
        assert {root.furu_hash: ids[root.furu_hash]} == submission.root_job_ids
        assert option(slurm, ids[left.furu_hash], "dependency") is None
        both = root.parts[1]
        parents = {ids[left.furu_hash], ids[right.furu_hash]}
        kind, *after = option(slurm, ids[both.furu_hash], "dependency").split(":")
        assert ("afterok", parents) == (kind, set(after))
        assert "yes" == option(slurm, ids[both.furu_hash], "kill-on-invalid-dep")
        assert int(ids[both.furu_hash]) > max(map(int, parents))

    def test_s193_s194_resources_arrive_and_nested_extra_is_merged(self, slurm):
        extra = {"slurm_account": "lab", "slurm_additional_parameters": {"comment": "hi", "dependency": "afterok:99"}}
        spec = SlurmSpec(partition="gpu", gpus=2, cpus=3, mem_gb=1.5, time_min=7, extra=extra)
        ids = submit(slurm, Total(parts=[Part()]), specs={"default": spec}).job_id_by_hash
        options = slurm.job(ids[Total(parts=[Part()]).furu_hash]).options
        wanted = {
            "partition": "gpu",
            "gpus-per-node": "2",
            "cpus-per-task": "3",
            "mem": "1536M",
            "time": "7",
            "account": "lab",
            "comment": "hi",
            "dependency": f"afterok:99,afterok:{ids[Part().furu_hash]}",
        }
        assert wanted.items() <= options.items()
        bare = FakeSlurm()
        submit(bare, Part(n=5))
        assert not {"time", "partition", "cpus-per-task", "mem", "gpus-per-node"} & bare.job("1").options.keys()

    @pytest.mark.parametrize("how", ["argument", "variable", "default"])
    def test_s195_logs_lie_below_nodes_and_the_spec_key(self, slurm, how, tmp_path, own_store, monkeypatch):
        root = {"argument": tmp_path / "a", "variable": tmp_path / "v", "default": own_store / "submitit"}[how]
        if how != "default":
            monkeypatch.setenv("FURU_SUBMITIT_PATH", str(tmp_path / "v"))
        submit(slurm, Part(key="gpu"), **({"submitit_root": root} if how == "argument" else {}))
        log = Path(option(slurm, "1", "output"))
        assert log.is_relative_to(root / "nodes" / "gpu")
        assert log.parent.is_dir()

    def test_s196_what_is_done_needs_no_job_and_no_afterok(self, slurm):
        Part(n=1).get()
        root = Total(parts=[Part(n=1)])
        submission = submit(slurm, root)
        assert {root.furu_hash} == submission.job_id_by_hash.keys()
        assert option(slurm, submission.root_job_ids[root.furu_hash], "dependency") is None

    def test_s196_all_done_submits_nothing(self, slurm):
        Part().get()
        submission = submit(slurm, Part())
        assert ({}, {}) == (submission.job_id_by_hash, submission.root_job_ids)
        assert [] == slurm.job_ids()

    def test_s206_dependencies_by_method_become_jobs(self, slurm):
        assert Part(n=9).furu_hash in submit(slurm, Total(parts=[], more=9)).job_id_by_hash

    def test_s207_plan_and_run_id(self, slurm):
        submission = submit(slurm, Part())
        assert Status.TODO is submission.plan.nodes[Part().furu_hash].status
        assert submission.run_id
        assert submit(slurm, Part(n=1)).run_id != submission.run_id

    def test_s198_a_job_computes_in_executor_mode_with_its_own_key_and_hash(self, slurm, monkeypatch):
        monkeypatch.setenv("SLURM_JOB_END_TIME", "9999999999")
        node = Facts(key="gpu")
        submit(slurm, node)
        slurm.drain()
        found = node.get()
        assert ("executor", "gpu", "submitit", node.furu_hash) == tuple(
            found[name] for name in ("mode", "key", "backend", "hash")
        )

    def test_s198_jobs_compute_in_fresh_interpreters(self):
        slurm = FakeSlurm(body=run_script)
        root = Total(parts=[Part(n=1), Part(n=2)])
        submission = submit(slurm, root)
        while not submission.attach().look().is_finished:
            slurm.step()
        assert 3 == root.get()
        assert ["total"] == notes()[2:]
        slurm.cancel(slurm.job_ids())

    def test_s200_a_failure_keeps_its_dependents_from_starting_and_nothing_else(self, slurm):
        root_file("").mkdir(exist_ok=True)
        root_file("fail-1").touch()
        bad, good = Total(parts=[Part(n=1), Part(n=2)]), Total(parts=[Part(n=3)])
        submission = submit(slurm, bad, good)
        slurm.drain()
        assert "total" in notes()
        assert good.exists()
        assert not bad.exists()
        found = submission.attach().look()
        skipped = found.nodes[bad.furu_hash]
        assert ("skipped", "dependency-never-satisfied") == (skipped.state, skipped.ending)
        assert (f"Part({Part(n=1).furu_hash})",) == found.causes_of(bad.furu_hash)
        assert "RuntimeError: told to fail" in found.nodes[Part(n=1).furu_hash].because
        assert (
            f"Slurm job {skipped.job_id} ended: dependency-never-satisfied"
            in build_plan([bad]).nodes[bad.furu_hash].because
        )

    @pytest.mark.parametrize("node", [Sneaky(), Fussy()], ids=["undeclared-dependency", "refused-by-validate"])
    def test_s199_a_job_without_a_good_result_exits_non_zero(self, slurm, node):
        submission = submit(slurm, node)
        slurm.drain()
        assert "FAILED" == slurm.job(submission.root_job_ids[node.furu_hash]).state
        assert [] == notes()


class TestArrays:
    def test_many_nodes_of_equal_resources_and_dependencies_are_one_array(self, slurm):
        parts = [Part(n=n) for n in range(20)]
        submission = submit(slurm, Total(parts=parts))
        assert 2 == sum(command[0] == "sbatch" for command in slurm.commands)
        assert {f"1_{index}" for index in range(20)} == {submission.job_id_by_hash[part.furu_hash] for part in parts}
        assert "afterok:1" == option(slurm, "21", "dependency")
        slurm.drain()
        assert sum(range(20)) == Total(parts=parts).get()

    def test_an_array_is_no_larger_than_slurm_allows(self):
        slurm = FakeSlurm(limits=SlurmLimits(max_array_size=8, min_job_age_sec=300))
        submit(slurm, Total(parts=[Part(n=n) for n in range(20)]))
        arrays = [command for command in slurm.commands if any(word.startswith("--array") for word in command)]
        assert ["--array=0-6", "--array=0-6", "--array=0-5"] == [
            word for command in arrays for word in command if word.startswith("--array")
        ]
        assert {"afterok", "1", "8", "15"} == set(option(slurm, "21", "dependency").split(":"))

    def test_nodes_with_other_dependencies_keep_their_own(self, slurm):
        totals = [Total(parts=[Part(n=n), Part(n=(n * n + 1) % 10)]) for n in range(10)]
        ids = submit(slurm, *totals).job_id_by_hash
        for total in totals:
            parents = {ids[part.furu_hash] for part in total.parts}
            assert {"afterok", *parents} == set(option(slurm, ids[total.furu_hash], "dependency").split(":"))

    def test_levels_that_correspond_one_to_one_are_arrays_and_each_waits_for_its_own(self, slurm):
        root_file("").mkdir(exist_ok=True)
        root_file("fail-3").touch()
        totals = [Total(parts=[Part(n=n)], key="gpu") for n in range(20)]
        root = Total(parts=totals)
        submission = submit(slurm, root)
        assert 3 == sum(command[0] == "sbatch" for command in slurm.commands)
        assert "aftercorr:1" == option(slurm, "21_0", "dependency")
        assert "afterok:21" == option(slurm, "41", "dependency")
        slurm.drain()
        report = submission.attach().look()
        assert {"done": 38, "failed": 1, "skipped": 2} == report.counts()
        assert {totals[3], root} == {each for each in [*totals, root] if not each.exists()}
        assert (f"Part({Part(n=3).furu_hash})",) == report.causes_of(root.furu_hash)

    def test_each_element_of_an_array_fails_alone(self, slurm):
        root_file("").mkdir(exist_ok=True)
        root_file("fail-3").touch()
        submission = submit(slurm, *[Part(n=n) for n in range(10)])
        slurm.drain()
        assert {"done": 9, "failed": 1} == submission.attach().look().counts()


class TestSubmittingAgain:
    def test_s201_what_is_queued_or_runs_is_not_submitted_twice(self, slurm):
        left, right, root = diamond()
        first = submit(slurm, root)
        slurm.start(first.job_id_by_hash[left.furu_hash])
        again = submit(slurm, root, Total(parts=[left]))
        other = submit(slurm, Total(parts=[right], key="gpu", more=7))
        assert first.root_job_ids.items() <= again.root_job_ids.items()
        assert first.job_id_by_hash[right.furu_hash] == other.job_id_by_hash[right.furu_hash]
        assert f"afterok:{other.job_id_by_hash[right.furu_hash]}:6" == option(slurm, "7", "dependency")
        assert 7 == len(slurm.job_ids())

    def test_s201_the_same_from_another_process(self, slurm, own_watch):
        first = submit(slurm, Part())
        own_watch.__init__()
        assert first.root_job_ids == submit(slurm, Part()).root_job_ids

    def test_what_ended_badly_is_submitted_again_without_afterok_on_it(self, slurm):
        first = submit(slurm, Total(parts=[Part()]))
        slurm.finish(first.job_id_by_hash[Part().furu_hash], "FAILED")
        again = submit(slurm, Total(parts=[Part()]))
        assert not set(first.job_id_by_hash.values()) & set(again.job_id_by_hash.values())
        assert f"afterok:{again.job_id_by_hash[Part().furu_hash]}" == option(slurm, "4", "dependency")
        slurm.drain()
        assert Total(parts=[Part()]).exists()

    def test_s205_a_refusal_names_cause_and_directory_and_the_rest_can_be_submitted_later(self):
        slurm = FakeSlurm(body=in_process, max_submit=2)
        root = Total(parts=[Part(n=1), Part(n=2)])
        with pytest.raises(FuruComputeError, match="job submit limit") as caught:
            submit(slurm, root)
        assert isinstance(caught.value.__cause__, FuruSlurmError)
        assert caught.value.node == f"Total({root.furu_hash})"
        assert str(root._base_furu_dir()) in str(caught.value)
        slurm.drain()
        submission = submit(slurm, root)
        assert [root.furu_hash] == list(submission.job_id_by_hash)
        slurm.drain()
        assert 3 == root.get()

    def test_a_job_that_nobody_knows_is_left_alone_until_it_is_stale(self, slurm, monkeypatch, caplog):
        first = submit(slurm, Part())
        slurm.disturb(Trouble.UNREACHABLE, "squeue", "sacct")
        assert first.root_job_ids == submit(slurm, Part()).root_job_ids
        monkeypatch.setenv("FURU_STALE_AFTER_SECS", "0.001")
        assert first.root_job_ids != submit(slurm, Part()).root_job_ids
        assert "counts as ended: nobody knows it" in caplog.text


class TestRecords:
    def test_s086_s202_the_job_is_on_record_when_it_is_queued_and_with_the_attempt(self, slurm):
        node = Part(key="gpu")
        submission = submit(slurm, node)
        path = artifact_paths(node).job("1")
        record = parse(JobRecord, Path(path).read_bytes(), path)
        assert ("slurm", "1", "gpu", submission.run_id) == (
            record.scheduler,
            record.job_id,
            record.spec_key,
            record.run_id,
        )
        slurm.drain()
        owner = json.loads(next(node._base_furu_dir().glob("attempts/*/owner.json")).read_text())
        facts = {"kind": "slurm", "job_id": "1", "node": "g1", "partition": "gpu", "restart_count": "0"}
        assert facts.items() <= owner["scheduler"].items()
        assert ("submitit", "gpu") == (owner["backend"], owner["spec_key"])

    def test_s203_a_job_whose_submitter_died_completes_its_record(self, slurm):
        submit(slurm, Part())
        Path(artifact_paths(Part()).job("1")).unlink()
        slurm.drain()
        assert Path(artifact_paths(Part()).job("1")).exists()

    def test_how_a_job_ended_is_on_record_and_not_asked_again(self, slurm):
        submit(slurm, Part())
        slurm.cancel(["1"])
        assert Status.TODO is build_plan([Part()]).nodes[Part().furu_hash].status
        ended = json.loads(Path(artifact_paths(Part()).ended_job("1")).read_text())
        assert ("cancelled", "CANCELLED") == (ended["ending"], ended["state"])
        asked = len(slurm.commands)
        assert "Slurm job 1 ended: cancelled" in build_plan([Part()]).nodes[Part().furu_hash].because
        assert asked == len(slurm.commands)

    def test_a_thousand_queued_nodes_are_asked_about_at_once(self, slurm):
        parts = [Part(n=n) for n in range(200)]
        submit(slurm, *parts)
        asked = len(slurm.commands)
        assert {Status.IN_PROGRESS: 200} == build_plan(parts).counts()
        assert len(slurm.commands) <= asked + 1


class TestWaiters:
    def test_s209_get_waits_for_a_queued_job(self, monkeypatch):
        slurm = FakeSlurm(body=run_script)
        submit(slurm, Part())
        sleep = clock.sleep
        monkeypatch.setattr(clock, "sleep", lambda seconds: sleep(0.0 if slurm.step() else seconds))
        assert 0 == Part().get()
        assert ["part 0"] == notes()
        assert "COMPLETED" == ended_state(slurm, "1")

    def test_s210_a_queued_job_is_not_subject_to_the_lease(self, slurm, monkeypatch):
        monkeypatch.setenv("FURU_LEASE_SECS", "0.01")
        monkeypatch.setenv("FURU_MAX_WAIT_SECS", "0.1")
        submit(slurm, Part())
        with pytest.raises(furu.FuruWaitTimeout, match=r"Slurm job 1 \(PENDING\)"):
            Part().get()
        assert [] == notes()

    def test_s208_run_local_waits_for_a_queued_job(self, slurm):
        submit(slurm, Part(n=1))
        root = Total(parts=[Part(n=1), Part(n=2)])
        report = []

        class Starter(furu.execution.Reporter):
            def node_ended(self, start, end, verdict) -> None:
                report.append(start.hash)
                slurm.drain()

        furu.execution.run_local([root], max_workers=1, poll_interval_sec=0.05, reporter=Starter())
        assert Part(n=1).furu_hash not in report
        assert ["part 2", "part 1", "total"] == notes()

    def test_a_job_that_ended_is_not_waited_for(self, slurm):
        submit(slurm, Part())
        slurm.cancel(["1"])
        assert 0 == Part().get()

    def test_a_batch_worker_does_not_wait_for_what_may_wait_for_its_place(self, slurm):
        submit(slurm, Part())
        with executing(ExecContext("executor", "default", "submitit", "other")):
            assert 0 == Part().get(force=True)

    def test_two_jobs_of_one_node_do_not_wait_for_each_other(self, slurm):
        submit(slurm, Part())
        path = Path(artifact_paths(Part()).job("1"))
        hidden = path.read_bytes()
        path.unlink()
        submit(slurm, Part())
        path.write_bytes(hidden)
        slurm.drain()
        assert ["part 0"] == notes()
        assert {"COMPLETED"} == {slurm.job(job_id).state for job_id in slurm.job_ids()}

    @pytest.mark.parametrize(
        ("state", "is_free"),
        [("FAILED", True), ("NODE_FAIL", False), (None, False)],
        ids=["ended", "node-fail", "runs"],
    )
    def test_the_owner_of_a_lease_is_gone_when_its_job_has_ended(self, slurm, state, is_free):
        submit(slurm, Part())
        slurm.start("1")
        if state == "NODE_FAIL":
            slurm.job("1").is_requeueable = False
        if state:
            slurm.finish("1", state)
        facts = {"kind": "slurm", "job_id": "1", "restart_count": "0"}
        terms = Terms("x", 600, 15, backend="submitit", scheduler=facts)
        elsewhere = Artifact(artifact_paths(Part()), OTHER_HOST)
        assert elsewhere.acquire(terms) is not None
        holder = Artifact(artifact_paths(Part()), THIS_PROCESS).holder()
        assert is_free is (holder is None)


class TestAttaching:
    def test_wait_reports_what_happens(self, slurm):
        seen = []

        class Seen(furu.execution.Reporter):
            def run_started(self, run_id, plan) -> None:
                seen.append(("run", len(plan.nodes)))
                slurm.drain()

            def node_ended(self, start, end, verdict) -> None:
                seen.append((verdict.status.value, start.spec_key))

            def owner_ended(self, furu_hash, verdict) -> None:
                seen.append((verdict.status.value, furu_hash))

            def run_ended(self, report, error) -> None:
                seen.append((len(report.succeeded), len(report.failed), len(report.skipped)))

        root_file("").mkdir(exist_ok=True)
        root_file("fail-1").touch()
        root = Total(parts=[Part(n=1), Part(n=2, key="gpu")])
        submission = submit(slurm, root)
        with pytest.raises(furu.execution.FuruRunError) as caught:
            attach_slurm_dag(submission.run_id).wait(reporter=Seen())
        assert {f"Total({root.furu_hash})": (f"Part({Part(n=1).furu_hash})",)} == caught.value.skipped
        assert ("run", 3) == seen[0]
        assert {("failed", "default"), ("succeeded", "gpu"), ("skipped", root.furu_hash)} == set(seen[1:-1])
        assert (1, 1, 1) == seen[-1]

    def test_a_wait_can_have_an_end(self, slurm):
        dag = submit(slurm, Part()).attach()
        with pytest.raises(furu.FuruWaitTimeout, match="1 queued"):
            dag.wait(timeout_sec=0.01)

    def test_cancel_ends_what_is_open(self, slurm):
        submission = submit(slurm, Total(parts=[Part(n=n) for n in range(10)]))
        submission.attach().cancel()
        assert {"CANCELLED"} == {slurm.job(job_id).state for job_id in slurm.job_ids()}

    @pytest.mark.parametrize(
        ("state", "ending"),
        [
            ("FAILED", "failed"),
            ("TIMEOUT", "timed-out"),
            ("CANCELLED", "cancelled"),
            ("OUT_OF_MEMORY", "failed"),
            ("COMPLETED", "ok"),
        ],
    )
    def test_a_job_that_published_nothing_has_failed_however_it_ended(self, slurm, state, ending):
        submission = submit(slurm, Part())
        slurm.finish("1", state)
        (node,) = submission.attach().look().nodes.values()
        assert ("failed", ending) == (node.state, node.ending)

    def test_nobody_knows_and_nothing_is_published(self, slurm):
        submission = submit(slurm, Part())
        slurm.disturb(Trouble.UNREACHABLE)
        (node,) = submission.attach().look().nodes.values()
        assert ("queued", "nobody can say what its job does") == (node.state, node.because)

    def test_there_is_no_such_run(self):
        with pytest.raises(furu.FuruStoreError, match="no record of jobs"):
            attach_slurm_dag("20200101T000000-00000000")


class TestSubmitit:
    """Without a Slurm given, submitit submits; what it is told is looked at with one in its place."""

    @pytest.fixture
    def told(self, monkeypatch):
        submitit = pytest.importorskip("submitit")
        told = []

        class Job:
            def __init__(self, job_id) -> None:
                self.job_id = job_id

        class AutoExecutor:
            def __init__(self, folder) -> None:
                self.call = {"folder": Path(folder), "parameters": {}, "programs": []}
                told.append(self.call)

            def update_parameters(self, **parameters) -> None:
                self.call["parameters"] |= parameters

            def submit(self, function, *arguments):
                self.call["programs"].append((function, arguments))
                return Job(str(100 + len(told)))

        monkeypatch.setattr(submitit, "AutoExecutor", AutoExecutor)
        monkeypatch.setattr("furu.execution.slurm.watch.SlurmClient", lambda: SlurmClient(run=no_slurm))
        monkeypatch.setattr("furu.execution.slurm.submit.SlurmClient", lambda: SlurmClient(run=no_slurm))
        return told

    def test_s192_s193_parameters(self, told, own_store):
        spec = SlurmSpec(partition="gpu", cpus=3, mem_gb=2, time_min=7)
        root = Total(parts=[Part()])
        ids = submit_slurm_dag([root], specs={"default": spec}).job_id_by_hash
        assert ["101", "102"] == [ids[Part().furu_hash], ids[root.furu_hash]]
        wanted = {"timeout_min": 7, "slurm_partition": "gpu", "cpus_per_task": 3, "mem_gb": 2}
        for call in told:
            assert wanted.items() <= call["parameters"].items()
            assert "gpus_per_node" not in call["parameters"]
            assert call["folder"].is_relative_to(own_store / "submitit" / "nodes" / "default")
        assert "slurm_additional_parameters" not in told[0]["parameters"]
        assert "afterok:101" == told[1]["parameters"]["slurm_additional_parameters"]["dependency"]

    def test_s198_what_is_submitted_computes_the_node(self, told):
        submit_slurm_dag([Part(n=4)], specs=SPECS)
        ((function, arguments),) = told[0]["programs"]
        function(*arguments)
        assert Part(n=4).exists()

    def test_s201_unknown_jobs_are_not_submitted_twice(self, told):
        first = submit_slurm_dag([Part()], specs=SPECS)
        assert first.root_job_ids == submit_slurm_dag([Part()], specs=SPECS).root_job_ids
        assert 1 == len(told)

    def test_s205_a_refusal_keeps_its_cause(self, told, monkeypatch):
        import submitit

        def refuse(*_):
            raise submitit.core.utils.FailedJobError("no such partition")

        monkeypatch.setattr(submitit.AutoExecutor, "submit", refuse)
        with pytest.raises(FuruComputeError, match="no such partition") as caught:
            submit_slurm_dag([Part()], specs=SPECS)
        assert isinstance(caught.value.__cause__, submitit.core.utils.FailedJobError)

    def test_without_a_slurm_nothing_is_run_on_this_machine(self, monkeypatch):
        pytest.importorskip("submitit")
        monkeypatch.setenv("PATH", "/nonexistent")
        with pytest.raises(FuruComputeError, match="submitit finds no Slurm on this machine"):
            submit_slurm_dag([Part()], specs=SPECS)


def no_slurm(argv, stdin, timeout_sec):
    raise FileNotFoundError(argv[0])
