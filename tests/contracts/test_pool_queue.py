"""What the queue of a pool promises, kept by the one in files and by the one in memory."""

from __future__ import annotations

import os
import threading
from collections import Counter
from pathlib import Path

import pytest

from furu.execution.pool.queue import FileQueue, TaskName
from furu.storage.atomic import DISK
from furu.storage.pool_layout import PoolPaths, file_name_of
from tests.support.memory_queue import MemoryQueue
from tests.support.pool_names import task, worker

KEYS = ["default", "gpu/a100", "..", ".hidden"]


@pytest.fixture(params=["file", "memory"])
def open_queue(request, tmp_path):
    """Gives a queue; the same one in other words, each time: a controller and workers share nothing but the place."""
    if request.param == "memory":
        queue = MemoryQueue()
        return lambda: queue

    def open_one() -> FileQueue:
        queue = FileQueue(PoolPaths(str(tmp_path / "pool")), DISK)
        queue.prepare(KEYS)
        return queue

    return open_one


def anything(name: TaskName) -> bool:
    return True


def test_a_task_goes_to_one_worker_and_comes_back_ended_once(open_queue):
    controller, first, second = open_queue(), open_queue(), open_queue()
    first.enter(worker("a"))
    second.enter(worker("b"))
    controller.put(task(1), "default", "what to do")
    claim = first.claim("a", "default", anything)
    assert (task(1), "what to do") == claim
    assert None is second.claim("b", "default", anything)
    assert {"a": [task(1)]} == controller.claims()
    assert [] == controller.ends()
    first.end("a", task(1), "compute failed", "how")
    assert [(task(1), "how")] == controller.ends()
    assert [] == controller.ends()
    assert {} == controller.claims()


def test_s225_a_worker_gets_tasks_of_exactly_its_key_lowest_number_first(open_queue):
    controller, own = open_queue(), open_queue()
    own.enter(worker("a"))
    for number, key in enumerate([*KEYS, *KEYS], 1):
        controller.put(task(number), key, key)
    for position, key in enumerate(KEYS, 1):
        found = [own.claim("a", key, anything) for _ in range(3)]
        assert [(task(position), key), (task(position + len(KEYS)), key), None] == found
    assert None is own.claim("a", "gpu", anything)


def test_a_worker_takes_what_it_accepts_and_leaves_the_rest_to_others(open_queue):
    controller, picky, other = open_queue(), open_queue(), open_queue()
    for each in (task(1, 100), task(2, 5), task(3, 100)):
        controller.put(each, "default", "")
    picky.enter(worker("a"))
    other.enter(worker("b"))
    assert task(2, 5) == picky.claim("a", "default", lambda name: name.need_sec < 10).name
    assert None is picky.claim("a", "default", lambda name: name.need_sec < 10)
    assert task(1, 100) == other.claim("b", "default", anything).name
    assert task(3, 100) == picky.claim("a", "default", anything).name


def test_a_waiting_task_can_be_taken_back_and_a_claimed_one_not(open_queue):
    controller, own = open_queue(), open_queue()
    own.enter(worker("a"))
    controller.put(task(1), "default", "")
    controller.put(task(2), "default", "")
    own.claim("a", "default", anything)
    assert not controller.withdraw(task(1), "default")
    assert controller.withdraw(task(2), "default")
    assert not controller.withdraw(task(2), "default")
    assert None is own.claim("a", "default", anything)


def test_what_is_revoked_can_not_end_and_what_has_ended_can_not_be_revoked(open_queue):
    controller, own = open_queue(), open_queue()
    own.enter(worker("a"))
    for number in (1, 2):
        controller.put(task(number), "default", "")
        own.claim("a", "default", anything)
    assert controller.revoke("a", task(1))
    assert not controller.revoke("a", task(1))
    own.end("a", task(1), "succeeded", "too late")
    own.end("a", task(2), "succeeded", "in time")
    assert not controller.revoke("a", task(2))
    assert [(task(2), "in time")] == controller.ends()


def test_a_worker_gives_back_what_it_did_not_begin(open_queue):
    controller, own, other = open_queue(), open_queue(), open_queue()
    own.enter(worker("a"))
    other.enter(worker("b"))
    controller.put(task(1), "gpu/a100", "x")
    own.claim("a", "gpu/a100", anything)
    own.give_back("a", "gpu/a100", task(1))
    assert {} == controller.claims()
    assert (task(1), "x") == other.claim("b", "gpu/a100", anything)


def test_a_task_that_was_revoked_is_not_given_back(open_queue):
    controller, own = open_queue(), open_queue()
    own.enter(worker("a"))
    controller.put(task(1), "default", "")
    own.claim("a", "default", anything)
    controller.revoke("a", task(1))
    own.give_back("a", "default", task(1))
    assert None is own.claim("a", "default", anything)


def test_workers_enter_beat_and_leave(open_queue):
    controller, own = open_queue(), open_queue()
    assert [] == controller.workers()
    own.enter(worker("a", job_id="7_1", restarts=2))
    own.enter(worker("b"))
    first, other = controller.workers()
    assert worker("a", job_id="7_1", restarts=2) == first.record
    assert not first.has_left
    if isinstance(own, FileQueue):  # a clock of the filesystem that does not tick so fast
        os.utime(own.paths.worker("a"), (1, 1))
    else:
        own.beat("a")
    again, unchanged = controller.workers()
    assert first.beat != again.beat
    assert other == unchanged
    own.leave("a")
    own.leave("a")
    assert [True, False] == [sight.has_left for sight in controller.workers()]
    assert worker("a", job_id="7_1", restarts=2) == open_queue().workers()[0].record


def test_one_worker_is_dismissed_and_closing_dismisses_all(open_queue):
    controller, own = open_queue(), open_queue()
    for name in "ab":
        own.enter(worker(name))
    assert [False, False] == [own.shall_leave(name) for name in "ab"]
    controller.dismiss("a")
    controller.dismiss("a")
    assert [True, False] == [own.shall_leave(name) for name in "ab"]
    controller.close()
    controller.close()
    assert [True, True] == [own.shall_leave(name) for name in "ab"]


def test_many_workers_at_once_get_each_task_once(open_queue):
    controller = open_queue()
    for number in range(300):
        controller.put(task(number), "default", str(number))
    found: list[TaskName] = []

    def work(name: str) -> None:
        own = open_queue()
        own.enter(worker(name))
        while (claim := own.claim(name, "default", anything)) is not None:
            assert str(claim.name.number) == claim.payload
            found.append(claim.name)
            own.end(name, claim.name, "succeeded", "")

    threads = [threading.Thread(target=work, args=(f"w{number}",)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert {1} == set(Counter(found).values())
    assert [task(number) for number in range(300)] == [end.name for end in controller.ends()]


def test_withdraw_and_claim_at_once_have_one_winner(open_queue):
    controller = open_queue()
    for number in range(200):
        controller.put(task(number), "default", "")
    claimed: list[TaskName] = []

    def work() -> None:
        own = open_queue()
        own.enter(worker("a"))
        while (claim := own.claim("a", "default", anything)) is not None:
            claimed.append(claim.name)

    thread = threading.Thread(target=work)
    thread.start()
    taken_back = [task(number) for number in reversed(range(200)) if controller.withdraw(task(number), "default")]
    thread.join(60)
    assert [task(number) for number in range(200)] == sorted([*taken_back, *claimed])


# ---------------------------------------------------------------- only in files


@pytest.fixture
def queue(tmp_path) -> FileQueue:
    queue = FileQueue(PoolPaths(str(tmp_path / "pool")), DISK)
    queue.prepare(KEYS)
    return queue


def test_half_written_and_foreign_files_are_no_tasks(queue):
    queue.enter(worker("a"))
    for directory in (queue.paths.todo_of("default"), queue.paths.ended, queue.paths.claimed_by("a")):
        for name in (f"{task(1)}.put.tmp", ".nfs0001", "README", f"{task(2)}x"):
            Path(directory, name).touch()
    assert None is queue.claim("a", "default", anything)
    assert {} == queue.claims()


def test_facts_without_an_end_are_no_end(queue):
    """A worker that was killed between the two steps of an end still has its task."""
    for name in (f"{task(1)}.json", f"{task(1)}.json.a.tmp"):
        Path(queue.paths.ended, name).write_text("{}")
    assert [] == queue.ends()


def test_an_old_listing_of_many_taken_tasks_is_given_up(queue):
    other = FileQueue(queue.paths, DISK)
    queue.enter(worker("a"))
    other.enter(worker("b"))
    for number in range(200):
        queue.put(task(number), "default", "")
    queue.claim("a", "default", anything)
    while other.claim("b", "default", anything) is not None:
        pass
    queue.put(task(500), "default", "")
    assert task(500) == queue.claim("a", "default", anything).name


@pytest.mark.parametrize("spec_key", KEYS)
def test_any_spec_key_is_one_name_in_a_directory(spec_key):
    name = file_name_of(spec_key)
    assert "/" not in name
    assert not name.startswith(".")


@pytest.mark.parametrize("text", ["", "1-2-3", f"{1:08d}-{'g' * 32}-0", f"{task(1)}\n", f"{task(1)}.tmp"])
def test_what_is_no_task_name(text):
    assert None is TaskName.parse(text)
    assert task(12, 30) == TaskName.parse(str(task(12, 30)))
