"""`FuruList`: named collections of configs, written as a class body."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Generic, TypeVar, cast

from furu.core.furu import Furu
from furu.errors import FuruConfigError

if TYPE_CHECKING:
    from collections.abc import Iterator

C = TypeVar("C", bound=Furu[Any])


class _FuruListType(type):
    """Makes the class itself the collection: `for config in Sweep`, `Sweep["name"]`, `len(Sweep)`."""

    _members: dict[str, Furu[Any]]
    _lookup: frozenset[Furu[Any]] | None

    def __new__(mcs, class_name: str, bases: tuple[type, ...], body: dict[str, Any], **options: Any) -> _FuruListType:
        cls = super().__new__(mcs, class_name, bases, body, **options)
        inherited = [base._members for base in reversed(bases) if isinstance(base, _FuruListType)]
        members = {name: config for each in inherited for name, config in each.items()}
        for attribute, value in body.items():
            if attribute.startswith("_"):
                continue
            members.update(_named(class_name, attribute, value))
        cls._members = members
        cls._lookup = None
        return cls

    def __iter__(cls) -> Iterator[Any]:
        return iter(cls._members.values())

    def __len__(cls) -> int:
        return len(cls._members)

    def __bool__(cls) -> bool:
        return True  # a class is never false, also without members

    def __contains__(cls, config: object) -> bool:
        if cls._lookup is None:  # not when the class is made: hashing members would make importing it slow
            cls._lookup = frozenset(cls._members.values())
        return isinstance(config, Furu) and config in cls._lookup

    def _repr_html_(cls) -> str | None:
        from furu.core.notebook import members_html

        return members_html(cls.__qualname__, cls._members)

    def __getitem__(cls, name: Any) -> Any:
        # Python asks here, and not `__class_getitem__`, also for the `FuruList[Train]` in a list of bases.
        is_generic = bool(cls.__parameters__)  # type: ignore[attr-defined]
        return cls.__class_getitem__(name) if is_generic else cls.by_name(name)  # type: ignore[attr-defined]


def _named(class_name: str, attribute: str, value: object) -> Iterator[tuple[str, Furu[Any]]]:
    """The members an attribute stands for: itself, `attribute.key` for a dict, `attribute.0` for a list or tuple."""
    if isinstance(value, Furu):
        yield attribute, value
        return
    if isinstance(value, dict):
        pairs = [(f"{attribute}.{key}", item) for key, item in value.items()]
    elif isinstance(value, (list, tuple)):
        pairs = [(f"{attribute}.{index}", item) for index, item in enumerate(value)]
    else:
        return
    for name, item in pairs:
        if not isinstance(item, Furu):
            msg = f"{class_name}.{name} must be a config, not {type(item).__qualname__}"
            raise FuruConfigError(msg, issues=[(name, f"is a {type(item).__qualname__}")])
        yield name, item


class FuruList(Generic[C], metaclass=_FuruListType):
    """A collection of configs whose members are its class attributes.

    Example::

        class Sweep(furu.FuruList[Train]):
            baseline = Train()
            rates = {"low": Train(lr=1e-4), "high": Train(lr=1e-2)}

        for config in Sweep: ...
        Sweep.baseline, Sweep["rates.low"], Sweep.by_name("rates.high"), Sweep.names(), Sweep.items()

    Dicts, lists and tuples of configs give members named `attribute.key`. A subclass adds to its base's members.
    """

    @classmethod
    def names(cls) -> list[str]:
        """The members' names, in order."""
        return list(cls._members)

    @classmethod
    def items(cls) -> list[tuple[str, C]]:
        """Names and members, in order."""
        return cast("list[tuple[str, C]]", list(cls._members.items()))

    @classmethod
    def all(cls) -> list[C]:
        """The members, in order."""
        return cast("list[C]", list(cls._members.values()))

    @classmethod
    def by_name(cls, name: str) -> C:
        """The member of that name.

        Raises:
            KeyError: there is none; lists those there are.
        """
        try:
            return cast("C", cls._members[name])
        except KeyError:
            msg = f"{cls.__qualname__} has no member {name!r}; members are: {', '.join(cls._members) or 'none'}"
            raise KeyError(msg) from None
