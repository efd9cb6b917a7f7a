"""Results of Python's own types: stored, sent through JSON, loaded back equal and of the same types."""

from __future__ import annotations

import json
import math
import os
from collections import Counter, OrderedDict, defaultdict, deque
from datetime import UTC, date, datetime, time, timedelta, timezone, tzinfo
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from types import SimpleNamespace
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from furu.errors import FuruCodecError
from furu.storage.results import RESULT_FOLDER, ResultDirectory, load_result, store_result


def unwritable():
    raise AssertionError("made a directory for an inline result")


def round_trip(value, data_dir, **options):
    record = store_result(value, ResultDirectory(lambda: data_dir), **options)
    return load_result(json.loads(json.dumps(record, allow_nan=False)), data_dir)


def inline(value):
    return store_result(value, ResultDirectory(unwritable))


def is_same(left, right):
    """Equal, of the same types all the way down; nan is itself and the sign of zero counts."""
    if type(left) is not type(right):
        return False
    if isinstance(left, float):
        return (math.isnan(left) and math.isnan(right)) or (left == right and str(left) == str(right))
    if isinstance(left, list | tuple):
        return len(left) == len(right) and all(map(is_same, left, right))
    if isinstance(left, dict):
        return is_same(list(left), list(right)) and is_same(list(left.values()), list(right.values()))
    if isinstance(left, set | frozenset):
        return left == right and sorted(map(repr, left)) == sorted(map(repr, right))
    return left == right and str(getattr(left, "tzinfo", None)) == str(getattr(right, "tzinfo", None))


VALUES = {
    "none": None,
    "true": True,
    "int": 7,
    "huge int": -(10**5000),
    "64 bits": [2**64 - 1, 2**64, -(2**63), -(2**63) - 1],
    "float": 0.1,
    "nan": math.nan,
    "infinities": [math.inf, -math.inf, -0.0],
    "text": "naïve \x00 \U0001f600",
    "lone surrogates": ["\ud800", {"\udcff": "\ud83d\ude00"}],
    "complex": complex(-0.0, math.inf),
    "bytes": b"\x00\xff",
    "large bytes": bytes(5000),
    "bytearray": bytearray(b"ab"),
    "large bytearray": bytearray(5000),
    "empty containers": [[], (), {}, set(), frozenset(), b"", ""],
    "nested": {"a": [1, (2.0, {"b": {3, 4}})], "c": frozenset({"x"})},
    "keys of any type": {1: "a", None: "b", (1, 2): "c", False: "d", 0.5: "e", frozenset({1}): "f", b"k": "g"},
    "keys like tags": {"$tuple": [1], "a": {"$": 1}},
    "late key like a tag": {"a": 1, "$tuple": [2]},
    "order": {"b": 1, "a": 2},
    "ordered dict": OrderedDict([("b", 1), ("a", 2)]),
    "counter": Counter("abca"),
    "decimal": [Decimal("1.50"), Decimal("-0"), Decimal("sNaN"), Decimal("Infinity"), Decimal("1E+999")],
    "fraction": Fraction(-(10**5000), 3),
    "uuid": UUID("12345678-1234-5678-1234-567812345678"),
    "date": date(1, 1, 1),
    "naive": datetime(2024, 2, 29, 12, 30, 15, 123456),  # noqa: DTZ001 -- naive ones are stored as well
    "utc": datetime(2024, 2, 29, tzinfo=UTC),
    "offset": datetime(2024, 2, 29, tzinfo=timezone(timedelta(hours=-3, microseconds=1))),
    "named offset": datetime(2024, 2, 29, tzinfo=timezone(timedelta(hours=2), "CEST")),
    "zone": datetime(2024, 10, 27, 2, 30, tzinfo=ZoneInfo("Europe/Berlin"), fold=1),
    "time": time(23, 59, 59, 999999, tzinfo=UTC, fold=1),
    "timedelta": timedelta(days=-1, microseconds=1),
    "unhashed duplicates": [[1], [1]],
    "large": {"values": list(range(30_000))},
    "large tagged": {"values": tuple(range(30_000))},
    "deep": json.loads("[" * 199 + "]" * 199),
}


@pytest.mark.parametrize("value", VALUES.values(), ids=VALUES)
def test_value_comes_back_equal_and_of_the_same_type(value, tmp_path):
    loaded = round_trip(value, tmp_path)
    if isinstance(value, list) and value and isinstance(value[0], Decimal):
        assert [str(each) for each in loaded] == [str(each) for each in value]
    else:
        assert is_same(loaded, value)


SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(st.characters(exclude_categories=()))
    | st.binary(max_size=20)
    | st.complex_numbers(allow_nan=False)
    | st.decimals(allow_nan=False)
    | st.fractions()
    | st.uuids()
    | st.dates()
    | st.datetimes(timezones=st.none() | st.timezones())
    | st.times()
    | st.timedeltas()
)
# 1, 1.0 and True are one key, of which a set keeps either.
KEYS = st.text() | st.binary(max_size=5) | st.none() | st.tuples(st.text(), st.dates())
TREES = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.lists(inner, max_size=4).map(tuple)
        | st.dictionaries(KEYS | st.sampled_from(["$", "$tuple", "$codec"]), inner, max_size=4)
        | st.sets(KEYS, max_size=4)
        | st.frozensets(KEYS, max_size=4)
    ),
    max_leaves=15,
)


@given(TREES)
def test_any_tree_comes_back_equal_and_of_the_same_type(value):
    record = json.loads(json.dumps(inline(value), allow_nan=False))
    assert is_same(load_result(record, Path("/nowhere")), value)


@given(TREES)
def test_loading_the_record_again_gives_another_object_that_is_equal(value):
    text = json.dumps(inline(value))
    assert is_same(load_result(json.loads(text), Path()), load_result(json.loads(text), Path()))


class TestInline:
    """What SUCCESS.json holds itself."""

    @pytest.mark.parametrize("value", [None, 1, 0.5, "x", {"acc": 0.97, "n": 3}, [{"a": []}]], ids=repr)
    def test_plain_json_is_the_record(self, value):
        assert inline(value) == {"codec": "json", "value": value}

    def test_plain_value_is_loaded_without_a_copy(self):
        record = {"codec": "json", "value": {"acc": 0.97}}
        assert load_result(record, Path("/nowhere")) is record["value"]

    def test_equal_sets_have_equal_records(self):
        assert inline(set("abcdefgh")) == inline(set("hgfedcba"))

    def test_large_json_is_one_file_and_the_record_small(self, tmp_path):
        record = store_result("x" * 70_000, ResultDirectory(lambda: tmp_path))
        assert record == {"codec": "json", "file": "result.json", "crc": record["crc"]}
        assert json.loads((tmp_path / RESULT_FOLDER / "result.json").read_text()) == "x" * 70_000

    def test_large_bytes_are_a_file_of_themselves(self, tmp_path):
        store_result({"a": bytes(5000), "b": bytes(6000)}, ResultDirectory(lambda: tmp_path))
        sizes = {path.name: path.stat().st_size for path in (tmp_path / RESULT_FOLDER).iterdir()}
        assert sizes == {"result.bin": 5000, "result-1.bin": 6000}


class TestPath:
    """Paths stand for files of the result, wherever the store is."""

    def test_path_follows_the_store(self, tmp_path):
        here, there = tmp_path / "here", tmp_path / "there"
        record = store_result({"model": here / "a" / "model.bin"}, ResultDirectory(lambda: here))
        assert load_result(record, there) == {"model": there / "a" / "model.bin"}

    def test_directory_itself_is_allowed(self, tmp_path):
        assert round_trip(tmp_path, tmp_path) == tmp_path

    def test_relative_path_counts_from_the_working_directory(self, tmp_path, monkeypatch):
        monkeypatch.chdir(tmp_path)
        assert round_trip(Path("a/b"), tmp_path) == tmp_path / "a" / "b"

    def test_path_with_links_resolved_is_recognised(self, tmp_path):
        (tmp_path / "real").mkdir()
        (tmp_path / "link").symlink_to(tmp_path / "real")
        assert round_trip(tmp_path / "real" / "x", tmp_path / "link") == tmp_path / "link" / "x"

    def test_name_that_is_no_utf8_comes_back(self, tmp_path):
        odd = tmp_path / os.fsdecode(b"caf\xe9")
        assert round_trip(odd, tmp_path) == odd

    @pytest.mark.parametrize("below", ["..", "../other", "a/../../other"])
    def test_path_outside_is_refused_and_says_so(self, tmp_path, below):
        with pytest.raises(
            FuruCodecError, match=r"result\['data'\]: .* is outside of the result's own directory"
        ) as caught:
            round_trip({"data": tmp_path / "mine" / below}, tmp_path / "mine")
        assert "return str(path)" in str(caught.value)


def ring():
    values = [1]
    values.append({"again": values})
    return values


class Plain:
    pass


class Text(str):
    __slots__ = ()


class Zone(tzinfo):
    def utcoffset(self, moment):
        return timedelta(0)


REFUSED = {
    "plain class": ({"model": [0, 1, Plain()]}, r"result\['model'\]\[2\]: no codec takes a .*Plain", "define _load"),
    "str subclass": ([Text("x")], r"result\[0\]: no codec takes", "return str(value)"),
    "defaultdict": ({"d": defaultdict(list)}, r"result\['d'\]: no codec", "return dict(value)"),
    "deque": (deque([1]), "result: no codec", "return list(value)"),
    "generator": ((each for each in "ab"), "generator", "return list(value)"),
    "range": (range(3), "range", "return list(value)"),
    "function": ({"f": is_same}, "function", "return the function's name"),
    "class": (Plain, "result: no codec takes a type", "return the class's name"),
    "namespace": (SimpleNamespace(a=1), "SimpleNamespace", "return vars(value)"),
    "bool is no int, but both are fine": ([True, Plain()], r"result\[1\]", "register_codec"),
    "in a key": ({(1, Text("x")): 1}, r"result\.key\[1\]", "return str(value)"),
    "below a key": ({(1, 2): {"a": Plain()}}, r"result\[<tuple>\]\['a'\]", 'codec="pickle"'),
    "in a set": ({Text("x")}, r"result\[<Text>\]", "return str(value)"),
    "contains itself": (ring(), r"result\[1\]\['again'\]: it contains itself", ""),
    "own time zone": (datetime(2024, 1, 1, tzinfo=Zone()), "time zone is a .*Zone", "zoneinfo.ZoneInfo"),
    "too deep": (json.loads("[" * 300 + "]" * 300), "nested deeper than 200", ""),
}


@pytest.mark.parametrize(("value", "message", "hint"), REFUSED.values(), ids=REFUSED)
def test_what_no_codec_takes_is_refused_with_its_place_and_a_way_out(value, message, hint, tmp_path):
    with pytest.raises(FuruCodecError, match=message) as caught:
        round_trip(value, tmp_path)
    assert hint in str(caught.value)
    assert isinstance(caught.value, TypeError)


def test_same_object_twice_is_no_ring(tmp_path):
    shared = [1]
    assert round_trip((shared, shared), tmp_path) == ([1], [1])
