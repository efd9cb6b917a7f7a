"""Configs as values: equality, hashing, copies, pickles and how they look."""

from __future__ import annotations

import copy
import pickle
from typing import TypeVar

import pytest

import furu
from tests.support.documented import Data, full
from tests.support.values import Leaf, Twin

T = TypeVar("T")


class TestAsValues:
    def test_equality_and_hash_are_by_type_and_identity(self):
        assert Leaf(value=1) == Leaf(value=1)
        assert Leaf(value=1) != Leaf(value=2)
        assert Leaf(value=1) != Twin(value=1)
        assert Leaf(value=1) != 1
        assert {full(): "a"}[full()] == "a"
        assert 2 == len({Leaf(value=1), Leaf(value=1), Twin(value=1)})

    @pytest.mark.parametrize("twin", [copy.copy, copy.deepcopy, lambda c: pickle.loads(pickle.dumps(c))])
    def test_copies_and_pickles_are_equal(self, twin):
        config = full()
        assert config.furu_hash == twin(config).furu_hash
        assert type(config) is type(twin(config))

    def test_a_pickle_carries_no_hash(self):
        """On the other side the class may be another version."""
        config = Data()
        assert config.furu_hash
        assert config.furu_hash.encode() not in pickle.dumps(config)

    def test_repr_shows_nested_configs_to_the_third_level(self):
        assert "Data(name='a', path=None)" == repr(Data(name="a"))
        config = Leaf(value=0)
        for _ in range(200):
            config = Leaf(value=[config, config])
        assert "Leaf(value=[Leaf(value=[Leaf(value=[Leaf(...), Leaf(...)])" == repr(config)[:58]
        assert 300 > len(repr(config))

    def test_repr_leaves_out_fields_that_say_so(self):
        class Secret(furu.Furu[int]):
            token: str = furu.field(default="", repr=False)
            user: str = "me"

            def _create(self) -> int:
                return 0

        assert repr(Secret(token="x")).endswith("Secret(user='me')")
