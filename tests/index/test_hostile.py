"""One damaged or hostile record never keeps others from being indexed."""

from __future__ import annotations

import json
import os

import pytest

import furu


def deep(levels: int) -> object:
    value: object = 1
    for _ in range(levels):
        value = [value]
    return value


@pytest.mark.parametrize(
    ("name", "changes"),
    [
        ("SUCCESS.json", {"at": float("nan")}),
        ("SUCCESS.json", {"at": 1e300}),
        ("SUCCESS.json", {"at": -1e15}),
        ("SUCCESS.json", {"usage": {"wall_sec": [1]}}),
        ("SUCCESS.json", {"usage": {"wall_sec": float("inf")}}),
        ("config.json", {"fields": {"x": deep(300)}}),
        ("config.json", {"fields": {"x": deep(900)}}),
        ("config.json", {"fields": {"x": float("nan"), "big": 10**4000}}),
        ("config.json", {"fields": {"\ud800": "\ud800"}}),
        ("config.json", {"version": "\ud800"}),
        ("config.json", {"version": [1]}),
        ("config.json", {"dependencies": [1, {"a": 2}, "\ud800"]}),
        ("config.json", {"fields": {"x": {"$config": "\ud800"}, "y": {"$config": [1]}, "z": {"$enum": "a"}}}),
    ],
    ids=lambda value: value if isinstance(value, str) else ascii(value)[:40],
)
def test_a_strange_record_costs_its_own_row_at_most(stored, name, changes):
    strange = stored.add("lab/Train", seed=1)
    good = stored.add("lab/Train", seed=2)
    path = stored.root / "data" / strange / name
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))
    rows = furu.query()
    assert {strange, good} == {row.reference for row in rows}
    assert all(row.to_json() for row in rows)


def test_a_directory_in_bytes_that_are_no_text_is_passed_over(stored):
    good = stored.add("lab/Train", seed=2)
    os.makedirs(os.fsencode(stored.root) + b"/data/\xff\xfe/" + b"a" * 32)
    assert [good] == [row.reference for row in furu.query()]
