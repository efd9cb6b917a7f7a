"""What must come about, and what must not be done in vain: I8 to I13, and I16. As lenient as `safety`."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Final

from tests.chaos.history import NEVER, WIPED, Attempt, Call, Get, History, Process, held, is_replaced, kind

if TYPE_CHECKING:
    from collections.abc import Iterator

ALIVE_FACTOR: Final = 10
SLACK_SEC: Final = 10.0
"""For a machine with more to do than processors; two orders above what is measured when it is idle."""
CLOCK_SEC: Final = 0.05
STALE_SEC: Final = 5.0


def the_dead_delay_nobody(history: History) -> Iterator[str]:
    """I8."""
    for attempt, waiter, allowed_sec, delay_sec in delays(history):
        if delay_sec > allowed_sec + SLACK_SEC:
            yield f"{attempt.base}: {waiter.process.name} waited {delay_sec:.1f} s for dead {attempt.token}"


def delays(history: History) -> Iterator[tuple[Attempt, Get, float, float]]:
    """Those who waited for an attempt whose owner was killed: how long they may, how long it took."""
    waiters: dict[str, list[Get]] = {}
    for get in history.gets:
        waiters.setdefault(get.base, []).append(get)
    for attempt in history.attempts.values():
        span, owner = held(history, attempt), attempt.owner
        if span is None or owner is None or not span[0] <= owner.killed_at < span[1]:
            continue
        for get in waiters.get(attempt.base, ()):
            if get.process is owner or not get.at < owner.killed_at < get.end:
                continue
            is_provable = get.process.host == owner.host
            allowed_sec = 1.3 * owner.poll_sec + (0 if is_provable else owner.lease_sec)
            until = min(span[1], get.end, get.process.killed_at)
            is_disturbed = any(at < until and woken > owner.killed_at for at, woken in get.process.stops)
            if until < NEVER and not is_disturbed and get.process.killed_at >= until:
                yield attempt, get, allowed_sec, until - owner.killed_at


def no_error_leaks_a_lock(history: History) -> Iterator[str]:
    """I9."""
    owned: dict[tuple[str, str], list[Attempt]] = {}
    for attempt in history.attempts.values():
        if attempt.claim is not None and attempt.claim.effect and not attempt.claim.process.forked_from:
            owned.setdefault((attempt.claim.process.name, attempt.claim.thread), []).append(attempt)
    for process in history.processes.values():
        for at, thread, leases in process.idle:
            mine = owned.get((process.name, thread), [])
            tokens = {attempt.token for attempt in mine}
            yield from (f"{process.name} still beats for {token}" for token in leases if token in tokens)
            for attempt in mine:
                if attempt.claim and attempt.claim.done < at and not _was_let_go(history, attempt, at):
                    yield f"{attempt.base}: {attempt.token} is still held by {process.name}, which is through with it"
    for get in history.gets:
        if get.raised and not _is_explained(history, get):
            yield f"{get.process.name} {get.node}: {get.text}"


def _was_let_go(history: History, attempt: Attempt, at: float) -> bool:
    # Where the end itself failed three times, or the directory was deleted, whoever looks next ends it.
    is_ended = any(call.may_have_happened and call.at < at for call in attempt.ends)
    failures = sum(call.is_injected and not call.effect for call in attempt.ends if call.at < at)
    claimed_at = attempt.claim.at if attempt.claim else 0.0
    return is_ended or failures >= 3 or history.is_wiped(attempt.base, claimed_at, at)


def _is_explained(history: History, get: Get) -> bool:
    """Whether something was done to a `get()` that may make it raise."""
    if get.raised == "RuntimeError":
        return "simulated" in get.text
    if any(get.at <= at <= get.end and thread == get.thread for at, thread in get.process.injected):
        return True
    if kind(get.base) == "Cramped" and get.errno == 28:
        return True
    if get.raised == "FuruLeaseLost":
        lost = [each for each in history.attempts_at(get.base) if each.owner is get.process and each.created_at < NEVER]
        return sum(get.at < each.created_at < get.end for each in lost) >= 3
    # A cache may remember for a while what is deleted, and how long a file was that has been replaced: the kernel
    # reads no further than that. It must be told by name, and never give another result.
    stale_sec = STALE_SEC if get.process.is_cached else 1.0
    if get.raised == "FuruCorruptRecord":
        return get.process.is_cached and _is_just_replaced(history, get.base, get.at - stale_sec, get.end)
    return kind(get.base) in WIPED and history.is_wiped(get.base, get.at - stale_sec, get.end)


def _is_just_replaced(history: History, base: str, since: float, until: float) -> bool:
    publishes = [call for attempt in history.attempts_at(base) for call in attempt.publishes]
    return any(call.name == "rename" and call.effect and call.done >= since and call.at <= until for call in publishes)


def any_process_can_complete(history: History) -> Iterator[str]:
    """I10."""
    done = set()
    for get in history.gets:
        if get.process.role == "survivor":
            done.add(get.base)
            if get.token is None:
                yield f"{get.base}: the survivor raised {get.text or 'nothing, and never came back'}"
    for base in {get.base for get in history.gets} - done:
        yield f"{base}: the survivor never got it"


def waiters_finish(history: History) -> Iterator[str]:
    """I11."""
    for get in history.gets:
        process = get.process
        if get.end == NEVER and process.killed_at == NEVER and get.is_outermost and process.forked_from is None:
            yield f"{process.name} never came back from {get.node}"
    for process in history.processes.values():
        is_asked = process.role != "storm" and process.forked_from is None
        if is_asked and process.killed_at == NEVER and process.began:  # else it died before its first line
            if process.code:
                yield f"{process.name} ended with {process.code}"
            elif not process.has_left:
                yield f"{process.name} was stuck"


def computed_once_without_a_fault(history: History) -> Iterator[str]:
    """I12."""
    for base, attempts in history.by_base().items():
        computed = [attempt for attempt in attempts if attempt.creates]
        for earlier, later in itertools.pairwise(computed):
            if not _may_be_followed(history, earlier, later):
                yield f"{base}: {later.token} was computed, and nothing had happened to {earlier.token}"
        if kind(base) == "Renewed":
            continue
        for published, later in itertools.product(computed, computed):
            moments = [call for call in published.publishes if call.effect]
            is_late = moments and later.claim and moments[0].done < later.claim.at
            if is_late and not history.is_wiped(base, moments[0].at, later.creates[0][0]):
                yield f"{base}: {later.token} was computed although {published.token} was published"


def _may_be_followed(history: History, earlier: Attempt, later: Attempt) -> bool:
    """Whether something happened to a computation that lets another one begin."""
    # By the claims: an owner that was stopped before it began computes when it wakes up, and another one has since.
    since, at = (each.claim.done if each.claim else NEVER for each in (earlier, later))
    if kind(earlier.base) == "Renewed" or history.is_wiped(earlier.base, since, at):
        return True
    if min(earlier.failed_at, earlier.creates[0][1].killed_at) <= at:
        return True
    revoked = [call for call in earlier.ends if call.may_have_happened and call.at <= at]
    return any(call.ending in ("lost", "crashed", "failed", "preempted") for call in revoked)


def a_hit_writes_nothing(history: History) -> Iterator[str]:
    """I13."""
    published = {
        attempt.base: call.done
        for attempt in history.attempts.values()
        for call in attempt.publishes
        if call.effect and not is_replaced(attempt.base)
    }
    calls: dict[tuple[str, str, str], list[Call]] = {}
    for call in history.calls:
        for base in {path for each in call.paths for path in [_base_of(each)] if path in published}:
            calls.setdefault((call.process.name, call.thread, base), []).append(call)
    for get in history.gets:
        if published.get(get.base, NEVER) > get.at or get.process.is_cached:
            continue
        for call in calls.get((get.process.name, get.thread, get.base), ()):
            if get.at < call.at < get.end:
                yield f"{get.process.name} {get.node}: {call.name} {call.paths}"


def _base_of(path: str) -> str:
    """The artifact's directory that a path lies in, which is named by a hash."""
    parts = path.split("/")
    named = [index for index, part in enumerate(parts) if len(part) == 32 and set(part) <= set("0123456789abcdef")]
    return "/".join(parts[: named[0] + 1]) if named else path


def silence_and_proof_decide(history: History) -> Iterator[str]:
    """I16: no clock of another host does."""
    for attempt in history.attempts.values():
        for call in attempt.ends:
            owner = attempt.owner
            if call.process is owner or owner is None or not call.effect or attempt.claim is None:
                continue
            if call.ending == "crashed" and owner.killed_at > call.at and not _has_left(owner, call.at):
                yield f"{attempt.base}: {attempt.token} was called crashed, and {owner.name} lives"
            if call.ending == "lost":
                wanted_sec = owner.lease_sec * (ALIVE_FACTOR if owner.host == call.process.host else 1)
                # Where a cache shows old heartbeats, a lease shorter than its memory is over before one is seen.
                stale_sec = STALE_SEC if call.process.is_cached else 0.0
                quiet_sec = stale_sec + _quiet_sec(attempt, attempt.claim, call)
                if quiet_sec < wanted_sec - CLOCK_SEC:
                    yield f"{attempt.base}: {attempt.token} was given up after {quiet_sec:.2f} s of {wanted_sec} s"


def _has_left(process: Process, at: float) -> bool:
    return process.has_left and bool(process.idle) and process.idle[-1][0] <= at


def _quiet_sec(attempt: Attempt, claim: Call, end: Call) -> float:
    """How long the owner had been silent, by the clock of whoever gave it up."""
    beats = [beat.at for beat in (claim, *attempt.beats) if beat.effect and beat.done < end.at]
    last = max(beats, default=claim.at)
    return end.at - last + sum(sec for at, sec in end.process.jumps if last <= at <= end.at)
