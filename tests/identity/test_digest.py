"""`furu_hash`: what takes part, what it costs, how deep it goes, and cycles."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import Any

import pytest

import furu
from furu.errors import FuruConfigError, FuruDependencyCycle
from tests.support.values import Leaf


class Reads:
    """How often fields of `Counted` were read: the work that hashing is."""

    number = 0


@dataclass
class Counted:
    """A leaf that counts."""

    content: int = 0

    def __getattribute__(self, name: str) -> Any:
        if name == "content":
            Reads.number += 1
        return super().__getattribute__(name)


class Node(furu.Furu[int]):
    """A config with a counting leaf and any number of others."""

    leaf: Any = None
    below: Any = None

    def _create(self) -> int:
        return 0


class Step(furu.Furu[int]):
    """Names the step before it in `_dependencies()`, made afresh each time."""

    number: int = 0
    asked: Any = furu.field(default=None, identity=False)

    def _create(self) -> int:
        return 0

    def _dependencies(self) -> list[Step]:
        if self.asked is not None:
            self.asked.append(self.number)
        return [Step(number=self.number - 1, asked=self.asked)] if self.number else []


def reads_of(config: furu.Furu[Any]) -> int:
    Reads.number = 0
    assert config.furu_hash
    return Reads.number


def chain(length: int, wrap=lambda below: below) -> Node:
    node = Node(leaf=Counted())
    for number in range(1, length):
        node = Node(leaf=Counted(number), below=wrap(node))
    return node


def ladder(levels: int) -> Node:
    """Two nodes on each level, and both need both of the level below: 2**levels paths."""
    left, right = Node(leaf=Counted(-1)), Node(leaf=Counted(-2))
    for level in range(levels):
        left, right = Node(leaf=Counted(level), below=[left, right]), Node(leaf=Counted(level), below=(left, right))
    return left


class TestCost:
    @pytest.mark.parametrize(
        "wrap",
        [
            lambda below: below,
            lambda below: [below],
            lambda below: frozenset([below]),
            lambda below: {1: below},
            lambda below: {below: 1},
            Counted,
        ],
        ids="field list set dict key dataclass".split(),
    )
    def test_s006_a_chain_of_three_thousand_is_hashed_in_linear_work(self, wrap):
        assert 3_000 > sys.getrecursionlimit()
        short, long = reads_of(chain(300, wrap)), reads_of(chain(3_000, wrap))
        assert long <= 10 * short + 100
        assert long <= 6 * 3_000

    def test_s006_a_ladder_of_two_hundred_levels_is_hashed_in_linear_work(self):
        assert reads_of(ladder(200)) <= 10 * 2 * 200

    def test_s006_a_thousand_parts_of_one_config_are_hashed_in_linear_work(self):
        parts = [Node(leaf=Counted(number)) for number in range(1_000)]
        assert reads_of(Node(leaf=Counted(), below=parts)) <= 10 * 1_000

    def test_s006_a_chain_of_declared_dependencies_asks_each_once(self):
        """The number of calls is linear, too, where every call makes new configs."""
        asked: list[int] = []
        assert Step(number=1_500, asked=asked).furu_hash
        assert list(range(1_500, -1, -1)) == asked

    def test_s006_the_hash_is_computed_once_for_each_instance(self):
        node = chain(3)
        assert 0 < reads_of(node)
        assert 0 == reads_of(node)
        assert 1 == reads_of(Node(leaf=Counted(), below=node))

    def test_long_lists_of_plain_values_are_read_once(self):
        assert 2 * 10_000 >= reads_of(Node(leaf=[Counted(number) for number in range(10_000)]))


class Ring(furu.Furu[int]):
    """Declares the next of `size` configs, made afresh: a ring."""

    number: int = 0
    size: int = 3
    padding: Any = None

    def _create(self) -> int:
        return 0

    def _dependencies(self) -> Ring:
        return Ring(number=(self.number + 1) % self.size, size=self.size, padding=self.padding)


class Selfish(furu.Furu[int]):
    def _create(self) -> int:
        return 0

    def _dependencies(self) -> list[Any]:
        return [self]


class TestCycles:
    @pytest.mark.parametrize("size", [1, 2, 3, 50])
    def test_a_ring_through_dependencies_is_refused(self, size):
        with pytest.raises(FuruDependencyCycle, match="Ring -> Ring") as caught:
            _ = Ring(size=size).furu_hash
        assert size + 1 == len(caught.value.cycle)
        assert isinstance(caught.value, ValueError)

    def test_a_ring_is_found_below_a_way_in(self):
        with pytest.raises(FuruDependencyCycle) as caught:
            _ = Leaf(value=[Leaf(value=Ring(size=2))]).furu_hash
        assert ("Ring", "Ring", "Ring") == caught.value.cycle

    def test_a_ring_of_configs_with_unhashed_parts_is_found(self):
        with pytest.raises(FuruDependencyCycle):
            _ = Ring(size=2, padding=Leaf(value=1)).furu_hash

    def test_s137_a_config_that_declares_itself_is_refused(self):
        with pytest.raises(ValueError, match="Selfish -> Selfish"):
            _ = Selfish().furu_hash

    def test_a_list_that_was_filled_with_its_owner_is_refused(self):
        held: list[Any] = []
        leaf = Leaf(value=held)
        held.append(leaf)
        with pytest.raises(FuruDependencyCycle, match="Leaf -> Leaf"):
            _ = leaf.furu_hash

    def test_the_error_is_the_same_the_next_time(self):
        ring = Ring()
        for _ in range(2):
            with pytest.raises(FuruDependencyCycle):
                _ = ring.furu_hash


class Parts(furu.Furu[int]):
    seed: int = 0
    workers: int = furu.field(default=4, identity=False)
    sink: Any = furu.field(default=None, identity=False)
    momentum: float = furu.field(default=0, identity="unless-default")
    layers: list[int] = furu.field(default_factory=lambda: [1], identity="unless-default")

    def _create(self) -> int:
        return 0


class TestPartInTheIdentity:
    @pytest.mark.parametrize(
        ("values", "is_same"),
        [
            ({"workers": 8}, True),
            ({"momentum": 0.0}, True),
            ({"momentum": 0, "layers": [1]}, True),
            ({"momentum": 0.5}, False),
            ({"layers": [2]}, False),
            ({"layers": []}, False),
            ({"seed": 1}, False),
        ],
        ids=str,
    )
    def test_a_field_counts_as_it_says(self, values, is_same):
        assert is_same == (Parts().furu_hash == Parts(**values).furu_hash)

    def test_a_field_without_part_may_hold_what_has_no_encoding(self):
        assert Parts().furu_hash == Parts(sink=print).furu_hash
        assert Parts().furu_hash == Parts(sink=Leaf(value=print)).furu_hash

    def test_a_field_added_later_leaves_old_hashes_valid(self):
        """`Parts` as it was before `momentum` and `layers` came, and as it is."""

        def declare(with_later: bool) -> type[furu.Furu[int]]:
            class Grown(furu.Furu[int], name="tests/grown"):
                seed: int = 0
                if with_later:
                    momentum: float = furu.field(default=0, identity="unless-default")

                def _create(self) -> int:
                    return 0

            return Grown

        before, after = declare(with_later=False), declare(with_later=True)
        assert before(seed=3).furu_hash == after(seed=3).furu_hash
        assert before(seed=3).furu_hash != after(seed=3, momentum=0.1).furu_hash

    @pytest.mark.parametrize(
        ("options", "complaint"),
        [
            ({"identity": "unless-default"}, "needs a default"),
            ({"identity": "never", "default": 1}, "is not one of True, False, 'unless-default'"),
        ],
    )
    def test_a_part_that_makes_no_sense_is_refused(self, options, complaint):
        with pytest.raises(FuruConfigError, match=complaint):
            furu.field(**options)


def test_a_config_that_was_changed_after_it_was_hashed_is_not_published():
    config = Leaf(value=[1])
    assert config.furu_hash
    config.value.append(2)
    with pytest.raises(FuruConfigError, match="was changed after it was hashed"):
        config.get()
    assert not config.exists()
    assert not Leaf(value=[1, 2]).exists()
