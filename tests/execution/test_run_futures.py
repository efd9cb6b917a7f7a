"""`run_futures` over executors of the standard library and loky: the same runs, and what happens when one breaks."""

from __future__ import annotations

import multiprocessing
import os
from concurrent.futures import BrokenExecutor, Future, ProcessPoolExecutor, ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest

import furu
from furu.execution import FuruRunError, run_futures
from furu.execution.futures import FuruMissingExecutor
from tests.lifecycle.steps import endings
from tests.support import graphs
from tests.support.deeds import Deed, Settled, Undeclared, created, pids
from tests.support.graphs import CREATED, PATIENCE_SEC, Gate, Heard, Node, failing, leaf

if TYPE_CHECKING:
    from collections.abc import Iterator
    from concurrent.futures import Executor


def spawned(max_workers: int = 2) -> ProcessPoolExecutor:
    return ProcessPoolExecutor(max_workers, mp_context=multiprocessing.get_context("spawn"))


@pytest.fixture
def threads() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(4) as pool:
        yield pool


class Counted:
    """Makes spawned pools, and knows how many."""

    def __init__(self, max_workers: int = 2) -> None:
        self.max_workers = max_workers
        self.made: list[ProcessPoolExecutor] = []

    def __call__(self) -> ProcessPoolExecutor:
        self.made.append(spawned(self.max_workers))
        return self.made[-1]


class Silent(ThreadPoolExecutor):
    """Takes everything and starts nothing until it is asked to."""

    def __init__(self) -> None:
        super().__init__(1)
        self.queued: list[tuple[Future[Any], Any, Any]] = []

    def submit(self, fn: Any, /, *args: Any, **kwargs: Any) -> Future[Any]:
        future: Future[Any] = Future()
        self.queued.append((future, fn, args))
        return future

    def run_one(self) -> None:
        future, fn, args = self.queued.pop(0)
        future.set_running_or_notify_cancel()
        future.set_result(fn(*args))


class Client:
    """As Dask's: no executor, but it gives one."""

    def get_executor(self) -> Executor:
        raise AssertionError


class TestThreads:
    def test_each_needed_node_once_dependencies_first(self, threads):
        roots = graphs.layers(4, 3)
        run_futures(roots, {"default": threads})
        assert 12 == len(CREATED) == len(set(CREATED))
        assert 1 + 3 * 4 == roots[0].get()
        assert threads.submit(int).result() == 0  # given, so not shut down

    def test_an_executor_for_each_spec_key(self):
        names: dict[str, str] = {}
        nodes = [leaf("a", key="gpu"), leaf("b")]
        for node in nodes:
            graphs.DOES[node.name] = lambda name=node.name: names.update(
                {name: graphs.threading.current_thread().name[:3]}
            )
        with ThreadPoolExecutor(1, "cpu") as cpu, ThreadPoolExecutor(1, "gpu") as gpu:
            run_futures([Node(name="top", needs=tuple(nodes))], {"default": cpu, "gpu": gpu})
        assert {"a": "gpu", "b": "cpu"} == names

    def test_a_missing_executor_is_named_before_anything_starts(self, threads, own_store):
        with pytest.raises(FuruMissingExecutor, match=r"wants spec key 'gpu'.*default") as caught:
            run_futures([leaf("a"), leaf("b", key="gpu")], {"default": threads})
        assert ("gpu", f"Node({leaf('b').furu_hash})") == (caught.value.spec_key, caught.value.node)
        assert isinstance(caught.value, KeyError)
        assert [] == CREATED
        assert [] == list(own_store.iterdir())

    def test_what_comes_to_light_later_needs_one_too(self, threads, start):
        """A plan does not look below what another owner computes."""
        below = "needs=(Deed(name='below', key='gpu'),)"
        owner = start(f"Deed(name='busy', {below}, deed='wait').get()")
        owner.expect("creating")
        busy, heard = Deed(name="busy", needs=(Deed(name="below", key="gpu"),)), Heard()
        with ThreadPoolExecutor(1) as pool:
            roots = [busy, leaf("meanwhile")]
            run = pool.submit(run_futures, roots, {"default": threads}, poll_interval_sec=0.01, reporter=heard)
            heard.await_event("end meanwhile succeeded")
            owner.kill()
            with pytest.raises(FuruMissingExecutor, match="gpu"):
                run.result(PATIENCE_SEC)

    def test_a_finished_node_needs_none(self, threads):
        leaf("a", key="gpu").get()
        run_futures([Node(name="b", needs=(leaf("a", key="gpu"),))], {"default": threads})

    def test_no_more_are_in_flight_than_asked_for(self, threads):
        gate = Gate()
        leaves = [leaf(str(number)) for number in range(6)]
        graphs.DOES.update({node.name: gate for node in leaves})
        with ThreadPoolExecutor(1) as pool:
            run = pool.submit(run_futures, leaves, {"default": threads}, in_flight=2)
            gate.await_arrivals(2)
            gate.open()
            run.result(PATIENCE_SEC)
        assert 2 == gate.most_inside

    def test_retries_and_failures_are_as_with_run_local(self, threads):
        graphs.DOES["a"] = failing(times=2)
        graphs.DOES["b"] = failing(ValueError("bad luck"))
        with pytest.raises(FuruRunError) as caught:
            run_futures([leaf("a"), leaf("b"), leaf("c")], {"default": threads}, on_error="continue")
        assert (3, 4, 1) == tuple(CREATED.count(name) for name in "abc")
        assert "ValueError: bad luck" in str(caught.value)

    def test_an_undeclared_dependency_surfaces_as_itself(self, threads):
        with pytest.raises(furu.FuruMissingArtifact):
            run_futures([Undeclared()], {"default": threads})

    def test_after_a_failure_what_has_not_begun_is_taken_back(self, monkeypatch):
        monkeypatch.setenv("FURU_MAX_COMPUTE_RETRIES", "0")
        graphs.DOES["bad"] = failing()
        silent, heard = Silent(), Heard()
        with ThreadPoolExecutor(1) as pool:
            roots = [leaf("bad"), *(leaf(str(number)) for number in range(5))]
            run = pool.submit(run_futures, roots, {"default": silent}, reporter=heard)
            heard.await_event("start 4")
            while len(silent.queued) < 6:
                graphs.threading.Event().wait(0.001)
            silent.run_one()
            with pytest.raises(furu.FuruComputeError, match="told to fail"):
                run.result(PATIENCE_SEC)
        assert ["bad"] == CREATED
        assert heard.report is not None
        assert (1, 5) == (len(heard.report.failed), len(heard.report.unstarted))

    def test_what_somebody_else_cancels_is_tried_again(self):
        silent, heard = Silent(), Heard()
        with ThreadPoolExecutor(1) as pool:
            run = pool.submit(run_futures, [leaf("a")], {"default": silent}, reporter=heard)
            heard.await_event("start a")
            while not silent.queued:
                graphs.threading.Event().wait(0.001)
            future, _, args = silent.queued.pop()
            future.cancel()
            heard.await_event("end a preempted")
            while not silent.queued:
                graphs.threading.Event().wait(0.001)
            assert args != silent.queued[0][2]
            silent.run_one()
            run.result(PATIENCE_SEC)
        assert ["a"] == CREATED

    def test_an_executor_that_was_shut_down_is_an_error_of_its_own(self):
        pool = ThreadPoolExecutor(1)
        pool.shutdown()
        with pytest.raises(RuntimeError, match="after shutdown"):
            run_futures([leaf("a")], {"default": pool})


class TestArguments:
    @pytest.mark.parametrize(
        ("executors", "options", "kind", "text"),
        [
            ({}, {}, ValueError, "at least one executor"),
            ({1: ThreadPoolExecutor(1)}, {}, TypeError, "spec keys"),
            ({"default": 3}, {}, TypeError, r"executors\['default'\]"),
            (ThreadPoolExecutor(1), {}, TypeError, "executors must be a mapping of spec keys"),
            ({"default": Client()}, {}, TypeError, r"hint: its get_executor\(\) gives one"),
            ({"default": ThreadPoolExecutor(1)}, {"in_flight": 0}, ValueError, "in_flight"),
            ({"default": ThreadPoolExecutor(1)}, {"window_size": 0}, ValueError, "window_size"),
            ({"default": ThreadPoolExecutor(1)}, {"poll_interval_sec": None}, TypeError, "poll_interval_sec"),
        ],
    )
    def test_bad_ones_are_refused_before_any_work(self, executors, options, kind, text):
        with pytest.raises(kind, match=text):
            run_futures([leaf("a")], executors, **options)
        assert [] == CREATED


class TestProcesses:
    def test_a_given_pool_is_used_and_left_alone(self, tmp_path):
        nodes = [Deed(name=f"n{number}", deed="await two") for number in range(2)]
        with spawned() as pool:
            with furu.using(path=tmp_path / "elsewhere"):
                run_futures([Deed(name="-top", needs=tuple(nodes)), Settled()], {"default": pool})
                assert "n0n1-top" == Deed(name="-top", needs=tuple(nodes)).get()
                assert f"{tmp_path / 'elsewhere'} True" == Settled().get()
            assert 3 == pool.submit(abs, -3).result()
        assert 2 == len(pids())
        assert os.getpid() not in pids()

    def test_a_pool_that_was_made_here_is_shut_down(self):
        make = Counted(1)
        run_futures([Deed(name="a")], {"default": make})
        assert 1 == len(make.made)
        with pytest.raises(RuntimeError, match="after shutdown"):
            make.made[0].submit(int)
        assert [] == multiprocessing.active_children()

    def test_a_pool_is_made_when_it_is_needed(self):
        make = Counted()
        run_futures([Deed(name="a")], {"default": Counted(1), "gpu": make})
        assert [] == make.made

    def test_one_that_was_made_here_is_made_again_when_it_breaks(self):
        make, heard = Counted(), Heard()
        bad = Deed(name="bad", deed="kill once")
        roots = [bad, *(Deed(name=f"n{number}", needs=(bad,)) for number in range(2))]
        run_futures(roots, {"default": make}, reporter=heard, poll_interval_sec=0.05)
        assert ["bad", "bad", "n0", "n1"] == sorted(created())
        assert ["crashed", "ok"] == endings(bad)
        assert "end bad worker lost" in heard.events
        assert 2 == len(make.made)

    def test_one_that_was_given_and_breaks_ends_the_run(self):
        with spawned(1) as pool, pytest.raises(BrokenExecutor) as caught:
            run_futures([Deed(name="bad", deed="kill once")], {"default": pool})
        assert [
            "given a callable that makes the executor, run_futures() goes on with a new one"
        ] == caught.value.__notes__
        assert ["crashed"] == endings(Deed(name="bad"))

    def test_a_node_that_breaks_every_pool_takes_no_other_one_with_it(self):
        """All in flight end with a pool; only the one that killed its worker is to blame."""
        make = Counted(1)
        good = [Deed(name=f"good{number}") for number in range(8)]
        with pytest.raises(FuruRunError) as caught:
            run_futures([Deed(name="bad", deed="exit"), *good], {"default": make}, on_error="continue")
        assert [f"Deed({Deed(name='bad').furu_hash})"] == list(caught.value.failed)
        assert all(each.exists() for each in good)
        assert 4 == created().count("bad")

    def test_a_pool_that_can_never_start_is_given_up(self):
        def make() -> Executor:
            return ProcessPoolExecutor(1, multiprocessing.get_context("spawn"), initializer=os._exit, initargs=(7,))

        with pytest.raises(furu.FuruComputeError, match="the executor broke"):
            run_futures([Deed(name="a")], {"default": make})
        assert [] == created()


class TestLoky:
    def test_its_executor_is_one_like_any_other(self):
        loky = pytest.importorskip("loky")
        roots = [Deed(name="-top", needs=tuple(Deed(name=f"n{number}", deed="await two") for number in range(2)))]
        executor = loky.ProcessPoolExecutor(2, context=loky.backend.get_context("loky"))
        try:
            run_futures(roots, {"default": executor})
        finally:
            executor.shutdown(wait=True, kill_workers=True)
        assert "n0n1-top" == roots[0].get()
        assert 2 == len(pids())

    def test_a_worker_that_dies_costs_an_attempt(self):
        loky = pytest.importorskip("loky")
        bad = Deed(name="bad", deed="kill once")
        run_futures([bad], {"default": lambda: loky.ProcessPoolExecutor(1, context=loky.backend.get_context("loky"))})
        assert ["crashed", "ok"] == endings(bad)
