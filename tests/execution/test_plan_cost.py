"""S151: what planning costs, counted in calls on the filesystem and in steps, not in seconds."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from furu.execution import Status, build_plan, topo_order_todo
from furu.storage.records import SuccessRecord, render
from tests.evolution.stores import TOKEN
from tests.support import graphs
from tests.support.graphs import Node, chain, leaf

if TYPE_CHECKING:
    from collections.abc import Callable

_CALLS = {"open", "os.listdir", "os.scandir"}  # audit events; os.stat has none, so it is counted where it is called


class Calls:
    """Calls on the filesystem below the store, by name."""

    def __init__(self, root: str) -> None:
        self.root = root
        self.counts: dict[str, int] = {}
        self.is_on = True

    def count(self, name: str, args: tuple[Any, ...]) -> None:
        if self.is_on and args and isinstance(args[0], str) and args[0].startswith(self.root):
            self.counts[name] = self.counts.get(name, 0) + 1


@pytest.fixture
def calls(own_store, monkeypatch) -> Any:
    counted = Calls(str(own_store))

    def counting(name: str) -> Callable[..., Any]:
        real = getattr(os, name)

        def call(*args: Any, **options: Any) -> Any:
            counted.count(name, args)
            return real(*args, **options)

        return call

    for name in ("stat", "lstat"):
        monkeypatch.setattr(os, name, counting(name))
    sys.addaudithook(lambda event, args: counted.count(event, args) if event in _CALLS else None)
    yield counted
    counted.is_on = False  # an audit hook can't be taken away


def publish(nodes: list[Node]) -> None:
    """Let all be done, quicker than by computing them."""
    sample = str(leaf("sample")._base_furu_dir())
    os.makedirs(sample)
    Path(f"{sample}/SUCCESS.json").write_bytes(render(SuccessRecord(TOKEN, None, 1.0, [])))
    for node in nodes:
        base = f"{os.path.dirname(sample)}/{node.furu_hash}"
        os.mkdir(base)
        os.link(f"{sample}/SUCCESS.json", f"{base}/SUCCESS.json")


def test_s151_ten_thousand_missing_nodes_take_a_few_calls(calls):
    roots = graphs.layers(100, 100)
    plan = build_plan(roots)
    assert 10_000 == len(plan.nodes)
    assert 10_000 == len(topo_order_todo(plan))
    assert sum(calls.counts.values()) < 10


def test_s151_a_long_chain_is_one_listing_too(calls):
    plan = build_plan(chain(5_000)[-1:])
    assert 5_000 == len(plan.nodes)
    assert sum(calls.counts.values()) < 400


@pytest.mark.parametrize("size", [1_000, pytest.param(10_000, marks=pytest.mark.slow)])
def test_s151_many_finished_nodes_take_one_listing_and_one_more_call_each(calls, size):
    nodes = [leaf(f"n{number}") for number in range(size)]
    publish(nodes)
    calls.counts.clear()
    plan = build_plan(nodes)
    assert {Status.DONE: size} == plan.counts()
    assert size == calls.counts.pop("stat") - 1
    assert {"os.listdir": 1} == calls.counts


def test_a_few_nodes_of_a_large_class_are_asked_for_one_by_one(calls):
    publish([leaf(f"n{number}") for number in range(500)])
    calls.counts.clear()
    assert {Status.DONE: 2} == build_plan([leaf("n1"), leaf("n2")]).counts()
    assert {"stat": 2} == calls.counts


def steps_of(function: Callable[[], object]) -> int:
    """How many lines of Python run in it."""
    steps = 0

    def trace(frame: Any, event: str, argument: Any) -> Any:
        nonlocal steps
        steps += event == "line"
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        function()
    finally:
        sys.settrace(before)
    return steps


@pytest.mark.parametrize(
    "graph",
    [
        pytest.param(lambda size: graphs.layers(10, size // 10), id="layers"),
        pytest.param(lambda size: chain(size)[-1:], id="chain"),
        pytest.param(lambda size: [leaf(str(number)) for number in range(size)], id="leaves"),
    ],
)
def test_s151_work_grows_as_nodes_and_edges_do(graph):
    def steps(size: int) -> int:
        roots = graph(size)
        assert roots[-1].furu_hash  # of all: identity isn't what is counted
        return steps_of(lambda: topo_order_todo(build_plan(roots)))

    steps(10)
    small, large = steps(200), steps(800)
    assert large < 4.4 * small
