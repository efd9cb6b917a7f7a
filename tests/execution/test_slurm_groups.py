"""Nodes that become one array wait for exactly their own parents."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from furu.execution.slurm.groups import ARRAY_FROM, Waiting, group_level

ARRAYS = {"1": 4, "5": 4, "9": 2}
JOBS = ["20", "21", *(f"{base}_{index}" for base, size in ARRAYS.items() for index in range(size))]

nodes = st.lists(
    st.tuples(st.sampled_from(["a", "b"]), st.frozensets(st.sampled_from(JOBS), max_size=3)), max_size=30
).map(lambda found: [Waiting(f"n{index}", key, parents) for index, (key, parents) in enumerate(found)])
sweeps = st.permutations(range(4)).map(
    lambda order: [Waiting(f"s{index}", "a", frozenset({f"1_{index}", f"5_{index}", "20"})) for index in order]
)


def expand(job_id):
    return {f"{job_id}_{index}" for index in range(ARRAYS[job_id])} if job_id in ARRAYS else {job_id}


@given(nodes, sweeps | st.just([]), st.integers(1, 12))
def test_every_node_once_with_its_own_parents_and_resources(found, sweep, largest):
    level = [*found, *sweep]
    groups = list(group_level(level, ARRAYS, largest=largest))
    assert sorted(node.hash for node in level) == sorted(each for group in groups for each in group.nodes)
    by_hash = {node.hash: node for node in level}
    for group in groups:
        assert 1 == len({by_hash[each].spec_key for each in group.nodes})
        for index, each in enumerate(group.nodes):
            parents = set().union(*(expand(job_id) for job_id in group.after_ok))
            parents |= {f"{base}_{index}" for base in group.after_corresponding}
            assert by_hash[each].parents == parents


def test_a_sweep_over_a_sweep_is_one_array():
    level = [Waiting(f"s{index}", "a", frozenset({f"1_{index}", "20"})) for index in (2, 0, 3, 1)]
    (group,) = group_level(level, ARRAYS, largest=1000)
    assert (("s0", "s1", "s2", "s3"), ("20",), ("1",)) == group


def test_few_are_submitted_one_by_one():
    level = [Waiting(str(index), "a", frozenset()) for index in range(ARRAY_FROM)]
    assert 1 == len(list(group_level(level, {}, largest=1000)))
    assert ARRAY_FROM - 1 == len(list(group_level(level[1:], {}, largest=1000)))
