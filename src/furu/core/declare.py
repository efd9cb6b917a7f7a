"""Making a config class: a keyword-only frozen dataclass that pydantic validates, with what furu knows of it."""

from __future__ import annotations

import dataclasses
import inspect
import typing
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, Final, TypeVar, cast

import pydantic.dataclasses
from pydantic import ConfigDict, PydanticUserError, ValidationError
from pydantic_core import ArgsKwargs

from furu.errors import FuruConfigError
from furu.identity.fields import ClassSpec, Config, check_class_name, field_specs
from furu.lifecycle.computable import ClassOptions
from furu.lifecycle.defaults import note_class

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

# Arbitrary types are allowed because a field may be anything that has an encoding; identity checks that. Defaults are
# validated, or `lr: float = 1` would be 1 when left out and 1.0 when said: two identities for one config.
_PYDANTIC: Final = ConfigDict(extra="forbid", arbitrary_types_allowed=True, validate_default=True)


def make_dataclass(cls: type) -> None:
    """Turn `cls` into a frozen keyword-only dataclass, in place.

    Raises:
        FuruConfigError: a field has a mutable default, no annotation, or one that pydantic can't check.
    """
    _fill_in_parameters(cls)
    decorate = pydantic.dataclasses.dataclass(frozen=True, kw_only=True, eq=False, repr=False, config=_PYDANTIC)
    try:
        decorate(cls)
    except (TypeError, ValueError, PydanticUserError) as error:
        hints = (
            ["furu.field(default_factory=list) makes a new value for each config"] if "mutable" in str(error) else []
        )
        raise FuruConfigError(f"{cls.__qualname__} can't be a config: {error}", hints=hints) from error
    cls.__init__ = _init  # type: ignore[misc]


def _fill_in_parameters(cls: Any) -> None:
    """Give fields that a generic base declares the types that `cls` says: `class Ints(Boxed[int])`.

    pydantic does so for models and not for dataclasses, and would take anything for a `T`: `1` and `1.0` for a float
    would be two configs.
    """
    for base in cls.__dict__.get("__orig_bases__", ()):
        generic: Any = typing.get_origin(base)
        said = dict(zip(getattr(generic, "__parameters__", ()), typing.get_args(base), strict=False))
        fields: dict[str, dataclasses.Field[Any]] = getattr(generic, "__dataclass_fields__", {})
        if not said or not fields:
            continue
        own = inspect.get_annotations(cls)
        types = {name: _filled(_declared_type(generic, name), said) for name in fields if name not in own}
        filled = {name: kind for name, kind in types.items() if kind is not None}
        cls.__annotations__ = {**own, **filled}
        for name in filled.keys() - cls.__dict__.keys():
            setattr(cls, name, _undeclared(fields[name]))


def _declared_type(cls: type, name: str) -> Any:
    """The annotation of a field, as pydantic has resolved it."""
    known: dict[str, Any] = cls.__pydantic_fields__  # type: ignore[attr-defined]
    return known[name].annotation if name in known else None


def _filled(annotation: Any, said: Mapping[Any, Any]) -> Any:
    """The annotation with its parameters filled in; None where it has none that are known."""
    if isinstance(annotation, TypeVar):
        return said.get(annotation)
    parameters = getattr(annotation, "__parameters__", ())
    if isinstance(annotation, type) or not any(each in said for each in parameters):
        return None
    return annotation[tuple(said.get(each, each) for each in parameters)]


def _undeclared(field: dataclasses.Field[Any]) -> Any:
    """The same field, to be declared once more."""
    options = {name: getattr(field, name) for name in ("default", "default_factory", "repr", "metadata")}
    return dataclasses.field(**options)


def unknown_options(cls: type, others: Mapping[str, object], error: TypeError) -> TypeError:
    """The error for class options that neither furu nor another base takes."""
    if not others:
        return error
    known = "codec, max_wait_sec, name, resumable, version, version_controlled"
    return FuruConfigError(f"{cls.__qualname__} has unknown class options {', '.join(others)}; options are: {known}")


def check_fields(cls: type, base: type) -> None:
    """Refuse fields that can't be fields of a config; `base` is `furu.Furu`.

    Raises:
        FuruConfigError: a field hides one of furu's own names, has an alias, or is an `InitVar`.
    """
    known: dict[str, Any] = cls.__pydantic_fields__  # type: ignore[attr-defined]
    issues = []
    for field in cls.__dataclass_fields__.values():  # type: ignore[attr-defined]
        kind = field._field_type.name
        if kind == "_FIELD_INITVAR":
            issues.append((field.name, "is an InitVar, which would take no part in the identity; make it a field"))
        elif kind == "_FIELD" and hasattr(base, field.name):
            issues.append((field.name, f"hides {base.__name__}.{field.name}, which furu needs; give it another name"))
        elif field.name in known and known[field.name].validation_alias is not None:
            issues.append((field.name, "has an alias; a field of a config has one name"))
    if issues:
        lines = [f"{cls.__qualname__} can't be a config:", *(f"  {name}: {text}" for name, text in issues)]
        raise FuruConfigError("\n".join(lines), issues=issues)


def _init(self: Any, /, *args: Any, **values: Any) -> None:
    """Validate all fields at once; see `FuruConfigError`."""
    cls = type(self)
    if args:
        msg = f"{cls.__qualname__} takes keyword arguments only; its fields are: {_field_names(cls)}"
        raise FuruConfigError(msg)
    try:
        cls.__pydantic_validator__.validate_python(ArgsKwargs((), values), self_instance=self)
    except ValidationError as error:
        raise _config_error(cls, error) from None
    except PydanticUserError as error:
        what = error.message.partition(", then call")[0]
        hints = ["import what annotations name outside of `if TYPE_CHECKING:`; furu needs it to check values"]
        raise FuruConfigError(f"{cls.__qualname__} can't be built: {what}", hints=hints) from error


def keep_init(cls: Any) -> None:
    """Put our `__init__` back: pydantic replaces it whenever it tries again to resolve a forward reference."""
    if cls.__init__ is not _init:
        cls.__init__ = _init


# pydantic asks for the attribute before it calls an __init__ that isn't its own, when the class is a field of another.
_init.__pydantic_base_init__ = True  # type: ignore[attr-defined]


def _field_names(cls: type[Config]) -> str:
    return ", ".join(sorted(field.name for field in cls.__furu_class__.fields)) or "none"


def _config_error(cls: type[Config], error: ValidationError) -> FuruConfigError:
    issues = []
    for issue in error.errors(include_url=False):
        path = ".".join(map(str, issue["loc"]))
        if issue["type"] == "unexpected_keyword_argument":
            is_nested = len(issue["loc"]) > 1
            issues.append((path, "unknown field" if is_nested else f"unknown field; fields are: {_field_names(cls)}"))
        elif issue["type"] == "missing":
            issues.append((path, "missing"))
        elif not path:  # said by `__post_init__` or a validator of the whole
            issues.append((path, issue["msg"]))
        else:
            issues.append((path, f"{issue['msg']}, not {_describe_input(issue)}"))
    lines = [
        f"{cls.__qualname__} can't be built:",
        *(f"  {path}: {text}" if path else f"  {text}" for path, text in issues),
    ]
    return FuruConfigError("\n".join(lines), issues=issues)


_SHOWN_LEVELS: Final = 3
_LEVEL: ContextVar[int] = ContextVar("furu_repr_level", default=0)


def describe_fields(config: Any) -> str:
    """`Train(lr=0.1, data=Dataset(...))`: nested configs to the third level.

    A graph that shares its parts would be written out exponentially often.
    """
    name, level = type(config).__qualname__, _LEVEL.get()
    if level >= _SHOWN_LEVELS:
        return f"{name}(...)"
    token = _LEVEL.set(level + 1)
    try:
        shown = (field.name for field in dataclasses.fields(config) if field.repr)
        return f"{name}({', '.join(f'{each}={getattr(config, each, None)!r}' for each in shown)})"
    finally:
        _LEVEL.reset(token)


def _describe_input(issue: Mapping[str, Any]) -> str:
    value = issue["input"]
    if issue.get("ctx", {}).get("class_name") == type(value).__name__:
        return f"one of the class as it was before it was defined again (a reload?): {_shortened(value)}"
    return _shortened(value)


def _shortened(value: object, limit: int = 80) -> str:
    text = repr(value)
    return text if len(text) <= limit else text[: limit - 1] + "…"


def class_spec(cls: type[Config], *, name: str | None, version: object) -> ClassSpec:
    """What identity needs to know of a class.

    Raises:
        FuruConfigError: a class option is not what it should be.
    """
    if name is not None:
        check_class_name(name)
    if version is not None and not isinstance(version, str):
        msg = f"{cls.__qualname__}: version must be a str, not {version!r}"
        raise FuruConfigError(msg)
    inherited: ClassSpec | None = getattr(cls, "__furu_class__", None)
    spec = ClassSpec(
        module=cls.__module__,
        qualname=cls.__qualname__,
        name=name,
        # Who inherits `_create()` inherits the reasons for its version.
        version=inherited.version if version is None and inherited is not None else version,
        fields=field_specs(cls),
        declares_dependencies=cls._dependencies is not Config._dependencies,
    )
    _claim_namespace(spec)
    note_class(spec)
    return spec


# Who has which namespace. A class that is defined again (a reload) may have its own, but no other class may.
_CLAIMED: Final[dict[str, str]] = {}


def _claim_namespace(spec: ClassSpec) -> None:
    if not spec.is_storable:
        return
    owner = _CLAIMED.setdefault(spec.namespace, spec.class_path)
    if owner != spec.class_path:
        msg = f"{spec.class_path} would share the directory {spec.namespace!r} with {owner}"
        raise FuruConfigError(msg, hints=["give one of them another name=", "or delete the one that was moved"])


def result_type(cls: type, base: type) -> Any:
    """The `T` in `class X(Furu[T])`, looked for along the bases; `Any` where it isn't given."""
    for ancestor in cls.__mro__:
        for parent in ancestor.__dict__.get("__orig_bases__", ()):
            if typing.get_origin(parent) is base:
                (argument,) = typing.get_args(parent)
                return Any if isinstance(argument, TypeVar) else argument
    return Any


def check_options(cls: type, *, flags: Mapping[str, object], codec: object, max_wait_sec: object) -> None:
    """Refuse class options of the wrong type where they are written, not when they are first used.

    Raises:
        FuruConfigError: names every such option and what it accepts.
    """
    issues = [
        (name, f"must be True or False, not {value!r}")
        for name, value in flags.items()
        if value is not None and not isinstance(value, bool)
    ]
    if codec is not None and not isinstance(codec, str):
        issues.append(("codec", f"must be the name of a codec, not {codec!r}"))
    is_number = isinstance(max_wait_sec, (int, float)) and not isinstance(max_wait_sec, bool)
    if max_wait_sec is not None and not (is_number and cast("float", max_wait_sec) >= 0):
        issues.append(("max_wait_sec", f"must be a number of seconds, 0 or more, not {max_wait_sec!r}"))
    if issues:
        lines = [f"{cls.__qualname__} has class options that can't be used:", *(f"  {n}: {text}" for n, text in issues)]
        raise FuruConfigError("\n".join(lines), issues=issues)


def check_create(cls: Any) -> None:
    """Refuse a `_create()` that calling doesn't run.

    Raises:
        FuruConfigError: it is a coroutine or a generator.
    """
    created = cls._create
    if inspect.iscoroutinefunction(created):
        msg, hint = "is async, and furu awaits nothing", "call asyncio.run() inside of it"
    elif inspect.isgeneratorfunction(created) or inspect.isasyncgenfunction(created):
        msg, hint = "is a generator, and its body would never run", "return a list instead of yielding its items"
    else:
        return
    raise FuruConfigError(f"{cls.__qualname__}._create() {msg}", issues=[("_create", msg)], hints=[hint])


def class_options(
    cls: Any, base: Any, *, resumable: bool, version_controlled: bool, codec: str | None, created: Callable[..., Any]
) -> ClassOptions:
    """What the lifecycle needs to know of a class; `created` is its `_create`."""
    hint = result_type(cls, base)
    if hint is Any:
        hint = cast("Any", created).__annotations__.get("return", Any)
    return ClassOptions(
        resumable=resumable,
        version_controlled=version_controlled,
        codec=codec,
        has_load=cls._load is not base._load,
        has_validate=cls._validate is not base._validate,
        result_type=Any if isinstance(hint, str) else hint,
    )
