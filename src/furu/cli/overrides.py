"""Values for fields as they are typed on a command line: `lr=3e-4 data.name=toy sizes=[1,2] seed=1,2,3`.

The type of the field says what the text means. Commas outside of brackets and quotes make a sweep.
"""

from __future__ import annotations

import contextlib
import dataclasses
import difflib
import enum
import itertools
import json
import re
import typing
from typing import TYPE_CHECKING, Any, Final

from pydantic import BaseModel, ConfigDict, PydanticUserError, TypeAdapter, ValidationError
from pydantic.dataclasses import is_pydantic_dataclass, rebuild_dataclass
from pydantic_core import PydanticUndefined

from furu.core.furu import Furu
from furu.errors import FuruConfigError
from furu.identity.decode import import_class

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

_OVERRIDE: Final = re.compile(r"(?P<path>[A-Za-z_]\w*(?:\.\w+)*)=(?P<text>.*)", re.DOTALL)
_CLASS: Final = re.compile(r"[A-Za-z_][\w.]*:[A-Za-z_][\w.]*")
_WORDS: Final = {"none": None, "null": None, "true": True, "false": False}
_OPENING: Final = {"[": "]", "{": "}", "(": ")"}


@dataclasses.dataclass
class Given:
    """What was typed for a field and for the fields inside of it."""

    text: str | None = None
    inside: dict[str, Given] = dataclasses.field(default_factory=dict)


def is_override(text: str) -> bool:
    """Whether an argument says what a field shall be."""
    return _OVERRIDE.fullmatch(text) is not None


def combinations(overrides: Sequence[str]) -> Iterator[dict[str, Given]]:
    """Every combination of the values of a sweep, the last field fastest; one where there is no comma.

    Raises:
        FuruConfigError: a field is named twice.
    """
    values: dict[str, list[str]] = {}
    for override in overrides:
        match = _OVERRIDE.fullmatch(override)
        if match is None or match["path"] in values:
            path = match["path"] if match else override
            raise FuruConfigError(f"{path} is given twice", hints=["values of a sweep stand behind each other: lr=1,2"])
        values[match["path"]] = split_sweep(match["text"])
    for choice in itertools.product(*values.values()):
        top = Given()
        for path, text in zip(values, choice, strict=True):
            current = top
            for name in path.split("."):
                current = current.inside.setdefault(name, Given())
            current.text = text
        yield top.inside


def split_sweep(text: str) -> list[str]:
    """The values between commas; brackets and quotes keep theirs together."""
    pieces, awaited, quote = [""], "", ""
    for char in text:
        if quote:
            quote = "" if char == quote else quote
        elif char in "\"'":
            quote = char
        elif char in _OPENING:
            awaited = _OPENING[char] + awaited
        elif awaited.startswith(char):
            awaited = awaited[1:]
        elif char == "," and not awaited:
            pieces.append("")
            continue
        pieces[-1] += char
    return pieces


def build(cls: type, given: Mapping[str, Given], base: object = None, path: str = "") -> Any:
    """An instance of a config class, dataclass or model.

    Args:
        cls: its class.
        given: what was typed, by field.
        base: has the values of the fields that were not named; without it the defaults count.
        path: where it belongs, for messages.

    Raises:
        FuruConfigError: a field isn't there, or a value doesn't fit; names the right ones.
    """
    types = _field_types(cls)
    unknown = [name for name in given if name not in types]
    if unknown:
        near = difflib.get_close_matches(unknown[0], types, n=2)
        hints = [f"did you mean {' or '.join(path + name for name in near)}?"] if near else []
        msg = f"{cls.__qualname__} has no field {unknown[0]!r}; its fields are: {', '.join(types) or 'none'}"
        raise FuruConfigError(msg, issues=[(path + unknown[0], "unknown field")], hints=hints)
    values = {} if base is None else {name: getattr(base, name) for name in types}
    for name, each in given.items():
        current = values.get(name, PydanticUndefined)
        if current is PydanticUndefined:
            current = _default(cls, name)
        values[name] = _value(types[name], each, current, path + name)
    return cls(**values)


def _value(annotation: Any, given: Given, current: object, path: str) -> Any:
    if not given.inside:
        if given.text is not None and _CLASS.fullmatch(given.text) and _structure(annotation) is not None:
            return build(import_class(given.text), {}, path=f"{path}.")
        return _converted(annotation, given.text or "", path)
    if isinstance(current, dict) and given.text is None:
        return {**current, **{key: _value(Any, each, None, f"{path}.{key}") for key, each in given.inside.items()}}
    cls = import_class(given.text) if given.text is not None else _structure_of(current) or _structure(annotation)
    if cls is None:
        inner = next(iter(given.inside))
        msg = f"{path}.{inner}: {path} is {_name(annotation)}, which has no fields"
        raise FuruConfigError(msg, issues=[(f"{path}.{inner}", "unknown field")])
    return build(cls, given.inside, current if type(current) is cls else None, f"{path}.")


def _structure_of(current: object) -> type | None:
    return type(current) if _is_structure(type(current)) else None


def _structure(annotation: Any) -> type | None:
    """The first class with fields that an annotation allows."""
    if isinstance(annotation, type) and _is_structure(annotation):
        return annotation
    origin = typing.get_origin(annotation)
    if isinstance(origin, type) and _is_structure(origin):
        return origin
    if origin in (list, tuple, set, frozenset, dict):
        return None
    return next((found for each in typing.get_args(annotation) if (found := _structure(each)) is not None), None)


def _is_structure(cls: type) -> bool:
    return dataclasses.is_dataclass(cls) or issubclass(cls, BaseModel)


def _field_types(cls: type) -> dict[str, Any]:
    if issubclass(cls, BaseModel):
        return {name: field.annotation for name, field in cls.model_fields.items()}
    if not dataclasses.is_dataclass(cls):
        msg = f"{cls.__qualname__} is neither a config nor a dataclass, so it has no fields to set"
        raise FuruConfigError(msg)
    try:
        if is_pydantic_dataclass(cls):
            rebuild_dataclass(cls)  # a class that came after it may be named by one of its fields
            known: dict[str, Any] = cls.__pydantic_fields__
            return {name: field.annotation for name, field in known.items() if field.init is not False}
        hints = typing.get_type_hints(cls)
    except (NameError, PydanticUserError) as error:
        raise FuruConfigError(f"{cls.__qualname__}: the type of a field can't be found: {error}") from error
    return {field.name: hints[field.name] for field in dataclasses.fields(cls) if field.init}


def _default(cls: type, name: str) -> Any:
    """A field's default; `PydanticUndefined` without one."""
    fields: Any = getattr(cls, "__pydantic_fields__", None)
    if fields is not None and name in fields:
        return fields[name].get_default(call_default_factory=True)
    field = next(field for field in dataclasses.fields(cls) if field.name == name)
    if field.default_factory is not dataclasses.MISSING:
        return field.default_factory()
    return PydanticUndefined if field.default is dataclasses.MISSING else field.default


def _converted(annotation: Any, text: str, path: str) -> Any:
    """What `text` means for a field of this type: the literal if it fits, else the text itself."""
    if isinstance(annotation, type) and issubclass(annotation, enum.Enum) and text in annotation.__members__:
        return annotation[text]
    adapter = _adapter(annotation)
    problem = ""
    for candidate in _candidates(text):
        try:
            return adapter.validate_python(candidate)
        except ValidationError as error:
            problem = error.errors(include_url=False)[0]["msg"]
    msg = f"{path}={text}: {problem} ({path} is {_name(annotation)})"
    raise FuruConfigError(msg, issues=[(path, problem)])


def _candidates(text: str) -> Iterator[Any]:
    if len(text) > 1 and text[0] == text[-1] and text[0] in "\"'":
        yield text[1:-1]
        return
    if text.lower() in _WORDS:
        yield _WORDS[text.lower()]
    else:
        with contextlib.suppress(ValueError):
            yield json.loads(text)
    yield text


def _adapter(annotation: Any) -> TypeAdapter[Any]:
    try:
        return TypeAdapter(annotation, config=ConfigDict(arbitrary_types_allowed=True))
    except PydanticUserError:  # a class with a configuration of its own
        return TypeAdapter(annotation)


def _name(annotation: Any) -> str:
    if isinstance(annotation, type) and issubclass(annotation, Furu):
        return f"a config: name its fields, as .{next(iter(_field_types(annotation)), '…')}=…, or a module:Class"
    return f"a {annotation.__name__}" if isinstance(annotation, type) else str(annotation).replace("typing.", "")
