"""The checker: I1 to I18, each a function from a history to the ways in which it was broken; `figures` counts."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any, Final

from tests.chaos import progress, safety
from tests.chaos.history import NEVER, History, is_replaced

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_ALL: Final[tuple[Callable[[History], Iterator[str]], ...]] = (
    safety.one_name_in_the_lock,
    safety.a_publish_changes_only_under_the_lease,
    safety.the_record_implies_whole_files,
    safety.only_a_holder_publishes,
    safety.a_revoked_owner_changes_nothing,
    safety.one_writer_in_a_directory,
    safety.all_readers_get_the_same,
    progress.the_dead_delay_nobody,
    progress.no_error_leaks_a_lock,
    progress.any_process_can_complete,
    progress.waiters_finish,
    progress.computed_once_without_a_fault,
    progress.a_hit_writes_nothing,
    safety.a_lock_name_is_complete_when_seen,
    safety.a_child_ends_nothing_of_its_parent,
    progress.silence_and_proof_decide,
    safety.no_code_from_the_store,
    safety.no_path_leaves_the_root,
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
        twice += len(spans) > 1 and not is_replaced(attempts[0].base)
        overlapping += sum(later[0] < earlier[1] for earlier, later in itertools.pairwise(spans))
    raised: dict[str, int] = {}
    for get in history.gets:
        if get.raised and get.is_outermost:
            raised[get.raised] = raised.get(get.raised, 0) + 1
    delays = [delay_sec for *_, delay_sec in progress.delays(history)]
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
        "longest delay by a dead owner (s)": round(max(delays, default=0.0), 2),
    }
