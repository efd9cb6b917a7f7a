"""From a value to a tree of JSON: one walk that knows where it is.

What JSON has is itself; everything else is an object whose first key begins with `$`. Only exact types are stored, so
that a subclass with more state can't pass for its base. Shared objects become separate ones.
"""

from __future__ import annotations

import base64
import json
import math
import pathlib
from collections import Counter, OrderedDict
from typing import TYPE_CHECKING, Any, Final

from furu.errors import FuruCodecError, add_context
from furu.storage.results import atoms, classes
from furu.storage.results.directory import ResultDirectory, relative_to_data, write_bytes
from furu.storage.results.refusal import Unstorable, refusal, type_name
from furu.storage.results.register import STATE_DICT, library_codec, registered_codec

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from furu.storage.results.codec import Codec, Json

MAX_DEPTH: Final = 200
"""Levels of containers; reading JSON much deeper than that would exhaust Python's stack."""

MAX_INLINE_BYTES: Final = 4096
"""What is longer goes to a file of its own."""


def is_plain(value: object, depth: int = 0) -> bool:
    """Whether any JSON reader gives `value` back equal and of the same type, so that no walk is needed to load it."""
    kind = type(value)
    if kind is str:
        return atoms.is_plain_str(value)  # type: ignore[arg-type]
    if kind is float:
        return math.isfinite(value)  # type: ignore[arg-type]
    if kind is int:
        return atoms.is_plain_int(value)  # type: ignore[arg-type]
    if kind is dict:
        return depth < MAX_DEPTH and all(
            type(key) is str and key[:1] != "$" and atoms.is_plain_str(key) and is_plain(item, depth + 1)
            for key, item in value.items()  # type: ignore[attr-defined]
        )
    if kind is list:
        return depth < MAX_DEPTH and all(is_plain(item, depth + 1) for item in value)  # type: ignore[attr-defined]
    return kind is bool or value is None


class Step(str):
    """A step into a value that is no item: `.field`."""

    __slots__ = ()


def path_of(steps: Iterable[object]) -> str:
    """Where in a result something is: `result['model'][2].weights`."""
    return "result" + "".join(step if isinstance(step, Step) else f"[{_shown(step)}]" for step in steps)


def _shown(key: object) -> str:
    if type(key) in atoms.ENCODERS:
        text = repr(key)
        return text if len(text) <= 60 else text[:57] + "..."  # noqa: PLR2004 -- a message stays a line
    return f"<{type(key).__qualname__}>"


class Encoder:
    """Encodes one result; good for one use."""

    def __init__(self, directory: ResultDirectory) -> None:
        self.directory = directory
        self._steps: list[object] = []
        self._open: set[int] = set()
        self._found: dict[type, Callable[[Encoder, Any], Json]] = {}

    def encode_result(self, value: object, codec: Codec | None = None) -> Json:
        """The tree of a whole result; with `codec`, by that one whatever the type.

        Raises:
            FuruCodecError: something in it can't be stored; names where.
        """
        try:
            return self._encode(value) if codec is None else self._by_codec(codec, value)
        except Unstorable as error:
            where = path_of(self._steps)
            msg = f"can't store {where}: {error.reason}"
            raise FuruCodecError(msg, value_type=type_name(error.kind), hints=error.hints) from error.__cause__
        except ImportError as error:
            msg = f"can't store {path_of(self._steps)}: {error}"
            hint = f"install {error.name or 'the library'} where results are computed"
            raise FuruCodecError(msg, value_type=type_name(type(value)), hints=[hint]) from error
        except FuruCodecError:
            raise
        except Exception as error:
            add_context(error, f"while storing {path_of(self._steps)}")
            raise

    def _encode(self, value: object) -> Json:
        kind = type(value)
        encoder = _ENCODERS.get(kind) or self._found.get(kind)
        if encoder is None:
            encoder = self._found[kind] = _encoder_for(kind)
        return encoder(self, value)

    def _part(self, step: object, value: object) -> Json:
        # Not undone when it raises: the steps then tell where that was.
        self._steps.append(step)
        encoded = self._encode(value)
        self._steps.pop()
        return encoded

    def _parts(self, parts: Mapping[str, object]) -> dict[str, Json]:
        return {name: self._part(Step(f".{name}"), part) for name, part in parts.items()}

    def _enter(self, value: object) -> None:
        if id(value) in self._open:
            raise Unstorable("it contains itself", kind=type(value))
        if len(self._open) >= MAX_DEPTH:
            raise Unstorable(f"it is nested deeper than {MAX_DEPTH} levels", kind=type(value))
        self._open.add(id(value))

    def _leave(self, value: object) -> None:
        self._open.remove(id(value))

    def items(self, value: Any) -> list[Json]:
        self._enter(value)
        encoded = [self._part(index, item) for index, item in enumerate(value)]
        self._leave(value)
        return encoded

    def members(self, value: Any) -> list[Json]:
        """A set's, in the order of their text: equal sets give equal records."""
        self._enter(value)
        encoded = [self._part(item, item) for item in value]
        self._leave(value)
        return sorted(encoded, key=json.dumps)

    def pairs(self, value: Any) -> list[Json]:
        self._enter(value)
        encoded = [[self._part(Step(".key"), key), self._part(key, item)] for key, item in value.items()]
        self._leave(value)
        return encoded

    def dictionary(self, value: dict[Any, Any]) -> Json:
        if STATE_DICT.fits(value):
            return self._by_codec(STATE_DICT, value)
        if not all(type(key) is str and key[:1] != "$" and atoms.is_plain_str(key) for key in value):
            return {"$dict": self.pairs(value)}
        self._enter(value)
        encoded = {key: self._part(key, item) for key, item in value.items()}
        self._leave(value)
        return encoded

    def ordered_dictionary(self, value: OrderedDict[Any, Any]) -> Json:
        return self._by_codec(STATE_DICT, value) if STATE_DICT.fits(value) else {"$OrderedDict": self.pairs(value)}

    def binary(self, value: bytes | bytearray) -> Json:
        tag = f"${type(value).__name__}"
        if len(value) <= MAX_INLINE_BYTES:
            return {tag: base64.b64encode(value).decode("ascii")}
        return {tag: None, "file": write_bytes(value, ".bin", self.directory)}

    def path(self, value: pathlib.Path) -> Json:
        relative = relative_to_data(value, self.directory.data_dir)
        if relative is None:
            reason = f"{value} is outside of the result's own directory {self.directory.data_dir}"
            hints = ["write the file below self.furu_dir", "return str(path) for a file that is not part of the result"]
            raise Unstorable(reason, kind=pathlib.Path, hints=hints)
        return {"$path": atoms.encode_str(relative)}

    def named_tuple(self, value: Any) -> Json:
        return self._instance("$namedtuple", value, classes.named_tuple_parts(value))

    def dataclass(self, value: Any) -> Json:
        return self._instance("$dataclass", value, classes.dataclass_parts(value))

    def _instance(self, tag: str, value: object, parts: Mapping[str, object]) -> Json:
        self._enter(value)
        record = {tag: classes.class_path(type(value)), "fields": self._parts(parts)}
        self._leave(value)
        return record

    def model(self, value: Any) -> Json:
        self._enter(value)
        record: dict[str, Json] = {
            "$model": classes.class_path(type(value)),
            "set": self.members(value.model_fields_set),
        }
        for group, parts in classes.model_parts(value).items():
            # Names of extras are the user's own and may be anything that a dict's keys may be.
            record[group] = self.pairs(parts) if group == "extra" else self._parts(parts)
        self._leave(value)
        return record

    def _by_codec(self, codec: Codec, value: object) -> Json:
        self._enter(value)
        # A codec that returns the value itself, or one around it, would otherwise go on for ever.
        record = {"$codec": codec.name, "record": self._encode(codec.store(value, self.directory))}
        self._leave(value)
        return record


def _atom(encode: Callable[[Any], Json]) -> Callable[[Encoder, Any], Json]:
    return lambda _, value: encode(value)


_ENCODERS: Final[dict[type, Callable[[Encoder, Any], Json]]] = {
    **{kind: _atom(encode) for kind, encode in atoms.ENCODERS.items()},
    list: Encoder.items,
    tuple: lambda encoder, value: {"$tuple": encoder.items(value)},
    set: lambda encoder, value: {"$set": encoder.members(value)},
    frozenset: lambda encoder, value: {"$frozenset": encoder.members(value)},
    dict: Encoder.dictionary,
    OrderedDict: Encoder.ordered_dictionary,
    Counter: lambda encoder, value: {"$Counter": encoder.pairs(value)},
    bytes: Encoder.binary,
    bytearray: Encoder.binary,
    type(pathlib.Path()): Encoder.path,
}

STORED_AS_THEY_ARE: Final = frozenset(_ENCODERS)
"""Types that need no class to be imported and no library."""


def _encoder_for(kind: type) -> Callable[[Encoder, Any], Json]:
    """How values of a type are stored that is seen for the first time in this result."""
    codec = registered_codec(kind) or library_codec(kind)
    if codec is not None:
        found = codec
        return lambda encoder, value: encoder._by_codec(found, value)
    for tag, is_kind in classes.KINDS.items():
        if is_kind(kind):
            return _BY_TAG[tag]
    raise refusal(kind)


_BY_TAG: Final[dict[str, Callable[[Encoder, Any], Json]]] = {
    "$enum": lambda _, value: classes.encode_member(value),
    "$namedtuple": Encoder.named_tuple,
    "$model": Encoder.model,
    "$dataclass": Encoder.dataclass,
}
