"""Which artifacts go, and why each of the others stays.

decide
    what is busy, pinned, tagged, young, found by today's code, or not asked for, stays
    so does what these depend on, and what an alias that stays stands for
    of the rest all go, or those first that are cheap to have again for the room they take, until that is enough
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from furu.gc.budget import cheapest_first
from furu.gc.facts import Verdict

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from furu.gc.facts import Rules, StoredFacts

_NOT_ASKED_FOR: Final = "nobody asked for it to go"


def decide(stored: Mapping[str, StoredFacts], rules: Rules) -> dict[str, Verdict]:
    """A verdict for each artifact, by reference; the order of `stored` changes nothing."""
    kept = {reference: reason for reference, facts in stored.items() if (reason := _why_kept(facts, rules))}
    passed_over = {
        reference: reason
        for reference, facts in stored.items()
        if reference not in kept and (reason := _why_passed_over(facts, rules))
    }
    staying = {**_needed(stored, rules, kept, passed_over), **passed_over, **kept}
    candidates = {reference: facts for reference, facts in stored.items() if reference not in staying}
    if rules.keep_bytes is None:
        goes = dict.fromkeys(candidates, _why_it_goes(rules))
    else:
        goes = cheapest_first(stored, candidates, rules.keep_bytes)
    staying.update(dict.fromkeys(candidates.keys() - goes.keys(), "there is room for it"))
    because = {**staying, **goes}
    return {reference: Verdict(reference in goes, because[reference]) for reference in sorted(stored)}


def unreferenced(stored: Mapping[str, StoredFacts], rules: Rules) -> list[str]:
    """Configs that nobody computed, and that nothing refers to but others of that kind; sorted."""
    bare = {
        reference
        for reference, facts in stored.items()
        if facts.is_bare and facts.fixed is None and facts.busy is None and rules.now - facts.at >= rules.grace_sec
    }
    waiting = [need for reference, facts in stored.items() if reference not in bare for need in facts.needs]
    while waiting:
        current = waiting.pop()
        if current in bare:
            bare.discard(current)
            waiting.extend(stored[current].needs)
    return sorted(bare)


def _why_kept(facts: StoredFacts, rules: Rules) -> str | None:
    """Why it stays whatever was asked for, and keeps what it depends on."""
    age_sec = rules.now - facts.at
    keeping = [tag for tag in facts.tags if rules.keep_tags is None or tag in rules.keep_tags]
    if facts.fixed is not None:
        return facts.fixed
    if facts.busy is not None:
        return facts.busy
    if facts.is_pinned:
        return "it is pinned"
    if keeping:
        return f"it has the tag {keeping[0]}"
    if rules.by_code and facts.is_current:
        return "today's code leads to it"
    if age_sec < rules.grace_sec and facts.status != "recorded":
        return "it is young"
    return None


def _why_passed_over(facts: StoredFacts, rules: Rules) -> str | None:
    """Why it is no candidate."""
    if not facts.is_selected:
        return _NOT_ASKED_FOR
    if facts.status == "recorded":
        return "there is nothing of it but its config"
    if rules.older_than_sec is not None and rules.now - facts.at < rules.older_than_sec:
        return "it is not old enough"
    if rules.keep_bytes is not None and facts.alias_of is not None:
        return "an alias takes no room"
    return None


def _needed(
    stored: Mapping[str, StoredFacts], rules: Rules, kept: Collection[str], passed_over: Collection[str]
) -> dict[str, str]:
    """What an alias that stays stands for, and what those need that keep what they need; with the reason."""
    needed: dict[str, str] = {}
    # Where room has to be made, results that are merely no candidates don't keep what they were made from.
    is_keeping = {reference: rules.keep_bytes is None and stored[reference].has_result for reference in passed_over}
    waiting = sorted({**is_keeping, **dict.fromkeys(kept, True)}.items(), reverse=True)
    seen: set[tuple[str, bool]] = set()
    while waiting:
        current, keeps = waiting.pop()
        if current not in stored or (current, keeps) in seen:
            continue
        seen.add((current, keeps))
        facts = stored[current]
        if facts.alias_of is not None:
            needed.setdefault(facts.alias_of, f"its alias {_short(current)} stays")
            waiting.append((facts.alias_of, keeps))
        if keeps and rules.keeps_needed:
            for need in facts.needs:
                if need in stored and stored[need].has_result:
                    needed.setdefault(need, f"{_short(current)} needs it")
                waiting.append((need, True))
    return {reference: because for reference, because in needed.items() if reference in stored}


def _why_it_goes(rules: Rules) -> str:
    if rules.by_code:
        return "today's code doesn't lead to it"
    if rules.older_than_sec is not None:
        return "it is old"
    return "it was asked for"


def _short(reference: str) -> str:
    namespace, _, furu_hash = reference.rpartition("/")
    return f"{namespace.rpartition('/')[2]}({furu_hash[:10]})"
