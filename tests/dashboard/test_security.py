"""Who is answered, and what a browser may do with the answer."""

from __future__ import annotations

import re

import httpx
import pytest

from furu.dashboard.security import cookie_name
from tests.support.serving import TOKEN

COOKIE = cookie_name(TOKEN)


@pytest.mark.parametrize("path", ["/", "/api/artifacts", "/events", "/compare", "/a/x/y", "/file/x", "/nothing"])
@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Authorization": "Bearer wrong"},
        {"Authorization": f"Basic {TOKEN}"},
        {"Cookie": f"{COOKIE}=wrong"},
        {"Cookie": f"other={TOKEN}"},
        {"Cookie": f"{COOKIE}={TOKEN[:-1]}"},
    ],
    ids=["nothing", "wrong token", "other scheme", "wrong cookie", "other cookie", "short cookie"],
)
def test_without_the_token_nothing_is_shown(lab_dashboard, path, headers):
    answer = httpx.get(lab_dashboard.address + path, headers=headers, trust_env=False)
    assert 401 == answer.status_code
    assert "Train" not in answer.text


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Host": "evil.example"}, 400),
        ({"Host": "evil.example:8421"}, 400),
        ({"Host": "127.0.0.1.evil.example"}, 400),
        ({"Host": ""}, 400),
        ({"Host": "127.0.0.1@evil.example"}, 400),
        ({"Host": "localhost:1"}, 200),
        ({"Host": "LOCALHOST"}, 200),
        ({"Host": "[::1]:8421"}, 200),
        ({"Origin": "http://evil.example"}, 403),
        ({"Origin": "null"}, 403),
        ({"Origin": "http://127.0.0.1:1"}, 403),
        ({"Sec-Fetch-Site": "cross-site"}, 403),
        ({"Sec-Fetch-Site": "same-site", "Sec-Fetch-Mode": "no-cors", "Sec-Fetch-Dest": "script"}, 403),
        ({"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "iframe"}, 403),
        ({"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"}, 200),
        ({"Sec-Fetch-Site": "same-origin", "Sec-Fetch-Mode": "cors"}, 200),
        ({"Sec-Fetch-Site": "none"}, 200),
    ],
    ids=str,
)
def test_names_and_sites_that_are_not_ours_are_refused_even_with_the_token(lab_dashboard, headers, status):
    assert status == lab_dashboard.raw("/", **headers)[0]
    assert status == lab_dashboard.raw("/api/artifacts", **headers)[0]


def test_two_host_headers_are_refused(lab_dashboard):
    assert 400 == lab_dashboard.raw("/", Host="127.0.0.1", host="localhost")[0]


def test_its_own_origin_may_ask(lab_dashboard):
    assert 200 == lab_dashboard.raw("/api/artifacts", Origin=lab_dashboard.address)[0]


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "FOO"])
@pytest.mark.parametrize("path", ["/", "/api/artifacts", "/static/dashboard.css"])
def test_nothing_but_reading_is_answered(lab_client, method, path):
    answer = lab_client.request(method, path)
    assert (405, "GET, HEAD") == (answer.status_code, answer.headers["Allow"])


def test_a_head_has_no_body(lab_client):
    answer = lab_client.head("/")
    assert (200, b"") == (answer.status_code, answer.content)


def test_the_token_becomes_a_cookie_and_leaves_the_address(lab_dashboard):
    with httpx.Client(base_url=lab_dashboard.address, trust_env=False) as browser:
        answer = browser.get("/", params={"q": "class:Train", "token": TOKEN})
        assert (303, "/?q=class%3ATrain") == (answer.status_code, answer.headers["Location"])
        assert re.search(r"; HttpOnly", answer.headers["Set-Cookie"])
        assert re.search(r"; SameSite=lax", answer.headers["Set-Cookie"])
        assert 200 == browser.get("/").status_code


def test_the_redirect_leads_to_no_other_host(lab_dashboard):
    answer = httpx.get(f"{lab_dashboard.address}//evil.example/?token={TOKEN}", trust_env=False)
    assert "/evil.example/" == answer.headers["Location"]


def test_a_wrong_token_in_the_address_is_no_way_in(lab_dashboard):
    assert 401 == httpx.get(f"{lab_dashboard.address}/?token=wrong", trust_env=False).status_code


@pytest.mark.parametrize(
    "path", ["/", "/api/artifacts", "/static/dashboard.js", "/nothing", "/api/nothing", "/?q=%22", "/compare"]
)
def test_every_answer_has_headers_under_which_nothing_stored_runs(lab_client, path):
    headers = lab_client.get(path).headers
    policy = headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "script-src 'self'" in policy
    assert "unsafe" not in policy
    assert "frame-ancestors 'none'" in policy
    assert "nosniff" == headers["X-Content-Type-Options"]
    assert "no-referrer" == headers["Referrer-Policy"]
    assert "same-origin" == headers["Cross-Origin-Resource-Policy"]
    assert "no-store" == headers["Cache-Control"]


def test_pages_load_nothing_from_elsewhere_and_have_no_inline_script(lab_client, lab):
    for path in ("/", f"/a/{lab['good']}", f"/compare?id={lab['good']}&id={lab['bad']}"):
        text = lab_client.get(path).text
        addresses = re.findall(r"""(?:src|href|action)=["']?([^"'\s>]+)""", text)
        assert addresses
        assert [] == [each for each in addresses if not re.match(r"[/?#](?!/)", each)]
        assert ["module"] == re.findall(r"<script type=\"(\w+)\"", text)
        assert not re.search(r"\son\w+=|style=|javascript:", text)


def test_there_are_no_pages_of_the_framework(lab_client):
    for path in ("/docs", "/redoc", "/openapi.json"):
        assert 404 == lab_client.get(path).status_code
