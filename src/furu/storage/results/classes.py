"""Values of users' classes, taken apart into named parts and put together again without running their code.

Neither `__init__`, `__post_init__`, validators nor defaults' side effects run on loading: the parts are set as they
were, so that `init=False` fields, frozen classes and validators that change their input come back equal, and a forged
record can at most fill the fields of a class of data.
"""

from __future__ import annotations

import copy
import dataclasses
import enum
import functools
import importlib
import sys
from typing import TYPE_CHECKING, Any, Final

from pydantic import BaseModel
from pydantic_core import PydanticUndefined

from furu.identity.fields import Config
from furu.storage.results.refusal import Unloadable, Unstorable, type_name

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from furu.storage.results.codec import Json

_MOVED: Final = "put the class back where it was, give it a _load(), or compute again with get(force=True)"
_CHANGED: Final = "put the field back, give it a default, or compute again with get(force=True)"


def is_enum(kind: type) -> bool:
    """Whether its values are members of an enum, flags included."""
    return issubclass(kind, enum.Enum)


def is_named_tuple(kind: type) -> bool:
    """Whether its values are tuples with names, of `typing` or `collections`."""
    names = getattr(kind, "_fields", None)
    return issubclass(kind, tuple) and type(names) is tuple and all(type(name) is str for name in names)


def is_model(kind: type) -> bool:
    """Whether its values are pydantic models."""
    return issubclass(kind, BaseModel) and kind is not BaseModel


def is_plain_dataclass(kind: type) -> bool:
    """Whether it is a dataclass, other than a furu config, whose instances hold nothing but their attributes."""
    return dataclasses.is_dataclass(kind) and not issubclass(kind, (Config, BaseModel)) and _is_bare(kind)


def _is_bare(kind: type) -> bool:
    # An exception, or a dataclass that extends dict, has room for more than the fields, and Python refuses it here.
    try:
        object.__new__(kind)
    except TypeError:
        return False
    return True


def class_path(cls: type) -> str:
    """`module:qualname` of a class that another process can import.

    Raises:
        Unstorable: it can't be found under that name.
    """
    path = f"{cls.__module__}:{cls.__qualname__}"
    if "<locals>" in cls.__qualname__:
        reason = f"{cls.__qualname__} is a local class, which nobody could import"
        raise Unstorable(reason, kind=cls, hints=["move the class to the top level of a module"])
    if cls.__module__ == "__main__":
        reason = f"{cls.__qualname__} is defined in __main__, which nobody could import"
        raise Unstorable(reason, kind=cls, hints=["move the class to a module and import it"])
    try:
        found = find_class(path)
    except Unloadable as error:
        raise Unstorable(error.reason, kind=cls, hints=["give it a name at the top level of its module"]) from error
    if found is not cls:
        reason = f"{path} is another class by now"
        raise Unstorable(reason, kind=cls, hints=["its module was reloaded, or defines it twice"])
    return path


def find_class(path: object) -> type:
    """The class that a record names as `module:qualname`, importing its module and nothing else.

    Looks names up in the modules' and classes' own dictionaries, so that nothing of what is found runs.

    Raises:
        ValueError: the name is none that `class_path` gives.
        Unloadable: there is no such class here.
    """
    module_name, _, qualname = path.partition(":") if isinstance(path, str) else ("", "", "")
    if not all(_is_ordinary(part) for part in [*module_name.split("."), *qualname.split(".")]):
        msg = f"{path!r} is not the name of a class"
        raise ValueError(msg)
    try:
        found: Any = sys.modules.get(module_name) or importlib.import_module(module_name)
    except Exception as error:
        # Whatever a module raises, the record is not to blame.
        raise Unloadable(f"{module_name} can't be imported: {error!r}", name=qualname, hints=[_MOVED]) from error
    for part in qualname.split("."):
        found = vars(found).get(part)
        if not isinstance(found, type):
            raise Unloadable(f"there is no class {path}", name=qualname, hints=[_MOVED])
    cls: type = found
    return cls


def _is_ordinary(name: str) -> bool:
    return name.isidentifier() and not (name.startswith("__") and name.endswith("__"))


def encode_member(value: enum.Enum) -> dict[str, Json]:
    """An enum member by its name, which stays when `auto()` numbers move; a combination of flags by their names."""
    cls = type(value)
    if cls.__members__.get(value.name or "") is value:
        return {"$enum": class_path(cls), "member": value.name}
    names = [member.name for member in value] if isinstance(value, enum.Flag) else None
    if names is None or _combined(cls, names) != value:
        raise Unstorable(f"{value!r} is no named member of {cls.__qualname__}", kind=cls)
    return {"$enum": class_path(cls), "members": names}


def load_member(cls: Any, record: Mapping[str, Json]) -> object:
    """The member, or the combination, that `encode_member` stored."""
    if "members" in record:
        return _combined(cls, record["members"])
    name = record["member"]
    if name not in cls.__members__:
        reason = f"{cls.__qualname__} has no member {name!r}; its members are: {', '.join(cls.__members__)}"
        raise Unloadable(reason, name=type_name(cls), hints=[_CHANGED.replace("field", "member", 1)])
    return cls.__members__[name]


def _combined(cls: Any, names: list[Any]) -> object:
    return functools.reduce(lambda left, right: left | right, (cls.__members__[name] for name in names), cls(0))


def dataclass_parts(value: Any) -> dict[str, object]:
    """The fields that are set.

    Raises:
        Unstorable: the instance holds more than its fields, which would be lost.
    """
    cls = type(value)
    names = [field.name for field in dataclasses.fields(value)]
    stray = sorted(name for name in _attributes(value) if name not in names and not _is_cached_property(cls, name))
    if stray:
        reason = f"{cls.__qualname__} holds {', '.join(stray)} beside its fields, which would be lost"
        raise Unstorable(reason, kind=cls, hints=[f"declare it: {stray[0]}: ... = field(init=False, compare=False)"])
    return {name: getattr(value, name) for name in names if hasattr(value, name)}


def make_dataclass(cls: Any, parts: Mapping[str, object]) -> object:
    """An instance with these fields; those that the class got since take their defaults.

    Raises:
        Unloadable: the class lost a field, or got one without a default.
    """
    fields = dataclasses.fields(cls)
    _check_known(cls, parts, [field.name for field in fields])
    made = object.__new__(cls)
    for field in fields:
        if field.name in parts:
            object.__setattr__(made, field.name, parts[field.name])
        elif field.default is not dataclasses.MISSING:
            object.__setattr__(made, field.name, field.default)
        elif field.default_factory is not dataclasses.MISSING:
            object.__setattr__(made, field.name, field.default_factory())
        elif field.init:
            raise _missing(cls, field.name)
    return made


def named_tuple_parts(value: Any) -> dict[str, object]:
    """The items by name.

    Raises:
        Unstorable: the instance of a subclass holds more than that.
    """
    if getattr(value, "__dict__", None):
        reason = f"{type(value).__qualname__} holds attributes beside its fields, which would be lost"
        raise Unstorable(reason, kind=type(value))
    return dict(zip(value._fields, value, strict=True))


def make_named_tuple(cls: Any, parts: Mapping[str, object]) -> object:
    """As `make_dataclass`, for a named tuple."""
    _check_known(cls, parts, cls._fields)
    values = {**getattr(cls, "_field_defaults", {}), **parts}
    return tuple.__new__(cls, [_present(cls, values, name) for name in cls._fields])


def model_parts(value: Any) -> dict[str, Mapping[str, object]]:
    """What pydantic itself keeps of a model when it is copied or pickled, without cached properties."""
    fields = type(value).model_fields
    parts: dict[str, Mapping[str, object]] = {
        "fields": {name: part for name, part in value.__dict__.items() if name in fields}
    }
    if value.__pydantic_extra__:
        parts["extra"] = value.__pydantic_extra__
    if value.__pydantic_private__:
        parts["private"] = value.__pydantic_private__
    return parts


def make_model(cls: Any, parts: Mapping[str, Mapping[str, object]], fields_set: set[str]) -> object:
    """As `make_dataclass`, for a pydantic model, by the way pydantic itself unpickles one."""
    values = dict(parts["fields"])
    _check_known(cls, values, cls.model_fields)
    for name, field in cls.model_fields.items():
        if name not in values:
            if field.is_required():
                raise _missing(cls, name)
            values[name] = field.get_default(call_default_factory=True, validated_data=values)
    _check_known(cls, parts.get("private", {}), cls.__private_attributes__)
    private = {name: _private_default(each, values) for name, each in cls.__private_attributes__.items()}
    private = {**private, **parts.get("private", {})}
    state = {
        "__dict__": values,
        "__pydantic_fields_set__": fields_set,
        "__pydantic_extra__": dict(parts.get("extra", {})) if cls.model_config.get("extra") == "allow" else None,
        "__pydantic_private__": {name: part for name, part in private.items() if part is not PydanticUndefined} or None,
    }
    made = object.__new__(cls)
    BaseModel.__setstate__(made, state)
    return made


def _private_default(attribute: Any, values: Mapping[str, object]) -> object:
    if attribute.default_factory is None:
        return copy.deepcopy(attribute.default)
    takes_values = getattr(attribute, "default_factory_takes_validated_data", False)
    return attribute.default_factory(values) if takes_values else attribute.default_factory()


KINDS: Final[dict[str, Callable[[type], bool]]] = {
    "$enum": is_enum,
    "$namedtuple": is_named_tuple,
    "$model": is_model,
    "$dataclass": is_plain_dataclass,
}
"""Tag of a record -> what the class that it names must be: nothing else is ever used."""


def _attributes(value: object) -> Iterator[str]:
    yield from getattr(value, "__dict__", ())
    for base in type(value).__mro__:
        slots = vars(base).get("__slots__", ())
        for name in (slots,) if isinstance(slots, str) else slots:
            if name not in ("__dict__", "__weakref__") and hasattr(value, name):
                yield name


def _is_cached_property(cls: type, name: str) -> bool:
    return any(isinstance(vars(base).get(name), functools.cached_property) for base in cls.__mro__)


def _check_known(cls: type, parts: Mapping[str, object], names: Any) -> None:
    unknown = [name for name in parts if name not in names]
    if unknown:
        reason = f"{cls.__qualname__} has no {unknown[0]!r} any more; it has: {', '.join(names)}"
        raise Unloadable(reason, name=type_name(cls), hints=[_CHANGED])


def _present(cls: type, values: Mapping[str, object], name: str) -> object:
    if name not in values:
        raise _missing(cls, name)
    return values[name]


def _missing(cls: type, name: str) -> Unloadable:
    reason = f"{cls.__qualname__} now has {name!r}, which was not stored and has no default"
    return Unloadable(reason, name=type_name(cls), hints=[_CHANGED])
