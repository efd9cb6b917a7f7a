"""S220 to S244: a graph on a pool of workers, with a Slurm that is played."""

from __future__ import annotations

import os
import signal
import threading
import time
from pathlib import Path

import pytest

from furu.errors import FuruComputeError, FuruMissingArtifact
from furu.execution import FuruFailedDependencies, FuruRunError, run_local
from furu.execution.arguments import FuruArgumentTypeError, FuruArgumentValueError
from furu.execution.fake_slurm import Trouble
from furu.execution.pool_staff import FuruPoolError
from furu.execution.slurm_pool import SlurmPoolResult, run_slurm_pool
from furu.execution.slurm_spec import FuruMissingSpec, SlurmSpec
from tests.support import deeds, graphs
from tests.support.deeds import Deed
from tests.support.graphs import CREATED, DOES, REFUSED, Checked, Gate, Heard, Node, failing, leaf
from tests.support.pools import QUICK, SPECS, LiveSlurm, in_process

pytestmark = pytest.mark.timeout(60)


@pytest.fixture(autouse=True)
def no_orders(tmp_path, monkeypatch):
    monkeypatch.setenv("DEEDS", str(tmp_path))
    monkeypatch.setenv("FURU_LOG_LEVEL", "ERROR")
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(Path(__file__).parents[2] / "src"), str(Path(__file__).parents[2])]))
    graphs.forget()
    yield
    graphs.forget()


@pytest.fixture
def slurm():
    slurm = LiveSlurm()
    yield slurm
    slurm.end_all()


@pytest.fixture
def real_workers():
    slurm = in_process()
    yield slurm
    slurm.end_all()


def pool(roots, slurm, **more) -> SlurmPoolResult:
    return run_slurm_pool(roots, slurm=slurm, **{"specs": SPECS, **QUICK, **more})


def fan(width: int, **fields) -> list[Node]:
    return [leaf(f"n{number}", **fields) for number in range(width)]


class TestArguments:
    """Checked before anything starts."""

    def test_s220_specs_need_a_default(self, slurm):
        with pytest.raises(KeyError, match="default"):
            pool([leaf("a", key="gpu")], slurm, specs={"gpu": SlurmSpec()})
        assert [] == slurm.commands

    def test_s221_each_missing_key_is_named_with_class_and_hash(self, slurm, own_store):
        node = leaf("a", key="tpu")
        with pytest.raises(FuruMissingSpec, match=f"'tpu', wanted by Node.{node.furu_hash}.*Keys there are: 'default', 'gpu'"):
            pool([leaf("b"), node], slurm)
        assert [] == slurm.commands
        assert [] == CREATED
        assert not (own_store / "runs").exists()

    @pytest.mark.parametrize(
        ("argument", "value", "error"),
        [
            ("max_workers_total", 0, FuruArgumentValueError),
            ("max_workers_total", True, FuruArgumentTypeError),
            ("max_workers_total", 2.0, FuruArgumentTypeError),
            ("window_size", 0, FuruArgumentValueError),
            ("window_size", "wide", FuruArgumentValueError),
            ("window_size", 1.5, FuruArgumentTypeError),
            ("idle_timeout_sec", -1, FuruArgumentValueError),
            ("poll_interval_sec", "1", FuruArgumentTypeError),
            ("stale_running_sec", float("nan"), FuruArgumentValueError),
            ("heartbeat_grace_sec", None, FuruArgumentTypeError),
            ("on_error", "panic", FuruArgumentValueError),
            ("limits", {"gpu": 0}, FuruArgumentValueError),
        ],
    )
    def test_s222_each_argument_is_checked(self, slurm, argument, value, error):
        with pytest.raises(error, match=argument):
            pool([leaf("a")], slurm, **{argument: value})
        assert [] == slurm.commands


class TestResult:
    def test_s223_it_runs_the_graph_and_says_where(self, slurm, own_store):
        top = Node(name="top", needs=tuple(fan(3)))
        result = pool([top], slurm)
        assert 4 == top.get()
        assert own_store / "runs" == result.run_dir.parent
        assert result.run_dir.name == result.run_id
        assert result.run_dir.is_dir()
        assert own_store / "submitit" == result.submitit_root
        assert [top] == result.plan.roots

    def test_s223_the_run_directory_may_be_elsewhere(self, slurm, tmp_path):
        result = pool([leaf("a")], slurm, run_root=tmp_path / "pools")
        assert tmp_path / "pools" == result.run_dir.parent
        assert (result.run_dir / "pool").is_dir()

    def test_s224_logs_of_workers_are_below_their_key(self, real_workers, tmp_path):
        result = pool([Deed(name="a"), Deed(name="b", key="gpu")], real_workers, submitit_root=tmp_path / "logs")
        assert tmp_path / "logs" == result.submitit_root
        for key in SPECS:
            (log,) = (tmp_path / "logs" / "workers" / key).rglob("*.log")
            assert "furu: get Deed" in log.read_text() or log.exists()

    def test_s228_nothing_to_do_needs_no_worker(self, slurm):
        run_local([leaf("a")])
        assert pool([leaf("a")], slurm).run_dir.is_dir()
        assert pool([], slurm).run_dir.is_dir()
        assert [] == slurm.job_ids()

    def test_s243_no_two_runs_share_a_directory(self, slurm):
        assert 5 == len({pool([leaf(f"n{number}")], slurm).run_dir for number in range(5)})


class TestWorkers:
    def test_s225_a_node_runs_on_a_worker_of_exactly_its_key(self, slurm):
        heard = Heard()
        data = fan(4)
        pool([Node(name=f"g{each.name}", needs=(each,), key="gpu") for each in data], slurm, reporter=heard)
        assert {"cpu", "gpu"} == {slurm.job(job_id).partition for job_id in slurm.job_ids()}
        assert 8 == len(CREATED)
        assert 8 == len(heard.report.succeeded)

    def test_s226_never_more_workers_than_allowed_and_each_does_many_nodes(self, slurm):
        pool([*fan(20), *[leaf(f"g{number}", key="gpu") for number in range(10)]], slurm, max_workers_total=3)
        assert 30 == len(set(CREATED)) == len(CREATED)
        assert slurm.most_live <= 3
        assert len(slurm.job_ids()) <= 8

    def test_one_worker_is_enough_for_two_keys_in_turn(self, slurm):
        """The idle one makes room for another key at once."""
        nodes: list[Node] = []
        for number in range(6):
            nodes.append(Node(name=f"n{number}", needs=tuple(nodes[-1:]), key="gpu" if number % 2 else "default"))
        began = time.monotonic()
        pool(nodes[-1:], slurm, max_workers_total=1, idle_timeout_sec=60)
        assert [f"n{number}" for number in range(6)] == CREATED
        assert 1 == slurm.most_live
        assert time.monotonic() - began < 30

    def test_s227_workers_leave_when_there_is_nothing_for_them(self, slurm):
        gate, near = Gate(), Gate()
        DOES["slow"], DOES["near"] = gate, near
        thread = threading.Thread(target=pool, args=([leaf("slow"), leaf("near")], slurm), kwargs={"idle_timeout_sec": 0.1})
        thread.start()
        gate.await_arrivals()
        near.await_arrivals()
        near.open()
        names = {each.name for each in threading.enumerate()}
        assert "pool worker" in names
        deadline = time.monotonic() + 20
        while sum(each.name == "pool worker" for each in threading.enumerate()) > 1 and time.monotonic() < deadline:
            time.sleep(0.01)
        assert 1 == sum(each.name == "pool worker" for each in threading.enumerate())
        gate.open()
        thread.join(30)
        assert ["near", "slow"] == sorted(CREATED)

    def test_all_workers_leave_when_the_run_is_over(self, slurm):
        pool(fan(8), slurm, idle_timeout_sec=60)
        deadline = time.monotonic() + 20
        while slurm.live() and time.monotonic() < deadline:
            time.sleep(0.01)
        assert [] == slurm.live()

    def test_workers_are_asked_for_as_an_array(self, slurm):
        gate = Gate()
        for number in range(4):
            DOES[f"n{number}"] = gate
        thread = threading.Thread(target=pool, args=(fan(4), slurm))
        thread.start()
        gate.await_arrivals(4)
        gate.open()
        thread.join(30)
        assert 1 == sum(words[0] == "sbatch" for words in slurm.commands)
        assert ["1_0", "1_1", "1_2", "1_3"] == slurm.job_ids()

    def test_slurm_is_not_asked_about_workers_that_beat(self, slurm):
        gate = Gate()
        DOES["n0"] = gate
        thread = threading.Thread(target=pool, args=(fan(1), slurm))
        thread.start()
        gate.await_arrivals()
        time.sleep(0.5)
        before = slurm.asked
        time.sleep(1.5)
        assert before == slurm.asked
        gate.open()
        thread.join(30)

    def test_waiting_workers_that_nobody_needs_are_cancelled_newest_first(self):
        slurm = LiveSlurm(jobs_per_node=1, partitions={"cpu": ("c1",)})
        pool(fan(12), slurm, idle_timeout_sec=0.2)
        states = [str(slurm.job(job_id).state) for job_id in slurm.job_ids()]
        assert "CANCELLED" == states[-1]
        assert 12 == len(CREATED)
        assert [] == slurm.live() or slurm.end_all() is None


class TestOrder:
    def test_s229_dfs_finishes_a_root_before_it_opens_the_next(self, slurm):
        roots = [Node(name=f"r{number}", needs=(leaf(f"d{number}"),)) for number in range(4)]
        pool(roots, slurm, window_size="dfs")
        assert ["d0", "r0", "d1", "r1", "d2", "r2", "d3", "r3"] == CREATED

    def test_s229_a_window_of_two(self, slurm):
        roots = [Node(name=f"r{number}", needs=(leaf(f"d{number}"),)) for number in range(6)]
        heard = Heard()
        pool(roots, slurm, window_size=2, reporter=heard)
        starts = heard.starts()
        for number in range(2, 6):
            opened = starts.index(f"d{number}")
            ended = [event for event in heard.events[: heard.events.index(f"start d{number}")] if event.startswith("end r")]
            assert len(ended) >= number - 1, (opened, heard.events)

    def test_s230_declared_dependencies_come_first(self, slurm):
        pool([graphs.Declaring(name="top")], slurm)
        assert ["declared", "top"] == CREATED

    def test_limits_hold_for_a_key(self, slurm):
        gate = Gate()
        for number in range(4):
            DOES[f"n{number}"] = gate
        thread = threading.Thread(target=pool, args=(fan(4, key="gpu"), slurm), kwargs={"limits": {"gpu": 2}})
        thread.start()
        gate.await_arrivals(2)
        gate.open()
        thread.join(30)
        assert 4 == len(CREATED)
        assert gate.most_inside <= 2


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
        with pytest.raises(FuruMissingArtifact, match="hidden|Missing artifact Node") as caught:
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
        with pytest.raises(FuruRunError, match="1 nodes failed, 1 were skipped"):
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
        monkeypatch.setattr("furu.execution.pool_staff.Backoff", lambda: __import__("furu.execution.slurm_client", fromlist=["Backoff"]).Backoff(first_sec=0.05))
        slurm.disturb(Trouble.UNREACHABLE, "sbatch")
        with pytest.raises(FuruPoolError, match="refused 3 times"):
            pool(fan(2), slurm)

    def test_workers_of_a_submission_whose_answer_was_lost_are_known_when_they_come(self, slurm):
        class Deaf(LiveSlurm):
            def submit(self, request):
                from furu.execution.slurm_client import FuruSlurmError

                super().submit(request)
                raise FuruSlurmError(command=["sbatch"], exit_code=None, stderr="no answer within 30 s")

        deaf = Deaf()
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
        assert ["preempted", "succeeded"] == [event.split(" ", 2)[2] for event in heard.events if event.startswith("end a")]

    def test_s237_a_claim_without_a_heartbeat_is_started_again_once(self):
        """Somebody takes the task and is never heard of."""
        slurm = LiveSlurm(thief := Thief())
        with pytest.raises(Exception, match="protocol failure: worker thief"):
            pool([leaf("a")], slurm, heartbeat_grace_sec=0.2, idle_timeout_sec=60)
        assert 2 == thief.count
        assert [] == CREATED


class Thief:
    """Takes the first task each time that there is one."""

    def __init__(self) -> None:
        self.count = 0

    def __call__(self, job) -> object:
        from tests.support.pools import ThreadJob, arguments_of

        words = dict(word.removeprefix("--").split("=", 1) for word in arguments_of(job))
        return ThreadJob(self._steal, words["pool"])

    def _steal(self, directory: str) -> None:
        for _ in range(2000):
            if Path(directory, "over").exists():
                return
            for task in Path(directory, "todo", "default").glob("????????-*-0"):
                self.count += 1
                place = Path(directory, "claimed", f"thief{self.count}")
                place.mkdir()
                task.rename(place / task.name)
            time.sleep(0.01)


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
        run = threading.Thread(target=pool, args=([Node(name="b", needs=(leaf("a"),))], slurm), kwargs={"reporter": heard})
        run.start()
        time.sleep(0.3)
        assert [] == heard.starts()
        gate.open()
        run.join(30)
        other.join(30)
        assert ["a", "b"] == CREATED

    def test_s242_two_pools_and_a_local_run_share_a_graph(self, slurm):
        other = LiveSlurm()
        roots = graphs.layers(8, 4)
        threads = [
            threading.Thread(target=pool, args=(roots, slurm)),
            threading.Thread(target=pool, args=(roots, other)),
            threading.Thread(target=run_local, args=(roots,), kwargs={"max_workers": 2}),
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(50)
        assert 32 == len(CREATED) == len(set(CREATED))

    def test_s244_thirty_nodes_over_four_workers(self, real_workers):
        pool([Deed(name=f"n{number}") for number in range(30)], real_workers, max_workers_total=4)
        assert 30 == len(set(deeds.created())) == len(deeds.created())
        assert real_workers.most_live <= 4


class TestWithoutItsController:
    SOURCE = """
from tests.support.pools import *
from furu.execution.slurm_pool import run_slurm_pool
import sys
slurm = in_process()
roots = [Deed(name=f"n{number}", deed="nap") for number in range(12)] + [Deed(name="last", deed="wait once")]
say("begin")
run_slurm_pool(roots, specs=SPECS, slurm=slurm, **{**QUICK, "idle_timeout_sec": 4.0}, max_workers_total=2)
"""

    def test_workers_finish_what_is_queued_and_another_controller_adopts_them(self, own_store):
        from tests.support.scripts import Script

        script = Script("import furu\nfrom furu.execution import *\nfrom tests.support.deeds import *\n" + self.SOURCE.replace("wait once", "nap"))
        try:
            script.expect("begin")
            wait_until(lambda: len(deeds.created()) >= 2)
            script.send(signal.SIGKILL)
            script.finish()
            before = set(deeds.pids())
            slurm = in_process(first_job_id=1000)
            roots = [Deed(name=f"n{number}", deed="nap") for number in range(12)] + [Deed(name="last", deed="nap")]
            pool([*roots], slurm, max_workers_total=2)
            names = deeds.created()
            assert 13 == len(names) == len(set(names))
            assert [] == slurm.job_ids() or set(deeds.pids()) > before
            assert [] == list((own_store / "runs" / "open-pools").iterdir())
            slurm.end_all()
        finally:
            script.close()


def wait_until(is_true, timeout_sec: float = 30.0) -> None:
    deadline = time.monotonic() + timeout_sec
    while not is_true():
        assert time.monotonic() < deadline
        time.sleep(0.01)
