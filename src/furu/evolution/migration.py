"""A class's history as it is declared on the class, and the ways a stored config can take through it. Pure."""

from __future__ import annotations

import enum
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, Literal, NamedTuple

from furu.errors import FuruConfigError
from furu.evolution.steps import Configs, Drop, Rename, Step, StepRefused, ValueRefused

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from furu.identity.encode import Json


class _Unchanged(enum.Enum):
    UNCHANGED = "unchanged"


UNCHANGED: Final = _Unchanged.UNCHANGED
"""Whatever version a result has, it keeps it."""


@dataclass(frozen=True, kw_only=True)
class Migration:
    """One entry of a class's history: results from before it are still good, read like this.

    `_migrations` on a class lists them, oldest first. A stored config enters where it fits, and from there on every
    later entry must fit too; where two entries give different configs it is refused, and versions tell them apart.

    Attributes:
        steps: how the fields changed; see `furu.evolution`.
        from_class: what the class was called until then: `module.Class`, its `name=`, or several of these.
        from_version: only results of this version, None for those without one. A migration that names no version
            carries no result over a change of `version=`.
        to_version: the version it leads to; to be given with `from_version`.
        former: what `from_class` means as directories below `data/`; follows from it.

    Raises:
        FuruConfigError: `from_version` without `to_version`, or something that isn't a step.
    """

    steps: Sequence[Step] = ()
    from_class: str | Sequence[str] | None = None
    from_version: str | Literal[_Unchanged.UNCHANGED] | None = UNCHANGED
    to_version: str | Literal[_Unchanged.UNCHANGED] | None = UNCHANGED
    former: frozenset[str] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        if (self.from_version is UNCHANGED) != (self.to_version is UNCHANGED):
            hints = ["from_version=None means results of the class when it had no version"]
            raise FuruConfigError("a Migration has from_version and to_version, or neither", hints=hints)
        given: Sequence[object] = self.steps
        wrong = [step for step in given if not isinstance(step, Step)]
        if wrong:
            raise FuruConfigError(f"{wrong[0]!r} is no step of a migration; see furu.evolution")
        names = [self.from_class] if isinstance(self.from_class, str) else self.from_class or ()
        object.__setattr__(self, "former", frozenset(space for name in names for space in _namespaces(name)))


def _namespaces(name: str) -> set[str]:
    """What a class option `name` or a class's path can mean as a directory below `data/`."""
    return {name} if "/" in name else {name, name.replace(":", ".").replace(".", "/")}


class Arrival(NamedTuple):
    """A stored config in the shape that its way through the history gives it.

    Attributes:
        fields: encoded values.
        version: of the class.
        passed: the migrations it took.
        configs: those that its references stand for, with those that steps have put in.
    """

    fields: dict[str, Json]
    version: str | None
    passed: tuple[Migration, ...]
    configs: Configs


class Stuck(NamedTuple):
    """A way that ends before the present.

    Attributes:
        because: why.
        progress: how many steps were carried out before.
        is_about_value: the shape was right, and a value wasn't: of several ways this one says best what is wrong.
    """

    because: str
    progress: int
    is_about_value: bool = False


def ways(
    document: Mapping[str, Any], history: Sequence[Migration], own: str, configs: Mapping[str, Any]
) -> Iterator[Arrival | Stuck]:
    """The document's ways through the history, from each entry where it may begin; the last is to need none.

    Args:
        document: of a config, with today's references.
        history: oldest first.
        own: the namespace of the class whose history it is.
        configs: what the references stand for.
    """
    for entry in range(len(history) + 1):
        if document["namespace"] in _names_at(entry, history, own):
            yield _walk(document, history[entry:], dict(configs))


def _names_at(entry: int, history: Sequence[Migration], own: str) -> frozenset[str]:
    """What the class was called just before an entry: what the next one that renames says."""
    return next((each.former for each in history[entry:] if each.former), frozenset([own]))


def _walk(document: Mapping[str, Any], history: Sequence[Migration], configs: Configs) -> Arrival | Stuck:
    fields, version, progress = dict(document["fields"]), document.get("version"), 0
    for migration in history:
        if migration.from_version is not UNCHANGED:
            if migration.from_version != version:
                return Stuck(f"is of version {version!r}, not {migration.from_version!r}", progress)
            version = migration.to_version
        for step in migration.steps:
            try:
                fields = step.apply(fields, configs)
            except StepRefused as refused:
                return Stuck(refused.message, progress, isinstance(refused, ValueRefused))
            progress += 1
    return Arrival(fields, version, tuple(history), configs)


def name_after(name: str, passed: Sequence[Migration]) -> str | None:
    """What a field is called after some migrations; None if it is gone."""
    current: str | None = name
    for step in (step for migration in passed for step in migration.steps):
        if isinstance(step, Rename) and step.old == current:
            current = step.new
        elif isinstance(step, Drop) and step.name == current:
            current = None
    return current
