"""S231 to S244: what happens to a pool's nodes when they fail, their workers die, or others compute them."""

from __future__ import annotations

import os
import threading
import time

import pytest

from furu.errors import FuruComputeError, FuruMissingArtifact
from furu.execution import FuruFailedDependencies, FuruPoolError, FuruRunError, run_local
from furu.execution.pool import staff as pool_staff
from furu.execution.slurm.client import Backoff
from furu.execution.slurm.fake import Trouble
from tests.slurm.cluster.daemons import wait_until
from tests.support import deeds, graphs
from tests.support.deeds import Deed
from tests.support.graphs import CREATED, DOES, REFUSED, Checked, Gate, Heard, Node, failing, fan, leaf
from tests.support.pools import DeafSlurm, LiveSlurm, Thief, in_process, pool, running
from tests.support.scripts import Script

pytestmark = pytest.mark.timeout(60)


class TestFailures:
    def test_s231_failed_nodes_are_tried_again(self, slurm, monkeypatch):
        monkeypatch.setenv("FURU_MAX_COMPUTE_RETRIES", "2")
        DOES["a"] = failing(times=2)
        pool([leaf("a")], slurm)
        assert ["a"] * 3 == CREATED

    def test_s232_but_not_for_ever_and_the_error_names_hash_and_message(self, slurm, monkeypatch):
        monkeypatch.setenv("FURU_MAX_COMPUTE_RETRIES", "1")
        DOES["a"] = failing(ValueError("that is why"))
        with pytest.raises(FuruComputeError, match="that is why") as caught:
            pool([leaf("a")], slurm)
        assert leaf("a").furu_hash in str(caught.value)
        assert ["a"] * 2 == CREATED

    def test_s233_not_at_all_when_retries_are_off(self, slurm, monkeypatch):
        monkeypatch.setenv("FURU_RETRY_FAILED", "0")
        DOES["a"] = failing()
        with pytest.raises(FuruComputeError):
            pool([leaf("a")], slurm)
        assert ["a"] == CREATED
        jobs = len(slurm.job_ids())
        with pytest.raises(FuruFailedDependencies, match="failed dependencies"):
            pool([Node(name="b", needs=(leaf("a"),))], slurm)
        assert jobs == len(slurm.job_ids())

    def test_s234_an_undeclared_dependency_is_fatal_at_once(self, slurm):
        with pytest.raises(FuruMissingArtifact, match="Missing artifact Node") as caught:
            pool([graphs.Undeclared()], slurm)
        assert ["undeclared"] == CREATED
        assert any("protocol" in note for note in caught.value.__notes__)

    def test_s234_a_node_that_a_worker_can_not_build_is_fatal_at_once(self, real_workers, tmp_path, monkeypatch):
        (tmp_path / "here_only.py").write_text(
            "import os, furu\nif 'SLURM_JOB_ID' in os.environ:\n    raise ImportError('not there')\n"
            "class Thing(furu.Furu[int]):\n    def _create(self) -> int:\n        return 1\n"
        )
        monkeypatch.syspath_prepend(str(tmp_path))
        thing = __import__("here_only").Thing()
        with pytest.raises(Exception, match="can't build its node") as caught:
            pool([thing], real_workers)
        assert any("protocol" in note for note in caught.value.__notes__)

    def test_keep_going(self, slurm, monkeypatch):
        monkeypatch.setenv("FURU_MAX_COMPUTE_RETRIES", "0")
        DOES["n1"] = failing()
        data = fan(3)
        with pytest.raises(FuruRunError, match="1 node failed, 1 was skipped"):
            pool([Node(name=f"r{each.name}", needs=(each,)) for each in data], slurm, on_error="continue")
        assert {"n0", "n1", "n2", "rn0", "rn2"} == set(CREATED)

    def test_after_the_first_failure_what_is_queued_is_taken_back(self, slurm, monkeypatch):
        monkeypatch.setenv("FURU_MAX_COMPUTE_RETRIES", "0")
        DOES["n0"] = failing()
        heard = Heard()
        with pytest.raises(FuruComputeError):
            pool(fan(200), slurm, max_workers_total=1, reporter=heard)
        assert len(CREATED) < 200
        assert 200 == len(heard.report.succeeded) + len(heard.report.failed) + len(heard.report.unstarted)

    def test_workers_that_end_before_they_begin_end_the_run(self):
        slurm = LiveSlurm(lambda job: 1)
        with pytest.raises(FuruPoolError, match="ended before they began") as caught:
            pool(fan(5), slurm)
        assert "default" == caught.value.spec_key
        assert caught.value.job_ids
        assert len(slurm.job_ids()) < 20

    def test_refused_submissions_end_the_run_when_nobody_works(self, slurm, monkeypatch):
        monkeypatch.setattr(pool_staff, "Backoff", lambda: Backoff(first_sec=0.05))
        slurm.disturb(Trouble.UNREACHABLE, "sbatch")
        with pytest.raises(FuruPoolError, match="refused 3 times"):
            pool(fan(2), slurm)

    def test_workers_of_a_submission_whose_answer_was_lost_are_known_when_they_come(self):
        deaf = DeafSlurm()
        pool(fan(6), deaf, max_workers_total=2)
        assert 6 == len(CREATED)
        assert deaf.most_live <= 2


class TestDeath:
    def test_s235_a_slow_node_is_not_started_again(self, slurm):
        DOES["a"] = lambda: time.sleep(1.5)
        pool([leaf("a")], slurm, stale_running_sec=0.4, heartbeat_grace_sec=0.2)
        assert ["a"] == CREATED

    def test_s236_the_node_of_a_killed_worker_is_computed_by_another(self, real_workers):
        pool([Deed(name="a", deed="kill once"), Deed(name="b")], real_workers, max_workers_total=2)
        assert ["a", "a", "b"] == sorted(deeds.created())

    def test_s237_a_node_that_kills_its_workers_is_given_up(self, real_workers):
        with pytest.raises(FuruComputeError, match="worker lost 4 times"):
            pool([Deed(name="a", deed="exit")], real_workers)
        assert ["a"] * 4 == deeds.created()

    def test_a_worker_that_is_told_to_stop_costs_no_attempt(self, real_workers):
        heard = Heard()
        pool([Deed(name="a", deed="term once")], real_workers, reporter=heard)
        assert ["a", "a"] == deeds.created()
        assert ["start a", "end a preempted", "start a", "end a succeeded"] == heard.events

    def test_s237_a_claim_without_a_heartbeat_is_started_again_once(self):
        """Somebody takes the task and is never heard of."""
        slurm = LiveSlurm(thief := Thief())
        with pytest.raises(Exception, match="protocol failure: worker thief"):
            pool([leaf("a")], slurm, heartbeat_grace_sec=0.2, idle_timeout_sec=60)
        assert 2 == thief.count
        assert [] == CREATED


class TestOtherOwners:
    def test_s238_workers_in_interpreters_of_their_own(self, real_workers):
        data = Deed(name="d")
        pool([Deed(name=f"r{number}", needs=(data,), key="gpu") for number in range(3)], real_workers)
        assert "dr1" == Deed(name="r1", needs=(data,), key="gpu").get()
        assert os.getpid() not in deeds.pids()

    def test_s239_an_invalid_success_is_repaired(self, slurm):
        run_local([Checked(name="a")])
        REFUSED.add("a")
        DOES["a"] = REFUSED.clear
        pool([Checked(name="a")], slurm)
        assert ["a", "a"] == CREATED

    def test_a_node_that_is_never_valid_does_not_loop_for_ever(self, slurm):
        REFUSED.add("a")
        with pytest.raises(FuruComputeError):
            pool([Checked(name="a")], slurm)
        assert len(CREATED) <= 3

    def test_s240_always_rerun_once_per_run(self, slurm, monkeypatch):
        shared = leaf("shared")
        run_local([shared])
        monkeypatch.setenv("FURU_ALWAYS_RERUN", "tests.support.graphs.Node")
        pool([graphs.Other(name=f"o{number}", needs=(shared,)) for number in range(3)], slurm)
        assert ["shared", "shared"] == [name for name in CREATED if name == "shared"]

    def test_s241_a_node_that_somebody_else_computes_is_waited_for(self, slurm):
        gate = Gate()
        DOES["a"] = gate
        other = threading.Thread(target=leaf("a").get)
        other.start()
        gate.await_arrivals()
        heard = Heard()
        with running([Node(name="b", needs=(leaf("a"),))], slurm, reporter=heard):
            time.sleep(0.3)
            assert [] == heard.starts()
            gate.open()
        other.join(30)
        assert ["a", "b"] == CREATED

    def test_s242_two_pools_and_a_local_run_share_a_graph(self, slurm):
        other = LiveSlurm()
        roots = graphs.layers(8, 4)
        with running(roots, slurm), running(roots, other):
            run_local(roots, max_workers=2)
        assert 32 == len(CREATED) == len(set(CREATED))

    def test_s244_thirty_nodes_over_four_workers(self, real_workers):
        pool([Deed(name=f"n{number}") for number in range(30)], real_workers, max_workers_total=4)
        assert 30 == len(set(deeds.created())) == len(deeds.created())
        assert real_workers.most_live <= 4


class TestWithoutItsController:
    SOURCE = """
import furu
from furu.execution import *
from tests.support.deeds import *
from tests.support.pools import *
roots = [Deed(name=f"n{number}", deed="nap") for number in range(12)]
say("begin")
run_slurm_pool(roots, specs=SPECS, slurm=in_process(), **{**QUICK, "idle_timeout_sec": 4.0}, max_workers_total=2)
"""

    @pytest.fixture
    def killed(self):
        """A controller that was killed when two nodes had begun."""
        script = Script(self.SOURCE)
        try:
            script.expect("begin")
            assert wait_until(lambda: len(deeds.created()) >= 2, timeout_sec=30)
            script.kill()
            yield
        finally:
            script.close()

    def test_another_one_adopts_its_workers_and_they_compute_each_node_once(self, killed, own_store):
        (old,) = (own_store / "runs" / "open-pools").iterdir()
        slurm = in_process(first_job_id=1000)
        roots = [Deed(name=f"n{number}", deed="nap") for number in range(12)]
        result = pool([*roots, Deed(name="new")], slurm, max_workers_total=2, resume=old.name)
        assert 13 == len(deeds.created()) == len(set(deeds.created()))
        assert [] == slurm.job_ids()
        assert 2 == len(deeds.pids())
        assert result.run_id != old.name
        assert [] == list((own_store / "runs" / "open-pools").iterdir())

    def test_its_workers_finish_what_is_queued_and_leave(self, killed, own_store):
        assert wait_until(lambda: len(list(own_store.glob("runs/*/pool/workers/*.left"))) == 2, timeout_sec=30)
        assert 12 == len(deeds.created()) == len(set(deeds.created()))
        slurm = in_process()
        pool([Deed(name=f"n{number}", deed="nap") for number in range(12)], slurm)
        assert [] == slurm.job_ids()
        assert [] == list((own_store / "runs" / "open-pools").iterdir())
