"""What queries mean, and what is said about those that mean nothing."""

from __future__ import annotations

import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import furu
from furu.index.query import FuruQueryError, Value, parse

MEANINGS = [
    ("", "toy wiki good bad busy old never"),
    ("lr=3e-4", "good bad"),
    ("lr=0.0003 seed=2", "bad"),
    ("lr=3e-4,0.1", "good bad busy"),
    ("lr!=3e-4", "busy old"),
    ("lr!=3e-4,0.1", "old"),
    ("lr>=0.1", "busy old"),
    ("lr=1.0", "old"),
    ("data.vocab>=16000", "good"),
    ("data.vocab<16000", "bad busy"),
    ("data.name=toy status:failed", "bad"),
    ("data.name~WIK", "good"),
    ("name=toy", "toy"),
    ("class:Train", "good bad busy old"),
    ("class=Train,Eval seed>0", "good bad busy"),
    ("namespace:lab/old", "old"),
    ("namespace:lab", "toy wiki good bad busy old never"),
    ("status:published class:Data", "toy wiki"),
    ("status!=published,recorded", "bad busy old"),
    ("error:ValueError", "bad"),
    ("error~NAN", "bad"),
    ("host:host1 status:running", "busy"),
    ("user:ada class:Eval", ""),
    ("version:1", "old"),
    ("tuned=true", "good"),
    ("tuned=false", "bad busy"),
    ("tuned=1", ""),
    ("label=none", "busy"),
    ("label=1", "bad"),
    ('label="1"', "bad"),
    ('label="a, b"', "good"),
    ("label='a, b'", "good"),
    ('seed="1"', ""),
    ("config.seed=1", "good"),
    ("sizes[1]=16", "old"),
    ("sizes[0]>8", ""),
    ("path=out/x", "never"),
    ("day>=2026-11-01", "never"),
    ("day<2026-11-01", ""),
    ("took>=3s", "good"),
    ("took<=1m status:failed", "bad"),
    ("age>1w status:published", "toy wiki good"),
    ("tag:paper", "good toy"),
    ("tag:paper tag:talk", "good"),
    ("tag:pape", ""),
    ("tag~APE", "good toy"),
    ("tag:none,talk", "good"),
    ("tag!=paper class:Train", "bad busy old"),
    ("tag:t_lk", ""),
    ("pinned:true", "toy"),
    ("pinned=false class:Data", "wiki"),
    ("pinned!=false", "toy"),
    ("note:DIVERGES", "bad"),
    ("note~900", "bad"),
    ("note!=900 class:Train", "good busy old"),
    ("diverges", "bad"),
    ("talk", "good"),
    ("wiki", "wiki good"),
    ("nan", "bad"),
    ('"a, b"', "good"),
    ("100%", ""),
    ("_", ""),
]


@pytest.mark.parametrize(("text", "expected"), MEANINGS, ids=[text or "all" for text, _ in MEANINGS])
def test_a_query_finds(study, text, expected):
    stored = {ref.reference: ref for ref in furu.refs()}
    furu.tag(stored[study["good"]], "paper", "talk")
    furu.tag(stored[study["toy"]], "paper")
    furu.pin(stored[study["toy"]])
    furu.note(stored[study["bad"]], "Diverges after step 900")
    names = {reference: name for name, reference in study.items()}
    found = {names[row.reference] for row in furu.query(text)}
    assert set(expected.split()) == found


def test_a_hash_is_found_by_its_beginning(study):
    _, _, furu_hash = study["good"].rpartition("/")
    assert [study["good"]] == [row.reference for row in furu.query(f"hash:{furu_hash[:9]}")]
    assert study["good"] in {row.reference for row in furu.query(furu_hash[:9])}


REFUSED = [
    ("lr=", 3, "a value is missing"),
    ("lr= 3", 3, "no spaces around operators"),
    ("lr = 3", 3, "a condition can't begin here"),
    ("class:Train lr>1,2", 15, "> takes one value"),
    ('label="a', 6, "a quote is not closed"),
    ("'a", 0, "a quote is not closed"),
    ('label="a"b', 9, "a value ends here"),
    ("a,b", 1, "a word ends here"),
    ("lr=1,", 5, "a value is missing"),
    ("state:failed", 0, "did you mean status:failed?"),
    ("lr:3e-4", 0, "a field is compared with =, as lr=3e-4"),
    ("status:done", 0, "statuses are: published, alias, running"),
    ("class>a", 6, "class has no order"),
    ("took=3", 5, "as took>10m, in s, m, h, d or w"),
    ("pinned:maybe", 7, "as pinned:true"),
    ("tag>a", 4, "tag has no order"),
    ("took>long", 5, "compared with a duration"),
    ("class:Train learning_rate=1", 12, "no stored config has a field 'learning_rate'"),
    ("vocap=3", 0, "did you mean vocab or data.vocab?"),
    ("data.vocap=3", 0, "did you mean data.vocab"),
]


@pytest.mark.parametrize(("text", "position", "said"), REFUSED, ids=[text for text, _, _ in REFUSED])
def test_what_means_nothing_is_shown_where_it_does(study, text, position, said):
    with pytest.raises(FuruQueryError) as raised:
        furu.query(text)
    assert position == raised.value.position
    assert said in str(raised.value)
    assert f"\n  {text}\n  {' ' * position}^" in raised.value.message


def test_in_an_empty_store_no_field_is_wrong():
    assert [] == furu.query("lr=3")


VALUES = [
    ("3", 3, None),
    ("-1.5e-3", -0.0015, None),
    ("1_000", 1000, None),
    ("None", None, "null"),
    ("TRUE", None, "true"),
    ("x", None, None),
    ("1e", None, None),
    ("1__0", 10, None),
    ("9" * 200, 1e200, None),
]


@pytest.mark.parametrize(("text", "number", "word"), VALUES, ids=[text for text, _, _ in VALUES])
def test_a_value_is_read_as_what_it_looks_like(text, number, word):
    assert (number, word) == (Value(text).number, Value(text).word)
    assert (None, None) == (Value(text, is_quoted=True).number, Value(text, is_quoted=True).word)


@given(st.text(max_size=30) | st.text("ab.=<>!~:,\"' \\[]01%", max_size=30))
def test_any_text_is_a_query_or_says_where_not(text):
    position = 0
    try:
        parse(text)
    except FuruQueryError as error:
        position = error.position
    assert 0 <= position <= len(text)


CONDITIONS = r"(lr|data\.name|sizes\[\d{1,9}\]|class|took|age|hash)(=|!=|<|>=|~|:)[\w.%'\"\\,+-]{1,12}"


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
@given(text=st.text(max_size=12) | st.from_regex(CONDITIONS, fullmatch=True))
def test_any_text_finds_something_or_nothing_or_says_where_not(study, text):
    position = 0
    try:
        furu.query(text)
    except FuruQueryError as error:
        position = error.position
    assert 0 <= position <= len(text)


LONG = {
    "characters": "x" * 10_001,
    "conditions": "a=1 " * 101,
    "values": "a=" + ",".join("1" * 201),
}


@pytest.mark.parametrize("what", LONG)
def test_what_nobody_types_is_refused(what):
    with pytest.raises(FuruQueryError, match=f"more than .* {what}"):
        parse(LONG[what])


def test_as_much_as_is_allowed_is_answered(study):
    many = ",".join("7" * 200)
    assert [] == furu.query(" ".join([f"lr={many}"] * 20 + ["lr!=5"] * 80))


@given(text=st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=20))
def test_any_value_can_be_asked_for_in_quotes(text):
    (condition,) = parse(f"name={json.dumps(text)}").conditions
    assert (text,) == tuple(value.text for value in condition.values)
