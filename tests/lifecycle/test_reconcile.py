"""`judge()` on every combination of evidence, and at the boundary instants."""

from __future__ import annotations

import itertools

import pytest

from furu.lifecycle.reconcile import ALIVE_FACTOR, Evidence, judge
from furu.storage.layout import Ending

LEASE_SEC = 8.0
QUIET_SEC = (0.0, LEASE_SEC, LEASE_SEC + 0.001, LEASE_SEC * ALIVE_FACTOR, LEASE_SEC * ALIVE_FACTOR + 0.001)
FLAGS = ("is_same_kernel", "is_same_machine", "is_other_boot", "is_running", "is_own", "is_live_token", "is_published")
ALL = [
    Evidence(**dict(zip(FLAGS, flags, strict=True)), scheduler_says=says, quiet_sec=quiet_sec, lease_sec=LEASE_SEC)
    for flags in itertools.product((False, True), repeat=len(FLAGS))
    for says in (None, "ended", "alive")
    for quiet_sec in QUIET_SEC
]
STRANGER = Evidence(
    is_same_kernel=False,
    is_same_machine=False,
    is_other_boot=False,
    is_running=False,
    is_own=False,
    is_live_token=False,
    scheduler_says=None,
    quiet_sec=0.0,
    lease_sec=LEASE_SEC,
    is_published=False,
)
NEIGHBOUR = {"is_same_kernel": True, "is_same_machine": True, "is_running": True}


def but(**changes: object) -> Evidence:
    return Evidence(**{**vars(STRANGER), **changes})


def is_proven_dead(evidence: Evidence) -> bool:
    return (
        (evidence.is_same_kernel and not evidence.is_running)
        or (evidence.is_own and not evidence.is_live_token)
        or (evidence.is_same_machine and evidence.is_other_boot)
        or evidence.scheduler_says == "ended"
    )


def expected_ending(evidence: Evidence) -> Ending | None:
    leases = 10 if evidence.is_same_kernel or evidence.scheduler_says == "alive" else 1
    is_silent = evidence.quiet_sec > leases * evidence.lease_sec
    if not is_proven_dead(evidence) and not is_silent:
        return None
    if evidence.is_published:
        return Ending.OK
    return Ending.CRASHED if is_proven_dead(evidence) else Ending.LOST


def test_every_combination_is_judged_as_the_rules_say() -> None:
    assert 128 * 3 * len(QUIET_SEC) == len(ALL)
    for evidence in ALL:
        assert expected_ending(evidence) is judge(evidence).ending, evidence


def test_every_verdict_has_a_reason() -> None:
    assert all(judge(evidence).because for evidence in ALL)


@pytest.mark.parametrize(
    ("changes", "ending", "reason"),
    [
        ({}, None, "lease has not run out"),
        (NEIGHBOUR, None, "alive"),
        ({"quiet_sec": LEASE_SEC}, None, "lease has not run out"),
        ({"quiet_sec": LEASE_SEC + 0.001}, Ending.LOST, "no heartbeat for 8.0 s, 8 s are allowed"),
        ({**NEIGHBOUR, "quiet_sec": LEASE_SEC * 10}, None, "alive"),
        ({**NEIGHBOUR, "quiet_sec": LEASE_SEC * 10 + 1}, Ending.LOST, "80 s are allowed"),
        ({"scheduler_says": "alive", "quiet_sec": LEASE_SEC * 10}, None, "alive"),
        ({**NEIGHBOUR, "is_running": False}, Ending.CRASHED, "process is gone"),
        ({"is_same_machine": True, "is_other_boot": True}, Ending.CRASHED, "booted again"),
        ({"is_other_boot": True}, None, "lease has not run out"),
        ({**NEIGHBOUR, "is_own": True}, Ending.CRASHED, "nothing in it works on the attempt"),
        ({**NEIGHBOUR, "is_own": True, "is_live_token": True}, None, "alive"),
        ({"scheduler_says": "ended"}, Ending.CRASHED, "job has ended"),
        ({**NEIGHBOUR, "is_running": False, "is_published": True}, Ending.OK, "process is gone"),
    ],
    ids=[
        "a stranger",
        "alive on this kernel",
        "silent for exactly its lease",
        "silent for longer",
        "alive here, silent for ten leases",
        "alive here, silent for longer",
        "alive to the scheduler",
        "S096 process gone",
        "rebooted",
        "another machine's boot",
        "leaked by this process",
        "worked on by this process",
        "job ended",
        "died after its publish",
    ],
)
def test_who_keeps_the_lease(changes: dict[str, object], ending: Ending | None, reason: str) -> None:
    verdict = judge(but(**changes))
    assert ending is verdict.ending
    assert reason in verdict.because
