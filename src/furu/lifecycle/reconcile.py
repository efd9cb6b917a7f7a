"""Is the owner of a lease dead? A pure verdict over evidence; who gathers it is `furu.lifecycle.artifact`.

Clocks of two hosts are never compared. Death is proven by the kernel (same boot, same pid namespace: the process is
gone, or the pid has another start time), by a reboot of the same machine, or by the batch system. What can't be
proven is a matter of silence, measured on the observer's own clock; a lease that ends by silence ends as "lost",
since its owner may still wake up.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from furu.storage.layout import Ending

ALIVE_FACTOR: Final = 10
"""How many leases of silence an owner gets whom the kernel says to be alive: stopped, or busy in C code."""


@dataclass(frozen=True)
class Evidence:
    """What an observer knows of a lease's owner.

    Attributes:
        is_same_kernel: boot id and pid namespace are the observer's, so that pids can be compared.
        is_same_machine: host name and machine id are the observer's.
        is_other_boot: both boot ids are known and differ.
        is_running: a process with that pid and start time runs here; means nothing unless `is_same_kernel`.
        is_own: it is the observer's own process.
        is_live_token: the observer's own process works on that attempt.
        scheduler_says: "ended" or "alive" where the batch system was asked, else None.
        quiet_sec: how long the heartbeat has not changed, on the observer's clock.
        lease_sec: the silence that the owner may keep.
        is_published: the published result is this attempt's.
    """

    is_same_kernel: bool
    is_same_machine: bool
    is_other_boot: bool
    is_running: bool
    is_own: bool
    is_live_token: bool
    scheduler_says: str | None
    quiet_sec: float
    lease_sec: float
    is_published: bool


@dataclass(frozen=True)
class Verdict:
    """What to do with a lease.

    Attributes:
        ending: how to end it, or None to leave it alone.
        because: the reason, for people.
    """

    ending: Ending | None
    because: str


def judge(evidence: Evidence) -> Verdict:
    """Whether the owner may keep its lease."""
    death = _proof_of_death(evidence)
    if death is not None:
        return Verdict(Ending.OK if evidence.is_published else Ending.CRASHED, death)
    is_vouched_for = evidence.is_same_kernel or evidence.scheduler_says == "alive"
    allowed_sec = evidence.lease_sec * (ALIVE_FACTOR if is_vouched_for else 1)
    if evidence.quiet_sec > allowed_sec:
        because = f"no heartbeat for {evidence.quiet_sec:.1f} s, {allowed_sec:g} s are allowed"
        return Verdict(Ending.OK if evidence.is_published else Ending.LOST, because)
    return Verdict(None, "the owner is alive" if is_vouched_for else "the owner's lease has not run out")


def _proof_of_death(evidence: Evidence) -> str | None:
    if evidence.is_own and not evidence.is_live_token:
        return "this process holds the lease, but nothing in it works on the attempt"
    if evidence.is_same_kernel and not evidence.is_running:
        return "the owner's process is gone"
    if evidence.is_same_machine and evidence.is_other_boot:
        return "the owner's machine was booted again"
    if evidence.scheduler_says == "ended":
        return "the owner's job has ended"
    return None
