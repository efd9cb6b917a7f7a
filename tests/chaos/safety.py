"""What must never be: two holders, two results, torn files, steps by the revoked. I1-I7, I14, I15, I17, I18.

What a trace leaves open (a process that died between a step and its note) counts in favour of the protocol, so
nothing is reported that need not have happened.
"""

from __future__ import annotations

import hashlib
import itertools
from functools import cache
from typing import TYPE_CHECKING, Final

from tests.chaos.history import NEVER, WIPED, Attempt, Call, History, held, is_replaced, kind

if TYPE_CHECKING:
    from collections.abc import Iterator

BY_OTHERS: Final = frozenset({"ok", "crashed", "lost"})


def one_name_in_the_lock(history: History) -> Iterator[str]:
    """I1."""
    for base, attempts in history.by_base().items():
        spans = sorted((*span, attempt.token) for attempt in attempts if (span := held(history, attempt)))
        for earlier, later in itertools.pairwise(spans):
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
        if not is_replaced(base) and any(call.name == "rename" and call.effect for call in publishes):
            yield f"{base}: replaced, and nobody asked for it"
        stored, tokens = history.store.get(base), {_publisher(call) for call in publishes}
        if stored is not None and stored.token is not None and stored.token not in tokens:
            yield f"{base}: {stored.token} is published, by none of {sorted(tokens)}"
        is_gone = stored is not None and stored.token is None and any(call.effect for call in links)
        if is_gone and not is_replaced(base):
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
        if len(tokens) > 1 and not is_replaced(base):
            yield f"{base}: {sorted(tokens)} were returned"
        stored = history.store.get(base)
        if stored is not None and not is_replaced(base) and {stored.token} != tokens:
            yield f"{base}: {sorted(tokens)} were returned, {stored.token} is published"


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
