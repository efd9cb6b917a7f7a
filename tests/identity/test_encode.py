"""`encode`: the canonical JSON of each kind of value, what it refuses and where, and that it is injective."""

from __future__ import annotations

import abc
import datetime
import decimal
import fractions
import json
import math
import pathlib
import threading
import uuid
import zoneinfo
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel

from furu.identity.decode import decode
from furu.identity.digest import encode_any
from furu.identity.encode import FuruEncodeError, canonical_text
from tests.support import values
from tests.support.values import (
    LOOKALIKES,
    VALUES,
    Access,
    Aliased,
    Color,
    Derived,
    Frozen,
    Leaf,
    Level,
    Open,
    Options,
    Pair,
    Point,
    Root,
    Tone,
    signature,
)

HERE = values.__name__
BERLIN = zoneinfo.ZoneInfo("Europe/Berlin")
ENCODED: list[tuple[str, Any, Any]] = [
    ("none", None, None),
    ("true", True, True),
    ("int", 3, 3),
    ("large int", 2**80, 2**80),
    ("int with more digits than Python writes", 1 << 14_000, {"$int": hex(1 << 14_000)}),
    ("float", 1.0, 1.0),
    ("nan", math.nan, {"$float": "nan"}),
    ("infinity", -math.inf, {"$float": "-inf"}),
    ("complex", 1 - 2j, {"$complex": [1.0, -2.0]}),
    ("str", "a", "a"),
    ("bytes", b"a", {"$bytes": "YQ=="}),
    ("bytearray", bytearray(b"a"), {"$bytearray": "YQ=="}),
    ("list", [1, "a"], [1, "a"]),
    ("tuple", (1, "a"), {"$tuple": [1, "a"]}),
    ("set is sorted", {3, 1, 2}, {"$set": [1, 2, 3]}),
    ("frozenset of several types", frozenset({"b", 1, None}), {"$frozenset": ["b", 1, None]}),
    ("dict", {"b": 1, "a": 2}, {"a": 2, "b": 1}),
    ("dict with other keys", {2: "b", 1: "a"}, {"$dict": [[1, "a"], [2, "b"]]}),
    ("dict with a key like a tag", {"$tuple": [1]}, {"$dict": [["$tuple", [1]]]}),
    ("path", pathlib.Path("a/b"), {"$path": "a/b"}),
    ("pure path", pathlib.PurePosixPath("a/b"), {"$PurePosixPath": "a/b"}),
    ("windows path", pathlib.PureWindowsPath("a/b"), {"$PureWindowsPath": "a\\b"}),
    ("datetime", datetime.datetime(2024, 1, 2, 3), {"$datetime": "2024-01-02T03:00:00"}),  # noqa: DTZ001
    (
        "datetime in a zone",
        datetime.datetime(2024, 10, 27, 2, 30, tzinfo=BERLIN, fold=1),
        {"$datetime": "2024-10-27T02:30:00+01:00", "zone": "Europe/Berlin", "fold": "1"},
    ),
    ("date", datetime.date(2024, 1, 2), {"$date": "2024-01-02"}),
    ("time", datetime.time(3, 4), {"$time": "03:04:00"}),
    ("timedelta", datetime.timedelta(days=-1, seconds=2), {"$timedelta": [-1, 2, 0]}),
    ("decimal", decimal.Decimal("1.10"), {"$Decimal": "1.10"}),
    ("fraction", fractions.Fraction(2, 6), {"$Fraction": "1/3"}),
    ("uuid", uuid.UUID(int=1), {"$UUID": "00000000-0000-0000-0000-000000000001"}),
    ("enum, by name", Color.BLUE, {"$enum": f"{HERE}:Color", "member": "BLUE"}),
    ("int enum is no int", Level.LOW, {"$enum": f"{HERE}:Level", "member": "LOW"}),
    ("str enum is no str", Tone.LOW, {"$enum": f"{HERE}:Tone", "member": "LOW"}),
    ("combined flag, by value", Access.READ | Access.WRITE, {"$enum": f"{HERE}:Access", "member": 3}),
    ("dataclass", Point(1, (2,)), {"$dataclass": f"{HERE}:Point", "fields": {"x": 1, "y": {"$tuple": [2]}}}),
    ("dataclass with slots", Frozen(1), {"$dataclass": f"{HERE}:Frozen", "fields": {"x": 1, "y": 0}}),
    ("model", Options(x=1), {"$model": f"{HERE}:Options", "fields": {"x": 1, "y": 0}}),
    ("model by field name", Aliased(**{"learning-rate": 0.5}), {"$model": f"{HERE}:Aliased", "fields": {"rate": 0.5}}),
    ("model with more", Open(x=1, z=2), {"$model": f"{HERE}:Open", "fields": {"x": 1, "z": 2}}),
    ("root model", Root([1]), {"$model": f"{HERE}:Root", "fields": {"root": [1]}}),
    ("named tuple", Pair(1), {"$namedtuple": f"{HERE}:Pair", "fields": {"x": 1, "y": 0}}),
    ("numpy int", np.int64(3), 3),
    ("numpy small float", np.float32(0.5), 0.5),
    ("numpy bool", np.bool_(True), True),
    ("numpy str", np.str_("a"), "a"),
    ("numpy complex", np.complex64(1j), {"$complex": [0.0, 1.0]}),
]


@pytest.mark.parametrize(("value", "expected"), [row[1:] for row in ENCODED], ids=[row[0] for row in ENCODED])
def test_each_kind_of_value_has_its_form(value, expected):
    assert canonical_text(expected) == canonical_text(encode_any(value))


@pytest.mark.parametrize("value", [row[1] for row in ENCODED], ids=[row[0] for row in ENCODED])
def test_the_way_back_gives_the_same_type_and_content(value):
    assert signature(value) == signature(decode(json.loads(json.dumps(encode_any(value)))))


def test_a_config_is_a_reference_by_its_hash():
    leaf = Leaf(value=1)
    assert {"$config": f"{HERE.replace('.', '/')}/Leaf/{leaf.furu_hash}"} == encode_any(leaf)


class Stateful(pathlib.PurePosixPath):
    """A path that knows more, such as a bucket."""


class MoreList(list):
    """A list with more state, maybe."""


class Local:
    pass


UNENCODABLE: list[tuple[str, Any, str, str]] = [
    ("object", object(), "", "builtins.object"),
    ("function", len, "", "function"),
    ("lambda in a list", [0, lambda: 0], "[1]", "code has no stable identity"),
    ("class", Point, "", "a class has no stable identity"),
    ("config class", Leaf, "", "a class has no stable identity"),
    ("array in a dict", {"w": np.zeros(2)}, "['w']", "arrays are data"),
    ("array in a dataclass in a tuple", (1, Point(0, np.zeros(2))), "[1].y", "arrays are data"),
    ("dict in a model", Options(x={1: Local()}), ".x[1]", "Local"),
    ("item of a set", {Local}, "{…}", "a class"),
    ("key of a dict", {Local: 1}, ".key", "a class"),
    ("field of a named tuple", Pair(threading.Lock()), ".x", "lock"),
    ("subclass of list", MoreList(), "", "MoreList"),
    ("subclass of a path", Stateful("a"), "", "Stateful"),
    ("range", range(3), "", "builtins.range"),
    ("iterator", iter([]), "", "list_iterator"),
    ("numpy date", np.datetime64("2024-01-01"), "", "datetime64"),
    ("numpy record", np.zeros(1, dtype="i4,f4")[0], "", "no exact Python number"),
    ("long double", np.longdouble(1), "", "longdouble"),
    ("zone of another library", datetime.time(1, tzinfo=type("Odd", (datetime.tzinfo,), {})()), "", "time zone"),
]


@pytest.mark.parametrize(("value", "path", "reason"), [row[1:] for row in UNENCODABLE], ids=[r[0] for r in UNENCODABLE])
def test_s024_what_has_no_stable_identity_is_refused_with_its_path(value, path, reason):
    with pytest.raises(FuruEncodeError, match="can't hash") as caught:
        encode_any(value)
    assert path == caught.value.path
    assert reason in str(caught.value)
    assert isinstance(caught.value, TypeError)


def test_s024_a_config_names_the_field_path():
    with pytest.raises(TypeError, match=r"at Leaf\.value\['a'\]\[1\]"):
        _ = Leaf(value={"a": [0, object()]}).furu_hash


def test_local_classes_of_values_are_refused_since_nobody_could_load_them():
    class Hidden(BaseModel):
        x: int = 0

    with pytest.raises(TypeError, match="local to a function"):
        encode_any(Hidden())


def test_a_list_in_itself_is_refused():
    loop: list[Any] = []
    loop.append(loop)
    with pytest.raises(TypeError, match="contains itself, or is nested too deeply"):
        _ = Leaf(value=loop).furu_hash


def test_the_encoding_does_not_depend_on_what_was_used_before():
    """Cached properties of models and caches of dataclasses are no content."""
    options, derived = Options(x=1), Derived(2)
    before = canonical_text([encode_any(options), encode_any(derived)])
    options.__dict__["cached"] = 1
    derived.cache["more"] = 1
    assert before == canonical_text([encode_any(options), encode_any(derived)])


def test_a_model_that_redefines_iteration_is_encoded_by_its_fields():
    assert encode_any(Itself(root=[])) == {"$model": f"{__name__}:Itself", "fields": {"root": []}}


class Itself(BaseModel):
    root: list[Any]

    def __iter__(self) -> Any:
        return iter(self.root)


class TestInjective:
    def test_lookalikes_are_told_apart(self):
        """S012: 1, "1", 1.0, True, None, "None", lists, tuples, sets, paths and dates, all in one."""
        texts: dict[str, Any] = {}
        for value in LOOKALIKES:
            other = texts.setdefault(canonical_text(encode_any(value)), value)
            assert signature(other) == signature(value)
        assert len({signature(value) for value in LOOKALIKES}) == len(texts)

    @given(st.lists(VALUES, min_size=2, max_size=12))
    def test_values_encode_equal_exactly_if_they_are_the_same(self, drawn):
        texts = [canonical_text(encode_any(value)) for value in drawn]
        signatures = [signature(value) for value in drawn]
        for index, text in enumerate(texts):
            for other in range(index):
                assert (text == texts[other]) == (signatures[index] == signatures[other])

    @given(VALUES)
    def test_the_place_in_a_container_counts(self, value):
        wrapped = [value, [value], (value,), {"a": value}, {"value": value}, Point(value), Options(x=value)]
        texts = {canonical_text(encode_any(each)) for each in [*wrapped, Leaf(value=value), [value, value]]}
        assert len(wrapped) + 2 == len(texts)

    @given(VALUES)
    def test_the_way_back_gives_the_same(self, value):
        document = json.loads(json.dumps(Leaf(value=value).to_dict()))
        assert signature(Leaf(value=value)) == signature(Leaf.from_dict(document))


@pytest.mark.parametrize("abstract", [abc.ABC, BaseModel], ids=["abc", "model"])
def test_classes_are_no_values(abstract):
    with pytest.raises(TypeError, match="can't hash"):
        encode_any(abstract)
