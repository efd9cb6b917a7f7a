"""Making room at the least regret: what is cheap to have again, for the room it takes, goes first.

To have a result again costs the time that it took, and that of whatever it would be computed from and is not there
either. So each one that goes makes those dearer that were made from it.
"""

from __future__ import annotations

import heapq
import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from furu.gc.facts import StoredFacts


def recompute_sec(reference: str, stored: Mapping[str, StoredFacts], is_missing: Callable[[str], bool]) -> float:
    """Seconds of computing to have a result again; infinite where something in it isn't known.

    Args:
        reference: of the artifact.
        stored: what is known.
        is_missing: whether there is no result of an artifact, so that it would be computed too.
    """
    total, seen, waiting = 0.0, {reference}, [reference]
    while waiting:
        facts = stored.get(waiting.pop())
        total += math.inf if facts is None or facts.took_sec is None else facts.took_sec
        for need in facts.needs if facts is not None else ():
            if need not in seen and is_missing(need):
                seen.add(need)
                waiting.append(need)
    return total


def cheapest_first(
    stored: Mapping[str, StoredFacts], candidates: Mapping[str, StoredFacts], keep_bytes: int
) -> dict[str, str]:
    """Which candidates go, with the reason, so that what is stored takes no more than `keep_bytes`, if that can be."""
    present = {reference for reference, facts in stored.items() if facts.has_result}
    left = sum(facts.size_bytes for facts in stored.values())
    gone: dict[str, str] = {}

    def cost(reference: str) -> tuple[float, float, str]:
        seconds = recompute_sec(reference, stored, lambda need: need not in present)
        size = candidates[reference].size_bytes
        is_useless = not candidates[reference].has_result
        return (0.0 if is_useless else seconds / size, -size, reference)

    heap = [cost(reference) for reference, facts in candidates.items() if facts.size_bytes > 0]
    heapq.heapify(heap)
    while heap and left > keep_bytes:
        known = heapq.heappop(heap)
        now = cost(known[2])
        if now > known:  # something that it was made from has gone since; nothing ever gets cheaper
            heapq.heappush(heap, now)
            continue
        reference = known[2]
        gone[reference] = _in_words(known[0], candidates[reference])
        present.discard(reference)
        left -= candidates[reference].size_bytes
    return gone


def _in_words(ratio: float, facts: StoredFacts) -> str:
    if not facts.has_result:
        return "it has no result"
    if math.isinf(ratio):
        return "room is needed; nobody knows what it costs to have it again"
    return f"room is needed, and it takes {ratio * facts.size_bytes:.0f} s to have it again"
