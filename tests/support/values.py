"""Every kind of value that has an encoding: the classes, a hypothesis strategy, and what makes two values the same."""

from __future__ import annotations

import dataclasses
import datetime
import decimal
import enum
import fractions
import math
import pathlib
import uuid
import zoneinfo
from collections.abc import Hashable
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

import numpy as np
import pydantic
from hypothesis import strategies as st
from pydantic import BaseModel

import furu


class Color(enum.Enum):
    """Members with values of several types; a number that moves must not move the identity."""

    RED = 1
    BLUE = "blue"


class Level(enum.IntEnum):
    """An enum whose members are ints too."""

    LOW = 1
    HIGH = 2


class Tone(enum.StrEnum):
    """An enum whose members are strings too."""

    LOW = "low"


class Access(enum.Flag):
    """Members can be combined."""

    READ = 1
    WRITE = 2


@dataclass
class Point:
    """A plain dataclass."""

    x: Any
    y: Any = 0


@dataclass(frozen=True, slots=True)
class Frozen:
    """Has no `__dict__`, and has the fields of `Point`."""

    x: Any
    y: Any = 0


@dataclass
class Derived:
    """Keeps more than its fields, and a field that it makes itself."""

    steps: int
    table: list[int] = field(init=False)

    def __post_init__(self) -> None:
        self.table = list(range(self.steps))
        self.cache = {"steps": self.steps}


class Options(BaseModel):
    """A pydantic model."""

    x: Any
    y: Any = 0


class Aliased(BaseModel):
    """Is built by an alias."""

    rate: float = pydantic.Field(default=0.0, alias="learning-rate")


class Open(BaseModel, extra="allow"):
    """Takes what nobody declared."""

    x: int = 0


class Root(pydantic.RootModel[list[int]]):
    """A model that is a list."""


class Pair(NamedTuple):
    """A named tuple."""

    x: Any
    y: Any = 0


class Leaf(furu.Furu[Any]):
    """A config that holds anything."""

    value: Any = None

    def _create(self) -> Any:
        return self.value


class Twin(furu.Furu[Any]):
    """Another class with the same field."""

    value: Any = None

    def _create(self) -> Any:
        return self.value


_FIELDED: Final = (Point, Frozen, Derived, Options, Aliased, Open, Root)


def signature(value: Any) -> Hashable:
    """What two values have in common exactly if they are the same: type and content, all the way down.

    Written without a look at how `encode` does it. NumPy scalars count as the Python number that they equal.
    """
    cls = type(value)
    if isinstance(value, np.generic):
        return signature(value.item())
    if isinstance(value, enum.Enum):
        return cls, value.name, value.value
    if isinstance(value, furu.Furu):
        return cls, signature(value.value)
    if isinstance(value, float):
        return cls, "nan" if math.isnan(value) else value.hex()
    if isinstance(value, complex):
        return cls, signature(value.real), signature(value.imag)
    if isinstance(value, _FIELDED):
        return cls, frozenset((name, signature(item)) for name, item in fields_of(value).items())
    if isinstance(value, (list, tuple, set, frozenset)):
        return cls, (frozenset if isinstance(value, (set, frozenset)) else tuple)(map(signature, value))
    if isinstance(value, dict):
        return cls, frozenset((signature(key), signature(item)) for key, item in value.items())
    return cls, _atom(value)


def _atom(value: Any) -> Hashable:
    if isinstance(value, datetime.datetime):
        return value.replace(tzinfo=None, fold=0), value.fold, repr(value.tzinfo)
    return repr(value)


def fields_of(value: Any) -> dict[str, Any]:
    """Names and values of a dataclass's or a model's fields."""
    if isinstance(value, BaseModel):
        return {**{name: getattr(value, name) for name in type(value).model_fields}, **(value.model_extra or {})}
    return {each.name: getattr(value, each.name) for each in dataclasses.fields(value)}


# Values that a sloppy encoding takes for each other, drawn often.
LOOKALIKES: Final[tuple[Any, ...]] = (
    *(None, "None", True, "true", 1, "1", 1.0, "1.0", np.float32(1), np.int64(1), 1 + 0j, 0, False, 0.0, -0.0, ""),
    *("a/b", pathlib.Path("a/b"), pathlib.PurePosixPath("a/b"), pathlib.PureWindowsPath("a/b"), b"a", "a", "YQ=="),
    *(bytearray(b"a"), math.nan, "nan", math.inf, -math.inf, decimal.Decimal(1), decimal.Decimal("1.0")),
    *(
        fractions.Fraction(1),
        Color.RED,
        Color.BLUE,
        Level.LOW,
        Tone.LOW,
        "low",
        Access.READ,
        Access.READ | Access.WRITE,
    ),
    *(datetime.date(2024, 1, 1), datetime.datetime(2024, 1, 1), "2024-01-01", datetime.timedelta(1)),  # noqa: DTZ001
    *(datetime.datetime(2024, 1, 1, tzinfo=datetime.UTC), datetime.time(1), "$float", "$tuple", "$dict", "$config"),
    *(uuid.UUID(int=1), str(uuid.UUID(int=1)), [], (), {}, set(), frozenset(), "[]", "{}", np.str_("a"), 10**30),
)
_KEYS = st.one_of(
    st.sampled_from(["a", "b", "$path", "$tuple", "$config", "1", "fields"]), st.integers(0, 2), st.none()
)
_HASHABLE = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-2, 2),
    st.sampled_from(["a", "1", ""]),
    st.floats(allow_nan=False),
    st.dates(),
)
_LEAVES = st.one_of(
    st.sampled_from(LOOKALIKES),
    st.integers(),
    st.floats(),
    st.text(max_size=4),
    st.binary(max_size=3),
    st.complex_numbers(),
    st.decimals(allow_nan=False),
    st.timedeltas(),
    st.dates(),
    st.times(),
    st.datetimes(timezones=st.sampled_from([None, datetime.UTC, zoneinfo.ZoneInfo("Europe/Berlin")])),
    st.uuids(),
)


def _containers(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.one_of(
        st.lists(inner, max_size=3),
        st.lists(inner, max_size=3).map(tuple),
        st.sets(_HASHABLE, max_size=3),
        st.frozensets(_HASHABLE, max_size=3),
        st.dictionaries(_KEYS, inner, max_size=3),
        st.builds(Point, inner, inner),
        st.builds(Frozen, inner, inner),
        st.builds(Options, x=inner, y=inner),
        st.builds(Pair, inner, inner),
        st.builds(lambda value: Leaf(value=value), inner),
        st.builds(lambda value: Twin(value=value), inner),
        st.builds(lambda extra: Open(x=1, **extra), st.dictionaries(st.sampled_from("pq"), inner, max_size=2)),
        st.integers(0, 3).map(Derived),
    )


VALUES: Final = st.recursive(_LEAVES, _containers, max_leaves=6)
"""Any value that a field may hold."""
