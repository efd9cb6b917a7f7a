"""`furu run` on a terminal, as somebody sees it who sits before it."""

from __future__ import annotations

import pytest

from tests.support.terminals import Terminal

pytestmark = pytest.mark.slow

SOURCE = """
import sys
from furu.cli.main import main
sys.argv = ["furu", *{arguments!r}]
main()
"""


@pytest.fixture
def start(tmp_path, monkeypatch):
    monkeypatch.setenv("DEEDS", str(tmp_path))
    terminals = []

    def start(*arguments):
        terminals.append(Terminal(SOURCE.format(arguments=arguments)))
        return terminals[-1]

    yield start
    for terminal in terminals:
        terminal.close()


def test_a_run_is_seen_while_it_runs(start, tmp_path):
    terminal = start("run", "tests.support.deeds:Deed", "name=a,b", "deed=await go", "-j", "1")
    terminal.expect("longest running:")
    for said in ("0/2 done", "1 running, 1 waiting"):
        assert said in terminal.text
    (tmp_path / "go").touch()
    assert 0 == terminal.finish()
    assert terminal.text.count("ok Deed ") == 2
    assert "\x1b[32mok" in terminal.seen  # in colour
    assert terminal.has_cursor


def test_ctrl_c_says_how_to_go_on_and_is_exit_code_130(start):
    terminal = start("run", "tests.support.deeds:Deed", "name=a", "deed=wait")
    terminal.expect("longest running:")
    terminal.interrupt()
    assert 130 == terminal.finish()
    assert "was interrupted: 0 of 1 nodes are done; run the same again" in terminal.text
    assert "Traceback" not in terminal.seen
    assert terminal.has_cursor
