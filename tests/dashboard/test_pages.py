"""What pages show of a store, whatever is stored in it."""

from __future__ import annotations

import html
import json
import re
from urllib.parse import quote, urlencode

import pytest

from tests.support.stored import config, token

NASTY = "<script>alert(1)</script>\"'><img src=x onerror=alert(2)>{{7*7}}${7*7}"


def rows_of(text: str) -> list[str]:
    return re.findall(r'<tr data-key="([^"]*)"', text)


def test_the_list_shows_what_is_stored_with_columns_for_what_differs(lab_client, lab):
    answer = lab_client.get("/?q=class:Train")
    assert {lab["good"], lab["other"], lab["bad"]} == set(rows_of(answer.text))
    head = re.findall(r'<th class="field">(.*?)</th>', answer.text)
    assert ["lr", "seed"] == head
    assert "Same in all:" in answer.text
    assert "ValueError: loss is nan" in answer.text


def test_all_fields_are_columns_when_asked_for(lab_client):
    head = re.findall(r'<th class="field">(.*?)</th>', lab_client.get("/?q=class:Train&columns=all").text)
    assert ["lr", "seed", "width"] == [each for each in head if "<" not in each]
    assert 5 == len(head)


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ("", ["toy", "good", "other", "bad"]),
        ("lr=3e-4", ["good"]),
        ("status:failed", ["bad"]),
        ("data.vocab>=100 lr<=0.01", ["good", "other"]),
        ("nan", ["bad"]),
        ("class:Nothing", []),
    ],
)
def test_a_query_narrows_the_list(lab_client, lab, query, names):
    assert {lab[name] for name in names} == set(rows_of(lab_client.get("/", params={"q": query}).text))


def test_statuses_and_classes_are_links_that_narrow_and_widen(lab_client):
    text = lab_client.get("/", params={"q": "class:Train"}).text
    chips = {
        html.unescape(address): (name, int(count))
        for address, name, count in re.findall(r'class="chip \w+" href="([^"]*)"[^>]*>(\w+) <b>(\d+)</b>', text)
    }
    assert {
        "?q=class%3ATrain+status%3Afailed": ("failed", 1),
        "?q=class%3ATrain+status%3Apublished": ("published", 2),
    } == chips
    assert re.search(r'<a href="\?" aria-current="true" title="lab/Train">', text)


@pytest.fixture
def sixty(stored):
    return [stored.add("lab/Train", seed=number) for number in range(60)]


def test_the_list_comes_page_by_page(sixty, client):
    found: list[str] = []
    address = "/?q=class:Train&sort=oldest"
    pages = 0
    while address:
        text = client.get(address).text
        found += rows_of(text)
        pages += 1
        following = re.search(r'<a rel="next"[^>]*href="([^"]*)"', text)
        address = "/" + html.unescape(following[1]) if following else ""
    assert (60, 60, 2) == (len(found), len(set(found)), pages)


@pytest.mark.parametrize(
    ("address", "status"),
    [
        ('/?q="open', 400),
        ("/?q=nosuchfield=3", 400),
        ("/?q=status:nosuch", 400),
        ("/?after=rubbish", 400),
        ("/?after=WzFd", 400),
        ("/?sort=sideways", 422),
        ("/?q=" + "x" * 3_999, 200),
        ("/?q=" + "x" * 4_001, 422),
        ("/?q=a%00b", 200),
        ("/?q=%ff", 200),
        ("/?q=%ed%a0%80", 200),
        ("/a/lab/Train/" + "0" * 32, 404),
        ("/a/lab/Train/xyz", 404),
        ("/a/x", 404),
        ("/compare?id=nothing", 404),
        ("/compare?id=lab/Train/" + "0" * 32, 404),
        ("/compare?" + "&".join(f"id={number}" for number in range(9)), 400),
        ("/compare?" + "&".join(f"id={number}" for number in range(101)), 422),
        ("/compare", 200),
        ("/file/x", 404),
        ("/nothing", 404),
        ("/static/../app.py", 404),
        ("/static/%2e%2e/app.py", 404),
    ],
)
def test_what_makes_no_sense_is_answered_with_the_reason(lab_dashboard, address, status):
    found, body = lab_dashboard.raw(address)
    assert status == found, body[:2000]


def test_a_query_that_cant_be_understood_is_shown_with_the_place(lab_client):
    answer = lab_client.get("/", params={"q": "lr=1 sead=3"})
    assert 400 == answer.status_code
    assert "no stored config has a field &#39;sead&#39;" in answer.text
    assert 'value="lr=1 sead=3"' in answer.text


def test_only_the_part_that_changes_can_be_asked_for(lab_client, lab):
    answer = lab_client.get("/?q=class:Data", headers={"X-Partial": "1"})
    assert [lab["toy"]] == rows_of(answer.text)
    assert "<html" not in answer.text
    assert "X-Partial".lower() == answer.headers["Vary"].lower()


def test_an_artifacts_page_links_what_it_is_made_of(lab_client, lab):
    text = lab_client.get(f"/a/{lab['good']}").text
    assert f'href="/a/{lab["toy"]}"' in text
    for shown in ("0.0003", "published", "host1", "ada", "ref.load_result()"):
        assert shown in text


def test_a_failed_artifact_says_why(lab_client, lab):
    text = lab_client.get(f"/a/{lab['bad']}").text
    assert "ValueError: loss is nan" in text
    assert "Traceback" in text


def test_comparing_shows_only_what_differs(lab_client, lab):
    names = [lab["good"], lab["other"], lab["bad"]]
    address = "/compare?" + urlencode([("id", each) for each in names])
    fields = re.findall(r'<th scope="row">([^<]*)</th>', lab_client.get(address).text)
    assert ["lr", "seed"] == fields
    whole = re.findall(r'<th scope="row">([^<]*)</th>', lab_client.get(address + "&show=all").text)
    assert {"lr", "seed", "width", "data.name", "data.vocab"} == set(whole)


def test_a_field_that_is_not_there_is_not_one_that_is_null(client, stored):
    pair = [stored.add("lab/Train", seed=None), stored.add("lab/Train", lr=1.0)]
    text = client.get("/compare?" + urlencode([("id", each) for each in pair])).text
    assert re.search(r"seed</th>\s*<td[^>]*><code>null</code></td>\s*<td[^>]*><i[^>]*>absent</i>", text)


def test_long_values_that_differ_only_at_their_end_still_differ(client, stored):
    pair = [stored.add("lab/Train", text="x" * 1_000_000 + end) for end in "ab"]
    text = client.get("/compare?" + urlencode([("id", each) for each in pair])).text
    assert ["text"] == re.findall(r'<th scope="row">([^<]*)</th>', text)
    assert len(text) < 20_000


@pytest.fixture
def nasty(stored):
    """An artifact full of hostile strings."""
    inner = stored.add("lab/<b>Inner</b>", name=NASTY)
    reference = stored.add(
        f"lab/{NASTY.replace('/', '!')}",
        "failed",
        version=NASTY,
        text=NASTY,
        long="<i>" * 350_000,
        half="\ud800",
        path="../../../etc/passwd",
        inner=config(inner),
        broken=config("../../etc"),
        odd={"$enum": NASTY, "member": NASTY},
        tagged={"$" + NASTY: NASTY},
        deep=_nested(200),
        **{f"key {NASTY}": {NASTY: [NASTY]}},
    )
    ended = stored.root / "data" / reference / "attempts" / f"{token(2)}.failed"
    error = {"v": 1, "type": NASTY, "message": NASTY * 1000, "traceback": NASTY, "at": 1.0, "usage": None}
    (ended / "error.json").write_text(json.dumps(error))
    (ended / "furu.log").write_text(NASTY * 10)
    return reference


def _nested(depth: int):
    value: object = NASTY
    for _ in range(depth):
        value = [value]
    return value


def test_whatever_is_stored_is_shown_as_text(client, nasty):
    paths = [
        "/",
        f"/a/{quote(nasty)}",
        f"/compare?{urlencode([('id', nasty), ('id', nasty)])}",
        f"/?q={quote('class:x alert')}",
    ]
    for path in paths:
        answer = client.get(path)
        assert 200 == answer.status_code, answer.text[:1000]
        assert not re.search(r"<(script>|img src=x|b>Inner|i><i>)", answer.text)
        assert "49" not in re.findall(r"\{\{7\*7\}\}|49\$", answer.text)
        assert len(answer.text) < 400_000
    text = client.get(f"/a/{quote(nasty)}").text
    assert html.escape("<script>alert(1)</script>").replace("&#x27;", "&#39;") in text


def test_whatever_is_stored_is_no_error_for_scripts(client, nasty):
    for path in (
        f"/api/artifacts/{quote(nasty)}",
        f"/api/artifacts/{quote(nasty)}/logs",
        "/api/artifacts",
        "/api/fields",
    ):
        answer = client.get(path)
        assert 200 == answer.status_code, answer.text[:1000]
        answer.json()
