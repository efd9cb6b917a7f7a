"""The checker: I1 to I18, each a function from a history to the ways in which it was broken.

What a trace leaves open (a process that died between a step and its note) counts in favour of the protocol, so
nothing is reported that need not have happened. `figures` counts what is allowed.
"""

from __future__ import annotations

import hashlib
import itertools
from functools import cache
from typing import TYPE_CHECKING, Any, Final

from tests.chaos.history import NEVER, Attempt, Call, Get, History, Process, kind

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

WIPED: Final = ("Wiped", "Cramped")
"""Classes whose artifacts are deleted in a storm, so that another result may come."""
ALIVE_FACTOR: Final = 10
SLACK_SEC: Final = 10.0
"""For a machine with more to do than processors; two orders above what is measured when it is idle."""
CLOCK_SEC: Final = 0.05
BY_OTHERS: Final = frozenset({"ok", "crashed", "lost"})


def _is_replaced(base: str) -> bool:
    return kind(base) in (*WIPED, "Renewed")


def _held(history: History, attempt: Attempt) -> tuple[float, float] | None:
    """When its name certainly was in the lock; None if nobody can say."""
    if attempt.claim is None or not attempt.claim.effect:
        return None
    ends = [call.at for call in attempt.ends if call.may_have_happened]
    wipes = [at for at, done in history.wipes.get(attempt.base, ()) if done >= attempt.claim.at]
    return attempt.claim.done, min([*ends, *wipes], default=NEVER)


def one_name_in_the_lock(history: History) -> Iterator[str]:
    """I1."""
    for base, attempts in history.by_base().items():
        held = sorted((*span, attempt.token) for attempt in attempts if (span := _held(history, attempt)))
        for earlier, later in itertools.pairwise(held):
            if later[0] < earlier[1]:
                yield f"{base}: {earlier[2]} and {later[2]} at once"
    for base, stored in history.store.items():
        if len(stored.holders) > 1:
            yield f"{base}: {stored.holders} are left"


def a_publish_changes_only_under_the_lease(history: History) -> Iterator[str]:
    """I2."""
    for base, attempts in history.by_base().items():
        publishes = [call for attempt in attempts for call in attempt.publishes if call.may_have_happened]
        links = sorted((call for call in publishes if call.name == "link" and call.effect), key=lambda call: call.done)
        withdrawals = [call.at for each in attempts for call in each.withdrawals if call.may_have_happened]
        for earlier, later in itertools.pairwise(links):
            is_withdrawn = any(earlier.at <= at <= later.done for at in withdrawals)
            if not is_withdrawn and not history.is_wiped(base, earlier.at, later.done):
                yield f"{base}: published twice, at {earlier.done} and {later.at}"
        if not _is_replaced(base) and any(call.name == "rename" and call.effect for call in publishes):
            yield f"{base}: replaced, and nobody asked for it"
        stored, tokens = history.store.get(base), {_publisher(call) for call in publishes}
        if stored is not None and stored.token is not None and stored.token not in tokens:
            yield f"{base}: {stored.token} is published, by none of {sorted(tokens)}"
        if stored is not None and stored.token is None and any(call.effect for call in links):
            if not _is_replaced(base):
                yield f"{base}: its result is gone"


def _publisher(call: Call) -> str:
    return call.paths[0].split("/")[-2]


def the_record_implies_whole_files(history: History) -> Iterator[str]:
    """I3."""
    for base, stored in history.store.items():
        if stored.is_damaged:
            yield f"{base}: SUCCESS.json is damaged"
        if stored.files and not (kind(base) in WIPED and history.wipes.get(base)):
            yield f"{base}: {stored.files}"
        attempt = history.attempts.get(stored.token or "")
        if attempt is not None and attempt.publishes and attempt.created_at > attempt.publishes[0].at:
            yield f"{base}: {attempt.token} was published before it was computed"
    for get in history.gets:
        if get.value is not None and get.value != expected(get.node):
            yield f"{get.process.name} got {get.value} for {get.node}, which is {expected(get.node)}"
        if get.raised == "TornError":
            yield f"{get.process.name} read {get.node}: {get.text}"


@cache
def expected(node: str) -> str:
    """The value of a node of the graph, said a second time."""
    name, _, text = node.partition("/")
    key = int(text)
    parts = {
        "Branch": [f"Small/{key}", f"Leaf/{key}", f"Leaf/{key + 1}", f"Steps/{key // 2}"],
        "Root": [f"Branch/{key}", f"Branch/{key + 1}"],
    }.get(name, [])
    text = " ".join([node, *map(expected, parts)])
    return hashlib.blake2b(text.encode(), digest_size=12).hexdigest()


def only_a_holder_publishes(history: History) -> Iterator[str]:
    """I4."""
    for attempt in history.attempts.values():
        for call in attempt.publishes:
            if not call.effect:
                continue
            if attempt.claim is None or not attempt.claim.may_have_happened:
                yield f"{attempt.base}: {attempt.token} published without a lease"
            elif call.at > attempt.over_at:
                yield f"{attempt.base}: {attempt.token} published at {call.at}, and was over at {attempt.over_at}"


def a_revoked_owner_changes_nothing(history: History) -> Iterator[str]:
    """I5."""
    for attempt in history.attempts.values():
        over = sorted(call.done for call in attempt.ends if call.effect)
        if len(over) > 1:
            yield f"{attempt.base}: {attempt.token} ended {len(over)} times"
        for call in attempt.beats:
            if call.effect and call.at > attempt.over_at:
                yield f"{attempt.base}: {attempt.token} beat after its end"
            if call.process is not attempt.owner:
                yield f"{attempt.base}: {call.process.name} beat for {attempt.token}, which is not its own"
        for call in attempt.ends:
            if call.process is not attempt.owner and call.ending not in BY_OTHERS and call.effect:
                yield f"{attempt.base}: {call.process.name} ended {attempt.token} of others as {call.ending}"


def one_writer_in_a_directory(history: History) -> Iterator[str]:
    """I6."""
    for attempt in history.attempts.values():
        if len(attempt.creates) > 1:
            yield f"{attempt.base}: {attempt.token} was computed {len(attempt.creates)} times"
        for call, source in attempt.adoptions:
            earlier = history.attempts.get(source)
            if not call.may_have_happened or earlier is None or not earlier.creates:
                continue
            if any(end.ending == "lost" and end.effect for end in earlier.ends):
                yield f"{attempt.base}: {attempt.token} took over the files of {source}, which may still be written"
            elif _stopped_writing_at(earlier) > call.at:
                yield f"{attempt.base}: {attempt.token} took over the files of {source}, which is still at work"


def _stopped_writing_at(attempt: Attempt) -> float:
    killed_at = max((process.killed_at for _, process in attempt.creates), default=NEVER)
    return min(attempt.created_at, attempt.failed_at, killed_at)


def all_readers_get_the_same(history: History) -> Iterator[str]:
    """I7."""
    published: dict[str, dict[str, float]] = {}
    for attempt in history.attempts.values():
        for call in attempt.publishes:
            if call.may_have_happened:
                published.setdefault(attempt.base, {})[attempt.token] = call.at
    seen: dict[str, set[str]] = {}
    for get in history.gets:
        if get.token is None:
            continue
        if published.get(get.base, {}).get(get.token, NEVER) > get.end:
            yield f"{get.base}: {get.process.name} got {get.token}, which nobody had published"
        seen.setdefault(get.base, set()).add(get.token)
    for base, tokens in seen.items():
        if len(tokens) > 1 and not _is_replaced(base):
            yield f"{base}: {sorted(tokens)} were returned"
        stored = history.store.get(base)
        if stored is not None and not _is_replaced(base) and {stored.token} != tokens:
            yield f"{base}: {sorted(tokens)} were returned, {stored.token} is published"


def the_dead_delay_nobody(history: History) -> Iterator[str]:
    """I8."""
    for attempt, waiter, allowed_sec, delay_sec in _delays(history):
        if delay_sec > allowed_sec + SLACK_SEC:
            yield f"{attempt.base}: {waiter.process.name} waited {delay_sec:.1f} s for dead {attempt.token}"


def _delays(history: History) -> Iterator[tuple[Attempt, Get, float, float]]:
    """Those who waited for an attempt whose owner was killed: how long they may, how long it took."""
    waiters: dict[str, list[Get]] = {}
    for get in history.gets:
        waiters.setdefault(get.base, []).append(get)
    for attempt in history.attempts.values():
        held, owner = _held(history, attempt), attempt.owner
        if held is None or owner is None or not held[0] <= owner.killed_at < held[1]:
            continue
        for get in waiters.get(attempt.base, ()):
            if get.process is owner or not get.at < owner.killed_at < get.end:
                continue
            is_provable = get.process.host == owner.host
            allowed_sec = 1.3 * owner.poll_sec + (0 if is_provable else owner.lease_sec)
            until = min(held[1], get.end, get.process.killed_at)
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
    return kind(get.base) in WIPED and history.is_wiped(get.base, get.at - 1.0, get.end)


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
        if process.role != "storm" and process.forked_from is None and process.killed_at == NEVER:
            if process.code:
                yield f"{process.name} ended with {process.code}"
            elif not process.has_left:
                yield f"{process.name} was stuck"


def computed_once_without_a_fault(history: History) -> Iterator[str]:
    """I12."""
    for base, attempts in history.by_base().items():
        computed = sorted((attempt for attempt in attempts if attempt.creates), key=lambda each: each.creates[0][0])
        for earlier, later in itertools.pairwise(computed):
            if not _may_be_followed(history, earlier, later):
                yield f"{base}: {later.token} was computed, and nothing had happened to {earlier.token}"
        if kind(base) == "Renewed":
            continue
        for published, later in itertools.product(computed, computed):
            moments = [call for call in published.publishes if call.effect]
            if moments and later.claim and moments[0].done < later.claim.at:
                if not history.is_wiped(base, moments[0].at, later.creates[0][0]):
                    yield f"{base}: {later.token} was computed although {published.token} was published"


def _may_be_followed(history: History, earlier: Attempt, later: Attempt) -> bool:
    """Whether something happened to a computation that lets another one begin."""
    at = later.creates[0][0]
    since = earlier.claim.at if earlier.claim else earlier.creates[0][0]
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
        if call.effect and not _is_replaced(attempt.base)
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


def a_lock_name_is_complete_when_seen(history: History) -> Iterator[str]:
    """I14."""
    for attempt in history.attempts.values():
        if attempt.claim is None or not attempt.claim.effect:
            continue
        record = attempt.record
        if record is None or not record.effect or record.done > attempt.claim.at:
            yield f"{attempt.base}: {attempt.token} was in the lock before its record was written"
    removed = {call.paths[0] for call in history.calls if call.name == "remove_tree"}
    for base, stored in history.store.items():
        for name, token in stored.attempts.items():
            # A deletion that was killed half-way leaves half an ended attempt, which was whole while it was a lock.
            if token != name.partition(".")[0] and f"{base}/attempts/{name}" not in removed:
                yield f"{base}: attempts/{name} has the record of {token}"


def a_child_ends_nothing_of_its_parent(history: History) -> Iterator[str]:
    """I15."""
    for attempt in history.attempts.values():
        for call in (*attempt.beats, *attempt.ends, *attempt.publishes):
            owner = attempt.owner
            if owner is not None and call.process.forked_from == owner.name and call.effect:
                yield f"{attempt.base}: {call.process.name}, a child, did {call.name} {call.paths} of its parent"


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
                quiet_sec = _quiet_sec(attempt, attempt.claim, call)
                if quiet_sec < wanted_sec - CLOCK_SEC:
                    yield f"{attempt.base}: {attempt.token} was given up after {quiet_sec:.2f} s of {wanted_sec} s"


def _has_left(process: Process, at: float) -> bool:
    return process.has_left and bool(process.idle) and process.idle[-1][0] <= at


def _quiet_sec(attempt: Attempt, claim: Call, end: Call) -> float:
    """How long the owner had been silent, by the clock of whoever gave it up."""
    beats = [beat.at for beat in (claim, *attempt.beats) if beat.effect and beat.done < end.at]
    last = max(beats, default=claim.at)
    return end.at - last + sum(sec for at, sec in end.process.jumps if last <= at <= end.at)


def no_code_from_the_store(history: History) -> Iterator[str]:
    """I17."""
    if "imported" in history.outside:
        yield "the module that a stored record names was imported"


def no_path_leaves_the_root(history: History) -> Iterator[str]:
    """I18."""
    yield from (f"{name} was written outside of the root" for name in history.outside if name != "imported")
    for call in history.calls:
        for path in call.paths:
            if path.startswith("/") or ".." in path.split("/"):
                yield f"{call.process.name}: {call.name} {path}"


_ALL: Final[tuple[Callable[[History], Iterator[str]], ...]] = (
    one_name_in_the_lock,
    a_publish_changes_only_under_the_lease,
    the_record_implies_whole_files,
    only_a_holder_publishes,
    a_revoked_owner_changes_nothing,
    one_writer_in_a_directory,
    all_readers_get_the_same,
    the_dead_delay_nobody,
    no_error_leaks_a_lock,
    any_process_can_complete,
    waiters_finish,
    computed_once_without_a_fault,
    a_hit_writes_nothing,
    a_lock_name_is_complete_when_seen,
    a_child_ends_nothing_of_its_parent,
    silence_and_proof_decide,
    no_code_from_the_store,
    no_path_leaves_the_root,
)
CHECKS: Final[dict[str, Callable[[History], list[str]]]] = {
    f"I{number} {check.__name__.replace('_', ' ')}": lambda history, check=check: list(check(history))  # type: ignore[misc]
    for number, check in enumerate(_ALL, 1)
}


def figures(history: History) -> dict[str, Any]:
    """What happened, in numbers."""
    endings: dict[str, int] = {}
    taken = 0
    for attempt in history.attempts.values():
        for call in attempt.ends:
            if call.effect:
                endings[call.ending] = endings.get(call.ending, 0) + 1
                taken += call.process is not attempt.owner
    twice = overlapping = 0
    for attempts in history.by_base().values():
        spans = sorted(
            (each.creates[0][0], min(each.created_at, each.failed_at)) for each in attempts if each.created_at < NEVER
        )
        twice += len(spans) > 1 and not _is_replaced(attempts[0].base)
        overlapping += sum(later[0] < earlier[1] for earlier, later in itertools.pairwise(spans))
    raised: dict[str, int] = {}
    for get in history.gets:
        if get.raised and get.is_outermost:
            raised[get.raised] = raised.get(get.raised, 0) + 1
    return {
        "artifacts": len({get.base for get in history.gets}),
        "processes": len(history.processes),
        "gets": sum(get.token is not None for get in history.gets),
        "raised": raised,
        "computes": sum(len(attempt.creates) for attempt in history.attempts.values()),
        "endings": endings,
        "take-overs": taken,
        "computed twice": twice,
        "of these at once": overlapping,
        "resumed": history.continued,
        "injected errors": sum(len(process.injected) for process in history.processes.values()),
        "clock jumps": sum(len(process.jumps) for process in history.processes.values()),
        "wipes": sum(map(len, history.wipes.values())),
        "longest delay by a dead owner (s)": round(max((delay for *_, delay in _delays(history)), default=0.0), 2),
    }
