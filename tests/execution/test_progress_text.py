"""How far a run is, in words."""

from __future__ import annotations

from collections import Counter

import pytest

from furu.execution.reporting.progress_text import (
    describe_class,
    describe_end,
    describe_eta,
    describe_progress,
    describe_rate,
    describe_start,
    first_line,
    label_classes,
    label_node,
)
from furu.execution.reporting.tally import ClassCount, Eta, Snapshot, State
from furu.execution.scheduling.outcomes import Failure, Outcome, RunReport


def a_class(namespace: str, typical_sec: float | None = None, **found: int) -> ClassCount:
    return ClassCount(namespace, Counter({State(state): count for state, count in found.items()}), typical_sec)


def snapshot(*classes: ClassCount, rate: float | None = None, eta: Eta | None = None) -> Snapshot:
    return Snapshot(elapsed_sec=12.0, classes=classes, oldest=(), rate=rate, eta=eta, last_error="")


FAILURE = Failure(Outcome.COMPUTE_FAILED, None, 1, "")


def test_the_start_names_what_is_to_be_computed():
    seen = snapshot(a_class("m/Data", waiting=2, done=1), a_class("m/Train", waiting=7, elsewhere=1))
    assert "run r1 begins: 10 nodes to compute (Train 8, Data 2), 1 done already" == describe_start("r1", seen)


def test_the_start_of_very_many_classes_is_short():
    seen = snapshot(*(a_class(f"m/C{number}", waiting=1) for number in range(30)))
    assert describe_start("r1", seen).endswith(", 22 more classes)")


@pytest.mark.parametrize(
    ("seen", "expected"),
    [
        pytest.param(snapshot(a_class("m/A", done=1, running=1, waiting=3)), "1 of 5 nodes done, 1 running, 3 waiting"),
        pytest.param(
            snapshot(a_class("m/A", done=1, failed=1, skipped=2), rate=2.5, eta=Eta(30.0, True)),
            "1 of 4 nodes done, 1 failed, 2 skipped; 2.5 nodes/s, 30 s left",
        ),
        pytest.param(snapshot(a_class("m/A", done=1), eta=Eta(30.0, False)), "1 of 1 nodes done, > 30 s left"),
    ],
)
def test_progress(seen, expected):
    assert f"run r1: {expected}" == describe_progress("r1", seen)


@pytest.mark.parametrize(
    ("report", "expected"),
    [
        pytest.param(RunReport(("a",), {}, {}, ()), "1 node done", id="one"),
        pytest.param(RunReport(("a", "b"), {"c": FAILURE}, {"d": ("c",)}, ()), "2 nodes done, 1 failed, 1 skipped"),
        pytest.param(RunReport((), {"c": FAILURE}, {}, ("e",)), "0 nodes done, 1 failed, 1 not started", id="stopped"),
    ],
)
def test_the_end(report, expected):
    assert f"run r1 is over after 12 s: {expected}" == describe_end("r1", snapshot(), report)


@pytest.mark.parametrize(
    ("entry", "expected"),
    [
        pytest.param(a_class("m/A", 2.0, done=3), "", id="all-done"),
        pytest.param(a_class("m/A", 2.0, running=1, waiting=2), "1 running, 2 waiting, 2.0 s each", id="known"),
        pytest.param(a_class("m/A", None, waiting=2, failed=1), "2 waiting, 1 failed", id="unknown"),
    ],
)
def test_a_class(entry, expected):
    assert expected == describe_class(entry)


@pytest.mark.parametrize(
    ("eta", "expected"), [(None, "?"), (Eta(8.7, True), "8.7 s"), (Eta(75.0, False), "> 1 m 15 s")]
)
def test_an_estimate_says_what_it_does_not_know(eta, expected):
    assert expected == describe_eta(eta)


@pytest.mark.parametrize(
    ("rate", "expected"),
    [(812.0, "812.0 nodes/s"), (0.5, "30.0 nodes/min"), (0.005, "18.0 nodes/h"), (0.0, "0.0 nodes/h")],
)
def test_rates_have_a_unit_one_can_read(rate, expected):
    assert expected == describe_rate(rate)


@pytest.mark.parametrize(
    ("namespaces", "expected"),
    [
        pytest.param(["a/b/Train", "a/b/Data"], ["Train", "Data"], id="all-differ"),
        pytest.param(["old/Train", "new/Train", "new/Data"], ["old.Train", "new.Train", "Data"], id="two-alike"),
        pytest.param(["Train", "new/Train"], ["Train", "new.Train"], id="one-is-the-end-of-another"),
        pytest.param([], [], id="none"),
    ],
)
def test_classes_have_the_shortest_name_that_tells_them_apart(namespaces, expected):
    assert expected == list(label_classes(namespaces).values())


def test_a_node_shows_enough_of_its_hash():
    assert "Train(3f2a91c4d0e8…)" == label_node("Train", "3f2a91c4d0e8aaaaaaaaaaaaaaaaaaaa")


@pytest.mark.parametrize(
    ("text", "expected"),
    [("\n boom \nmore", "boom"), ("", ""), ("x" * 400, "x" * 299 + "…")],
    ids=["first", "empty", "long"],
)
def test_an_error_is_one_line(text, expected):
    assert expected == first_line(text).strip()
