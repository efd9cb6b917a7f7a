"""What an idle worker costs: nothing. Counted in looks at the schedule, which every wake-up takes."""

from __future__ import annotations

import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from furu.execution import run_local
from furu.execution.scheduling.schedule import Schedule
from tests.support import graphs
from tests.support.deeds import Deed
from tests.support.graphs import PATIENCE_SEC, Gate, Heard, Node, chain, leaf


class Looks:
    """Looks at the schedule, by kind of thread."""

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()

    def note(self) -> None:
        is_worker = threading.current_thread().name.startswith("furu-worker")
        self.counts["worker" if is_worker else "caller"] += 1


@pytest.fixture
def looks(monkeypatch) -> Looks:
    looks = Looks()

    class Watched(Schedule):
        def take(self, *arguments: Any) -> Any:
            looks.note()
            return super().take(*arguments)

    monkeypatch.setattr("furu.execution.run.Schedule", Watched)
    return looks


def test_while_nothing_happens_nobody_looks(looks):
    gate = Gate()
    graphs.DOES["slow"] = gate
    heard = Heard()
    with ThreadPoolExecutor(1) as pool:
        roots = [leaf("slow"), leaf("a"), leaf("b")]
        run = pool.submit(run_local, roots, max_workers=4, poll_interval_sec=0.001, reporter=heard)
        gate.await_arrivals()
        heard.await_event("end b succeeded")
        threading.Event().wait(0.1)
        before = looks.counts.copy()
        threading.Event().wait(0.3)
        assert before == looks.counts
        gate.open()
        run.result(PATIENCE_SEC)


def test_a_chain_wakes_no_second_worker(looks):
    """Four workers sleep; each node makes one other ready, which the worker that ended it takes itself."""
    start = [leaf(f"l{number}") for number in range(4)]
    gate = threading.Barrier(4)
    graphs.DOES.update({node.name: lambda: gate.wait(PATIENCE_SEC) for node in start})
    top: Node = Node(name="first", needs=tuple(start))
    for number in range(100):
        top = Node(name=f"c{number}", needs=(top,))
    run_local([top], max_workers=4)
    assert 105 == len(graphs.CREATED)
    assert looks.counts["worker"] <= 105 + 2 * 4
    assert looks.counts["caller"] <= 3


def test_what_a_limit_holds_back_wakes_nobody_and_starts_no_thread(looks):
    names = set()
    nodes = [leaf(str(number), key="gpu") for number in range(50)]
    graphs.DOES.update({node.name: lambda: names.add(threading.current_thread().name) for node in nodes})
    run_local(nodes, max_workers=8, limits={"gpu": 1})
    assert {"furu-worker-1"} == names
    assert looks.counts["worker"] <= 50 + 2


def test_workers_sleep_while_another_owner_is_awaited(looks, start):
    owner = start("Deed(name='busy', deed='listen').get()")
    owner.expect("creating")
    heard = Heard()
    with ThreadPoolExecutor(1) as pool:
        roots = [Deed(name="busy"), leaf("a"), leaf("b")]
        run = pool.submit(run_local, roots, max_workers=3, poll_interval_sec=0.02, reporter=heard)
        heard.await_event("end b succeeded")
        threading.Event().wait(0.1)
        before = looks.counts.copy()
        threading.Event().wait(0.3)
        since = looks.counts - before
        owner.tell("go on")
        run.result(PATIENCE_SEC)
    assert 0 == since["worker"]
    assert 2 <= since["caller"] <= 20


def test_no_more_threads_than_work(looks):
    names = set()
    nodes = chain(10)
    graphs.DOES.update({node.name: lambda: names.add(threading.current_thread().name) for node in nodes})
    run_local(nodes[-1:], max_workers=8)
    assert {"furu-worker-1"} == names
