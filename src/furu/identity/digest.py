"""The hash of a config: BLAKE2b over the canonical text of its identity.

The identity is `{scheme, class, version, fields, dependencies}`: what `encode` gives for the fields that take
part, and the hashes of the configs that `_dependencies()` names. Nested configs enter by their own hash
(R. Merkle, "A Digital Signature Based on a Conventional Encryption Function", 1987), and a hash is computed once
for each instance, so a graph costs its nodes and edges, however often they are shared.
"""

from __future__ import annotations

import dataclasses
import hashlib
from pathlib import PosixPath
from typing import TYPE_CHECKING, Any, Final, cast

from furu.errors import FuruConfigError, FuruDependencyCycle
from furu.identity.dependencies import declared_dependencies, unhashed_in
from furu.identity.encode import (
    HASH_ATTRIBUTE,
    SCHEME,
    FuruEncodeError,
    Json,
    NotHashedYet,
    canonical_text,
    encode,
    encode_at,
)
from furu.identity.fields import Config

if TYPE_CHECKING:
    from furu.identity.fields import ClassSpec, FieldSpec

_DIGEST_BYTES: Final = 16  # 128 bits: among 10**12 artifacts two collide with a probability below 1e-14
_FIXED: Final = frozenset({type(None), bool, int, float, complex, str, bytes, PosixPath})


def furu_hash(config: Config) -> str:
    """The hash of `config`, from its cache or computed now together with those of all nested configs.

    Works with a stack of its own instead of recursion: a chain of configs may be longer than Python's call stack.

    Raises:
        FuruEncodeError: a field holds something without a canonical encoding.
        FuruDependencyCycle: the config depends on itself.
    """
    cached: str | None = config.__dict__.get(HASH_ATTRIBUTE)
    if cached is not None:
        return cached
    path = _Path()
    path.enter(config)
    while path.frames:
        frame = path.frames[-1]
        try:
            missing = frame.next_missing()
            if missing is None:
                frame.config.__dict__[HASH_ATTRIBUTE] = frame.compute()
                path.close()
            else:
                path.enter(missing)
        except NotHashedYet as missing_one:
            frame.find_missing(missing_one.config)
            path.check(frame)
        except RecursionError:
            name = type(frame.config).__qualname__
            raise FuruEncodeError(name, "a field contains itself, or is nested too deeply") from None
    result: str = config.__dict__[HASH_ATTRIBUTE]
    return result


def has_changed(config: Config) -> bool:
    """Whether the fields give another hash than the one that was taken: a list in a field can still be changed."""
    spec = type(config).__furu_class__
    is_fixed = not spec.declares_dependencies and all(_is_fixed(getattr(config, field.name)) for field in spec.fields)
    return not is_fixed and _hash_now(config) != furu_hash(config)


def _is_fixed(value: object) -> bool:
    """Whether a field's value can't be changed in place; nested configs count by the hash that was taken of them."""
    kind = type(value)
    return kind in _FIXED or isinstance(value, Config) or (kind is tuple and all(map(_is_fixed, cast("Any", value))))


def _hash_now(config: Config) -> str:
    frame = _Frame(config)
    while True:
        try:
            return frame.compute()
        except NotHashedYet as missing:  # `_dependencies()` may name new configs each time
            furu_hash(missing.config)


def identity_fields(config: Config) -> dict[str, Json]:
    """The encoded fields that take part in the hash; nested configs must have been hashed."""
    spec: ClassSpec = type(config).__furu_class__
    encoded = {}
    for field in spec.fields:
        if field.identity is False:
            continue
        value = encode_at(f"{spec.qualname}.{field.name}", getattr(config, field.name))
        if field.identity == "unless-default" and is_default(config, field):
            continue
        encoded[field.name] = value
    return encoded


def is_default(config: Config, field: FieldSpec) -> bool:
    """Whether the field has the value it would have had if nobody had said it."""
    if not field.has_default:
        return False
    text = canonical_text(encode_any(getattr(config, field.name)))
    if text == _text_or_none(field.default()):
        return True
    # The class may say `0` and mean `0.0`: validation, which only the class can do, decides.
    others = {f.name: getattr(config, f.name) for f in dataclasses.fields(config) if f.init}  # type: ignore[arg-type]
    del others[field.name]
    try:
        without = type(config)(**others)
    except FuruConfigError:
        return False
    return text == canonical_text(encode_any(getattr(without, field.name)))


def _text_or_none(value: object) -> str | None:
    try:
        return canonical_text(encode_any(value))
    except FuruEncodeError:
        return None


def encode_any(value: object) -> Json:
    """`encode(value)` for a value that may hold configs which nobody hashed yet."""
    while True:
        try:
            return encode(value)
        except NotHashedYet as missing:
            furu_hash(missing.config)


class _Frame:
    """A config whose hash is being computed; what is known already is kept over a retry."""

    def __init__(self, config: Config) -> None:
        self.config = config
        self.fields: dict[str, Json] | None = None
        self.declared: list[Config] | None = None
        self._missing: list[Config] = []

    def compute(self) -> str:
        """The hash.

        Raises:
            NotHashedYet: that of a nested config must be known before.
        """
        spec = type(self.config).__furu_class__
        if self.fields is None:
            self.fields = identity_fields(self.config)
        if self.declared is None:
            self.declared = declared_dependencies(self.config) if spec.declares_dependencies else []
        identity: dict[str, Any] = {"scheme": SCHEME, "class": spec.namespace, "fields": self.fields}
        if spec.version is not None:
            identity["version"] = spec.version
        if self.declared:
            identity["dependencies"] = sorted({_hash_of(dependency) for dependency in self.declared})
        return hashlib.blake2b(canonical_text(identity).encode("ascii"), digest_size=_DIGEST_BYTES).hexdigest()

    def find_missing(self, first: Config) -> None:
        """Look for all at once: a retry for each would make a list of a thousand configs a million encodings."""
        fields = (field for field in type(self.config).__furu_class__.fields if field.identity is not False)
        held = [getattr(self.config, field.name) for field in fields] if self.declared is None else self.declared
        self._missing = [*reversed(unhashed_in(held)), first]

    def next_missing(self) -> Config | None:
        while self._missing:
            config = self._missing.pop()
            if HASH_ATTRIBUTE not in config.__dict__:
                return config
        return None

    def key(self) -> object:
        """What makes two open frames the same config: known once the fields are."""
        return None if self.fields is None else (type(self.config), canonical_text(self.fields))


class _Path:
    """The configs that wait for each other, outermost first.

    One that waits for itself, as the same object or as a new one with equal fields that `_dependencies()` made, is a
    cycle.
    """

    def __init__(self) -> None:
        self.frames: list[_Frame] = []
        self._open: dict[object, int] = {}
        self._keys: list[list[object]] = []

    def enter(self, config: Config) -> None:
        self.frames.append(_Frame(config))
        self._keys.append([])
        self._claim(id(config))

    def check(self, frame: _Frame) -> None:
        """Look again, now that the fields of the innermost frame are known."""
        if (key := frame.key()) is not None and key not in self._keys[-1]:
            self._claim(key)

    def close(self) -> None:
        self.frames.pop()
        for key in self._keys.pop():
            del self._open[key]

    def _claim(self, key: object) -> None:
        if key in self._open:
            names = [type(frame.config).__qualname__ for frame in self.frames[self._open[key] :]]
            raise FuruDependencyCycle(cycle=names)
        self._open[key] = len(self.frames) - 1
        self._keys[-1].append(key)


def _hash_of(config: Config) -> str:
    try:
        result: str = config.__dict__[HASH_ATTRIBUTE]
    except KeyError:
        raise NotHashedYet(config) from None
    return result
