"""Answers for scripts: their form, their errors, and that no request of any form is an error of the server."""

from __future__ import annotations

import json

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from furu.dashboard.app import make_app
from tests.support.serving import TOKEN
from tests.support.stored import token

SCHEMA = schemathesis.openapi.from_dict(make_app(["/nowhere"], token=TOKEN).openapi())


def test_artifacts_come_as_the_command_line_gives_them(lab_client, lab):
    answer = lab_client.get("/api/artifacts", params={"q": "class:Train lr<=0.01", "sort": "oldest"}).json()
    assert [lab["good"], lab["other"]] == [f"{each['namespace']}/{each['hash']}" for each in answer["artifacts"]]
    assert {"lr": 3e-4, "seed": 1, "width": 64, "data": {"name": "toy", "vocab": 100}} == answer["artifacts"][0][
        "config"
    ]
    assert ({"published": 2}, None) == (answer["counts"], answer["next_page"])


def test_pages_follow_each_other(lab_client):
    found, after = [], None
    for _ in range(10):
        answer = lab_client.get("/api/artifacts", params={"limit": 1, **({"after": after} if after else {})}).json()
        found += [each["hash"] for each in answer["artifacts"]]
        after = answer["next_page"]
        if after is None:
            break
    assert (4, 4) == (len(found), len(set(found)))


def test_one_artifact_has_all_that_is_on_record(lab_client, lab):
    good = lab_client.get(f"/api/artifacts/{lab['good']}").json()
    assert ("published", [lab["toy"]], "gone:Gone") == (good["status"], good["depends_on"], good["class_path"])
    bad = lab_client.get(f"/api/artifacts/{lab['bad']}").json()
    assert ["ValueError: loss is nan"] == [each["error"] for each in bad["attempts"]]


def test_fields_come_with_their_most_frequent_values(lab_client):
    answer = lab_client.get("/api/fields", params={"class": "Train", "path": "seed"}).json()
    assert [{"value": 1, "count": 2}, {"value": 2, "count": 1}] == answer["values"]
    assert {"data", "data.name", "data.vocab", "lr", "seed", "width"} == set(answer["paths"])


def test_configs_side_by_side(lab_client, lab):
    answer = lab_client.get("/api/compare", params={"id": [lab["good"], lab["bad"]]}).json()
    differing = {each["path"]: each["values"] for each in answer["fields"] if not each["is_same"]}
    assert {"lr": ["0.0003", "0.1"], "seed": ["1", "2"]} == differing


def test_a_log_is_read_piece_by_piece(client, stored):
    reference = stored.add("lab/Train", "running", seed=7)
    log = stored.root / "data" / reference / "lock" / token(1) / "furu.log"
    log.write_bytes("one\ntwo é".encode()[:-1])
    first = client.get(f"/api/artifacts/{reference}/logs").json()
    assert ("one\ntwo ", 8, True) == (first["text"], first["next_offset"], first["is_running"])
    with log.open("ab") as file:
        file.write("é".encode()[-1:] + b"\nthree\n")
    rest = client.get(f"/api/artifacts/{reference}/logs", params={"offset": first["next_offset"]}).json()
    assert ("é\nthree\n", log.stat().st_size) == (rest["text"], rest["next_offset"])


def test_a_long_log_begins_near_its_end_with_a_whole_line(client, stored):
    reference = stored.add("lab/Train", "failed", seed=7)
    log = stored.root / "data" / reference / "attempts" / f"{token(1)}.failed" / "furu.log"
    log.write_text("".join(f"line {number}\n" for number in range(100_000)))
    piece = client.get(f"/api/artifacts/{reference}/logs").json()
    assert piece["text"].startswith("line ")
    assert piece["text"].endswith("line 99999\n")
    assert piece["offset"] > 1_000_000


def test_a_log_that_is_a_link_is_not_read(client, stored, tmp_path):
    (tmp_path / "secret").write_text("nobody's business")
    reference = stored.add("lab/Train", "failed", seed=7)
    (stored.root / "data" / reference / "attempts" / f"{token(1)}.failed" / "furu.log").symlink_to(tmp_path / "secret")
    assert "" == client.get(f"/api/artifacts/{reference}/logs").json()["text"]


@pytest.mark.parametrize(
    ("address", "status"),
    [
        ("/api/artifacts?q=nosuch=1", 400),
        ("/api/artifacts?limit=0", 422),
        ("/api/artifacts?limit=501", 422),
        ("/api/artifacts?after=x", 400),
        ("/api/artifacts?sort=x", 422),
        ("/api/fields?path=a[", 400),
        ("/api/fields?path=status", 400),
        ("/api/fields?path=a%22b", 400),
        ("/api/compare", 422),
        ("/api/compare?id=a", 400),
        ("/api/compare?id=a&id=b", 404),
        ("/api/artifacts/lab/Train/" + "0" * 32, 404),
        ("/api/artifacts/x/y/logs?offset=-1", 422),
        ("/api/artifacts/x/y/logs?offset=" + "9" * 30, 422),
        ("/api/nothing", 404),
    ],
)
def test_errors_say_why(lab_client, address, status):
    answer = lab_client.get(address)
    assert status == answer.status_code
    assert answer.json()["detail"]


@SCHEMA.parametrize()
@settings(max_examples=12, deadline=None, phases=[Phase.generate], suppress_health_check=list(HealthCheck))
def test_no_request_is_an_error_of_the_server(case, lab_dashboard):
    case.call_and_validate(
        base_url=lab_dashboard.address,
        headers={"Authorization": f"Bearer {TOKEN}"},
        checks=[schemathesis.checks.not_a_server_error],
    )


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    path=st.sampled_from(["/", "/compare", "/a/", "/file/", "/static/", "/api/artifacts/", "/events/x"]),
    more=st.text(max_size=40),
    name=st.sampled_from(["q", "after", "sort", "id", "file", "columns", "show", "token"]),
    value=st.text(max_size=60),
)
def test_no_address_is_an_error_of_the_server(lab_client, path, more, name, value):
    from urllib.parse import quote

    text = quote(value.encode("utf-8", "surrogatepass"))
    answer = lab_client.get(f"{path}{quote(more.encode('utf-8', 'surrogatepass'))}?{name}={text}")
    assert answer.status_code < 500


def test_the_description_of_the_answers_is_there(lab_client):
    document = json.loads(lab_client.get("/api/openapi.json").text)
    assert "/api/artifacts" in document["paths"]
    assert all(set(methods) == {"get"} for methods in document["paths"].values())
