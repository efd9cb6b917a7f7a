"""How many workers of each spec key a pool wants: a pure decision over what there is to do and who is there."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping


class Crew(NamedTuple):
    """The workers of one spec key.

    Attributes:
        pending: tickets of those that wait to begin, the newest last.
        serving: how many are at work or ready for it.
        idle: names of those of them that have nothing to do.
        leaving: how many have left, but still take up a place.
    """

    pending: tuple[str, ...] = ()
    serving: int = 0
    idle: tuple[str, ...] = ()
    leaving: int = 0

    @property
    def useful(self) -> int:
        """Those that do, or will do, tasks."""
        return len(self.pending) + self.serving

    @property
    def live(self) -> int:
        """Those that count against `max_workers_total`."""
        return self.useful + self.leaving


class Moves(NamedTuple):
    """What to do about the workers.

    Attributes:
        submit: how many more to ask for, by spec key.
        cancel: tickets of waiting ones that nobody needs.
        dismiss: names of idle ones whose place others need.
    """

    submit: dict[str, int]
    cancel: list[str]
    dismiss: list[str]


def share(demand: Mapping[str, int], total: int) -> dict[str, int]:
    """`total` workers over spec keys: one for each task at most, and as evenly as that allows.

    Earlier keys come first where it does not come out even.
    """
    shares = dict.fromkeys(demand, 0)
    open_keys = [key for key, wanted in demand.items() if wanted > 0]
    left = total
    while left > 0 and open_keys:
        for key in open_keys[:left]:
            shares[key] += 1
        left -= min(left, len(open_keys))
        open_keys = [key for key in open_keys if shares[key] < demand[key]]
    return shares


def surplus(demand: Mapping[str, int], crews: Mapping[str, Crew], total: int) -> dict[str, int]:
    """How many workers too many there are, for each spec key that has some."""
    shares = share(demand, total)
    extra = {key: crew.useful - shares.get(key, 0) for key, crew in crews.items()}
    return {key: count for key, count in extra.items() if count > 0}


def decide_moves(
    demand: Mapping[str, int], crews: Mapping[str, Crew], total: int, *, outdated: Collection[str] = ()
) -> Moves:
    """What follows from demand and crews.

    Args:
        demand: tasks that wait or are at work, by spec key.
        crews: workers, by spec key.
        total: the most workers that may live at once.
        outdated: keys that have had too many workers for long enough; their waiting ones are cancelled.
    """
    shares = share(demand, total)
    room = total - sum(crew.live for crew in crews.values())
    submit = {}
    starving = 0
    for key, wanted in shares.items():
        missing = wanted - crews.get(key, Crew()).useful
        given = max(0, min(missing, room))
        if given:
            submit[key] = given
            room -= given
        starving += max(0, missing) - given
    # Places that become free anyway are as good as given.
    starving = max(0, starving - sum(crew.leaving for crew in crews.values()))
    cancel: list[str] = []
    dismiss: list[str] = []
    for key, extra in surplus(demand, crews, total).items():
        crew = crews[key]
        count = extra if key in outdated else min(extra, starving)
        cancelled = crew.pending[max(0, len(crew.pending) - count) :] if count else ()
        cancel += reversed(cancelled)
        starving = max(0, starving - len(cancelled))
        dismissed = crew.idle[: min(extra - len(cancelled), starving)]
        dismiss += dismissed
        starving -= len(dismissed)
    return Moves(submit, cancel, dismiss)
