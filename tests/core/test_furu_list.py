"""`FuruList`: named collections of configs."""

from __future__ import annotations

import pytest

import furu
from furu.errors import FuruConfigError
from tests.support.values import Leaf


class Sweep(furu.FuruList[Leaf]):
    baseline = Leaf()
    rates = {"low": Leaf(value=1), 3: Leaf(value=3)}  # noqa: RUF012
    sizes = (Leaf(value="s"), Leaf(value="l"))
    _hidden = Leaf(value="hidden")
    note = "no member"

    @staticmethod
    def helper() -> int:
        return 1


class More(Sweep):
    baseline = Leaf(value="other")
    extra = [Leaf(value="x")]  # noqa: RUF012


class Other(furu.FuruList[Leaf]):
    other = Leaf(value="o")


class Both(More, Other):
    pass


NAMES = ["baseline", "rates.low", "rates.3", "sizes.0", "sizes.1"]


def test_members_have_names_in_order():
    assert NAMES == Sweep.names()
    assert [None, 1, 3, "s", "l"] == [config.value for config in Sweep]
    assert list(Sweep) == Sweep.all()
    assert list(zip(NAMES, Sweep, strict=True)) == Sweep.items()


def test_the_class_is_the_collection():
    assert 5 == len(Sweep)
    assert Leaf(value=3) in Sweep
    assert Leaf(value="hidden") not in Sweep
    assert Sweep.baseline is Sweep["baseline"] is Sweep.by_name("baseline")
    assert Leaf(value=3) == Sweep["rates.3"]


def test_a_subclass_replaces_and_adds():
    assert [*NAMES, "extra.0"] == More.names()
    assert "other" == More["baseline"].value
    assert {*More.names(), "other"} == set(Both.names())


def test_an_empty_one_is_true():
    class Empty(furu.FuruList[Leaf]):
        pass

    assert Empty
    assert 0 == len(Empty)
    assert [] == Empty.all()


def test_an_unknown_name_lists_the_right_ones():
    with pytest.raises(KeyError, match=r"Sweep has no member 'rates'; members are: baseline, rates\.low"):
        Sweep.by_name("rates")


@pytest.mark.parametrize("value", [[Leaf(), 1], {"a": None}, (Leaf,)], ids="list dict class".split())
def test_a_collection_with_something_else_in_it_is_refused(value):
    with pytest.raises(FuruConfigError, match=r"Bad\.member\.\w must be a config, not"):
        type("Bad", (furu.FuruList,), {"member": value})


def test_of_a_thousand_members_each_is_found_and_nothing_else():
    class Many(furu.FuruList[Leaf]):
        leaves = [Leaf(value=value) for value in range(1_000)]  # noqa: RUF012

    assert all(Leaf(value=value) in Many for value in range(1_000))
    assert Leaf(value=-1) not in Many
    assert [] not in Many
