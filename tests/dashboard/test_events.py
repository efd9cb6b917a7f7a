"""What open pages hear, and that they don't hold up the end."""

from __future__ import annotations

import contextlib
import json

from furu.dashboard.watcher import Watcher
from tests.support.serving import served


def heard(lines):
    """The next thing that is said."""
    return json.loads(next(line for line in lines if line.startswith("data:")).removeprefix("data:"))


def test_a_page_hears_what_changes_and_nothing_else(client, stored):
    with client.stream("GET", "/events") as answer:
        assert "text/event-stream" in answer.headers["Content-Type"]
        lines = answer.iter_lines()
        first = heard(lines)
        stored.add("lab/Train", seed=1)
        stored.add("lab/Train", "failed", seed=2)
        said = heard(lines)
        while said["counts"] != {"published": 1, "failed": 1}:
            said = heard(lines)
        assert said["version"] > first["version"]


def test_the_server_ends_although_a_page_listens_and_lets_it_go_in_order(own_store, own_index):
    with contextlib.ExitStack() as stack:
        with served(str(own_store)) as dashboard:
            client = stack.enter_context(dashboard.client())
            lines = stack.enter_context(client.stream("GET", "/events")).iter_lines()
            heard(lines)
        # Cut off, it would be an error of the protocol.
        assert [] == [line for line in lines if not line.startswith(("data:", ":")) and line]


def test_who_looks_after_a_while_sees_what_came_meanwhile(own_store, own_index, stored):
    watcher = Watcher([str(own_store)])
    watcher.start()
    try:
        stored.add("lab/Train", seed=1)
        assert {"published": 1} == watcher.look().counts
    finally:
        watcher.stop()


def test_an_index_that_cant_be_kept_is_a_problem_that_pages_show(own_store, tmp_path, monkeypatch):
    (tmp_path / "file").touch()
    monkeypatch.setenv("FURU_INDEX_DIR", str(tmp_path / "file"))
    watcher = Watcher([str(own_store)])
    watcher.start()
    try:
        assert "the index can't be kept" in watcher.look().problem
    finally:
        watcher.stop()
