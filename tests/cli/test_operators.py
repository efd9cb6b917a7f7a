"""Commands that compute, delete and carry over."""

from __future__ import annotations

import os
import signal

import pytest

from tests.cli.conftest import STUDY, hash_of

pytestmark = pytest.mark.slow


class TestRun:
    def test_computes_a_sweep_and_what_it_needs(self, command):
        done = command.json("run", "study:Train", "lr=1e-3,1e-4", "data.name=toy,wiki", "--workers", "2")
        assert [True] * 4 == [root["is_done"] for root in done["roots"]]
        assert {"published": 6} == command.json("ls", "--count")
        configs = [each["config"] for each in command.json("ls", "class:Train")["artifacts"]]
        assert {(lr, name) for lr in (1e-3, 1e-4) for name in ("toy", "wiki")} == {
            (config["lr"], config["data"]["name"]) for config in configs
        }
        name = done["roots"][0]["hash"]
        assert "lr is 0.001" in command("logs", name)

    def test_a_failure_is_told_by_the_exit_code(self, command):
        said = command("run", "study:Train", "lr=3", code=1)
        assert "ValueError: loss is nan" in said
        assert "get() computes it again" in command("why", command.json("ls", "status:failed")["artifacts"][0]["hash"])

    def test_keeps_going_where_asked(self, command):
        done = command.json("run", "study:Train", "lr=3,1e-3", "--keep-going", "-j", "1", code=1)
        assert [False, True] == [root["is_done"] for root in done["roots"]]

    def test_on_processes(self, command):
        assert command("run", "study:Data", "--processes", "--workers", "1").startswith("ok  Data")

    @pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
    def test_is_interrupted_as_a_whole(self, command, number, code):
        (command.directory / "slow.py").write_text(
            "import time\nimport furu\n\n\nclass Slow(furu.Furu[int]):\n    def _create(self) -> int:\n"
            "        (self.furu_dir / 'here').write_text('')\n        time.sleep(60)\n        return 1\n"
        )
        with command.start("run", "slow:Slow") as process:
            for line in process.stderr:
                if "begins" in line:
                    break
            process.send_signal(number)
            process.communicate(timeout=30)
        assert process.returncode in (code, -number)

    @pytest.mark.parametrize("option", [["--workers", "0"], ["--window", "none"], ["--limit", "gpu"]], ids=str)
    def test_an_option_that_makes_no_sense_is_usage(self, command, option):
        command("run", "study:Data", *option, code=2)


REFUSED = [
    (["study:Train", "lrr=3"], "did you mean lr?"),
    (["study:Train", "data.nam=3"], "did you mean data.name?"),
    (["study:Train", "lr=x"], "lr is a float"),
    (["study:Train", "lr=1", "lr=2"], "lr is given twice"),
    (["study:Train", "lr.x=1"], "lr is a float, which has no fields"),
    (["study:Train", "mode=slow"], "mode=slow"),
    (["study:Train", "data=study:Train"], "data"),
    (["lr=3"], "comes before the class"),
    (["study:Trai"], "did you mean Train?"),
    (["study"], "write package.module:Class"),
    (["studie:Train"], "there is no module 'studie'"),
    (["study:main"], "is a int, not a config class"),
    (["study:sweep", "lr=3"], "study:sweep is no config class"),
    (["broken:X"], "ZeroDivisionError"),
]


@pytest.mark.parametrize(("arguments", "said"), REFUSED, ids=[" ".join(arguments) for arguments, _ in REFUSED])
def test_what_can_not_be_built_is_usage_with_the_right_names(command, arguments, said):
    (command.directory / "broken.py").write_text("1 / 0\n")
    assert said in command("plan", *arguments, code=2)


class TestPlan:
    def test_says_what_would_run_and_why(self, command):
        command("run", "study:Data")
        plan = command.json("plan", "study:Train", "lr=0.5")
        assert {"todo": 1, "done": 1} == plan["counts"]
        assert "Train: 1 todo\n  because it is missing (1)" in command("plan", "study:Train", "lr=0.5")
        assert {"published": 1} == command.json("ls", "--count")

    def test_of_a_function_and_of_several_targets(self, command):
        out = command("plan", "study:sweep", "study:Data", "name=a", "--nodes")
        assert "Train: 2 todo" in out
        assert "Data: 2 todo" in out

    def test_of_another_class_in_a_field(self, command):
        assert "Web: 1 todo" in command("plan", "study:Train", "data=study:Web", "data.pages=4")


class TestRm:
    def test_says_what_it_would_do_and_does_it_with_yes(self, command, lab, own_store):
        name = hash_of(lab["good"])
        assert "nothing was deleted; --yes does it" in command("rm", name)
        assert (own_store / "data" / lab["good"] / "SUCCESS.json").exists()
        assert "deleted" in command("rm", name, "--yes")
        assert not (own_store / "data" / lab["good"] / "SUCCESS.json").exists()
        assert "recorded" == command.json("show", name)["status"]

    def test_by_a_query(self, command, lab):
        facts = command.json("rm", "--where", "status:failed", "--yes")
        assert {lab["bad"]: {"deleted": True}} == facts["artifacts"]
        assert {"published": 2, "recorded": 1} == command.json("ls", "--count")
        assert "nothing fits" in command("rm", "--where", "status:failed", "--yes")

    def test_what_is_being_computed_is_left_alone(self, command, stored):
        reference = stored.add("lab/Train", "running", lr=1)
        facts = command.json("rm", hash_of(reference), "--yes", code=1)
        assert "host1 pid 2" in facts["artifacts"][reference]["refused"]
        assert "running" == command.json("show", hash_of(reference))["status"]

    def test_all_by_mistake_is_refused(self, command, lab):
        command("rm", "--yes", code=2)
        command("rm", "--where", " ", "--yes", code=2)


class TestEvolution:
    def migrated(self, command):
        """The study after `Train.lr` was renamed."""
        command("run", "study:Train", "lr=0.5")
        source = STUDY.replace("lr", "rate").replace(
            "    data: Data = Data()\n",
            "    _migrations = [furu.Migration(steps=[__import__('furu').evolution.Rename('lr', 'rate')])]\n"
            "    data: Data = Data()\n",
        )
        (command.directory / "study.py").write_text(source)

    def test_a_renamed_field_is_stale_and_migrated_and_taken_back(self, command):
        self.migrated(command)
        assert 1 == len(command.json("stale"))
        assert 1 == command.json("impact", "--check", code=1)["orphaned"]
        assert "nothing was written; --yes does it" in command("migrate")
        assert {"published": 2} == command.json("ls", "--count")
        done = command.json("migrate", "--yes")["done"]
        assert 1 == done["made"]
        assert {"done": 1} == command.json("plan", "study:Train", "rate=0.5")["counts"]
        assert "would take" in command("migrate", "--undo", done["id"])
        assert 1 == command.json("migrate", "--undo", done["id"], "--yes")["removed"]
        assert {"published": 2} == command.json("ls", "--count")

    def test_results_with_aliases_are_not_deleted_by_mistake(self, command):
        self.migrated(command)
        (source,) = command.json("migrate", "--yes")["aliases"]
        name = hash_of(source["target"])
        facts = command.json("rm", name, "--yes", code=1)
        assert "aliases stand for it" in facts["artifacts"][source["target"]]["refused"]
        assert command.json("rm", name, "--yes", "--force")["artifacts"][source["target"]]["deleted"]

    def test_a_migration_that_never_was(self, command):
        command("migrate", "--undo", "x", code=2)

    def test_nothing_is_stale(self, command):
        command("run", "study:Train")
        assert "nothing is stale\n" == command("stale")
        assert "no stored artifact is affected\n" == command("impact", "--check")
        assert [] == command.json("stale", "--code")


def test_the_directory_of_the_call_is_where_modules_are_looked_for(command, tmp_path):
    assert os.fspath(command.directory) in command("plan", "elsewhere:X", code=2)
