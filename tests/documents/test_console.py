"""Every command of docs/cli.md and docs/dashboard.md, typed in a project like theirs, prints what is shown."""

from __future__ import annotations

import re
import sys

import pytest

from tests.support.documents import Document

DOCUMENT = Document("docs/cli.md")
DASHBOARD = Document("docs/dashboard.md")
INSTALL = "pip install 'furu[dashboard]'"
"""Not typed: tests/release looks at what is installed."""

CODES = {"furu impact --check": None, "furu rm 0532 3248": 1}
"""Exit codes other than 0; None where it depends on what is stored. What is pinned is not deleted."""

UNDONE = {
    "furu migrate --undo ID": "furu migrate --import my_project.new_home --yes",
    "furu gc --undo ID": "furu gc status:failed --grace 0s --no-tags --yes",
}
"""What is to be undone, which says how."""

NOT_COMPARED = {"furu gc 'status:failed' --yes": "what failed here is too young to go"}
"""Commands whose output is another one here, each with the reason."""

WORDS = (
    (re.compile(r"\b[0-9a-f]{10,32}\b"), "HASH"),
    (re.compile(r"\b[\d.]+(us|ms|s|m|h|d)( ago)?(?=\s|$)"), "TIME"),
    (re.compile(r"\bhost \S+ pid \d+"), "OWNER"),
    (re.compile(r"(?<=log: )/\S+"), "PATH"),
    (re.compile(r" +"), " "),
)
"""What differs from day to day, and what stands for it when two outputs are compared."""

pytestmark = pytest.mark.slow


def typed(text):
    """The commands of a block without their comments, each with the lines that are shown below it."""
    commands = []
    for line in text.splitlines():
        if line.startswith("$ "):
            commands.append((re.sub(r"\s{2,}#.*", "", line[2:]), []))
        else:
            commands[-1][1].append(line)
    return commands


def normal(line):
    for pattern, word in WORDS:
        line = pattern.sub(word, line)
    return line.strip()


def meant(command, reader, hashes):
    """The command with what this project has in the place of what the document has."""
    for name, found in hashes.items():
        command = re.sub(rf"\b{name}\b", found[:10], command)
    made = next((made for beginning, made in UNDONE.items() if command.startswith(beginning)), None)
    return command if made is None else command.replace("ID", re.search(r"--undo (\S+)", reader.run(made))[1])


def test_every_command_does_what_is_shown(reader, hashes):
    for block in DOCUMENT.blocks("console"):
        for command, shown in typed(block.text):
            if command == "furu dashboard":
                continue  # it goes on until it is ended: see below
            code = next((code for beginning, code in CODES.items() if command.startswith(beginning)), 0)
            printed = reader.run(meant(command, reader, hashes), code=code)
            if shown and command not in NOT_COMPARED:
                assert [normal(line) for line in shown] == [normal(line) for line in printed.splitlines()], command


def test_the_python_blocks_run(reader, hashes):
    for block in DOCUMENT.blocks("python"):
        lines = block.text.splitlines()
        shown = f"print({lines.pop()})"
        assert hashes["3248"] in reader.run(sys.executable, "-c", "\n".join([*lines, shown]))


def test_the_dashboard_is_served_and_asked_as_shown(reader, hashes):
    start, ask = (typed(block.text) for block in DASHBOARD.blocks("console"))
    (install, _), (command, shown) = start
    assert install == INSTALL
    with reader.serving(command) as lines:
        place, token = re.search(r"http://([^/]+)/\?token=(\S+)", lines[-1]).groups()
        assert [line.split("/")[0] for line in shown] == [line.split("/")[0] for line in lines]
        for asked, _ in ask:
            answer = reader.run(re.sub(r"127\.0\.0\.1:\d+", place, asked), TOKEN=token)
            assert hashes["0532"] in answer
