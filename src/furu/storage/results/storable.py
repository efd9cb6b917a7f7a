"""Whether values of a declared return type can be stored at all, told before anything is computed."""

from __future__ import annotations

import abc
import collections.abc
import dataclasses
import enum
import inspect
import pathlib
import types
import typing
from collections import Counter, OrderedDict
from typing import TYPE_CHECKING, Any, Final

from pydantic import BaseModel

from furu.errors import FuruCodecError
from furu.identity.fields import Config
from furu.storage.results import classes
from furu.storage.results.encoder import STORED_AS_THEY_ARE
from furu.storage.results.refusal import Unstorable, refusal, type_name
from furu.storage.results.register import library_codec, registered_codec

if TYPE_CHECKING:
    from collections.abc import Iterator

_CONTAINERS: Final = (list, tuple, set, frozenset, dict, OrderedDict, Counter)
_ANYTHING: Final = (Any, object, enum.Enum, BaseModel, pathlib.Path, pathlib.PurePath, abc.ABC)
_NEVER: Final = frozenset(
    {
        type,
        collections.abc.Callable,
        collections.abc.Iterator,
        collections.abc.Generator,
        collections.abc.Awaitable,
        collections.abc.Coroutine,
        collections.abc.AsyncIterator,
        collections.abc.AsyncGenerator,
    }
)


def check_storable(annotation: object) -> None:
    """Refuse a declared return type whose values no codec takes; call it before any work.

    What can't be told passes: `Any`, type variables, text, protocols, abstract classes, bases of classes that can be
    stored, a union of which one member can. Fields of dataclasses, models and named tuples are looked at as well,
    those without a default.

    Raises:
        FuruCodecError: a `_create()` that returns this type would compute in vain.
    """
    try:
        _Check().annotation(annotation, "")
    except Unstorable as error:
        msg = f"results of type {_shown(annotation)} can't be stored: {error.reason}"
        raise FuruCodecError(msg, value_type=type_name(error.kind), hints=error.hints) from error.__cause__


class _Check:
    """One look at an annotation and what it is made of."""

    def __init__(self) -> None:
        self._seen: set[object] = set()

    def annotation(self, annotation: Any, step: str) -> None:
        origin = typing.get_origin(annotation)
        if origin in _NEVER or (isinstance(annotation, collections.abc.Hashable) and annotation in _NEVER):
            reason = f"{_at(step)}a {_shown(annotation)} is code, not data"
            raise Unstorable(reason, kind=origin or annotation, hints=["return what it yields or gives, as a list"])
        if hasattr(annotation, "__supertype__"):
            self.annotation(annotation.__supertype__, step)
        elif type(annotation).__name__ == "TypeAliasType":  # of Python 3.12 and of typing_extensions
            self.annotation(annotation.__value__, step)
        elif origin is typing.Annotated:
            self.annotation(typing.get_args(annotation)[0], step)
        elif origin in (typing.Union, types.UnionType):
            self._union([arg for arg in typing.get_args(annotation) if arg is not type(None)], step)
        elif origin in _CONTAINERS:
            for arg in typing.get_args(annotation):
                self.annotation(arg, step)
        elif isinstance(kind := origin or annotation, type) and kind not in self._seen:
            self._seen.add(kind)
            self._kind(kind, step)

    def _union(self, members: list[Any], step: str) -> None:
        refusals = []
        for member in members:
            try:
                self.annotation(member, step)
            except Unstorable as error:
                refusals.append(error)
        if refusals and len(refusals) == len(members):
            raise refusals[0]

    def _kind(self, kind: type, step: str) -> None:
        if kind in _ANYTHING or kind in STORED_AS_THEY_ARE or typing.is_typeddict(kind):
            return
        if registered_codec(kind) or library_codec(kind):
            return
        if any(is_kind(kind) for is_kind in classes.KINDS.values()):
            if not (issubclass(kind, enum.Enum) and not kind.__members__):  # an enum to derive from
                classes.class_path(kind)
            for name, annotation in _needed_fields(kind):
                self.annotation(annotation, f"{step}.{name}")
        elif issubclass(kind, Config) or not self._is_open(kind):
            error = refusal(kind)
            raise Unstorable(f"{_at(step)}{error.reason}", kind=kind, hints=error.hints)

    def _is_open(self, kind: type) -> bool:
        """Whether a value may be of a subclass that can be stored."""
        if inspect.isabstract(kind) or abc.ABC in kind.__bases__ or getattr(kind, "_is_protocol", False):
            return True
        subclasses: list[type] = type.__subclasses__(kind)
        return any(self._passes(derived) for derived in subclasses)

    def _passes(self, kind: type) -> bool:
        try:
            self._kind(kind, "")
        except Unstorable:
            return False
        return True


def _needed_fields(kind: type) -> Iterator[tuple[str, Any]]:
    """Fields that every instance was given a value for, with their types; none, if those can't be told."""
    if issubclass(kind, BaseModel):
        yield from ((name, field.annotation) for name, field in kind.model_fields.items() if field.is_required())
        return
    try:
        hints = typing.get_type_hints(kind, include_extras=True)
    except Exception:  # noqa: BLE001 -- names that only type checkers know: what can't be told passes
        return
    defaults = getattr(kind, "_field_defaults", {})
    names = [name for name in getattr(kind, "_fields", ()) if name not in defaults]
    if dataclasses.is_dataclass(kind):
        names = [field.name for field in dataclasses.fields(kind) if _is_needed(field)]
    yield from ((name, hints[name]) for name in names if name in hints)


def _is_needed(field: dataclasses.Field[Any]) -> bool:
    return field.init and field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING


def _at(step: str) -> str:
    return f"{step[1:]}: " if step else ""


def _shown(annotation: object) -> str:
    return type_name(annotation) if type(annotation) is type else str(annotation)
