"""A worker's loop, with a queue in memory and a clock of the test's own."""

from __future__ import annotations

import json

import pytest

from furu.execution.pool.worker import Worker, WorkerOrders
from furu.execution.scheduling.outcomes import Outcome
from furu.execution.worker import NodeEnd
from furu.lifecycle.signals import FuruTerminated
from tests.support.memory_queue import MemoryQueue
from tests.support.pool_names import task, worker

IDLE_SEC = 20.0


def succeed(payload: str) -> str:
    return json.dumps(NodeEnd(Outcome.SUCCEEDED, 1.0, is_computed=True).to_json())


class Scene:
    """One worker; time passes only while it sleeps or works."""

    def __init__(self) -> None:
        self.queue = MemoryQueue()
        self.now = 0.0
        self.naps: list[float] = []
        self.ran: list[str] = []
        self.work = succeed
        self.work_sec = 0.0
        self.left_sec: float | None = None
        self.adopted_by: str | None = None
        self.at: dict[float, object] = {}
        orders = WorkerOrders(pool="here", spec_key="gpu", ticket="t", idle_timeout_sec=IDLE_SEC, beat_sec=60)
        self.worker = Worker(
            self.queue,
            orders,
            worker("w", spec_key="gpu"),
            adopted_by=lambda: self.adopted_by,
            run=self._run,
            now=lambda: self.now,
            sleep=self._sleep,
            left_sec=lambda: self.left_sec,
        )

    def _run(self, payload: str) -> str:
        self.ran.append(payload)
        self._pass(self.work_sec)
        return self.work(payload)

    def _sleep(self, seconds: float) -> None:
        self.naps.append(seconds)
        self._pass(seconds)

    def _pass(self, seconds: float) -> None:
        self.now += seconds
        if self.left_sec is not None:
            self.left_sec -= seconds
        for moment in [moment for moment in self.at if moment <= self.now]:
            self.at.pop(moment)()

    def put(self, *numbers: int, key: str = "gpu", need_sec: int = 0) -> None:
        for number in numbers:
            self.queue.put(task(number, need_sec), key, f"do {number}")

    def has_left(self) -> bool:
        return self.queue.workers()[0].has_left


@pytest.fixture
def scene() -> Scene:
    return Scene()


def test_it_does_all_tasks_of_its_key_in_order_and_leaves_after_the_idle_time(scene):
    """S225, S227."""
    scene.put(2, 1, 3)
    scene.put(4, key="default")
    assert None is scene.worker.run()
    assert ["do 1", "do 2", "do 3"] == scene.ran
    assert [(task(number), Outcome.SUCCEEDED) for number in (1, 2, 3)] == scene.queue.outcomes
    assert IDLE_SEC == pytest.approx(scene.now)
    assert scene.has_left()


def test_each_task_starts_the_idle_time_anew(scene):
    scene.at[IDLE_SEC - 1] = lambda: scene.put(1)
    scene.worker.run()
    assert ["do 1"] == scene.ran
    assert 2 * IDLE_SEC - 2 < scene.now


def test_it_looks_often_at_first_and_then_once_a_second_or_so(scene):
    scene.worker.run()
    assert scene.naps[0] < 0.01
    assert 0.5 < max(scene.naps[:-1]) <= 1.3
    assert len(scene.naps) < 200


def test_dismissed_it_leaves_when_there_is_nothing_to_do(scene):
    scene.put(1, 2)
    scene.queue.dismiss("w")
    scene.worker.run()
    assert ["do 1", "do 2"] == scene.ran
    assert 0 == scene.now


def test_adopted_it_goes_on_with_the_other_pool_after_what_is_queued_here(scene):
    scene.put(1)
    scene.adopted_by = "there"
    assert "there" == scene.worker.run()
    assert ["do 1"] == scene.ran
    assert scene.has_left()


def test_adopted_by_a_pool_that_can_not_use_it_it_leaves(scene):
    scene.adopted_by = ""
    assert None is scene.worker.run()
    assert 0 == scene.now


class TestWithATimeLimit:
    def test_the_first_task_is_taken_whatever_it_needs(self, scene):
        scene.left_sec = 200
        scene.put(1, need_sec=10_000)
        scene.worker.run()
        assert ["do 1"] == scene.ran

    def test_a_task_that_needs_more_than_is_left_waits_for_another_worker(self, scene):
        scene.left_sec, scene.work_sec = 600, 100
        scene.put(1, 2, 3, 4, need_sec=100)
        scene.put(5, need_sec=1)
        scene.worker.run()
        # 600 s are left for the first, 500 and 400 for the next; what counts ends 90 s before the limit.
        assert ["do 1", "do 2", "do 3", "do 4", "do 5"] == scene.ran
        scene.put(6, need_sec=100)
        assert {} == scene.queue.claims()

    @pytest.mark.parametrize(("left_sec", "expected"), [(190.0, ["do 1", "do 2"]), (189.9, ["do 1"])])
    def test_at_the_boundary(self, scene, left_sec, expected):
        scene.left_sec = left_sec
        scene.put(1)
        scene.put(2, need_sec=100)
        scene.worker.run()
        assert expected == scene.ran

    def test_it_leaves_at_once_when_only_long_tasks_wait_so_that_a_fresh_one_can_come(self, scene):
        scene.left_sec = 120
        scene.put(1)
        scene.put(2, need_sec=3600)
        scene.worker.run()
        assert ["do 1"] == scene.ran
        assert 0 == scene.now

    def test_short_tasks_behind_long_ones_are_done(self, scene):
        scene.left_sec = 120
        scene.put(1)
        scene.put(2, need_sec=3600)
        scene.put(3, need_sec=5)
        scene.worker.run()
        assert ["do 1", "do 3"] == scene.ran

    def test_an_unknown_need_is_taken(self, scene):
        scene.left_sec = 1
        scene.put(1, 2)
        scene.worker.run()
        assert ["do 1", "do 2"] == scene.ran


class TestInterrupted:
    def test_at_work_it_says_preempted_and_goes(self, scene):
        def stop(payload: str) -> str:
            raise FuruTerminated(143)

        scene.put(1, 2)
        scene.work = stop
        with pytest.raises(FuruTerminated) as caught:
            scene.worker.run()
        assert 143 == caught.value.code
        assert [(task(1), Outcome.PREEMPTED)] == scene.queue.outcomes
        assert {} == scene.queue.claims()
        assert scene.has_left()

    def test_sys_exit_of_a_node_is_the_failure_of_that_node(self, scene):
        def leave(payload: str) -> str:
            raise SystemExit(3)

        scene.put(1, 2)
        scene.work = leave
        scene.worker.run()
        assert [Outcome.COMPUTE_FAILED] * 2 == [outcome for _, outcome in scene.queue.outcomes]

    def test_idle_it_just_leaves(self, scene):
        def stop() -> None:
            raise FuruTerminated(143)

        scene.at[3] = stop
        with pytest.raises(FuruTerminated):
            scene.worker.run()
        assert scene.has_left()


def test_orders_survive_the_command_line():
    orders = WorkerOrders(pool="/a b", spec_key="--gpu x", ticket="ab.1", idle_timeout_sec=0.5, beat_sec=2.0)
    argv = orders.to_argv()
    assert all(word.startswith("--") and "=" in word for word in argv)
    assert "--spec-key=--gpu x" in argv
