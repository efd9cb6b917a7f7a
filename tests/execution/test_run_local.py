"""S160-S170, S176-S180: `run_local` on threads; each needed node once, dependencies first, as parallel as allowed."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

import furu
from furu import EXEC_CONTEXT, ExecContext
from furu.execution import run_local
from tests.support import graphs
from tests.support.graphs import CREATED, PATIENCE_SEC, Checked, Declaring, Gate, Heard, Node, Other, chain, leaf


class TestEachOnce:
    def test_s160_each_needed_node_once_dependencies_first(self):
        a = leaf("a")
        b, c = Node(name="b", needs=(a,)), Node(name="c", needs=(a,))
        top = Node(name="top", needs=(b, c))
        assert run_local([top]) is None  # type: ignore[func-returns-value]
        assert ["a", "b", "c", "top"] == [CREATED[0], *sorted(CREATED[1:3]), *CREATED[3:]]
        assert 5 == top.get()
        assert 4 == len(CREATED)

    def test_s160_nothing_to_do_is_fine(self, own_store):
        run_local([])
        assert [] == CREATED

    def test_s162_finished_nodes_are_untouched(self):
        a = leaf("a")
        a.get()
        before = (a._base_furu_dir() / "SUCCESS.json").stat()
        run_local([a, Node(name="b", needs=(a,))])
        assert ["a", "b"] == CREATED
        assert before == (a._base_furu_dir() / "SUCCESS.json").stat()

    def test_s163_duplicates_and_equal_configs_are_one(self):
        run_local([leaf("a"), leaf("a"), Node(name="b", needs=(leaf("a"), leaf("a")))])
        assert ["a", "b"] == CREATED

    def test_s165_declared_dependencies_are_computed_first(self):
        run_local([Declaring(name="d")])
        assert ["declared", "d"] == CREATED

    def test_s179_a_wide_fan_is_complete(self):
        leaves = [leaf(f"l{number}") for number in range(40)]
        run_local([Node(name="top", needs=tuple(leaves))])
        assert {f"l{number}" for number in range(40)} == set(CREATED[:40])
        assert ["top"] == CREATED[40:]

    def test_s180_a_chain_is_computed_in_order(self):
        run_local(chain(20)[-1:])
        assert [f"n{number}" for number in range(20)] == CREATED

    def test_a_run_ends_its_threads(self):
        before = threading.active_count()
        run_local(graphs.layers(6, 3))
        assert before >= threading.active_count() - 1  # furu's heart may beat once more


class TestContext:
    def test_s161_each_node_has_its_own_and_the_caller_none(self):
        seen: dict[str, tuple[ExecContext, bool]] = {}
        nodes = [leaf("a", key="gpu"), leaf("b")]
        for node in nodes:
            graphs.DOES[node.name] = lambda name=node.name: seen.update(
                {name: (EXEC_CONTEXT.get(), threading.current_thread() is threading.main_thread())}
            )
        run_local(nodes, max_workers=1)
        assert {
            "a": (ExecContext("executor", "gpu", "local", nodes[0].furu_hash), False),
            "b": (ExecContext("executor", "default", "local", nodes[1].furu_hash), False),
        } == seen
        assert "interactive" == EXEC_CONTEXT.get().mode

    def test_s164_mixed_spec_keys_all_run_here(self):
        heard = Heard()
        run_local([Node(name="top", needs=(leaf("a", key="gpu"),), key="cpu")], reporter=heard)
        assert ["start a", "end a succeeded", "start top", "end top succeeded"] == heard.events
        assert heard.report is not None
        assert 2 == len(heard.report.succeeded)


class TestParallel:
    @pytest.mark.parametrize("max_workers", [1, 2, 5])
    def test_s166_so_many_at_once_and_no_more(self, max_workers):
        gate = Gate()
        leaves = [leaf(str(number)) for number in range(2 * max_workers)]
        graphs.DOES.update({node.name: gate for node in leaves})
        with ThreadPoolExecutor(1) as pool:
            run = pool.submit(run_local, leaves, max_workers=max_workers)
            gate.await_arrivals(max_workers)
            gate.open()
            run.result(PATIENCE_SEC)
        assert max_workers == gate.most_inside

    def test_s166_what_becomes_ready_is_taken_by_idle_workers(self):
        """One node makes four ready; they run at once although all but one worker slept."""
        gate = Gate()
        first = leaf("first")
        others = [Node(name=str(number), needs=(first,)) for number in range(4)]
        graphs.DOES.update({node.name: gate for node in others})
        with ThreadPoolExecutor(1) as pool:
            run = pool.submit(run_local, others, max_workers=4)
            gate.await_arrivals(4)
            gate.open()
            run.result(PATIENCE_SEC)

    def test_limits_hold_for_each_spec_key(self):
        gpu, cpu = Gate(), Gate()
        on_gpu = [leaf(f"gpu{number}", key="gpu") for number in range(3)]
        on_cpu = [leaf(f"cpu{number}") for number in range(3)]
        graphs.DOES.update({node.name: gpu for node in on_gpu} | {node.name: cpu for node in on_cpu})
        with ThreadPoolExecutor(1) as pool:
            run = pool.submit(run_local, [*on_gpu, *on_cpu], limits={"gpu": 1})
            cpu.await_arrivals(3)
            gpu.await_arrivals(1)
            assert (1, 3) == (gpu.inside, cpu.inside)
            cpu.open()
            gpu.open()
            run.result(PATIENCE_SEC)
        assert 1 == gpu.most_inside


class TestArguments:
    @pytest.mark.parametrize(
        ("arguments", "kind"),
        [
            ({"max_workers": 0}, ValueError),
            ({"max_workers": -1}, ValueError),
            ({"max_workers": True}, TypeError),
            ({"max_workers": 2.0}, TypeError),
            ({"max_workers": None}, TypeError),
            ({"window_size": 0}, ValueError),
            ({"window_size": "all"}, ValueError),
            ({"window_size": True}, TypeError),
            ({"window_size": 1.0}, TypeError),
            ({"poll_interval_sec": -1}, ValueError),
            ({"poll_interval_sec": "1"}, TypeError),
            ({"limits": {"gpu": 0}}, ValueError),
            ({"limits": ["gpu"]}, TypeError),
            ({"on_error": "ignore"}, ValueError),
            ({"workers": "fork"}, ValueError),
        ],
        ids=str,
    )
    def test_s167_bad_ones_are_refused_before_any_work(self, arguments: dict[str, Any], kind, own_store):
        looked: list[str] = []
        graphs.DOES["validate x"] = lambda: looked.append("validated")
        Checked(name="x").get()
        looked.clear()
        with pytest.raises(kind, match=next(iter(arguments))):
            run_local([Checked(name="x"), leaf("a")], **arguments)
        assert ["x"] == CREATED
        assert [] == looked

    def test_roots_that_are_no_configs_are_refused(self):
        with pytest.raises(TypeError, match=r"roots\[0\] must be a config, not str"):
            run_local(["a"])  # type: ignore[list-item]


class TestWindow:
    """Three roots with a leaf each, one worker unless a test says otherwise."""

    @pytest.fixture
    def roots(self) -> list[Node]:
        return [Node(name=f"r{number}", needs=(leaf(f"l{number}"),)) for number in range(3)]

    def test_s168_dfs_is_one_root_at_a_time(self, roots):
        run_local(roots, max_workers=1, window_size="dfs")
        assert "l0 r0 l1 r1 l2 r2".split() == CREATED

    def test_s168_dfs_does_not_look_ahead_even_if_workers_are_free(self, roots):
        gate = Gate()
        graphs.DOES["l0"] = gate
        with ThreadPoolExecutor(1) as pool:
            run = pool.submit(run_local, roots, max_workers=4, window_size="dfs")
            gate.await_arrivals()
            assert ["l0"] == CREATED
            gate.open()
            run.result(PATIENCE_SEC)
        assert "l0 r0 l1 r1 l2 r2".split() == CREATED

    def test_s168_bfs_is_all_of_them(self, roots):
        gate = Gate()
        graphs.DOES.update({f"l{number}": gate for number in range(3)})
        with ThreadPoolExecutor(1) as pool:
            run = pool.submit(run_local, roots, max_workers=3)
            gate.await_arrivals(3)
            gate.open()
            run.result(PATIENCE_SEC)

    def test_s169_the_next_root_opens_when_any_is_done_even_while_others_run(self, roots):
        slow, last = Gate(), Gate()
        graphs.DOES["l0"] = slow
        graphs.DOES["r2"] = last
        with ThreadPoolExecutor(1) as pool:
            run = pool.submit(run_local, roots, max_workers=2, window_size=2)
            slow.await_arrivals()
            last.await_arrivals()
            assert "r0" not in CREATED
            assert {"l0", "l1", "r1", "l2", "r2"} == set(CREATED)
            slow.open()
            last.open()
            run.result(PATIENCE_SEC)


class TestAlwaysRerun:
    def test_s176_once_per_run_and_later_references_load_it(self, monkeypatch):
        shared = Other(name="shared")
        tops = [Node(name=f"t{number}", needs=(shared,)) for number in range(3)]
        shared.get()
        monkeypatch.setenv("FURU_ALWAYS_RERUN", "tests.support.graphs.Other")
        run_local(tops)
        assert 2 == CREATED.count("shared")
        run_local([shared])
        assert 3 == CREATED.count("shared")


class TestValidate:
    def test_s177_a_refused_success_is_repaired(self):
        checked = Checked(name="x")
        checked.get()
        graphs.REFUSED.add("x")
        graphs.DOES["x"] = graphs.REFUSED.clear
        run_local([Node(name="top", needs=(checked,))])
        assert ["x", "x", "top"] == CREATED

    def test_s177_one_that_never_validates_is_given_up(self):
        graphs.REFUSED.add("x")
        heard = Heard()
        with pytest.raises(furu.FuruComputeError, match="Checked") as caught:
            run_local([Node(name="top", needs=(Checked(name="x"),))], reporter=heard)
        assert "failed: _validate() does not accept the result" in str(caught.value)
        assert ["x", "x"] == CREATED
        assert heard.report is not None
        assert 1 == len(heard.report.skipped) + len(heard.report.unstarted)


class TestProtocol:
    @pytest.mark.parametrize("retries", ["0", "5"])
    def test_s170_an_undeclared_dependency_surfaces_as_itself_and_is_never_retried(self, retries, monkeypatch):
        monkeypatch.setenv("FURU_MAX_COMPUTE_RETRIES", retries)
        with pytest.raises(furu.FuruMissingArtifact, match="Declare it as a dependency") as caught:
            run_local([graphs.Undeclared(), *chain(3)], max_workers=1)
        assert f"Node({leaf('hidden').furu_hash})" == caught.value.node
        assert graphs.Undeclared().furu_hash == caught.value.requested_by
        assert ["undeclared"] == CREATED


class TestTwoRuns:
    def test_s178_two_at_once_in_one_process_share_the_work(self):
        roots = graphs.layers(5, 4)
        with ThreadPoolExecutor(2) as pool:
            runs = [pool.submit(run_local, roots, max_workers=3, poll_interval_sec=0.01) for _ in range(2)]
            for run in runs:
                run.result(PATIENCE_SEC)
        assert 20 == len(CREATED) == len(set(CREATED))

    def test_s178_two_at_once_in_two_processes_share_the_work(self, start):
        source = (
            "nodes = [Deed(name=f'n{number}', deed='nap') for number in range(12)]\n"
            "top = Deed(name='-top', needs=tuple(nodes))\n"
            "say('ready'); input()\n"
            "run_local([top], max_workers=2, poll_interval_sec=0.01, reporter=Reporter())\n"
            "say('got ' + top.get())"
        )
        scripts = [start(source) for _ in range(2)]
        for script in scripts:
            script.expect("ready")
        for script in scripts:
            script.tell("go")
        assert "".join(f"n{number}" for number in range(12)) + "-top" == scripts[0].expect("got")
        scripts[1].expect("got")
        from tests.support.deeds import created

        assert 13 == len(created()) == len(set(created()))
