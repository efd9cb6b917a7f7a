"""Which artifacts go and why the others stay; and what holds whatever is stored."""

from __future__ import annotations

import dataclasses
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from furu.gc.budget import recompute_sec
from furu.gc.decide import decide
from furu.gc.facts import Rules, StoredFacts

NOW = 1_000_000_000.0
DAY = 86_400.0
RULES = Rules(now=NOW)


def old(reference: str, status: str = "published", **facts) -> StoredFacts:
    return StoredFacts(reference, status, **{"at": NOW - 100 * DAY, "took_sec": 1.0, "size_bytes": 10, **facts})


def decided(*stored: StoredFacts, **rules) -> dict[str, tuple[bool, str]]:
    found = decide({facts.reference: facts for facts in stored}, dataclasses.replace(RULES, **rules))
    return {reference: tuple(verdict) for reference, verdict in found.items()}


def gone(*stored: StoredFacts, **rules) -> set[str]:
    return {reference for reference, (goes, _) in decided(*stored, **rules).items() if goes}


KEPT = [
    (old("a", busy="host1 pid 2 is computing it"), {}, "host1 pid 2 is computing it"),
    (old("a", fixed="it is under version control"), {}, "it is under version control"),
    (old("a", is_pinned=True), {}, "it is pinned"),
    (old("a", tags=("x", "y")), {}, "it has the tag x"),
    (old("a", tags=("x", "y")), {"keep_tags": frozenset({"y"})}, "it has the tag y"),
    (old("a", at=NOW - DAY + 1), {}, "it is young"),
    (old("a", at=NOW + DAY), {}, "it is young"),
    (old("a", is_current=True), {"by_code": True}, "today's code leads to it"),
    (old("a", is_selected=False), {}, "nobody asked for it to go"),
    (old("a", "recorded"), {}, "there is nothing of it but its config"),
    (old("a", at=NOW - 29 * DAY), {"older_than_sec": 30 * DAY}, "it is not old enough"),
    (old("a"), {"keep_bytes": 10}, "there is room for it"),
    (old("a", "alias", alias_of="b"), {"keep_bytes": 0}, "an alias takes no room"),
]


@pytest.mark.parametrize(("facts", "rules", "because"), KEPT, ids=[because for _, _, because in KEPT])
def test_what_stays(facts, rules, because):
    assert {"a": (False, because)} == decided(facts, **rules)


GOES = [
    (old("a"), {}, "it was asked for"),
    (old("a", "failed"), {}, "it was asked for"),
    (old("a", tags=("x",)), {"keep_tags": frozenset()}, "it was asked for"),
    (old("a", at=NOW - DAY), {}, "it was asked for"),
    (old("a", at=NOW), {"grace_sec": 0.0}, "it was asked for"),
    (old("a", at=NOW - 30 * DAY), {"older_than_sec": 30 * DAY}, "it is old"),
    (old("a"), {"by_code": True}, "today's code doesn't lead to it"),
    (old("a", is_current=True), {}, "it was asked for"),
    (old("a"), {"keep_bytes": 9}, "room is needed, and it takes 1 s to have it again"),
    (old("a", took_sec=None), {"keep_bytes": 9}, "room is needed; nobody knows what it costs to have it again"),
    (old("a", "failed"), {"keep_bytes": 9}, "it has no result"),
]


@pytest.mark.parametrize(("facts", "rules", "because"), GOES, ids=range(len(GOES)))
def test_what_goes(facts, rules, because):
    assert {"a": (True, because)} == decided(facts, **rules)


class TestNeeded:
    def test_what_is_kept_keeps_all_below(self):
        chain = [old("a", is_pinned=True, needs=("b",)), old("b", "recorded", needs=("c",)), old("c")]
        assert (False, "(b) needs it") == decided(*chain)["c"]
        assert {"c"} == gone(*chain, keeps_needed=False)

    def test_what_nobody_asked_for_keeps_what_it_was_made_from(self):
        pair = [old("a", is_selected=False, needs=("b",)), old("b")]
        assert set() == gone(*pair)
        assert {"b"} == gone(*pair, keeps_needed=False)

    @pytest.mark.parametrize("status", ["failed", "recorded", "preempted"])
    def test_what_has_no_result_keeps_nothing(self, status):
        assert {"b"} == gone(old("a", status, is_selected=False, needs=("b",)), old("b"))

    def test_where_room_is_made_only_what_is_kept_for_a_reason_does(self):
        assert {"b"} == gone(old("a", is_selected=False, needs=("b",)), old("b"), keep_bytes=10)
        assert set() == gone(old("a", is_pinned=True, needs=("b",)), old("b"), keep_bytes=10)

    def test_something_failed_is_not_needed(self):
        assert {"b"} == gone(old("a", is_pinned=True, needs=("b",)), old("b", "failed"))

    def test_a_ring_is_no_trouble(self):
        assert set() == gone(old("a", is_pinned=True, needs=("b",)), old("b", needs=("a",)))


class TestAliases:
    def test_an_alias_that_stays_keeps_its_original(self):
        alias = old("a", "alias", alias_of="b", is_selected=False)
        assert (False, "its alias (a) stays") == decided(alias, old("b"))["b"]
        assert set() == gone(alias, old("b"), keeps_needed=False)
        assert set() == gone(alias, old("b"), keep_bytes=0)

    def test_along_a_chain_and_with_what_it_needs(self):
        chain = [
            old("a", "alias", alias_of="b", is_pinned=True),
            old("b", "alias", alias_of="c"),
            old("c", needs=("d",)),
        ]
        assert set() == gone(*chain, old("c", needs=("d",)), old("d"))

    def test_both_go_if_both_may(self):
        assert {"a", "b"} == gone(old("a", "alias", alias_of="b"), old("b"))

    def test_one_whose_original_is_gone(self):
        assert {"a"} == gone(old("a", "alias", alias_of="b"))


class TestRoom:
    def test_what_is_cheap_for_its_size_goes_first(self):
        stored = [
            old("cheap", took_sec=1.0, size_bytes=10),
            old("dear", took_sec=3600.0, size_bytes=10),
            old("big", took_sec=60.0, size_bytes=10_000),
        ]
        assert {"big"} == gone(*stored, keep_bytes=20)
        assert {"big", "cheap"} == gone(*stored, keep_bytes=19)
        assert {"big", "cheap", "dear"} == gone(*stored, keep_bytes=9)

    def test_what_was_made_from_something_that_is_gone_is_dearer(self):
        """Alone, `model` is the cheaper one; after its `data` has gone it isn't any more."""
        stored = [
            old("data", took_sec=10.0, size_bytes=100),
            old("model", took_sec=2.0, size_bytes=10, needs=("data",)),
            old("other", took_sec=5.0, size_bytes=10),
        ]
        assert {"data", "other"} == gone(*stored, keep_bytes=10)
        assert {"model", "other"} == gone(*stored[1:], old("data", is_pinned=True, size_bytes=0), keep_bytes=0)

    def test_what_is_missing_is_counted_once(self):
        stored = {
            facts.reference: facts
            for facts in (
                old("top", took_sec=1.0, needs=("left", "right")),
                old("left", "recorded", took_sec=2.0, needs=("low",)),
                old("right", "recorded", took_sec=4.0, needs=("low", "there")),
                old("low", "recorded", took_sec=8.0),
                old("there", took_sec=100.0),
            )
        }
        assert 15.0 == recompute_sec("top", stored, lambda name: not stored[name].has_result)
        assert math.inf == recompute_sec("gone", stored, lambda _: False)


NAMES = "abcdefgh"


@st.composite
def stores(draw) -> dict[str, StoredFacts]:
    names = NAMES[: draw(st.integers(1, len(NAMES)))]
    stored = {}
    for number, name in enumerate(names):
        below = st.sampled_from([*NAMES[number + 1 :], "missing"])
        status = draw(st.sampled_from(["published", "published", "published", "failed", "recorded", "alias"]))
        stored[name] = StoredFacts(
            name,
            status,
            at=NOW - draw(st.sampled_from([0.0, 10 * DAY, 100 * DAY])),
            took_sec=draw(st.none() | st.sampled_from([0.0, 1.0, 60.0, 3600.0])),
            size_bytes=draw(st.sampled_from([0, 1, 10, 1000])),
            needs=tuple(draw(st.lists(below, max_size=3, unique=True))),
            alias_of=draw(below) if status == "alias" else None,
            tags=tuple(draw(st.sampled_from([[], [], ["x"], ["y"]]))),
            is_pinned=draw(st.integers(0, 5)) == 0,
            is_current=draw(st.booleans()),
            is_selected=draw(st.integers(0, 3)) > 0,
            busy=draw(st.sampled_from([None, None, None, "busy"])),
        )
    return stored


RULE_SETS = st.builds(
    Rules,
    now=st.just(NOW),
    grace_sec=st.sampled_from([0.0, DAY, 50 * DAY]),
    older_than_sec=st.none() | st.sampled_from([5 * DAY, 60 * DAY]),
    keep_bytes=st.none() | st.sampled_from([0, 5, 50, 1500]),
    keep_tags=st.sampled_from([None, frozenset({"x"}), frozenset()]),
    keeps_needed=st.booleans(),
    by_code=st.booleans(),
)


def protected(stored: dict[str, StoredFacts], rules: Rules) -> set[str]:
    """What must stay, by the plain words of the rules; written without a look at how it is done."""
    found = set()
    for name, facts in stored.items():
        tagged = bool(facts.tags) if rules.keep_tags is None else bool(rules.keep_tags & set(facts.tags))
        young = NOW - facts.at < rules.grace_sec and facts.status != "recorded"
        if facts.busy or facts.is_pinned or tagged or young or (rules.by_code and facts.is_current):
            found.add(name)
    if rules.keeps_needed:
        below = set(found)
        for _ in stored:
            below |= {need for name in below & stored.keys() for need in stored[name].needs}
            below |= {stored[name].alias_of or name for name in below & stored.keys()}
        found |= {name for name in below & stored.keys() if stored[name].has_result}
    return found


@given(stores(), RULE_SETS)
def test_what_is_kept_never_goes(stored, rules):
    taken = {name for name, verdict in decide(stored, rules).items() if verdict.goes}
    assert not taken & protected(stored, rules)
    assert all(stored[name].is_selected and stored[name].status != "recorded" for name in taken)
    for name, facts in stored.items():  # an alias that stays has its original
        if name not in taken and facts.alias_of is not None:
            assert facts.alias_of not in taken


@given(stores(), RULE_SETS)
def test_there_is_room_or_everything_that_may_has_gone(stored, rules):
    verdicts = decide(stored, rules)
    assert stored.keys() == verdicts.keys()
    left = sum(facts.size_bytes for name, facts in stored.items() if not verdicts[name].goes)
    room_for = {name for name, verdict in verdicts.items() if verdict.because == "there is room for it"}
    if rules.keep_bytes is None:
        assert not room_for
    elif left > rules.keep_bytes:
        assert not [name for name in room_for if stored[name].size_bytes]
    else:  # and no more has gone than was needed: without the dearest of them there would not have been room
        sizes = [stored[name].size_bytes for name, verdict in verdicts.items() if verdict.goes]
        assert not sizes or left + max(sizes) > rules.keep_bytes


@given(stores(), RULE_SETS, st.randoms(use_true_random=False))
def test_the_order_changes_nothing(stored, rules, draw):
    names = list(stored)
    draw.shuffle(names)
    assert decide(stored, rules) == decide({name: stored[name] for name in names}, rules)


@given(stores(), RULE_SETS)
def test_a_second_time_nothing_more_goes(stored, rules):
    verdicts = decide(stored, rules)
    after = {
        name: dataclasses.replace(facts, status="recorded", size_bytes=0, alias_of=None)
        if verdicts[name].goes
        else facts
        for name, facts in stored.items()
    }
    again = {name for name, verdict in decide(after, rules).items() if verdict.goes}
    assert not again
