"""Commands that only look."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest

from furu.storage.layout import ArtifactPaths
from tests.cli.conftest import hash_of
from tests.support.stored import config, token


class TestLs:
    def test_lists_what_fits_newest_first(self, command, lab):
        lines = command("ls").splitlines()
        assert ["STATUS", "failed", "published", "published"] == [line.split()[0] for line in lines]
        assert "lr=0.1 (ValueError: loss is nan)" in lines[1]
        assert "seed=" not in lines[1]  # the same in all of its class
        assert "seed=1" in command("ls", "--all-fields", "class:Train")

    def test_as_json_and_page_by_page(self, command, lab):
        page = command.json("ls", "-n", "2", "--sort", "oldest")
        assert [hash_of(lab["toy"]), hash_of(lab["good"])] == [each["hash"] for each in page["artifacts"]]
        rest = command.json("ls", "-n", "2", "--sort", "oldest", "--after", page["next_page"])
        assert ([hash_of(lab["bad"])], None) == ([each["hash"] for each in rest["artifacts"]], rest["next_page"])
        assert {"name": "toy"} == rest["artifacts"][0]["config"]["data"]

    def test_counts(self, command, lab):
        assert {"published": 2, "failed": 1} == command.json("ls", "--count")

    def test_without_a_refresh_says_what_the_index_knew(self, command, lab, stored):
        command("ls")
        stored.add("lab/Train", lr=5)
        assert {"published": 2, "failed": 1} == command.json("ls", "--count", "--no-refresh")
        assert {"published": 3, "failed": 1} == command.json("ls", "--count")

    def test_a_query_that_means_nothing_is_usage(self, command, lab):
        said = command("ls", "class:Train", "lrr=3", code=2)
        assert "  class:Train lrr=3\n              ^" in said
        assert "did you mean lr?" in said

    def test_stored_text_does_not_drive_the_terminal(self, command, stored):
        stored.add("lab/Train", name="\x1b[2J\n\x07")
        out = command("ls")
        assert "\\x1b[2J\\n\\x07" in out
        assert "\x1b" not in out

    def test_colour_only_on_a_terminal(self, command, lab):
        assert "\x1b" not in command("ls")
        ours, theirs = pty.openpty()
        command.environment |= {"TERM": "xterm", "COLUMNS": "80"}
        with command.start("ls", stdout=theirs) as process:
            assert 0 == process.wait(60)
        os.close(theirs)
        assert b"\x1b[31m" in os.read(ours, 1 << 16)
        os.close(ours)

    def test_a_reader_that_stops_early_is_no_error(self, command, stored):
        for number in range(30):
            stored.add("lab/Train", text="x" * 2_000, seed=number)
        with command.start("ls", "--json") as process:
            process.stdout.close()
            assert "" == process.stderr.read()


class TestOne:
    def test_show(self, command, lab):
        out = command("show", hash_of(lab["bad"])[:8])
        assert "ValueError: loss is nan" in out
        assert f"depends on {lab['toy']}" in out
        assert [lab["bad"], lab["good"]] == command.json("show", hash_of(lab["toy"]))["used_by"]
        assert "1 failed  began" in out
        facts = command.json("show", f"Train({hash_of(lab['good'])})")
        assert ("published", "ok") == (facts["status"], facts["attempts"][0]["state"])

    def test_why(self, command, lab):
        out = command("why", hash_of(lab["bad"])[:8])
        assert "get() computes it again" in out
        assert f"near: {hash_of(lab['good'])[:10]}: lr: 0.0003 → 0.1" in out
        assert [] == command.json("why", hash_of(lab["good"]))["nearest"]

    def test_diff(self, command, lab):
        pair = [hash_of(lab["good"]), hash_of(lab["bad"])]
        assert "lr: 0.0003 → 0.1\n" == command("diff", *pair)
        assert "seed: 1" in command("diff", *pair, "--all")
        assert {"lr": {"left": 0.0003, "right": 0.1}} == command.json("diff", *pair)
        assert "no field differs\n" == command("diff", pair[0], pair[0])

    def test_diff_leads_into_nested_configs(self, command, lab, stored):
        other = stored.add("lab/Data", name="wiki")
        third = stored.add("lab/Train", lr=3e-4, seed=1, data=config(other))
        assert 'data.name: "toy" → "wiki"\n' == command("diff", hash_of(lab["good"]), hash_of(third))

    @pytest.mark.parametrize(("name", "code"), [("ffffffff", 3), ("nothex", 2), ("ab", 2)])
    @pytest.mark.parametrize("verb", ["show", "rm"])
    def test_what_is_not_there_or_no_hash(self, command, verb, name, code):
        assert name in command(verb, name, code=code)

    def test_a_damaged_record_is_shown_not_raised(self, command, lab, own_store):
        (own_store / "data" / lab["good"] / "SUCCESS.json").write_text("{")
        os.utime(own_store / "data" / lab["good"])
        assert "is damaged" in command("show", hash_of(lab["good"]))


class TestLogs:
    def test_of_the_last_attempt_or_of_another(self, command, lab, stored):
        first, second = token(3), token(9)
        stored.end(lab["bad"], "failed", 9)
        base = stored.root / "data" / lab["bad"] / "attempts"
        (base / f"{first}.failed" / "furu.log").write_text("one\n")
        (base / f"{second}.failed" / "furu.log").write_text("a\nb\nc\n")
        name = hash_of(lab["bad"])
        assert "a\nb\nc\n" == command("logs", name)
        assert "b\nc\n" == command("logs", name, "-n", "2")
        assert "one\n" == command("logs", name, "--attempt", "1")
        command("logs", name, "--attempt", "3", code=3)
        assert "" == command("logs", hash_of(lab["good"]))

    def test_is_followed_until_the_attempt_has_ended(self, command, stored):
        reference = stored.add("lab/Train", "running", lr=1)
        paths = ArtifactPaths(f"{stored.root}/data/{reference}")
        lease = paths.lease(token(1))
        with command.start("logs", "-f", hash_of(reference)) as process, open(lease.log, "w", buffering=1) as log:
            log.write("begins\n")
            assert "begins\n" == process.stdout.readline()
            log.write("goes on\n")
            assert "goes on\n" == process.stdout.readline()
            log.write("ends\n")
            os.mkdir(paths.attempts)
            os.rename(lease.base, f"{paths.attempts}/{token(1)}.failed")
            assert ("ends\n", "") == process.communicate(timeout=30)
        assert 0 == process.returncode


class TestStore:
    def test_du(self, command, lab):
        assert {"lab/Train": 2, "lab/Data": 1} == {
            each["class"]: each["artifacts"] for each in command.json("du")["groups"]
        }
        assert "in all" in command("du", "status:failed", "--by", "artifact")
        command("gc", "status:failed", "--yes")
        assert {"trash/"} == set(command.json("du")["other"])
        assert "beside the artifacts: trash/" in command("du")

    def test_index(self, command, lab):
        done = command.json("index", "rebuild")
        assert (3, 3, 0) == (done["stored"], done["looked_at"], done["removed"])
        assert 3 == command.json("index", "status")["artifacts"]
        assert "3 artifacts" in command("index", "refresh")

    def test_help_and_version_name_everything(self, command):
        out = command("--help")
        assert all(name in out for name in ("ls", "show", "logs", "why", "diff", "plan", "run", "rm", "du", "doctor"))
        assert command("--version").startswith("furu, version")
        assert "commands are: ls, show" in command("lss", code=2)

    def test_it_is_installed_and_a_module_too(self):
        for argv in ([Path(sys.executable).with_name("furu")], [sys.executable, "-W", "error", "-m", "furu.cli"]):
            done = subprocess.run([*argv, "--version"], check=True, capture_output=True, text=True)
            assert done.stdout.startswith("furu, version")

    def test_completion_knows_the_commands(self, command, monkeypatch):
        command.environment |= {"_FURU_COMPLETE": "bash_complete", "COMP_WORDS": "furu d", "COMP_CWORD": "1"}
        assert "plain,diff\nplain,du\nplain,dashboard\nplain,doctor\n" == command()


class TestDoctor:
    def test_a_healthy_store_has_no_problems(self, command, lab):
        levels = {each["name"]: each["level"] for each in command.json("doctor")}
        assert {"ok"} == {levels[name] for name in ("root", "filesystem", "clock", "leases", "leftovers", "records")}

    def test_what_is_wrong_is_named(self, command, lab, stored):
        busy = stored.add("lab/Train", "running", lr=9)
        (lease,) = (stored.root / "data" / busy / "lock").iterdir()
        os.utime(lease / "owner.json", (1.0, 1.0))
        (stored.root / "data" / lab["good"] / f"new-{token(1)}").mkdir()
        (stored.root / "data" / lab["toy"] / "config.json").write_text("{")
        found = {(each["name"], each["level"]) for each in command.json("doctor", code=1)}
        assert {("leases", "warning"), ("leftovers", "warning"), ("records", "problem")} <= found
        assert [] == [name for name in os.listdir(stored.root) if name != "data"]  # tried out, and tidied

    def test_a_misspelt_variable_is_named(self, command):
        command.environment["FURU_LEASE_SEC"] = "3"
        assert "did you mean FURU_LEASE_SECS?" in command("doctor")

    def test_a_setting_that_cannot_be_used_is_a_problem(self, command):
        command.environment["FURU_LEASE_SECS"] = "soon"
        assert "problem" in {each["level"] for each in command.json("doctor", code=1)}


def test_without_click_the_command_says_what_to_install():
    code = "import sys; sys.modules['click'] = None; import furu.cli.main"
    done = subprocess.run([sys.executable, "-c", code], check=False, capture_output=True, text=True)
    assert "pip install 'furu[cli]'" in done.stderr
    assert 1 == done.returncode


def test_looking_needs_no_class_and_imports_none(command, lab):
    """Their module doesn't exist: `gone:Gone`."""
    name = hash_of(lab["good"])
    for arguments in (["ls"], ["show", name], ["why", name], ["du"], ["doctor"]):
        command(*arguments)
