"""The steps of a migration, on documents."""

from __future__ import annotations

import enum
from collections import namedtuple
from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

import furu
from furu.evolution import Add, Drop, Inside, Map, Migration, MovedType, Rename, StepRefused
from furu.evolution.migration import Arrival, Stuck, ways
from furu.evolution.steps import apply_all
from furu.identity.encode import encode
from tests.evolution.shapes import Number


class Color(enum.Enum):
    RED = 1


@dataclass(frozen=True)
class Settings:
    lr: float = 0.1


Pair = namedtuple("Pair", "a b")  # noqa: PYI024 -- a plain one, on purpose
NUMBER = Number(number=3)
REFERENCE = {"$config": f"tests/evolution/shapes/Number/{NUMBER.furu_hash}"}


@pytest.mark.parametrize(
    ("step", "before", "after"),
    [
        pytest.param(Rename("a", "b"), {"x": 0, "a": 1, "y": 2}, {"x": 0, "b": 1, "y": 2}, id="rename"),
        pytest.param(Add("b", 0.0), {"a": 1}, {"a": 1, "b": 0.0}, id="add"),
        pytest.param(Add("b", (1, Color.RED)), {}, {"b": encode((1, Color.RED))}, id="add a value of some type"),
        pytest.param(Add("b", [NUMBER]), {}, {"b": [REFERENCE]}, id="add a config"),
        pytest.param(Drop("a", only_if=1), {"a": 1, "b": 2}, {"b": 2}, id="drop"),
        pytest.param(Drop("a", only_if=None), {"a": None}, {}, id="drop None"),
        pytest.param(Drop("a", only_if=lambda a: a < 5), {"a": 1}, {}, id="drop by a function"),
        pytest.param(Map("a", {"x": "y", "y": "x"}), {"a": "x"}, {"a": "y"}, id="map"),
        pytest.param(Map("a", {"red": Color.RED}), {"a": "red"}, {"a": encode(Color.RED)}, id="map to an enum"),
        pytest.param(Map("a", str.upper), {"a": "x"}, {"a": "X"}, id="map by a function"),
        pytest.param(Map("a", len), {"a": {"$tuple": [1, 2]}}, {"a": 2}, id="functions get values, not JSON"),
        pytest.param(Map("a", {NUMBER: None}), {"a": REFERENCE}, {"a": None}, id="map a config"),
        pytest.param(
            Inside("a", [Rename("lr", "rate")]),
            {"a": encode([Settings()])},
            {"a": [{**encode(Settings()), "fields": {"rate": 0.1}}]},
            id="inside a list of dataclasses",
        ),
        pytest.param(Inside("a", [Add("c", 1)]), {"a": None}, {"a": None}, id="inside of nothing"),
        pytest.param(
            Inside("a", [Map("b", {1: 2})]),
            {"a": encode((Pair(0, 1),))},
            {"a": encode((Pair(0, 2),))},
            id="inside a tuple of named tuples",
        ),
        pytest.param(
            MovedType("old.colors:Color", Color),
            {"a": [{"$enum": "old.colors:Color", "member": "RED"}], "b": "old.colors:Color"},
            {"a": [encode(Color.RED)], "b": "old.colors:Color"},
            id="a class that moved",
        ),
        pytest.param(
            MovedType("old.Settings", Settings),
            {"a": {"$dataclass": "old:Settings", "fields": {}}},
            {"a": {**encode(Settings()), "fields": {}}},
            id="a class that moved, with a dot",
        ),
    ],
)
def test_a_step_gives_new_fields_and_leaves_the_old_ones(step, before, after):
    kept = repr(before)
    assert after == step.apply(before, {REFERENCE["$config"]: NUMBER})
    assert kept == repr(before)


@pytest.mark.parametrize(
    ("step", "fields", "text"),
    [
        (Rename("a", "b"), {"c": 1}, "has no field 'a'; its fields are: c"),
        (Rename("a", "b"), {"a": 1, "b": 2}, "has a field 'b' already"),
        (Add("a", 1), {"a": 1}, "has a field 'a' already"),
        (Drop("a", only_if=0), {}, "has no field 'a'; its fields are: none"),
        (Drop("a", only_if=0), {"a": 3}, "'a' was 3, and only 0 may be dropped: the result would mean something else"),
        (Drop("a", only_if=0), {"a": 0.0}, "'a' was 0.0, and only 0 may be dropped"),
        (Drop("a", only_if=0), {"a": False}, "'a' was false, and only 0 may be dropped"),
        (Drop("a", only_if=lambda a: a < 5), {"a": 5}, "its only_if() says no"),
        (Map("a", {1: 2}), {"a": "1"}, "which Map('a') doesn't list"),
        (Map("a", int), {"a": "x"}, "Map('a') on \"x\": ValueError"),
        (Map("a", str), {"a": {"$enum": "gone:Color", "member": "RED"}}, "can't be imported"),
        (Inside("a", [Drop("b", only_if=1)]), {"a": {"$dataclass": "x:Y", "fields": {"b": 2}}}, "'b' was 2"),
        (Inside("a", []), {"a": 3}, "'a' is 3, which has no fields"),
    ],
)
def test_a_step_that_does_not_fit_says_why(step, fields, text):
    with pytest.raises(StepRefused) as caught:
        step.apply(fields, {})
    assert text in str(caught.value)


NAMES = st.sampled_from("abcd")
FIELDS = st.dictionaries(NAMES, st.integers(0, 3), min_size=1)


@given(FIELDS, NAMES, NAMES)
def test_a_rename_is_undone_by_the_opposite_one(fields, old, new):
    try:
        renamed = Rename(old, new).apply(fields)
    except StepRefused:
        return
    assert fields == Rename(new, old).apply(renamed)
    assert list(fields.values()) == list(renamed.values())


@given(FIELDS, NAMES, st.integers(0, 3))
def test_a_field_that_was_added_can_be_dropped_with_its_value_only(fields, name, value):
    try:
        more = Add(name, value).apply(fields)
    except StepRefused:
        assert name in fields
        return
    assert fields == apply_all([Drop(name, only_if=value)], more)
    with pytest.raises(StepRefused):
        Drop(name, only_if=value + 1).apply(more)


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (lambda: Migration(from_version="1"), "from_version and to_version, or neither"),
        (lambda: Migration(to_version=None), "from_version and to_version, or neither"),
        (lambda: Migration(steps=["drop a"]), "is no step"),
    ],
)
def test_a_migration_that_makes_no_sense(make, text):
    with pytest.raises(furu.FuruConfigError, match=text):
        make()


HISTORY = [
    Migration(from_class="old.A", steps=[Rename("a", "b")]),
    Migration(from_version=None, to_version="2", steps=[Add("c", 0)]),
    Migration(from_class=("mid/B", "named"), from_version="2", to_version="3"),
]


@pytest.mark.parametrize(
    ("namespace", "version", "fields", "expected"),
    [
        ("old/A", None, {"a": 1}, [({"b": 1, "c": 0}, "3", 3)]),
        ("mid/B", None, {"b": 1}, [({"b": 1, "c": 0}, "3", 2), "is of version None, not '2'"]),
        ("named", "2", {"b": 1, "c": 5}, ["is of version '2', not None", ({"b": 1, "c": 5}, "3", 1)]),
        ("new/C", "3", {"b": 1}, [({"b": 1}, "3", 0)]),
        ("other/D", "3", {"b": 1}, []),
        ("old/A", None, {"b": 1}, ["has no field 'a'; its fields are: b"]),
    ],
)
def test_a_config_enters_its_history_where_its_name_fits_and_goes_all_the_way(namespace, version, fields, expected):
    found = ways({"namespace": namespace, "version": version, "fields": fields}, HISTORY, "new/C", {})
    seen = [way.because if isinstance(way, Stuck) else (way.fields, way.version, len(way.passed)) for way in found]
    assert expected == seen
    assert all(isinstance(way, Arrival | Stuck) for way in found)
