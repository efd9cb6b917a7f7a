"""Values as canonical JSON: the one form that is hashed, stored and sent.

The encoding is injective: two values of different type or content never give the same JSON. What JSON has is
itself (None, bool, int, finite float, str, list, dict with plain keys); everything else is an object with one
`$` key. `list != tuple != set`, `Path != str`, `1 != 1.0 != True`. Sets and dicts are sorted by their encoded
text. A nested config is a reference by its own hash (a Merkle link), so the cost is linear in the graph.
NumPy scalars count as the Python number they equal. There is no fallback on `repr` or pickle.
"""

from __future__ import annotations

import base64
import dataclasses
import datetime
import decimal
import enum
import fractions
import json
import math
import pathlib
import uuid
import zoneinfo
from typing import TYPE_CHECKING, Any, Final

from pydantic import BaseModel

from furu.errors import FuruConfigError
from furu.identity.fields import Config

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

Json = Any  # None | bool | int | float | str | list[Json] | dict[str, Json]; mypy can't use the recursive form well

SCHEME: Final = 1
"""Number of this encoding; part of every hash. Golden vectors in the tests pin it."""


_JSON: Final = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False)

_DECIMAL_BITS: Final = 14_000

HASH_ATTRIBUTE: Final = "_furu_hash"
"""Where an instance keeps its hash once it was computed."""


class NotHashedYet(Exception):
    """A nested config must be hashed before the one that holds it."""

    def __init__(self, config: Config) -> None:
        super().__init__()
        self.config = config


class FuruEncodeError(FuruConfigError):
    """A value has no canonical encoding.

    Attributes:
        path: where it is, as `field['key'][2]`.
    """

    def __init__(self, value_type: str, reason: str, path: str = "") -> None:
        where = f" at {path}" if path else ""
        super().__init__(f"can't hash a {value_type}{where}: {reason}", issues=[(path, reason)])
        self.value_type, self.reason, self.path = value_type, reason, path

    def prefixed(self, step: str) -> FuruEncodeError:
        """The same error, one step further out."""
        return FuruEncodeError(self.value_type, self.reason, step + self.path)


def canonical_text(value: Json) -> str:
    """The one text of an encoded value: sorted keys, no spaces, ASCII."""
    return _JSON.encode(value)


def encode(value: object) -> Json:
    """The canonical JSON of `value`.

    Raises:
        FuruEncodeError: (a `TypeError`) nothing is known to encode it; names the path inside the value.
    """
    encoder = _ENCODERS.get(type(value))
    if encoder is None:
        encoder = _ENCODERS[type(value)] = _encoder_for(type(value))
    return encoder(value)


def encode_at(step: str, value: object) -> Json:
    """`encode(value)`, with `step` put before the path in an error."""
    try:
        return encode(value)
    except FuruEncodeError as error:
        raise error.prefixed(step) from None


def class_path(cls: type) -> str:
    """`module:qualname` of a class that a stored value names.

    Raises:
        FuruEncodeError: the class can't be imported from anywhere else.
    """
    if "<locals>" in cls.__qualname__:
        raise FuruEncodeError(cls.__qualname__, "its class is local to a function, so nobody else could load it")
    return f"{cls.__module__}:{cls.__qualname__}"


def _itself(value: Any) -> Json:
    return value


def _int(value: Any) -> Json:
    # Python itself neither writes nor reads decimal numbers of more than 4300 digits.
    return value if value.bit_length() <= _DECIMAL_BITS else {"$int": hex(value)}


def _float(value: Any) -> Json:
    return value if math.isfinite(value) else {"$float": repr(value)}


def _items(values: Iterable[object]) -> list[Json]:
    return [encode_at(f"[{index}]", value) for index, value in enumerate(values)]


def _sorted_items(values: Iterable[object]) -> list[Json]:
    return sorted((encode_at("{…}", value) for value in values), key=canonical_text)


def _list(value: Any) -> Json:
    return _items(value)


def _tuple(value: Any) -> Json:
    return {"$tuple": _items(value)}


def _set(value: Any) -> Json:
    return {"$set": _sorted_items(value)}


def _frozenset(value: Any) -> Json:
    return {"$frozenset": _sorted_items(value)}


def _dict(value: Any) -> Json:
    if all(type(key) is str and key[:1] != "$" for key in value):
        return {key: encode_at(f"[{key!r}]", item) for key, item in value.items()}
    pairs = [[encode_at(".key", key), encode_at(f"[{key!r}]", item)] for key, item in value.items()]
    return {"$dict": sorted(pairs, key=lambda pair: canonical_text(pair[0]))}


def _bytes(value: Any) -> Json:
    return {f"${type(value).__name__}": base64.b64encode(value).decode("ascii")}


def _path(value: Any) -> Json:
    return {"$path": value.as_posix()}  # the same on Windows


def _moment(value: Any) -> Json:
    """A datetime or a time; the zone's name too, since an offset alone would not tell Berlin from Paris."""
    zone = value.tzinfo.key if isinstance(value.tzinfo, zoneinfo.ZoneInfo) else None
    if not zone and not isinstance(value.tzinfo, datetime.timezone | None):
        cls = type(value.tzinfo)
        reason = f"its time zone is a {cls.__module__}.{cls.__qualname__}; use zoneinfo or datetime.timezone"
        raise FuruEncodeError(type(value).__name__, reason)
    encoded = {f"${type(value).__name__}": value.isoformat()}
    if zone:
        encoded["zone"] = zone
    if value.fold:
        encoded["fold"] = "1"
    return encoded


def _isoformat(value: Any) -> Json:
    return {f"${type(value).__name__}": value.isoformat()}


def _timedelta(value: Any) -> Json:
    return {"$timedelta": [value.days, value.seconds, value.microseconds]}


def _text(value: Any) -> Json:
    return {f"${type(value).__name__}": str(value)}


def _complex(value: Any) -> Json:
    return {"$complex": [_float(value.real), _float(value.imag)]}


def _enum(value: Any) -> Json:
    # By name: a member stays itself when auto() numbers move. A combined flag has no name of its own.
    member = value.value if isinstance(value, enum.Flag) else value.name
    return {"$enum": class_path(type(value)), "member": member}


def model_fields(value: BaseModel) -> Iterable[tuple[str, Any]]:
    """Names and values of a pydantic model's fields.

    Not by iterating over it: that is the user's to redefine, and gives cached properties too once they were used.
    """
    for name in type(value).model_fields:
        yield name, getattr(value, name)
    yield from (value.model_extra or {}).items()


def _fields(pairs: Iterable[tuple[str, object]]) -> dict[str, Json]:
    return {name: encode_at(f".{name}", value) for name, value in pairs}


def _dataclass(value: Any) -> Json:
    pairs = ((f.name, getattr(value, f.name)) for f in dataclasses.fields(value))
    return {"$dataclass": class_path(type(value)), "fields": _fields(pairs)}


def _model(value: Any) -> Json:
    return {"$model": class_path(type(value)), "fields": _fields(model_fields(value))}


def _named_tuple(value: Any) -> Json:
    return {"$namedtuple": class_path(type(value)), "fields": _fields(zip(value._fields, value, strict=True))}


def _numpy_scalar(value: Any) -> Json:
    plain = value.item()
    if type(plain) not in (bool, int, float, complex, str, bytes) or value.dtype.kind not in "biufcUS":
        raise FuruEncodeError(type(value).__name__, f"dtype {value.dtype} has no exact Python number; convert it first")
    return encode(plain)


def _config(value: Any) -> Json:
    try:
        return {"$config": f"{type(value).__furu_class__.namespace}/{value.__dict__[HASH_ATTRIBUTE]}"}
    except KeyError:
        raise NotHashedYet(value) from None


def _refuse(value: Any) -> Json:
    cls = type(value)
    kind = "type" if isinstance(value, type) else cls.__name__  # also one with a metaclass, such as a config class
    raise FuruEncodeError(f"{cls.__module__}.{cls.__qualname__}", _REASONS.get(kind, _NO_ENCODING))


_NO_ENCODING: Final = "no canonical encoding; use plain data, a dataclass, a pydantic model or a config"
_REASONS: Final = {
    "ndarray": "arrays are data; put them into an artifact of their own, or use a tuple",
    "function": "code has no stable identity; use the function's name, or a config with a method",
    "type": "a class has no stable identity; use its name, or an instance that is a config",
}

_ENCODERS: Final[dict[type, Callable[[Any], Json]]] = {
    type(None): _itself,
    bool: _itself,
    int: _int,
    str: _itself,
    float: _float,
    list: _list,
    tuple: _tuple,
    set: _set,
    frozenset: _frozenset,
    dict: _dict,
    bytes: _bytes,
    bytearray: _bytes,
    complex: _complex,
    datetime.datetime: _moment,
    datetime.date: _isoformat,
    datetime.time: _moment,
    datetime.timedelta: _timedelta,
    decimal.Decimal: _text,
    fractions.Fraction: _text,
    uuid.UUID: _text,
    pathlib.PosixPath: _path,
    pathlib.WindowsPath: _path,
    pathlib.PurePosixPath: _text,
    pathlib.PureWindowsPath: _text,
}


def _encoder_for(cls: type) -> Callable[[Any], Json]:
    """The encoder of a class seen for the first time.

    Exact types only, so that a subclass with more state can't pass for its base.
    """
    if issubclass(cls, Config):
        return _config
    if issubclass(cls, enum.Enum):
        return _enum
    if issubclass(cls, BaseModel):
        return _model
    if dataclasses.is_dataclass(cls):
        return _dataclass
    if issubclass(cls, tuple) and hasattr(cls, "_fields"):
        return _named_tuple
    if any((base.__module__, base.__name__) == ("numpy", "generic") for base in cls.__mro__):
        return _numpy_scalar
    return _refuse
