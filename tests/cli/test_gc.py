"""`furu gc`: a dry run first, then the trash, from which all can be had back."""

from __future__ import annotations

import os

import pytest

import furu
from furu.gc.journal import Journal, TakenArtifact, write_journal
from tests.cli.conftest import hash_of
from tests.support.stored import config
from tests.support.trees import tree

pytestmark = pytest.mark.slow


def test_says_what_would_go_and_moves_it_with_yes_and_back(command, lab, own_store):
    before = tree(own_store)
    out = command("gc", "status:failed")
    assert "lab/Train  1" in out
    assert "stays: 2 (nobody asked for it to go)" in out
    assert "nothing was moved; --yes does it" in out
    assert before == tree(own_store)
    done = command.json("gc", "status:failed", "--yes")
    assert [lab["bad"]] == list(done["artifacts"])
    assert {"published": 2, "recorded": 1} == command.json("ls", "--count")
    (trashed,) = command.json("gc", "--list")
    assert (done["id"], 1, "whole") == (trashed["id"], trashed["number"], trashed["state"])
    assert "1 would be put back" in command("gc", "--undo", done["id"])
    assert "1 of 1 were put back" in command("gc", "--undo", done["id"], "--yes")
    assert before == tree(own_store)
    assert "the trash is empty" in command("gc", "--list")


def test_what_was_made_from_it_keeps_it_unless_told_otherwise(command, lab):
    plan = command.json("gc", "class:Data")
    assert {} == plan["artifacts"]
    assert plan["stays"][lab["toy"]].endswith("needs it")
    assert [lab["toy"]] == list(command.json("gc", "class:Data", "--needed-too")["artifacts"])


def test_pins_and_tags_keep(command, lab):
    command("pin", hash_of(lab["good"]))
    command("tag", hash_of(lab["bad"]), "paper")
    plan = command.json("gc", "--older", "1d", "--needed-too")
    assert [lab["toy"]] == list(plan["artifacts"])
    assert {"it is pinned", "it has the tag paper"} == set(plan["stays"].values())
    assert {lab["toy"], lab["bad"]} == set(
        command.json("gc", "--older", "1d", "--keep-tag", "talk", "--needed-too")["artifacts"]
    )
    assert lab["bad"] in command.json("gc", "--older", "1d", "--no-tags")["artifacts"]


def test_until_all_fits(command, lab, stored, own_store):
    big = stored.add("lab/Train", lr=9, data=config(lab["toy"]))
    (own_store / "data" / big / "files").mkdir()
    (own_store / "data" / big / "files" / "weights").write_bytes(b"x" * 2_000_000)
    plan = command.json("gc", "--keep-size", "1MB")
    assert {lab["bad"], big} == set(plan["artifacts"])  # a failed one costs nothing
    assert plan["bytes"] > 2_000_000
    assert 4.0 == plan["recompute_sec"]
    assert "nothing may go" in command("gc", "--keep-size", "1GiB")


def test_emptying_is_for_good(command, lab, own_store):
    command("gc", "class:Train", "--yes")
    assert "nothing in the trash is that old" in command("gc", "--empty", "--older", "7d", "--yes")
    assert "nothing was removed" in command("gc", "--empty")
    assert 1 == len(command.json("gc", "--list"))
    assert "removed for good" in command("gc", "--empty", "--yes")
    assert not os.path.exists(own_store / "trash")


def test_what_the_code_of_today_leads_to_stays(command):
    command("run", "study:Train", "lr=0.5,0.25")
    study = command.directory / "study.py"
    study.write_text(study.read_text().replace("Train(furu.Furu[float])", "Train(furu.Furu[float], version='2')"))
    command("run", "study:Train", "lr=0.125")
    plan = command.json("gc", "--stale", "--grace", "0s")
    assert 2 == len(plan["artifacts"])
    assert {"today's code leads to it"} == set(plan["stays"].values())
    plan = command.json("gc", "--for", "study:Data name=toy", "--grace", "0s")
    assert 3 == len(plan["artifacts"])


def test_leftovers(command, lab, own_store):
    killed = own_store / "data" / lab["good"] / "new-01700000000000000000-000000000001"
    killed.mkdir()
    os.utime(killed, (1.0, 1.0))
    run = own_store / "runs" / "20230101T000000-00000000"
    run.mkdir(parents=True)
    os.utime(run, (1.0, 1.0))
    index = command.directory.parent / "index" / "index-0123456789abcdef.sqlite"
    index.parent.mkdir(exist_ok=True)
    index.write_bytes(b"")
    os.utime(index, (1.0, 1.0))
    plan = command.json("gc")
    assert [str(index)] == plan["indexes"]
    assert {f"data/{lab['good']}/{killed.name}", f"runs/{run.name}"} == set(plan["other"])
    assert {} == plan["artifacts"]
    done = command.json("gc", "--yes")
    assert not killed.exists()
    assert not index.exists()
    command("gc", "--undo", done["id"], "--yes")
    assert killed.exists()
    assert run.exists()


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["--older", "soon"], 2),
        (["--keep-size", "big"], 2),
        (["--list", "--empty"], 2),
        (["lrr=3"], 2),
        (["--for", "study:Nothing"], 2),
        (["--undo", "../x"], 1),
        (["--resume", "01700000000000000000-000000000001"], 1),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_what_makes_no_sense(command, lab, arguments, code):
    command("gc", *arguments, code=code)


def test_what_is_being_computed_stays(command, stored):
    reference = stored.add("lab/Train", "running", lr=1)
    assert "somebody is computing it" == command.json("gc", "class:Train")["stays"][reference]


def test_one_that_was_killed_is_gone_on_with_if_nothing_has_changed(command, lab, own_store):
    refs = {ref.reference: ref for ref in furu.refs()}
    taken = tuple(TakenArtifact(lab[name], "it is old", success=None) for name in ("bad",))
    journal = Journal("01700000000000000000-000000000001", str(own_store), 1.7e9, "ada", taken)
    write_journal(journal)
    (trashed,) = command.json("gc", "--list")
    assert "was interrupted: --undo or --resume" == trashed["state"]
    furu.pin(refs[lab["bad"]])
    said = command.json("gc", "--resume", journal.token, "--yes", code=1)
    assert {lab["bad"]: "it is pinned by now"} == said["refused"]
    furu.unpin(refs[lab["bad"]])
    assert "1 would be moved to the trash" in command("gc", "--resume", journal.token)
    assert "1 of 1 were moved to the trash" in command("gc", "--resume", journal.token, "--yes")
    assert {"published": 2, "recorded": 1} == command.json("ls", "--count")
