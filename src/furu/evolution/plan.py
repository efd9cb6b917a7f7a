"""What a migration would do, and doing it."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, Literal

from furu import clock
from furu.config import settings
from furu.errors import FuruConfigError, FuruError
from furu.evolution.aliases import Conflict, PlannedAlias, make_alias, paths_to_make, root_of, sync_aliases
from furu.evolution.archive import store_roots
from furu.evolution.journal import Journal, note, write_journal
from furu.lifecycle.lease import THIS_PROCESS

if TYPE_CHECKING:
    from collections.abc import Iterable

_LOG: Final = logging.getLogger("furu")
_SHOWN: Final = 20

OnConflict = Literal["throw", "skip"]


class FuruMigrationConflict(FuruError):
    """Something is in the way of an alias; nothing was written, unless it came in between meanwhile.

    Attributes:
        conflicts: all of them.
        migration: id of the migration that had begun; None when nothing was written.
    """

    def __init__(self, conflicts: Iterable[Conflict], *, migration: str | None = None) -> None:
        self.conflicts = tuple(conflicts)
        self.migration = migration
        begun = f"\n  aliases made before belong to migration {migration}" if migration else ""
        lines = "".join(f"\n  {each}" for each in self.conflicts[:_SHOWN])
        more = f"\n  and {len(self.conflicts) - _SHOWN} more" if len(self.conflicts) > _SHOWN else ""
        hints = ['conflict="skip" leaves these as they are, and makes the other aliases']
        super().__init__(f"{len(self.conflicts)} conflicts:{lines}{more}{begun}", hints=hints)


@dataclass(frozen=True)
class Refused:
    """A result that no config of today stands for.

    Attributes:
        reference: `<namespace>/<hash>` of its artifact.
        because: why.
    """

    reference: str
    because: str

    def __str__(self) -> str:
        return f"{self.reference}: {self.because}"


@dataclass(frozen=True)
class Migrated:
    """What a migration did.

    Attributes:
        id: for `furu.undo_migration()`; None when there was nothing to do.
        made: how many aliases it made.
        skipped: conflicts that were left as they are.
    """

    id: str | None
    made: int
    skipped: tuple[Conflict, ...] = ()


@dataclass(frozen=True)
class MigrationPlan:
    """What `apply()` would do; print it.

    Attributes:
        aliases: what would be made.
        conflicts: what can't be made without taking something away.
        refused: results that nobody can load any more, each with the reason.
        current: how many results need nothing.
        done: how many are aliased already.
        roots: of the store that it was made for.
    """

    aliases: tuple[PlannedAlias, ...]
    conflicts: tuple[Conflict, ...] = ()
    refused: tuple[Refused, ...] = ()
    current: int = 0
    done: int = 0
    roots: tuple[str, ...] = field(default=(), repr=False)

    def __str__(self) -> str:
        head = (
            f"{len(self.aliases)} to be aliased, {len(self.conflicts)} conflicts, {len(self.refused)} refused, "
            f"{self.current} current, {self.done} aliased already"
        )
        lines = [head]
        for word, entries in (("alias", self.aliases), ("conflict", self.conflicts), ("refused", self.refused)):
            shown: tuple[Any, ...] = entries
            lines += [f"  {word:9}{entry}" for entry in shown[:_SHOWN]]
            if len(shown) > _SHOWN:
                lines.append(f"  {word:9}and {len(shown) - _SHOWN} more")
        return "\n".join(lines)

    def apply(self, *, conflict: OnConflict = "throw") -> Migrated:
        """Make the aliases. Nothing is copied, moved or deleted, and whoever computes meanwhile wins.

        A migration that was killed has made some aliases, each of them whole: plan again, and apply the rest.

        Args:
            conflict: "throw" refuses, before anything is written, if there is any; "skip" leaves them as they are.

        Raises:
            FuruMigrationConflict: there are conflicts.
            FuruConfigError: the store is another one than that of the plan.
        """
        check_policy(conflict)
        if self.roots != tuple(store_roots()):
            msg = f"the plan was made for the store {', '.join(self.roots)}"
            raise FuruConfigError(msg)
        if self.conflicts and conflict == "throw":
            raise FuruMigrationConflict(self.conflicts)
        if not self.aliases:
            return Migrated(None, 0, self.conflicts)
        token = THIS_PROCESS.new_token()
        _announce(token, self.aliases)
        made, skipped = [], list(self.conflicts)
        for planned in self.aliases:
            because = make_alias(planned, token)
            if because is None:
                made.append(planned)
            elif because:
                skipped.append(Conflict(planned.own, planned.target, because))
                if conflict == "throw":
                    raise FuruMigrationConflict(skipped, migration=token)
        if settings().fsync:
            sync_aliases(made)
        for root in {root_of(planned.config) for planned in self.aliases}:
            note(root, token, finished=True)
        _LOG.info("migration %s: %d aliases made, %d skipped", token, len(made), len(skipped))
        return Migrated(token, len(made), tuple(skipped))


def check_policy(conflict: str) -> None:
    """Refuse a word that is none of the two.

    Raises:
        FuruConfigError: it is another.
    """
    if conflict not in ("throw", "skip"):
        msg = f"conflict={conflict!r} is neither 'throw' nor 'skip'"
        raise FuruConfigError(msg)


def _announce(token: str, aliases: tuple[PlannedAlias, ...]) -> None:
    """Write the journals, one below each root that something is made in."""
    at, sync = clock.unix(), settings().fsync
    made = paths_to_make(planned.config for planned in aliases)
    by_root: dict[str, dict[str, str]] = {root: {} for root in made}
    for planned in aliases:
        by_root[root_of(planned.config)][planned.own] = planned.target
    for root, own in by_root.items():
        if own or made[root]:
            write_journal(Journal(token, root, at, own, tuple(made[root])), sync=sync)
