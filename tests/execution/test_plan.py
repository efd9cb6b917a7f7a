"""S140-S151: what a plan finds, in what order it is computed, and that finding out changes nothing."""

from __future__ import annotations

import itertools
import random
from typing import TYPE_CHECKING, Any

import pytest

import furu
from furu.execution import PlanNode, Status, build_plan, ready_todo, topo_order_todo
from furu.testing import override_results
from tests.support import graphs
from tests.support.deeds import Deed
from tests.support.graphs import Checked, Declaring, Node, Other, Ring, chain, failing, leaf

if TYPE_CHECKING:
    from pathlib import Path

    from furu.execution import DependencyPlan


def names(plan: DependencyPlan, hashes: Any) -> list[str]:
    return [plan.nodes[furu_hash].obj.name for furu_hash in hashes]


def statuses(plan: DependencyPlan) -> dict[str, str]:
    return {node.obj.name: node.status.value for node in plan.nodes.values()}


def fail(obj: furu.Furu[Any]) -> None:
    graphs.DOES[obj.name] = failing()
    with pytest.raises(ValueError, match="told to fail"):
        obj.get()
    graphs.forget()


def tree_of(root: Path) -> dict[str, tuple[int, int]]:
    return {
        str(path.relative_to(root)): (path.lstat().st_mtime_ns, path.lstat().st_size)
        for path in sorted(root.rglob("*"))
    }


A = leaf("a")
B = Node(name="b", needs=(A,))
C = Node(name="c", needs=(A, B), key="gpu")


class Keyed(furu.Furu[int]):
    key: Any

    def _executor_spec_key(self) -> str:
        return self.key  # type: ignore[no-any-return]

    def _create(self) -> int:
        return 1


class TestNodes:
    def test_s140_a_node_knows_its_dependencies_both_ways(self):
        A.get()
        plan = build_plan([C])
        assert [C] == plan.roots
        assert ["c", "a", "b"] == names(plan, plan.nodes)
        assert (
            PlanNode(C, Status.TODO, "gpu", (A.furu_hash, B.furu_hash), (B.furu_hash,), (), "it is missing")
            == plan.nodes[C.furu_hash]
        )
        assert (C.furu_hash,) == plan.nodes[B.furu_hash].dependents
        assert () == plan.nodes[A.furu_hash].dependents
        assert f"Node({C.furu_hash})" == plan.nodes[C.furu_hash].name

    def test_s142_done_ends_the_search(self):
        B.get()
        plan = build_plan([C, B])
        assert {"c": "todo", "a": "done", "b": "done"} == statuses(plan)
        assert (Status.DONE, (), ()) == (
            plan.nodes[B.furu_hash].status,
            plan.nodes[B.furu_hash].deps_all,
            plan.nodes[B.furu_hash].deps_pending,
        )
        assert ["b"] == names(plan, build_plan([B]).nodes)

    def test_s149_duplicates_and_nested_roots_collapse(self):
        plan = build_plan([B, C, Node(name="b", needs=(leaf("a"),)), A])
        assert ["b", "c", "a"] == [root.name for root in plan.roots]
        assert {"a", "b", "c"} == set(names(plan, plan.nodes))
        assert 3 == len(plan.nodes)

    def test_s150_declared_dependencies_are_nodes(self):
        plan = build_plan([Declaring(name="d")])
        assert {"d": "todo", "declared": "todo"} == statuses(plan)
        assert ["declared", "d"] == names(plan, topo_order_todo(plan))

    def test_no_roots_make_an_empty_plan(self):
        plan = build_plan([])
        assert ([], {}, [], []) == (plan.roots, plan.nodes, topo_order_todo(plan), ready_todo(plan))

    def test_a_single_config_is_taken_for_one_root(self):
        assert [A] == build_plan(A).roots  # type: ignore[arg-type]

    def test_what_is_no_config_is_refused_with_its_place(self):
        with pytest.raises(TypeError, match=r"roots\[1\] must be a config, not int"):
            build_plan([A, 3])  # type: ignore[list-item]

    @pytest.mark.parametrize(
        ("roots", "text"),
        [
            (None, "roots must be a config, not NoneType"),
            (type(A), "roots must be a config, not the class Node itself"),
        ],
        ids=["nothing", "a class"],
    )
    def test_what_is_no_config_and_no_collection_is_refused(self, roots, text):
        with pytest.raises(TypeError, match=text):
            build_plan(roots)

    @pytest.mark.parametrize("key", [None, 3, ""], ids=repr)
    def test_a_spec_key_that_is_no_text_is_refused_with_its_class(self, key):
        with pytest.raises(TypeError, match=r"Keyed\._executor_spec_key\(\) must return a str that is not empty"):
            build_plan([Keyed(key=key)])

    def test_a_node_is_explained_by_its_config_or_its_hash(self):
        plan = build_plan([A])
        assert plan.explain(A) == plan.explain(A.furu_hash) == plan.explain(A.furu_hash[:8])

    def test_results_that_a_test_overrides_are_done(self):
        with override_results({B: 5}):
            assert {"c": "todo", "a": "todo", "b": "done"} == statuses(build_plan([C]))

    def test_classes_that_nobody_can_import_are_refused(self):
        class Local(furu.Furu[int]):
            def _create(self) -> int:
                return 0

        with pytest.raises(ValueError, match="Local"):
            build_plan([Local()])


class TestFailed:
    def test_s143_with_retry_on_it_is_to_do_and_its_dependencies_count(self):
        fail(B)
        plan = build_plan([C])
        assert {"c": "todo", "a": "todo", "b": "todo"} == statuses(plan)
        assert "its last attempt failed" == plan.nodes[B.furu_hash].because
        assert (A.furu_hash,) == plan.nodes[B.furu_hash].deps_all

    def test_s143_with_retry_off_it_is_failed_and_ends_the_search(self, monkeypatch):
        fail(Node(name="x", needs=(A,)))
        monkeypatch.setenv("FURU_RETRY_FAILED", "0")
        plan = build_plan([Node(name="top", needs=(Node(name="x", needs=(A,)),))])
        assert {"top": "todo", "x": "failed"} == statuses(plan)
        assert [] == ready_todo(plan)
        assert ["top"] == names(plan, topo_order_todo(plan))
        assert ["x"] == [node.obj.name for node in plan.with_status(Status.FAILED)]


class TestInProgress:
    def test_s144_it_ends_the_search_and_blocks_readiness_but_no_order(self, start):
        owner = start("Deed(name='busy', needs=(Deed(name='below'),), deed='wait').get()")
        owner.expect("creating")
        busy = Deed(name="busy", needs=(Deed(name="below"),))
        plan = build_plan([Node(name="top", needs=(busy, A))])
        assert {"top": "todo", "busy": "in progress", "a": "todo"} == statuses(plan)
        assert str(owner.pid) in plan.nodes[busy.furu_hash].because
        assert ["a"] == names(plan, ready_todo(plan))
        assert ["a", "top"] == names(plan, topo_order_todo(plan))

    def test_s175_a_dead_owner_is_reconciled(self, start):
        owner = start("Deed(name='busy', deed='wait').get()")
        owner.expect("creating")
        owner.kill()
        plan = build_plan([Deed(name="busy")])
        assert {"busy": "todo"} == statuses(plan)
        assert ["its last attempt was crashed"] == [node.because for node in plan.nodes.values()]


class TestValidate:
    def test_s145_a_refused_result_is_to_do(self):
        checked = Checked(name="x")
        checked.get()
        assert {"x": "done"} == statuses(build_plan([checked]))
        graphs.REFUSED.add("x")
        plan = build_plan([checked])
        assert {"x": "todo"} == statuses(plan)
        assert "its result is not valid any more" == plan.nodes[checked.furu_hash].because

    def test_s145_a_check_that_raises_is_logged(self, caplog):
        checked = Checked(name="x")
        checked.get()
        graphs.DOES["validate x"] = failing(OSError("no disk"))
        with caplog.at_level("ERROR", "furu"):
            assert {"x": "todo"} == statuses(build_plan([checked]))
        assert f"_validate() of Checked({checked.furu_hash}) raised" in caplog.text
        assert "no disk" in caplog.text

    def test_a_refused_result_that_somebody_repairs_is_in_progress(self, start):
        obj = Checked(name="x")
        obj.get()
        source = (
            "from tests.support import graphs\n"
            "graphs.REFUSED.add('x')\n"
            "graphs.DOES['x'] = lambda: (say('creating'), threading.Event().wait(60))\n"
            "graphs.Checked(name='x').get()"
        )
        start(source).expect("creating")
        graphs.REFUSED.add("x")
        assert {"x": "in progress"} == statuses(build_plan([obj]))


class TestAlwaysRerun:
    @pytest.mark.parametrize("named", ["ALL", "tests.support.graphs.Other"])
    def test_s146_it_is_to_do_unless_this_run_has_computed_it(self, named, monkeypatch):
        other = Other(name="o")
        Node(name="top", needs=(other,)).get()
        monkeypatch.setenv("FURU_ALWAYS_RERUN", named)
        plan = build_plan([other])
        assert {"o": "todo"} == statuses(plan)
        assert "FURU_ALWAYS_RERUN names its class" == plan.nodes[other.furu_hash].because
        assert {"o": "done"} == statuses(build_plan([other], completed_hashes={other.furu_hash}))

    def test_s146_what_needs_it_is_not_computed_again(self, monkeypatch):
        top = Node(name="top", needs=(Other(name="o"),))
        top.get()
        monkeypatch.setenv("FURU_ALWAYS_RERUN", "tests.support.graphs.Other")
        assert {"top": "done"} == statuses(build_plan([top]))

    def test_a_class_that_is_not_there_is_refused_before_any_work(self, monkeypatch):
        monkeypatch.setenv("FURU_ALWAYS_RERUN", "tests.support.graphs.Nope")
        with pytest.raises(furu.FuruSettingsError, match="Nope"):
            build_plan([A])


class TestOrder:
    def test_s147_dependencies_first_and_the_smallest_hash_first_among_the_ready(self):
        leaves = [leaf(f"l{number}") for number in range(6)]
        plan = build_plan([Node(name="top", needs=tuple(leaves))])
        by_hash = sorted(leaves, key=lambda obj: obj.furu_hash)
        assert [obj.furu_hash for obj in by_hash] == ready_todo(plan)
        assert [*(obj.name for obj in by_hash), "top"] == names(plan, topo_order_todo(plan))

    def test_s147_it_is_the_same_for_every_order_of_the_roots(self):
        roots = [*chain(3), *graphs.layers(3, 3)]
        orders = {
            tuple(topo_order_todo(build_plan(order))) for order in itertools.islice(itertools.permutations(roots), 30)
        }
        assert 1 == len(orders)

    def test_s147_every_node_comes_after_what_it_needs(self):
        roots = graphs.layers(12, 6)
        random.Random(0).shuffle(roots)
        plan = build_plan(roots)
        order = {furu_hash: number for number, furu_hash in enumerate(topo_order_todo(plan))}
        assert 72 == len(order)
        assert all(order[dep] < order[each] for each in order for dep in plan.nodes[each].deps_pending)

    def test_s148_configs_in_a_ring_are_named(self):
        with pytest.raises(ValueError, match=r"Cycle in dependencies: Ring.* -> Ring"):
            build_plan([Ring(number=0)])

    def test_s148_a_ring_in_a_plan_by_hand_is_named(self):
        plan = build_plan([C])
        plan.nodes[A.furu_hash].deps_pending = (C.furu_hash,)
        with pytest.raises(furu.FuruDependencyCycle) as caught:
            topo_order_todo(plan)
        ring = caught.value.cycle
        assert ring[0] == ring[-1]
        assert {f"Node({A.furu_hash})", f"Node({C.furu_hash})"} <= set(ring)

    def test_the_ring_is_named_without_what_only_leads_to_it(self):
        nodes = chain(4)
        plan = build_plan(nodes)
        plan.nodes[nodes[1].furu_hash].deps_pending = (nodes[2].furu_hash,)
        with pytest.raises(furu.FuruDependencyCycle) as caught:
            topo_order_todo(plan)
        assert {f"Node({node.furu_hash})" for node in nodes[1:3]} == set(caught.value.cycle)


class TestEffects:
    def test_s141_planning_computes_and_writes_nothing(self, own_store):
        B.get()
        fail(leaf("failed"))
        checked = Checked(name="x")
        checked.get()
        graphs.REFUSED.add("x")
        graphs.CREATED.clear()
        before = tree_of(own_store)
        plan = build_plan([C, leaf("failed"), checked, *chain(100)])
        topo_order_todo(plan), ready_todo(plan), plan.summary(), plan.explain(C.furu_hash)
        assert before == tree_of(own_store)
        assert [] == graphs.CREATED

    def test_s141_planning_makes_no_root(self, own_store):
        own_store.rmdir()
        build_plan([C])
        assert not own_store.exists()
