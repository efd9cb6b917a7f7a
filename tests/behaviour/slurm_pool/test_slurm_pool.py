"""S220 to S230, S243: a graph on a pool of workers, with a Slurm that is played: arguments, results, workers, order."""

from __future__ import annotations

import os
import threading
import time
from contextlib import contextmanager
from types import SimpleNamespace

import pytest

from furu.execution import run_local
from furu.execution.scheduling.arguments import FuruArgumentTypeError, FuruArgumentValueError
from furu.execution.slurm_spec import FuruMissingSpec, SlurmSpec
from tests.slurm.cluster.daemons import wait_until
from tests.support import graphs
from tests.support.deeds import Deed
from tests.support.graphs import CREATED, DOES, Gate, Heard, Node, fan, leaf
from tests.support.pools import SPECS, LiveSlurm, pool, running

pytestmark = pytest.mark.timeout(60)


def count_workers() -> int:
    return sum(thread.name == "pool worker" for thread in threading.enumerate())


class TestArguments:
    """Checked before anything starts."""

    def test_s220_specs_need_a_default(self, slurm):
        with pytest.raises(KeyError, match="default"):
            pool([leaf("a", key="gpu")], slurm, specs={"gpu": SlurmSpec()})
        assert [] == slurm.commands

    def test_s221_each_missing_key_is_named_with_class_and_hash(self, slurm, own_store):
        node = leaf("a", key="tpu")
        with pytest.raises(FuruMissingSpec) as caught:
            pool([leaf("b"), node], slurm)
        assert f"'tpu', wanted by Node({node.furu_hash}). Keys there are: 'default', 'gpu'" in str(caught.value)
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
            assert "" == log.read_text()  # FURU_LOG_LEVEL=ERROR, and nothing went wrong

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
        slow, quick = Gate(), Gate()
        DOES["slow"], DOES["quick"] = slow, quick
        with running([leaf("slow"), leaf("quick")], slurm, idle_timeout_sec=0.1):
            slow.await_arrivals()
            quick.await_arrivals()
            assert 2 == count_workers()
            quick.open()
            assert wait_until(lambda: count_workers() == 1, timeout_sec=20)
            slow.open()
        assert ["quick", "slow"] == sorted(CREATED)

    def test_all_workers_leave_when_the_run_is_over(self, slurm):
        pool(fan(8), slurm, idle_timeout_sec=60)
        assert wait_until(lambda: not slurm.live(), timeout_sec=20)

    def test_workers_are_asked_for_as_an_array(self, slurm):
        gate = Gate()
        for number in range(4):
            DOES[f"n{number}"] = gate
        with running(fan(4), slurm):
            gate.await_arrivals(4)
            gate.open()
        assert 1 == sum(words[0] == "sbatch" for words in slurm.commands)
        assert ["1_0", "1_1", "1_2", "1_3"] == slurm.job_ids()

    def test_slurm_is_not_asked_about_workers_that_beat(self, slurm):
        gate = Gate()
        DOES["n0"] = gate
        with running(fan(1), slurm):
            gate.await_arrivals()
            time.sleep(0.5)
            before = slurm.asked
            time.sleep(1.5)
            assert before == slurm.asked
            gate.open()

    def test_waiting_workers_that_nobody_needs_are_cancelled_newest_first(self):
        slurm = LiveSlurm(jobs_per_node=1, partitions={"cpu": ("c1",)})
        pool(fan(12), slurm, idle_timeout_sec=0.2)
        states = [str(slurm.job(job_id).state) for job_id in slurm.job_ids()]
        assert "CANCELLED" == states[-1]
        assert 12 == len(CREATED)
        slurm.end_all()


class ThreadExecutor:
    """What a test may put in the place of submitit's: jobs are threads, and no Slurm knows them."""

    folders: list[str]
    live: list[threading.Thread]
    most_live = 0

    def __init__(self, folder: str) -> None:
        self.folders.append(folder)

    def update_parameters(self, **parameters: object) -> None:
        """Threads need no resources."""

    @contextmanager
    def batch(self):
        yield

    def submit(self, function, *arguments):
        thread = threading.Thread(target=function, args=arguments, name="pool worker")
        thread.start()
        self.live.append(thread)
        type(self).most_live = max(self.most_live, sum(each.is_alive() for each in self.live))
        return SimpleNamespace(job_id=f"thread-{len(self.live)}")


def test_through_submitit_with_jobs_that_no_slurm_knows(monkeypatch, own_store):
    """S224, S226: what workers say of themselves has to do."""
    ThreadExecutor.folders, ThreadExecutor.live = [], []
    monkeypatch.setattr("submitit.AutoExecutor", ThreadExecutor)
    pool([*fan(20), *[leaf(f"g{number}", key="gpu") for number in range(9)]], None, max_workers_total=3)
    assert 29 == len(set(CREATED)) == len(CREATED)
    assert ThreadExecutor.most_live <= 3
    places = {os.path.relpath(folder, own_store).rpartition("/")[0] for folder in ThreadExecutor.folders}
    assert {"submitit/workers/default", "submitit/workers/gpu"} == places
    for thread in ThreadExecutor.live:
        thread.join(20)


class TestOrder:
    def test_s229_dfs_finishes_a_root_before_it_opens_the_next(self, slurm):
        roots = [Node(name=f"r{number}", needs=(leaf(f"d{number}"),)) for number in range(4)]
        pool(roots, slurm, window_size="dfs")
        assert ["d0", "r0", "d1", "r1", "d2", "r2", "d3", "r3"] == CREATED

    def test_s229_a_window_of_two(self, slurm):
        roots = [Node(name=f"r{number}", needs=(leaf(f"d{number}"),)) for number in range(6)]
        heard = Heard()
        pool(roots, slurm, window_size=2, reporter=heard)
        for number in range(2, 6):
            before = heard.events[: heard.events.index(f"start d{number}")]
            assert sum(event.startswith("end r") for event in before) >= number - 1

    def test_s230_declared_dependencies_come_first(self, slurm):
        pool([graphs.Declaring(name="top")], slurm)
        assert ["declared", "top"] == CREATED

    def test_limits_hold_for_a_key(self, slurm):
        gate = Gate()
        for number in range(4):
            DOES[f"n{number}"] = gate
        with running(fan(4, key="gpu"), slurm, limits={"gpu": 2}):
            gate.await_arrivals(2)
            gate.open()
        assert 4 == len(CREATED)
        assert gate.most_inside <= 2
