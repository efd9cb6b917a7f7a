"""How many workers a pool wants."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from furu.execution.pool.crew import Crew, decide_moves, share


@pytest.mark.parametrize(
    ("demand", "total", "expected"),
    [
        pytest.param({}, 5, {}, id="nothing to do"),
        pytest.param({"a": 3}, 5, {"a": 3}, id="one worker for a task"),
        pytest.param({"a": 30}, 5, {"a": 5}, id="no more than allowed"),
        pytest.param({"a": 30, "b": 30}, 5, {"a": 3, "b": 2}, id="evenly"),
        pytest.param({"a": 30, "b": 1}, 5, {"a": 4, "b": 1}, id="what one does not need goes to the other"),
        pytest.param({"a": 1, "b": 1, "c": 1}, 2, {"a": 1, "b": 1, "c": 0}, id="earlier keys first"),
        pytest.param({"a": 0, "b": 2}, 5, {"a": 0, "b": 2}, id="none for nothing"),
    ],
)
def test_share(demand, total, expected):
    assert expected == share(demand, total)


def crew(pending: str = "", serving: int = 0, idle: str = "", leaving: int = 0) -> Crew:
    return Crew(tuple(pending.split()), serving, tuple(idle.split()), leaving)


@pytest.mark.parametrize(
    ("demand", "crews", "total", "outdated", "expected"),
    [
        pytest.param({"a": 3}, {}, 10, [], ({"a": 3}, [], []), id="from nothing"),
        pytest.param({"a": 3}, {"a": crew("p1 p2", 1)}, 10, [], ({}, [], []), id="enough"),
        pytest.param({"a": 9}, {"a": crew("p1", 1, leaving=1)}, 4, [], ({"a": 1}, [], []), id="leaving ones count"),
        pytest.param({"a": 1}, {"a": crew("p1 p2 p3")}, 10, [], ({}, [], []), id="too many, for now"),
        pytest.param({"a": 1}, {"a": crew("p1 p2 p3")}, 10, ["a"], ({}, ["p3", "p2"], []), id="newest cancelled first"),
        pytest.param({}, {"a": crew("p1 p2", 2, "w1")}, 10, ["a"], ({}, ["p2", "p1"], []), id="idle ones time out"),
        pytest.param(
            {"b": 2}, {"a": crew("p1 p2", 1, "w1")}, 3, [], ({}, ["p2", "p1"], []), id="cancelled for another key"
        ),
        pytest.param({"b": 1}, {"a": crew("", 1, "w1")}, 1, [], ({}, [], ["w1"]), id="dismissed for another key"),
        pytest.param({"a": 1, "b": 1}, {"a": crew("", 1)}, 1, [], ({}, [], []), id="busy ones stay"),
        pytest.param(
            {"b": 1}, {"a": crew("", 1, "w1", leaving=1)}, 2, [], ({}, [], []), id="a place is becoming free already"
        ),
    ],
)
def test_moves(demand, crews, total, outdated, expected):
    assert expected == tuple(decide_moves(demand, crews, total, outdated=outdated))


NAMES = st.sampled_from("abc")


@st.composite
def crews_of_one_pool(draw: st.DrawFn) -> dict[str, Crew]:
    crews = {}
    for key in draw(st.sets(NAMES)):
        serving = draw(st.integers(0, 4))
        idle = tuple(f"{key}w{number}" for number in range(draw(st.integers(0, serving))))
        pending = tuple(f"{key}p{number}" for number in range(draw(st.integers(0, 4))))
        crews[key] = Crew(pending, serving, idle, draw(st.integers(0, 2)))
    return crews


@given(st.dictionaries(NAMES, st.integers(0, 6)), crews_of_one_pool(), st.integers(1, 12))
def test_s226_moves_never_exceed_the_total_and_hit_only_the_superfluous(demand, crews, total):
    moves = decide_moves(demand, crews, total, outdated=crews)
    live = sum(each.live for each in crews.values())
    assert live + sum(moves.submit.values()) <= max(total, live)
    for key, count in moves.submit.items():
        assert 0 < count <= demand[key] - (crews[key].useful if key in crews else 0)
    gone = [*moves.cancel, *moves.dismiss]
    assert len(gone) == len(set(gone))
    for key, each in crews.items():
        dropped = sum(name in gone for name in (*each.pending, *each.idle))
        assert each.useful - dropped >= min(each.useful, share(demand, total).get(key, 0))


@given(st.dictionaries(NAMES, st.integers(0, 5)), st.integers(1, 8))
def test_moves_repeated_reach_a_state_in_which_every_share_is_filled(demand, total):
    """Cancelled and dismissed workers go, asked ones come: it settles."""
    crews = {"a": Crew(("p",) * 1, 2, ("w1", "w2"), 1)}
    for _ in range(6):
        moves = decide_moves(demand, crews, max(total, 4), outdated=crews)
        after = {}
        for key in {*crews, *moves.submit}:
            old = crews.get(key, Crew())
            pending = tuple(name for name in old.pending if name not in moves.cancel)
            idle = tuple(name for name in old.idle if name not in moves.dismiss)
            serving = old.serving - (len(old.idle) - len(idle)) + len(pending) + moves.submit.get(key, 0)
            after[key] = Crew((), serving, idle, 0)
        crews = after
    for key, wanted in share(demand, max(total, 4)).items():
        assert crews.get(key, Crew()).useful >= wanted
