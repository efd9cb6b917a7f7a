"""`plan.summary()` and `plan.explain()`: what would be computed, why, where, and for how long."""

from __future__ import annotations

import json

import pytest

from furu.execution import Status, build_plan
from furu.execution.cost import SAMPLE, format_sec
from tests.support import graphs
from tests.support.graphs import Node, Other, failing, leaf


def took(obj: Node, wall_sec: float) -> None:
    """Let its record say that it took so long."""
    obj.get()
    path = obj._base_furu_dir() / "SUCCESS.json"
    record = json.loads(path.read_text())
    record["usage"]["wall_sec"] = wall_sec
    del record["crc"]
    path.write_text(json.dumps(record))


def test_a_summary_counts_reasons_keys_and_cost_by_class():
    for number, wall_sec in enumerate([10.0, 90.0, 200.0]):
        took(leaf(f"done{number}"), wall_sec)
    graphs.DOES["failed"] = failing()
    with pytest.raises(ValueError, match="told"):
        leaf("failed").get()
    plan = build_plan([leaf("done0"), leaf("failed"), leaf("b", key="gpu"), Other(name="x"), Other(name="y")])
    summary = plan.summary()
    assert (
        "Node: 1 done, 2 todo\n"
        "  because its last attempt failed (1); it is missing (1)\n"
        "  on default (1), gpu (1), about 1 m 30 s each\n"
        "Other: 2 todo\n"
        "  because it is missing (2)\n"
        "  on default (2)\n"
        "estimated 3 m 00 s of computing, 2 nodes of unknown cost"
    ) == str(summary)
    assert (180.0, 2) == (summary.total_sec, summary.unknown)
    assert {Status.DONE: 1, Status.TODO: 2} == summary.classes[0].counts


def test_a_finished_plan_costs_nothing():
    leaf("a").get()
    assert "Node: 1 done\nestimated 0.0 s of computing" == str(build_plan([leaf("a")]).summary())


def test_an_empty_plan_costs_nothing():
    assert "estimated 0.0 s of computing" == str(build_plan([]).summary())


def test_an_estimate_reads_a_sample_and_leaves_out_damaged_records():
    for number in range(3):
        took(leaf(f"d{number}"), 8.0)
    (leaf("d1")._base_furu_dir() / "SUCCESS.json").write_text("{")
    assert 8.0 == build_plan([leaf("new")]).summary().classes[0].typical_sec
    assert 32 == SAMPLE


def test_explain_says_why_what_for_and_what_it_waits_for():
    a, b = leaf("a"), Other(name="b")
    top = Node(name="top", needs=(a, b), key="gpu")
    above = Node(name="above", needs=(top,))
    took(a, 0.25)
    plan = build_plan([above])
    assert (
        f"Node({top.furu_hash}): todo, because it is missing\n"
        "  spec key: gpu\n"
        "  cost: about 0.2 s, by earlier artifacts of its class\n"
        f"  waits for Other({b.furu_hash}): todo\n"
        f"  needed by Node({above.furu_hash})"
    ) == plan.explain(top.furu_hash)
    assert f"Node({a.furu_hash}): done, because it is published" == plan.explain(a.furu_hash[:12])
    assert "cost: unknown" in plan.explain(b.furu_hash)


@pytest.mark.parametrize(("prefix", "number"), [("", 2), ("xyz", 0)])
def test_explain_refuses_what_does_not_name_one_node(prefix, number):
    plan = build_plan([leaf("a"), leaf("b")])
    with pytest.raises(KeyError, match=f"{number} nodes of the plan have a hash that begins with '{prefix}'"):
        plan.explain(prefix)


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [(0.04, "0.0 s"), (9.94, "9.9 s"), (59.4, "59 s"), (59.6, "1 m 00 s"), (3599, "59 m 59 s"), (18_720, "5 h 12 m")],
)
def test_durations_are_for_people(seconds, expected):
    assert expected == format_sec(seconds)
