"""`furu dashboard` as a user starts it: it says where it is, answers there, and ends when it is told to."""

from __future__ import annotations

import importlib.resources
import os
import re
import signal
import socket
import subprocess
import sys

import httpx
import pytest

from furu.cli.main import run
from furu.dashboard.server import CantServe, bind, serve

COMMAND = [sys.executable, "-W", "error", "-m", "furu.cli", "dashboard", "--no-browser"]


def start(*arguments, **environment):
    return subprocess.Popen(
        [*COMMAND, *arguments],
        env={**os.environ, "PYTHONUNBUFFERED": "1", **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_it_says_where_it_is_answers_and_ends_quietly(own_index, stored):
    stored.add("lab/Train", seed=1)
    with start("--port", "0") as server:
        line = next(line for line in server.stdout if "?token=" in line)
        address = re.fullmatch(r"\s*(http://127\.0\.0\.1:\d+/)\?token=([\w-]{32})\n", line)
        with httpx.Client(trust_env=False, follow_redirects=True, timeout=30) as browser:
            assert "lab/Train" in browser.get(line.strip()).text
            # A page that stays open doesn't hold up the end.
            with browser.stream("GET", f"{address[1]}events") as events:
                next(events.iter_lines())
                server.send_signal(signal.SIGINT)
                assert server.wait(30) in (0, 130)
        assert "" == server.stderr.read().strip()


def test_the_token_of_the_environment_is_used_and_another_host_is_warned_of(own_index):
    with start("--port", "0", "--host", "0.0.0.0", FURU_DASHBOARD_TOKEN="0123456789abcdef") as server:
        said = [next(server.stdout) for _ in range(3)]
        assert f"http://{socket.gethostname()}:" in said[1]
        assert "?token=0123456789abcdef\n" in said[1]
        assert "there is no encryption" in said[2]
        server.terminate()
        server.wait(30)
        server.stderr.read()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--token", "short"], "16 characters or more"),
        (["--token", "with a space in it ..."], "without spaces"),
        (["--host", "no.such.host.invalid"], "no address of this machine"),
        (["--host", "192.0.2.1"], "can't listen on 192.0.2.1"),
        (["--port", "99999"], "99999"),
    ],
    ids=str,
)
def test_what_cant_be_served_is_said(own_index, capsys, arguments, said):
    assert run(["dashboard", "--no-browser", *arguments]) in (1, 2)
    assert said in capsys.readouterr().err


def test_a_taken_port_is_said_or_the_next_one_tried():
    with bind("127.0.0.1", None) as first, bind("127.0.0.1", None) as second:
        ports = [each.getsockname()[1] for each in (first, second)]
        assert ports[0] != ports[1]
        with pytest.raises(CantServe, match=f"port {ports[0]} of 127.0.0.1 is taken"):
            bind("127.0.0.1", ports[0])


def test_a_token_that_protects_nothing_is_refused():
    with pytest.raises(CantServe, match="16 characters or more"):
        serve(["/r"], host="127.0.0.1", port=0, token="", has_browser=False, say=print)


def test_templates_and_static_files_are_part_of_the_package():
    top = importlib.resources.files("furu.dashboard")
    assert {"dashboard.css", "dashboard.js", "icon.svg"} == {each.name for each in (top / "static").iterdir()}
    assert "base.html" in {each.name for each in (top / "templates").iterdir()}
