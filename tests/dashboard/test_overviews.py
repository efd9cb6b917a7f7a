"""The pages about the whole store: runs, graph, statistics, disk, health; and the same for scripts."""

from __future__ import annotations

import html
import json
import re
import time

import pytest

from furu.execution import run_local
from furu.lifecycle.lease import THIS_PROCESS
from tests.support.graphs import Node, leaf
from tests.support.serving import served
from tests.support.stored import token

PAGES = ("/runs", "/graph", "/stats", "/disk", "/health")
RUN = "20260101T000000-0123abcd"


def until(ask, wanted):
    """What `ask` gives once it is as wanted."""
    for _ in range(500):
        found = ask()
        if wanted(found):
            return found
        time.sleep(0.02)
    raise AssertionError(found)


@pytest.fixture
def plan():
    """A run of two nodes, as its process wrote it so far."""
    process = dict(vars(THIS_PROCESS.identity()))
    node = {"class": "Train", "namespace": "lab/Train", "because": "it is missing", "spec_key": "default"}
    return {
        "v": 1,
        "run": RUN,
        "at": 1_700_000_000.0,
        "process": process,
        "argv": ["study.py", "<b>"],
        "cwd": "/",
        "environment": "e",
        "roots": ["b" * 32],
        "nodes": {
            "a" * 32: {**node, "status": "todo", "deps_pending": []},
            "b" * 32: {**node, "status": "todo", "deps_pending": ["a" * 32]},
            "c" * 32: {**node, "status": "done", "deps_pending": []},
        },
    }


def write_run(root, plan, *events):
    directory = root / "runs" / plan["run"]
    directory.mkdir(parents=True, exist_ok=True)
    (directory / "plan.json").write_text(json.dumps(plan))
    lines = [{"v": 1, "run": plan["run"]}, *events]
    (directory / "events-host-1.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))


def started(node, at=1_700_000_001.0):
    return {"at": at, "event": "node started", "node": node * 32, "attempt": 1}


def ended(node, status, at=1_700_000_002.0, **facts):
    outcome = "succeeded" if status == "succeeded" else "compute failed"
    return {"at": at, "event": "node ended", "node": node * 32, "status": status, "outcome": outcome, **facts}


OVER = {"at": 1_700_000_009.0, "event": "run ended", "succeeded": 0, "failed": 1, "skipped": 1, "unstarted": 0}


@pytest.mark.parametrize(
    ("events", "expected"),
    [
        ([], ("running", {"done": 1, "waiting": 2})),
        ([started("a")], ("running", {"done": 1, "running": 1, "waiting": 1})),
        ([started("a"), ended("a", "ready")], ("running", {"done": 1, "waiting": 2})),
        ([started("a"), ended("a", "external")], ("running", {"done": 1, "elsewhere": 1, "waiting": 1})),
        ([started("a"), ended("a", "succeeded"), started("b")], ("running", {"done": 2, "running": 1})),
        (
            [started("a"), ended("a", "failed", skipped=["b" * 32]), OVER],
            ("failed", {"done": 1, "failed": 1, "skipped": 1}),
        ),
        (
            [started("a"), {**OVER, "failed": 0, "error_type": "KeyboardInterrupt"}],
            ("interrupted", {"done": 1, "running": 1, "waiting": 1}),
        ),
        ([ended("x", "succeeded"), ended("a", "new word"), {"at": 1.0, "event": "new event"}], ("running", None)),
        ([ended("a", ["x"]), ended("a", "failed", skipped=3)], ("running", None)),
    ],
    ids=str,
)
def test_a_run_is_as_its_events_say(client, own_store, plan, events, expected):
    state, states = expected
    write_run(own_store, plan, *events)
    answer = client.get(f"/api/runs/{RUN}").json()
    assert state == answer["state"]
    if states is not None:
        assert states == {name: count for name, count in answer["states"].items() if count}
    page = client.get(f"/runs/{RUN}")
    assert 200 == page.status_code
    assert "&lt;b&gt;" in page.text


def test_a_run_whose_process_is_gone_or_of_another_machine_says_so(client, own_store, plan):
    plan["process"]["started"] = "1"
    write_run(own_store, plan, started("a"))
    assert "killed" == client.get("/api/runs").json()["runs"][0]["state"]
    plan["process"]["boot"] = "another"
    write_run(own_store, plan, started("a"), started("b"))
    assert "unknown" == client.get("/api/runs").json()["runs"][0]["state"]


@pytest.mark.parametrize(
    "change", [{"at": "x"}, {"nodes": 3}, {"process": []}, {"v": 99}, {"at": 1e300}, {"roots": None}, {"argv": 5}]
)
def test_a_damaged_record_of_a_run_is_named(client, own_store, plan, change):
    write_run(own_store, {**plan, **change}, started("a"))
    assert 200 == client.get("/runs").status_code
    assert RUN in client.get("/api/runs").text
    assert 422 == client.get(f"/runs/{RUN}").status_code


def test_a_real_run_is_shown_with_a_bar_for_each_node(own_store):
    run_local([Node(name="top", needs=(Node(name="middle", needs=(leaf("leaf"),)),))], max_workers=1)
    with served(str(own_store)) as dashboard, dashboard.client() as client:
        (run,) = client.get("/api/runs").json()["runs"]
        assert ("done", 3) == (run["state"], run["states"]["done"])
        text = client.get(f"/runs/{run['run_id']}").text
        assert 3 == len(re.findall(r'<rect class="fill-good" x="[\d.]+" y="\d+" width="[\d.]+" height="14"', text))
        assert 200 == client.get("/runs").status_code


def test_runs_that_are_not_there_are_not_found(lab_client):
    for name in ("nothing", RUN, "%2e%2e%2fdata", "a%00b"):
        assert 404 == lab_client.get(f"/runs/{name}").status_code
        assert 404 == lab_client.get(f"/api/runs/{name}").status_code


def test_the_graph_shows_classes_with_what_there_is_of_them(lab_client):
    answer = lab_client.get("/api/graph").json()
    assert {"lab/Data": {"published": 1}, "lab/Train": {"failed": 1, "published": 2}} == {
        node["reference"]: node["counts"] for node in answer["nodes"]
    }
    assert [{"needed": "lab/Data", "by": "lab/Train"}] == answer["edges"]
    text = lab_client.get("/graph").text
    assert 'data-node="lab/Train"' in text
    assert 'href="/?q=namespace%3Alab%2FTrain"' in text


def test_the_graph_around_an_artifact_goes_so_far_and_no_further(lab_client, lab):
    answer = lab_client.get("/api/graph", params={"root": lab["good"], "up": 1, "down": 1}).json()
    assert {lab["good"], lab["toy"]} == {node["reference"] for node in answer["nodes"]}
    wide = lab_client.get("/api/graph", params={"root": lab["toy"], "up": 1, "down": 0}).json()
    assert {lab["toy"], lab["good"], lab["other"], lab["bad"]} == {node["reference"] for node in wide["nodes"]}
    text = lab_client.get("/graph", params={"root": lab["good"]}).text
    assert "furu-centre" in text


@pytest.mark.parametrize(
    ("address", "status"),
    [
        ("/graph?root=x", 404),
        ("/graph?root=../../etc", 404),
        ("/graph?up=99", 422),
        ("/graph?up=x", 422),
        ("/stats?days=0", 422),
        ("/stats?days=99999", 422),
        ("/runs?hours=-1", 422),
        ("/runs?hours=744", 200),
        ("/stats?days=366", 200),
    ],
)
def test_numbers_have_bounds(lab_client, address, status):
    assert status == lab_client.get(address).status_code
    assert lab_client.get(address.replace("/", "/api/", 1)).status_code in (status, 200)


def test_statistics_count_what_there_is(lab_client):
    answer = lab_client.get("/api/stats", params={"days": 7}).json()
    assert 7 == len(answer["days"])
    assert {"ValueError": 1} == answer["errors"]
    (train,) = [each for each in answer["durations"] if each["namespace"] == "lab/Train"]
    assert (3, 3.0, 6.5) == (train["count"], train["max_sec"], train["total_sec"])
    text = lab_client.get("/stats").text
    assert f'href="/?q={"status%3Afailed+error%3AValueError"}"' in text


def test_a_day_leads_to_what_belongs_to_it(own_store, stored):
    stored.add("lab/Train", seed=1)
    reference = stored.add("lab/Train", seed=2)
    path = own_store / "data" / reference / "SUCCESS.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "at": time.time() - 5}))
    with served(str(own_store)) as dashboard, dashboard.client() as client:
        links = re.findall(r'<a href="([^"]*)" aria-label="[\d-]+: 1 published"', client.get("/stats?days=7").text)
        assert [reference] == re.findall(r'<tr data-key="([^"]*)"', client.get(html.unescape(links[0])).text)


def test_disk_is_measured_in_the_background(own_store, stored):
    toy = stored.add("lab/Data", name="toy")
    stored.add("lab/Train", data={"$config": toy})
    with served(str(own_store)) as dashboard, dashboard.client() as client:
        answer = until(lambda: client.get("/api/disk").json(), lambda answer: answer["measured_at"])
        by_class = {each["namespace"]: each for each in answer["classes"]}
        assert (1, 0) == (by_class["lab/Data"]["artifacts"], by_class["lab/Data"]["unused"])
        assert 0 < by_class["lab/Train"]["unused"] == by_class["lab/Train"]["bytes"]
        assert answer["bytes"] == sum(each["bytes"] for each in answer["classes"])
        assert "nothing needs it" in client.get("/disk").text


def test_health_names_leases_without_an_owner_and_records_that_cant_be_read(own_store, stored):
    gone = stored.add("lab/Train", "running", seed=1)
    owner = own_store / "data" / gone / "lock" / token(1) / "owner.json"
    me = THIS_PROCESS.identity()
    facts = {**json.loads(owner.read_text()), "boot": me.boot, "pid_namespace": me.pid_namespace, "started": "1"}
    owner.write_text(json.dumps(facts))
    damaged = stored.add("lab/Train", seed=2)
    (own_store / "data" / damaged / "config.json").write_text("{")
    with served(str(own_store)) as dashboard, dashboard.client() as client:
        answer = client.get("/api/health").json()
        assert [gone] == [each["reference"] for each in answer["stale"]]
        assert [damaged] == [each["reference"] for each in answer["unreadable"]]
        text = client.get("/health").text
        assert "is gone" in text
        assert "config.json is damaged" in text


@pytest.mark.parametrize("path", PAGES)
def test_an_empty_store_has_all_pages(client, path):
    assert 200 == client.get(path).status_code
    assert 200 == client.get("/").status_code


@pytest.mark.parametrize("path", PAGES)
def test_they_come_in_part_too(lab_client, path):
    text = lab_client.get(path, headers={"X-Partial": "1"}).text
    assert "<html" not in text
    assert not re.search(r"<script|\sstyle=|<style|\son\w+=", text)
