"""`furu graph`: what depends on what, by what is stored and by what a target needs."""

from __future__ import annotations

import xml.etree.ElementTree as ET

import pytest

from tests.cli.conftest import hash_of
from tests.support.stored import config


@pytest.fixture
def fan(stored):
    """A report over six evaluations of a training each, all on one data set."""
    data = stored.add("lab/Data", name="toy")
    trains = [
        stored.add("lab/Train", "failed" if seed == 3 else "published", seed=seed, data=config(data))
        for seed in range(6)
    ]
    evals = [stored.add("lab/Eval", train=config(each)) for each in trains]
    report = stored.add("lab/Report", evals={"$tuple": [config(each) for each in evals]}, data=config(data))
    return {"data": data, "train": trains[3], "report": report}


class TestTree:
    def test_around_an_artifact(self, command, fan):
        data, train = hash_of(fan["data"])[:10], hash_of(fan["train"])[:10]
        report, first, evaluation, *rest = command("graph", train[:8]).splitlines()
        assert report.startswith("Report  ")
        assert f"├─ Data  {data}  published" == first
        assert evaluation.startswith("└─ Eval  ")
        assert [
            f"   └─ Train  {train}  failed  ◀",
            f"      └─ Data  {data}  published  (shown above)",
        ] == rest

    def test_siblings_are_one_line_and_what_is_shared_is_shown_once(self, command, fan):
        out = command("graph", hash_of(fan["report"]), "--down", "3")
        assert (
            [
                f"Report  {hash_of(fan['report'])[:10]}  published  ◀",
                f"├─ Data  {hash_of(fan['data'])[:10]}  published",
                "└─ Eval ×6  6 published",  # noqa: RUF001
                "   └─ Train ×6  5 published, 1 failed",  # noqa: RUF001
                f"      └─ Data  {hash_of(fan['data'])[:10]}  published  (shown above)",
            ]
            == out.splitlines()
        )
        assert 14 == len(command.json("graph", hash_of(fan["report"]), "--down", "3", "--no-fold")["nodes"])

    def test_up_down_and_max(self, command, fan):
        facts = command.json("graph", hash_of(fan["data"]), "--up", "1", "--no-fold", "--max", "4")
        assert (4, 4) == (len(facts["nodes"]), facts["left_off"])
        assert [fan["data"]] == [each["reference"] for each in command.json("graph", fan["data"], "--up", "0")["nodes"]]
        assert "4 more are not shown" in command("graph", hash_of(fan["data"]), "--up", "1", "--no-fold", "--max", "4")

    def test_what_is_not_stored_any_more_is_missing(self, command, stored):
        gone = f"lab/Data/{'0' * 32}"
        user = stored.add("lab/Train", data=config(gone))
        assert ["missing", "published"] == [each["status"] for each in command.json("graph", hash_of(user))["nodes"]]

    def test_of_all_classes(self, command, fan):
        assert [
            "Report  lab  1 published",
            "├─ Data  lab  1 published",
            "└─ Eval  lab  6 published",
            "   └─ Train  lab  5 published, 1 failed",
            "      └─ Data  lab  1 published  (shown above)",
        ] == command("graph").splitlines()

    def test_of_nothing(self, command):
        assert "nothing is stored\n" == command("graph")
        assert "ffff" in command("graph", "ffffffff", code=3)
        command("graph", "ffffffff", "aaaaaaaa", code=2)


class TestTarget:
    def test_needs_not_be_stored(self, command):
        facts = command.json("graph", "study:Train", "lr=1,2", "data.name=a")
        assert {"missing"} == {each["status"] for each in facts["nodes"]}
        assert ["Data", "Train", "Train"] == [each["class"] for each in facts["nodes"]]
        assert 2 == len(facts["edges"])
        assert "did you mean lr?" in command("graph", "study:Train", "lrr=1", code=2)


@pytest.mark.slow
class TestPicture:
    def test_svg_and_dot(self, command, fan):
        command("graph", "--svg", "classes.svg")
        found = ET.parse(command.directory / "classes.svg").getroot()
        assert ["lab/Data", "lab/Train", "lab/Eval", "lab/Report"] == [
            each.get("data-node") for each in found.iter() if each.get("data-node")
        ]
        assert '"lab/Train" -> "lab/Eval";' in command("graph", "--dot")
        assert command("graph", fan["data"], "--svg", "-").startswith("<svg")

    def test_hostile_names_stay_text(self, command, stored):
        reference = stored.add("lab/<script>\x1b[2J", note="x")
        assert "\\x1b[2J" in command("graph")
        assert "<script" not in command("graph", hash_of(reference), "--svg", "-")
