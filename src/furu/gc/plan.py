"""What one `furu gc` would take: the verdicts, and the journal that says it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from furu import clock
from furu.evolution.archive import store_roots
from furu.gc.decide import decide, unreferenced
from furu.gc.facts import Verdict
from furu.gc.gather import gather, measured, published_tokens
from furu.gc.journal import Journal, TakenArtifact, write_journal
from furu.gc.leftovers import leftovers
from furu.gc.trash import keep_records_in_use, take
from furu.index.database import opened, remove
from furu.index.edges import count_users
from furu.index.location import unused_indexes
from furu.index.query import Query
from furu.index.refresh import refresh
from furu.lifecycle.lease import THIS_PROCESS

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from furu.gc.facts import Rules, StoredFacts
    from furu.gc.journal import LooseEnd
    from furu.gc.trash import Refusals


@dataclass(frozen=True)
class Plan:
    """What would go, and why the rest stays.

    Attributes:
        root: of the store.
        stored: what is known of each artifact.
        verdicts: for each artifact, by reference; empty where only leftovers were asked for.
        artifacts: those that go, in an order in which they can.
        loose: other things that go.
        keep_tags: as in `Rules`.
        indexes: of other stores, which nobody used for long; removed for good, since they can be made again.
    """

    root: str
    stored: Mapping[str, StoredFacts]
    verdicts: Mapping[str, Verdict]
    artifacts: tuple[TakenArtifact, ...]
    loose: tuple[LooseEnd, ...]
    keep_tags: tuple[str, ...] | None
    indexes: tuple[str, ...] = ()

    @property
    def size_bytes(self) -> int:
        """What goes takes on disk."""
        return sum(each.size_bytes for each in self.artifacts) + sum(each.size_bytes for each in self.loose)

    @property
    def recompute_sec(self) -> float:
        """What it took to compute the results that go, as far as that is known."""
        return sum(each.took_sec or 0.0 for each in self.artifacts)

    @property
    def unknown(self) -> int:
        """How many results go of which nobody knows what they took."""
        return sum(each.took_sec is None and each.success is not None for each in self.artifacts)


def make_plan(root: str, asked: Query | None, rules: Rules, current: Collection[str], *, run_sec: float | None) -> Plan:
    """Decide; nothing is changed.

    Args:
        root: that may be taken from; the main one.
        asked: what may go; None for leftovers only.
        rules: what keeps an artifact.
        current: references of what today's code leads to.
        run_sec: also take leftovers, and runs that have been over for so long; None to leave them.

    Raises:
        FuruQueryError: the query can't be understood.
    """
    stored = gather(asked or Query(), current, measures=rules.keep_bytes is not None)
    verdicts = decide(stored, rules) if asked is not None else {}
    going = [reference for reference, verdict in verdicts.items() if verdict.goes]
    bare = unreferenced(stored, rules) if run_sec is not None else []
    if rules.keep_bytes is None:
        stored = measured(stored, [*going, *bare])
    tokens = published_tokens(going)
    verdicts |= {each: Verdict(goes=False, because="its result can't be read") for each in going if each not in tokens}
    artifacts = [
        TakenArtifact(
            *(reference, verdicts[reference].because, stored[reference].size_bytes, _took(stored[reference])),
            success=tokens[reference],
            alias_of=stored[reference].alias_of,
        )
        for reference in sorted(going, key=lambda each: (-_depth(stored, each), each))
        if reference in tokens
    ]
    artifacts += [
        TakenArtifact(each, "nothing refers to its config", stored[each].size_bytes, with_config=True) for each in bare
    ]
    ours = [name for name, facts in stored.items() if facts.fixed is None and name not in {*going, *bare}]
    loose = leftovers(root, ours, rules.now, rules.grace_sec, run_sec) if run_sec is not None else []
    keep_tags = tuple(sorted(rules.keep_tags)) if rules.keep_tags is not None else None
    indexes = unused_indexes(store_roots(), rules.now - max(run_sec, rules.grace_sec)) if run_sec is not None else []
    return Plan(root, stored, verdicts, tuple(artifacts), tuple(loose), keep_tags, tuple(indexes))


def carry_out(plan: Plan) -> tuple[Journal, Refusals]:
    """Write the journal, then take what it says. Why something stayed after all comes with it."""
    user = THIS_PROCESS.identity().user
    journal = Journal(
        *(THIS_PROCESS.new_token(), plan.root, clock.unix(), user, plan.artifacts, plan.loose, plan.keep_tags)
    )
    write_journal(journal)
    for path in plan.indexes:
        remove(path)
    return journal, finish(journal)


def finish(journal: Journal) -> Refusals:
    """Take what the journal says and that has not been taken yet; also after a kill."""
    refused = take(journal)
    records = [each.reference for each in journal.artifacts if each.with_config and each.reference not in refused]
    if records:
        # Somebody may have referred to one since it was looked at, and relied on its being there.
        roots = store_roots()
        with opened(roots) as connection:
            refresh(connection, roots)
            used = [reference for reference in records if count_users(connection, reference)]
        refused |= dict.fromkeys(keep_records_in_use(journal, used), "something refers to it by now")
    return refused


def _took(facts: StoredFacts) -> float | None:
    return facts.took_sec if facts.has_result and facts.alias_of is None else None


def _depth(stored: Mapping[str, StoredFacts], reference: str) -> int:
    """How many aliases lead on from it: they go before what they stand for."""
    seen: set[str] = set()
    current = reference
    while current not in seen and current in stored and stored[current].alias_of is not None:
        seen.add(current)
        current = stored[current].alias_of or ""
    return len(seen)
