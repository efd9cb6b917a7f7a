"""S130-S137: which configs a config needs, and in what order."""

from __future__ import annotations

from types import MappingProxyType, SimpleNamespace
from typing import Any

import pytest

import furu
from tests.support.values import Leaf, Options, Pair, Point


class Needs(furu.Furu[int]):
    """Has two fields, and declares what it holds in a third that is no part of the identity."""

    first: Any = None
    second: Any = None
    declared: Any = furu.field(default=None, identity=False)

    def _create(self) -> int:
        return 0

    def _dependencies(self) -> object:
        return self.declared


A, B, C, D = (Leaf(value=name) for name in "abcd")
BY_HASH = sorted([A, B, C], key=lambda config: config.furu_hash)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (A, [A]),
        ([A, B], [A, B]),
        ((A, [B]), [A, B]),
        ({"x": A, "y": [B]}, [A, B]),
        ({1: A}, [A]),
        ({A: 1, (B, 2): C}, [A, B, C]),
        ({A, B, C}, BY_HASH),
        (frozenset([C, B, A]), BY_HASH),
        (Point(A, [B]), [A, B]),
        (Options(x=A, y={"z": B}), [A, B]),
        (Pair(A, B), [A, B]),
        ([{"deep": (Point([{A}], Options(x=B)),)}], [A, B]),
        ([1, "a", None, [], {}], []),
    ],
    ids="config list tuple dict int-keys keys set frozenset dataclass model namedtuple mixture none".split(),
)
def test_s130_configs_are_found_in(value, expected):
    assert expected == Needs(first=value)._get_dependencies(recursive=False)


def test_s131_fields_in_declaration_order_then_declared_ones():
    assert [B, A, D, C] == Needs(second=A, first=B, declared=[D, C])._get_dependencies()


def test_s132_recursive_is_pre_order_and_otherwise_direct_only():
    inner = Needs(first=A, second=[B])
    outer = Needs(first=inner, second=C)
    assert [inner, A, B, C] == outer._get_dependencies()
    assert [inner, C] == outer._get_dependencies(recursive=False)


def test_s133_each_once_over_all_sources():
    again = Leaf(value="a")
    assert [A, B] == Needs(first=[A, again], second=again, declared=[B, A])._get_dependencies()
    inner = Needs(first=A)
    assert [inner, A] == Needs(first=inner, second=A)._get_dependencies()


def test_s134_declared_dependencies_may_be_none_or_absent():
    assert [] == Needs(declared=None)._get_dependencies()
    assert [] == Leaf()._get_dependencies()


@pytest.mark.parametrize(
    "declared",
    [{"x": A}, [A], (A,), {A}, Point(A, [A]), Options(x=A, y=A), MappingProxyType({"x": A}), A],
    ids="dict list tuple set dataclass model mapping config".split(),
)
def test_s135_declared_in_any_container(declared):
    assert [A] == Needs(declared=declared)._get_dependencies()


@pytest.mark.parametrize(
    ("declared", "path", "type_name"),
    [
        ([A, "b"], r"\[1\]", "str"),
        ({"x": A, "y": 3}, r"\['y'\]", "int"),
        (Point(A), r"\.y", "int"),
        ((A, [B, None]), r"\[1\]\[1\]", "NoneType"),
        ({A, 1.5}, r"\{…\}", "float"),
        (SimpleNamespace(a=A), "", "SimpleNamespace"),
        (Leaf, "", "the class Leaf itself"),
        (lambda: A, "", "function"),
    ],
    ids="list dict dataclass nested set object class function".split(),
)
def test_s136_anything_else_is_a_type_error_with_its_path(declared, path, type_name):
    with pytest.raises(TypeError, match=rf"Needs\._dependencies\(\){path} must name configs, not {type_name}"):
        Needs(declared=declared)._get_dependencies()


class TestS137DeclaredOnesAreIdentity:
    def test_another_declared_config_is_another_hash(self):
        assert 3 == len({Needs(declared=each).furu_hash for each in (None, [A], [B])})

    def test_duplicates_and_order_are_irrelevant(self):
        assert 1 == len({Needs(declared=each).furu_hash for each in ([A, B], (B, A, A), {"x": A, "y": [B]})})

    def test_a_change_below_a_declared_one_counts(self):
        one, other = (Needs(declared=Needs(first=Leaf(value=value))) for value in (1, 2))
        assert one.furu_hash != other.furu_hash

    def test_a_config_leaves_itself_out(self):
        """Equal configs in its own fields can't be; a dependency that needs the same others is none of itself."""
        config = Needs(first=A, declared=[A])
        assert config not in config._get_dependencies()


def test_a_long_chain_is_walked_without_recursion():
    config: furu.Furu[Any] = A
    for _ in range(2_000):
        config = Needs(first=[config])
    assert 2_000 == len(config._get_dependencies())
