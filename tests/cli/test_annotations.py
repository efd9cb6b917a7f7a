"""`furu tag`, `furu note`, `furu pin` and `furu unpin`."""

from __future__ import annotations

import pytest

from tests.cli.conftest import hash_of

pytestmark = pytest.mark.slow


def test_tags(command, lab):
    good, bad = hash_of(lab["good"]), hash_of(lab["bad"])
    assert f"Train({good}): paper talk\n" in command("tag", good[:8], bad, "talk,paper")
    assert "lr=0.0003 #paper #talk\n" in command("ls", "tag:paper")
    assert {lab["bad"]: ["talk"]} == command.json("tag", bad, "paper", "--remove")
    assert {lab["bad"]: ["talk", "x"], lab["good"]: ["paper", "talk", "x"]} == command.json(
        "tag", "--where", "class:Train", "x"
    )


def test_notes(command, lab):
    name = hash_of(lab["good"])
    assert "" == command("note", name)
    command("note", name, "of the \x1b[2Jtalk\nand more")
    assert "of the \\x1b[2Jtalk\nand more\n" == command("note", name)
    assert {lab["good"]: None} == command.json("note", name, "--clear")


def test_pins(command, lab):
    name = hash_of(lab["good"])
    assert f"Train({name}) is pinned: table 2\n" == command("pin", name, "--reason", "table 2")
    assert "it is pinned" in command.json("rm", name, "--yes", code=1)["artifacts"][lab["good"]]["refused"]
    assert {lab["good"]: {"pinned": False, "reason": ""}} == command.json("unpin", "--where", "class:Train lr=3e-4")
    assert command.json("rm", name, "--yes")["artifacts"][lab["good"]]["deleted"]


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["tag", "HASH", "../x"], 2),
        (["tag", "paper"], 2),
        (["tag"], 2),
        (["tag", "ffffffff", "paper"], 3),
        (["note", "HASH", ""], 2),
        (["note", "HASH", "text", "--clear"], 2),
        (["pin"], 2),
        (["unpin", "ffffffff"], 3),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_what_makes_no_sense_is_usage(command, lab, arguments, code):
    command(*[hash_of(lab["good"]) if each == "HASH" else each for each in arguments], code=code)
