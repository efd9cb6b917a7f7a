"""A field that slow queries ask for again and again gets an index, if that is of use."""

from __future__ import annotations

import pytest

import furu
from furu.evolution.archive import store_roots
from furu.index.conditions import where
from furu.index.database import opened
from furu.index.field_indexes import MOST, SLOW_SEC, TIMES, learn
from furu.index.query import parse


@pytest.fixture
def index(stored):
    for number in range(60):
        stored.add("lab/Train", seed=number, kind=number % 2, data={"$dict": [["path", f"p{number}"]]}, **FIELDS)
    furu.query()
    with opened(store_roots()) as connection:
        yield connection


FIELDS = {f"f{number}": number for number in range(MOST)}


def made(connection) -> int:
    return len(connection.execute("SELECT 1 FROM sqlite_schema WHERE name GLOB 'field_*'").fetchall())


def ask(connection, text: str, times: int = TIMES, took_sec: float = SLOW_SEC) -> None:
    for _ in range(times):
        learn(connection, parse(text), took_sec)


def test_one_is_made_and_used(index):
    ask(index, "seed=7")
    assert 1 == made(index)
    condition = where(parse("seed=7"), 0.0)
    sql = f"EXPLAIN QUERY PLAN SELECT id FROM artifact WHERE {condition.sql} ORDER BY at DESC"
    assert "USING INDEX field_" in str(index.execute(sql, condition.values).fetchall())
    assert [7] == [row.config["seed"] for row in furu.query("seed=7", limit=5)]
    assert [] == furu.query("seed=7 kind=0", limit=5)
    assert 50 == len(furu.query("seed>=10"))


@pytest.mark.parametrize("text", ["seed=7", "seed>7", "data.path=p7", "seed=7,8"])
def test_of_what_can_be_looked_up(index, text):
    ask(index, text)
    assert 1 == made(index)
    assert furu.query(text, limit=100)


@pytest.mark.parametrize("text", ["kind=1", "seed~7", "seed!=7", "class:Train", "word"])
def test_none_where_it_is_of_no_use(index, text):
    ask(index, text)
    ask(index, text)
    assert 0 == made(index)


def test_none_for_what_is_quick_or_rare(index):
    ask(index, "seed=7", took_sec=SLOW_SEC / 2)
    ask(index, "seed=7", times=TIMES - 1)
    assert 0 == made(index)


def test_nobody_who_writes_is_waited_for(index):
    with opened(store_roots()) as other:
        other.execute("BEGIN IMMEDIATE")
        ask(index, "seed=7")
        other.execute("ROLLBACK")
    assert 0 == made(index)
    ask(index, "seed=7")
    assert 1 == made(index)


def test_an_index_that_is_made_anew_has_none(index):
    ask(index, "seed=7")
    index.execute("PRAGMA user_version = 99")
    with opened(store_roots()) as connection:
        assert 0 == made(connection)
    assert 60 == len(furu.query())
