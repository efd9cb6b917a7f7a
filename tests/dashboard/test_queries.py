"""What a click makes of a query's text."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from furu.dashboard.queries import asked, quoted, with_fact, without
from furu.index.query import FuruQueryError, parse


@pytest.mark.parametrize(
    ("text", "name", "value", "expected"),
    [
        ("", "status", "failed", "status:failed"),
        ("lr=1 words", "status", "failed", "lr=1 words status:failed"),
        ("status:published lr=1", "status", "failed", "lr=1 status:failed"),
        ("status:published,failed  lr=1  status~x", "status", "lost", "lr=1 status:lost"),
        ('note="status:failed" status=running', "status", "failed", 'note="status:failed" status:failed'),
        ("config.status=3", "status", "failed", "config.status=3 status:failed"),
        ("", "class", 'a "b", c', 'class:"a \\"b\\", c"'),
    ],
)
def test_a_fact_replaces_what_the_query_says_of_it(text, name, value, expected):
    assert expected == with_fact(text, name, value)


def test_only_those_facts_go():
    assert "lr=1 age>1d" == without("class:A lr=1 namespace:b age>1d", {"class", "namespace"})


def test_what_is_asked_for():
    assert {"a", "b", "c d"} == asked('status:a,b status="c d" status!=e status~f', "status")


@given(st.text(min_size=1, max_size=30).filter(lambda text: not any(0xD800 <= ord(char) < 0xE000 for char in text)))
def test_any_value_comes_back_as_it_was(value):
    (condition,) = parse(f"class:{quoted(value)}").conditions
    assert (value,) == tuple(each.text for each in condition.values)


@given(st.text(alphabet="ab=:<>!~,.[]\"' 1", max_size=30), st.sampled_from(["status", "class"]))
def test_a_fact_can_be_put_in_and_taken_out(text, name):
    try:
        parse(text)
    except FuruQueryError:
        return
    assert without(text, {name}) == without(with_fact(text, name, "x"), {name})
    assert "x" in asked(with_fact(text, name, "x"), name)
