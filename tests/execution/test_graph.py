"""Readiness of a graph: what is handed out when, what is given up, and what the caller gets wrong."""

from __future__ import annotations

import graphlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from furu.errors import FuruDependencyCycle
from furu.execution.scheduling.graph import GraphMisuse, ReadyGraph, Walk

DIAMOND = {"top": ("left", "right"), "left": ("base",), "right": ("base",), "base": ()}


def graph_of(deps: dict[str, tuple[str, ...]]) -> ReadyGraph:
    graph = ReadyGraph()
    for node, needed in deps.items():
        graph.add(node, needed)
    return graph


class TestWalk:
    def test_puts_dependencies_first_and_hands_out_what_needs_nothing(self) -> None:
        assert graph_of(DIAMOND).walk("top") == Walk(["base", "left", "right", "top"], ["base"], [])

    def test_follows_the_order_in_which_dependencies_are_given(self) -> None:
        graph = graph_of({"r": ("z", "a", "m", "a"), "a": (), "m": (), "z": ()})
        assert graph.walk("r") == Walk(["z", "a", "m", "r"], ["z", "a", "m"], [])

    def test_takes_in_a_shared_node_once(self) -> None:
        graph = graph_of({"r1": ("base",), "r2": ("base",), "base": ()})
        assert graph.walk("r1").order == ["base", "r1"]
        assert graph.walk("r2") == Walk(["r2"], [], [])
        assert graph.walk("r2") == Walk([], [], [])
        assert graph.done("base") == ["r1", "r2"]

    def test_a_dependency_that_is_done_already_holds_nothing_up(self) -> None:
        graph = graph_of({"r1": ("base",), "r2": ("base",), "base": ()})
        graph.walk("r1")
        graph.done("base")
        assert graph.walk("r2").ready == ["r2"]

    def test_meets_failed_nodes_and_gives_up_what_needs_them(self) -> None:
        graph = graph_of({"base": (), "r1": ("base",), "r2": ("mid", "free"), "mid": ("r1",), "free": ()})
        graph.walk("r1")
        graph.failed("base")
        assert graph.walk("r2") == Walk(["mid", "free", "r2"], ["free"], ["mid", "r2"])

    def test_nodes_that_no_root_needs_are_never_handed_out(self) -> None:
        graph = graph_of({"base": (), "r": ("base",), "other": ("base",)})
        graph.walk("r")
        assert graph.done("base") == ["r"]

    def test_depth_is_no_limit(self) -> None:
        graph = graph_of({str(i): (str(i - 1),) if i else () for i in range(20_000)})
        assert graph.walk("19999").order == [str(i) for i in range(20_000)]
        assert len(graph.failed("0")) == 19_999


class TestCycles:
    @pytest.mark.parametrize(
        ("deps", "ring"),
        [
            pytest.param({"a": ("a",)}, ("a", "a"), id="itself"),
            pytest.param({"a": ("b",), "b": ("a",)}, ("a", "b", "a"), id="two"),
            pytest.param(
                {"a": ("leaf", "b"), "leaf": (), "b": ("c",), "c": ("d", "leaf"), "d": ("b",)},
                ("b", "c", "d", "b"),
                id="below the root",
            ),
        ],
    )
    def test_are_named_in_order(self, deps: dict[str, tuple[str, ...]], ring: tuple[str, ...]) -> None:
        with pytest.raises(FuruDependencyCycle) as caught:
            graph_of(deps).walk("a")
        assert ring == caught.value.cycle

    def test_through_what_was_walked_before_are_found_by_again(self) -> None:
        """A walk stops at known nodes; `again` must not."""
        graph = graph_of({"shared": (), "known": ("shared",), "new": ("known",)})
        graph.walk("known")
        with pytest.raises(FuruDependencyCycle) as caught:
            graph.again("shared", ("new",))
        assert caught.value.cycle == ("shared", "new", "known", "shared")
        assert graph.done("shared") == ["known"], "and the graph is as it was"


class TestEnds:
    def test_done_hands_out_each_node_once_and_only_when_all_it_needs_is_done(self) -> None:
        graph = graph_of(DIAMOND)
        graph.walk("top")
        answers = [graph.done(node) for node in ("base", "right", "left", "top")]
        assert answers == [["left", "right"], [], ["top"], []]

    def test_failed_gives_up_each_descendant_once(self) -> None:
        graph = graph_of(
            {"a": (), "b": (), "both": ("a", "b"), "end": ("both",), "only b": ("b",), "r": ("end", "only b")}
        )
        graph.walk("r")
        assert graph.failed("a") == ["both", "end", "r"]
        assert graph.failed("b") == ["only b"]

    def test_a_doomed_node_is_not_handed_out_when_the_rest_is_done(self) -> None:
        graph = graph_of({"a": (), "b": (), "both": ("a", "b")})
        graph.walk("both")
        graph.failed("a")
        assert graph.done("b") == []

    def test_causes_name_every_failed_node_that_is_needed(self) -> None:
        graph = graph_of({"a": (), "b": (), "c": (), "ab": ("a", "b"), "end": ("ab", "c"), "r": ("end",)})
        graph.walk("r")
        graph.failed("b")
        graph.failed("a")
        graph.done("c")
        assert graph.causes() == {"ab": ("b", "a"), "end": ("b", "a"), "r": ("b", "a")}


class TestAgain:
    def test_waits_for_new_dependencies(self) -> None:
        graph = graph_of({"theirs": (), "r": ("theirs",)})
        graph.walk("r")
        graph.add("below", ("bottom",))
        graph.add("bottom")
        assert graph.again("theirs", ("below",)) == Walk(["bottom", "below", "theirs"], ["bottom"], [])
        assert [graph.done(node) for node in ("bottom", "below", "theirs")] == [["below"], ["theirs"], ["r"]]

    def test_is_ready_at_once_when_they_are_done(self) -> None:
        graph = graph_of({"base": (), "theirs": (), "r": ("base", "theirs")})
        graph.walk("r")
        graph.done("base")
        assert graph.again("theirs", ("base",)) == Walk(["theirs"], ["theirs"], [])

    def test_dooms_what_waits_for_it_when_one_has_failed(self) -> None:
        graph = graph_of({"base": (), "theirs": (), "r": ("theirs",), "r2": ("base",)})
        graph.walk("r")
        graph.walk("r2")
        graph.failed("base")
        graph.add("below", ("base",))
        assert graph.again("theirs", ("below",)).doomed == ["below", "theirs", "r"]
        assert graph.causes() == {"below": ("base",), "theirs": ("base",), "r": ("base",), "r2": ("base",)}

    def test_with_an_unknown_dependency_changes_nothing(self) -> None:
        graph = graph_of({"theirs": ()})
        graph.walk("theirs")
        with pytest.raises(GraphMisuse, match="theirs depends on nobody, which was never added"):
            graph.again("theirs", ("nobody",))
        assert graph.done("theirs") == []


class TestMisuse:
    """Each mistake has a sentence of its own."""

    def test_added_twice(self) -> None:
        with pytest.raises(GraphMisuse, match=r"^a was added twice"):
            graph_of({"a": ()}).add("a")

    def test_unknown_root(self) -> None:
        with pytest.raises(GraphMisuse, match=r"^a was never added"):
            ReadyGraph().walk("a")

    def test_unknown_dependency(self) -> None:
        with pytest.raises(GraphMisuse, match=r"^a depends on b, which was never added"):
            graph_of({"a": ("b",)}).walk("a")

    @pytest.mark.parametrize("verb", ["done", "failed", "again"])
    @pytest.mark.parametrize(
        ("node", "sentence"),
        [
            pytest.param("nobody", "nobody was never added", id="unknown"),
            pytest.param("apart", "apart was never walked", id="not walked"),
            pytest.param("waits", "waits was never handed out: it still waits for dependencies", id="waiting"),
            pytest.param("fine", "fine was already done", id="done"),
            pytest.param("bad", "bad already failed", id="failed"),
            pytest.param("lost", "lost was never handed out: a dependency of it failed", id="doomed"),
        ],
    )
    def test_ends_of_what_was_not_handed_out(self, verb: str, node: str, sentence: str) -> None:
        graph = graph_of({"fine": (), "open": (), "bad": (), "waits": ("open",), "lost": ("bad",), "apart": ()})
        for root in ("waits", "lost", "fine"):
            graph.walk(root)
        graph.done("fine")
        graph.failed("bad")
        arguments = [node, ()] if verb == "again" else [node]
        with pytest.raises(GraphMisuse, match=f"^{sentence}"):
            getattr(graph, verb)(*arguments)


@st.composite
def dags(draw: st.DrawFn) -> dict[str, tuple[str, ...]]:
    size = draw(st.integers(1, 12))
    names = draw(st.permutations([f"n{i:02}" for i in range(size)]))
    return {
        name: tuple(draw(st.lists(st.sampled_from(names[:i]), unique=True, max_size=4))) if i else ()
        for i, name in enumerate(names)
    }


@given(deps=dags(), data=st.data())
def test_agrees_with_graphlib_whatever_the_order_of_ends(deps: dict[str, tuple[str, ...]], data: st.DataObject) -> None:
    ours, theirs = graph_of(deps), graphlib.TopologicalSorter(deps)
    theirs.prepare()
    handed_out = {node for root in deps for node in ours.walk(root).ready}
    theirs_ready: set[str] = set()
    while theirs.is_active():
        theirs_ready |= set(theirs.get_ready())
        assert theirs_ready == handed_out
        node = data.draw(st.sampled_from(sorted(handed_out)))
        theirs.done(node)
        theirs_ready.remove(node)
        handed_out.remove(node)
        handed_out.update(ours.done(node))
    assert not handed_out


@given(deps=dags(), data=st.data())
def test_ends_hand_out_or_give_up_every_node_exactly_once(
    deps: dict[str, tuple[str, ...]], data: st.DataObject
) -> None:
    graph = graph_of(deps)
    roots = data.draw(st.permutations(sorted(deps)))
    handed_out = [node for root in roots for node in graph.walk(root).ready]
    waiting, doomed, failed = list(handed_out), [], []
    while waiting:
        node = waiting.pop(data.draw(st.integers(0, len(waiting) - 1)))
        if data.draw(st.booleans()):
            new = graph.done(node)
            handed_out += new
            waiting += new
        else:
            doomed += graph.failed(node)
            failed.append(node)
    assert sorted(handed_out + doomed) == sorted(deps)
    assert graph.causes() == {node: tuple(bad for bad in failed if bad in ancestors(deps, node)) for node in doomed}


def ancestors(deps: dict[str, tuple[str, ...]], node: str) -> set[str]:
    return set(deps[node]).union(*(ancestors(deps, dep) for dep in deps[node]))
