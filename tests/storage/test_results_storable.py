"""Return types that are refused before anything is computed, and those that must pass."""

from __future__ import annotations

import abc
import dataclasses
import enum
import logging
import socket
import sys
from collections import Counter, OrderedDict, defaultdict
from collections.abc import AsyncIterator, Callable, Generator, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from types import ModuleType
from typing import (
    Annotated,
    Any,
    Generic,
    Literal,
    NamedTuple,
    NewType,
    Optional,
    Protocol,
    TypedDict,
    TypeVar,
    Union,
)

import pydantic
import pytest

from furu.errors import FuruCodecError
from furu.identity.fields import Config
from furu.storage.results import check_storable, register_codec

T = TypeVar("T")


class Plain:
    pass


class Shape:
    """No data by itself, but a subclass is."""


@dataclasses.dataclass
class Circle(Shape):
    radius: float
    inner: Circle | None = None


class Abstract(abc.ABC):
    @abc.abstractmethod
    def area(self) -> float: ...


class Sized(Protocol):
    size: int


class Typed(TypedDict):
    a: Plain


@dataclasses.dataclass
class Holder(Generic[T]):
    content: T


@dataclasses.dataclass
class Optionally:
    log: logging.Logger | None = None
    late: Plain = dataclasses.field(init=False)


@dataclasses.dataclass
class Broken:
    name: str
    parts: list[Plain]


class BrokenModel(pydantic.BaseModel, arbitrary_types_allowed=True):
    inner: dict[str, Broken]


class BrokenTuple(NamedTuple):
    connection: socket.socket
    other: int = 0


@dataclasses.dataclass
class Unresolved:
    a: NoSuchName  # noqa: F821


class Colour(enum.Enum):
    RED = 1


class Words(dict):
    pass


class Registered:
    pass


class RegisteredCodec:
    name = "acme.registered"

    def handles(self, kind):
        return kind is Registered

    def store(self, value, directory):
        return None

    def load(self, record, directory):
        return Registered()


register_codec(RegisteredCodec())

PASS = [
    None,
    type(None),
    Any,
    object,
    T,
    "some text",
    int,
    float | None,
    Optional[Path],  # noqa: UP045 -- both spellings are written
    Union[int, Plain],  # noqa: UP007
    Path,
    datetime,
    dict[str, list[tuple[int, ...]]],
    list,
    set[bytes],
    Counter[str],
    OrderedDict[str, int],
    Sequence[int],
    Mapping[str, Plain],
    Iterable[int],
    Annotated[int, "unit"],
    Literal["a", 1],
    NewType("Name", str),
    Typed,
    Shape,
    Circle,
    Abstract,
    Sized,
    Holder[int],
    Holder[Plain],
    Optionally,
    Unresolved,
    Colour,
    enum.Enum,
    pydantic.BaseModel,
    Registered,
    list[Registered],
]


@pytest.mark.parametrize("annotation", PASS, ids=repr)
def test_what_can_be_stored_or_cannot_be_told_passes(annotation):
    check_storable(annotation)


FAIL = {
    "class": (Plain, "no codec takes a .*Plain"),
    "socket": (socket.socket, "no codec takes a socket"),
    "module": (ModuleType, "no codec takes a module"),
    "logger": (logging.Logger, "Logger"),
    "in a list": (dict[str, list[Plain]], "Plain"),
    "in a union": (Plain | socket.socket, "Plain"),
    "optional": (Plain | None, "Plain"),
    "annotated": (Annotated[Plain, "unit"], "Plain"),
    "new type": (NewType("Handle", socket.socket), "socket"),
    "iterator": (Iterator[int], "is code, not data"),
    "generator": (Generator[int, None, None], "is code, not data"),
    "async": (AsyncIterator, "is code, not data"),
    "callable": (Callable[[int], int], "is code, not data"),
    "class of classes": (type[int], "is code, not data"),
    "defaultdict": (defaultdict[str, int], "defaultdict"),
    "subclass": (Words, "Words"),
    "range": (range, "range"),
    "dataclass": (Broken, r"stored: parts: no codec takes a .*Plain"),
    "model": (BrokenModel, r"stored: inner\.parts: no codec"),
    "named tuple": (BrokenTuple, r"stored: connection: no codec takes a socket"),
    "config": (Config, "is a furu config, not a result"),
}


@pytest.mark.parametrize(("annotation", "message"), FAIL.values(), ids=FAIL)
def test_what_no_codec_takes_is_refused_with_a_way_out(annotation, message):
    with pytest.raises(FuruCodecError, match=message) as caught:
        check_storable(annotation)
    assert caught.value.hints


def test_hints_name_every_way_out():
    with pytest.raises(FuruCodecError) as caught:
        check_storable(Plain)
    for way in ("_load", "dataclass", "register_codec", 'codec="pickle"'):
        assert way in str(caught.value)


def test_local_class_could_not_be_found_again():
    @dataclasses.dataclass
    class Local:
        a: int

    with pytest.raises(FuruCodecError, match="local class"):
        check_storable(list[Local])


@pytest.mark.parametrize(
    "name", ["numpy.ndarray", "numpy.float32", "numpy.generic", "pandas.DataFrame", "polars.Series"]
)
def test_types_of_libraries_pass(name):
    library, _, attribute = name.partition(".")
    check_storable(dict[str, getattr(pytest.importorskip(library), attribute)])


@pytest.mark.skipif(sys.version_info < (3, 12), reason="the type statement is of Python 3.12")
def test_type_statement_is_looked_through():
    names: dict[str, Any] = {"Plain": Plain}
    exec("type Alias = list[Plain]", names)
    with pytest.raises(FuruCodecError, match="Plain"):
        check_storable(names["Alias"])
