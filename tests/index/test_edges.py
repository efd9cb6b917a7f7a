"""Who depends on whom, by the index."""

from __future__ import annotations

import shutil

import pytest

import furu
from furu.evolution.archive import store_roots
from furu.index.database import opened
from furu.index.edges import all_edges, count_users, depends_on, used_by
from furu.index.refresh import refresh
from tests.support.computed import Sum, Value
from tests.support.stored import config


@pytest.fixture
def index():
    with opened(store_roots()) as connection:
        yield connection


def test_both_directions(study, index):
    refresh(index, store_roots())
    assert [study["wiki"]] == depends_on(index, study["good"])
    assert [study["busy"], study["bad"]] == used_by(index, study["toy"])
    assert [study["busy"]] == used_by(index, study["toy"], limit=1)
    assert (2, 0) == (count_users(index, study["toy"]), count_users(index, study["good"]))
    assert ([], []) == (depends_on(index, study["toy"]), used_by(index, study["good"]))
    assert {(study[parent], study[child]) for parent, child in (("good", "wiki"), ("bad", "toy"), ("busy", "toy"))} == {
        *all_edges(index)
    }


def test_in_the_order_of_the_fields_and_each_once(stored, index):
    first, second = stored.add("lab/B", x=1), stored.add("lab/A", x=2)
    top = stored.add("lab/Top", a=config(first), b=[config(second), config(first)], c={"$tuple": [config(second)]})
    refresh(index, store_roots())
    assert [first, second] == depends_on(index, top)
    assert [top] == used_by(index, first)


def test_declared_ones_and_those_that_are_not_computed(index):
    parts = (Value(name="a", value=1), Value(name="b", value=2))
    furu.tag(Sum(parts=parts), "later")
    refresh(index, store_roots())
    found = {row.config.get("name"): row.reference for row in furu.query("class:Value")}
    (top,) = furu.query("class:Sum")
    assert [found["a"], found["b"]] == depends_on(index, top.reference)


def test_one_that_is_gone_uses_nothing_any_more(study, stored, index):
    refresh(index, store_roots())
    shutil.rmtree(stored.root / "data" / study["bad"])
    shutil.rmtree(stored.root / "data" / study["wiki"])
    refresh(index, store_roots())
    assert [study["busy"]] == used_by(index, study["toy"])
    assert [study["wiki"]] == depends_on(index, study["good"])  # it says so, stored or not
    assert [study["good"]] == used_by(index, study["wiki"])


def test_a_damaged_config_has_none(study, stored, index):
    refresh(index, store_roots())
    path = stored.root / "data" / study["good"]
    (path / "config.json").unlink()
    refresh(index, store_roots())
    assert [] == depends_on(index, study["good"])
