"""What furu knows about a config class: its name in the store, its version and its fields."""

from __future__ import annotations

import dataclasses
import re
from dataclasses import MISSING, dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar, Final, Literal, TypeVar, overload

from pydantic_core import PydanticUndefined

from furu.errors import FuruConfigError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

Identity = Literal[True, False, "unless-default"]

_METADATA_KEY: Final = "furu"
_NAME: Final = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.\-]*(/[A-Za-z0-9_][A-Za-z0-9_.\-]*)*")
_T = TypeVar("_T")


class Config:
    """Base of everything that has an identity; `furu.Furu` is the one users subclass."""

    __furu_class__: ClassVar[ClassSpec]

    @property
    def furu_hash(self) -> str:
        """32 hexadecimal digits that stand for this config; see `furu.identity.digest`."""
        raise NotImplementedError

    def _dependencies(self) -> object:
        """Configs that this one needs beside those in its fields; part of the identity."""
        return None


@overload
def field(
    *, default: _T, identity: Identity = ..., repr: bool = ..., metadata: Mapping[str, Any] | None = ...
) -> _T: ...
@overload
def field(
    *,
    default_factory: Callable[[], _T],
    identity: Identity = ...,
    repr: bool = ...,
    metadata: Mapping[str, Any] | None = ...,
) -> _T: ...
@overload
def field(*, identity: Identity = ..., repr: bool = ..., metadata: Mapping[str, Any] | None = ...) -> Any: ...
def field(
    *,
    default: Any = MISSING,
    default_factory: Any = MISSING,
    identity: Identity = True,
    repr: bool = True,  # noqa: A002 -- the name that dataclasses.field uses
    metadata: Mapping[str, Any] | None = None,
) -> Any:
    """Declare a field of a config with more to say than a default.

    Args:
        default: the value when none is given.
        default_factory: makes that value, afresh for each instance.
        identity: True, the field is part of the hash; False, it never is (a number of workers, a device);
            `"unless-default"`, only when it differs from the default: a field that is added later so leaves
            the hashes of all older artifacts valid.
        repr: whether `repr()` shows it.
        metadata: passed on to `dataclasses.field`.

    Raises:
        FuruConfigError: `identity` is none of the three, or `"unless-default"` without a default.
    """
    if identity not in (True, False, "unless-default"):
        msg = f"identity={identity!r} is not one of True, False, 'unless-default'"
        raise FuruConfigError(msg)
    if identity == "unless-default" and default is MISSING and default_factory is MISSING:
        msg = "identity='unless-default' needs a default to compare with"
        raise FuruConfigError(msg)
    options: dict[str, Any] = {"repr": repr, "metadata": {**(metadata or {}), _METADATA_KEY: identity}}
    if default is not MISSING:
        options["default"] = default
    if default_factory is not MISSING:
        options["default_factory"] = default_factory
    return dataclasses.field(**options)


@dataclass(frozen=True)
class FieldSpec:
    """One field of a config class.

    Attributes:
        name: as in the class body.
        type_name: the annotation, as text, for people and for the stored schema.
        identity: what part it takes in the hash.
    """

    name: str
    type_name: str
    identity: Identity
    _default: Any
    _default_factory: Any

    @property
    def has_default(self) -> bool:
        return self._default is not PydanticUndefined or self._default_factory is not None

    def default(self) -> Any:
        """The default as the class says it, unvalidated, made afresh where there is a factory.

        Raises:
            LookupError: there is none.
        """
        if self._default_factory is not None:
            return self._default_factory()
        if self._default is not PydanticUndefined:
            return self._default
        raise LookupError(self.name)


@dataclass(frozen=True)
class ClassSpec:
    """The facts about a config class that its identity and its place on disk are made from.

    Attributes:
        module: dotted module name.
        qualname: qualified class name, `Outer.Inner` for a nested one.
        name: the class option `name`, a namespace that outlives moves and renames; None without it.
        version: the class option `version`; part of the identity.
        fields: the public fields, in declaration order.
        declares_dependencies: whether the class overrides `_dependencies()`.
    """

    module: str
    qualname: str
    name: str | None
    version: str | None
    fields: tuple[FieldSpec, ...]
    declares_dependencies: bool

    @cached_property
    def class_path(self) -> str:
        """`module:qualname`, the way to import it."""
        return f"{self.module}:{self.qualname}"

    @cached_property
    def namespace(self) -> str:
        """The directory below `data/` that holds all artifacts of the class, with slashes."""
        return self.name or f"{self.module}.{self.qualname}".replace(".", "/")

    @property
    def is_storable(self) -> bool:
        """Whether somebody else can import the class."""
        return "<locals>" not in self.qualname and self.module != "__main__"

    def check_storable(self) -> None:
        """Refuse a class that nobody could find again.

        Raises:
            ValueError: it is defined in `__main__`, in a notebook or inside a function.
        """
        if "<locals>" in self.qualname:
            msg = f"{self.qualname} is a local class: artifacts need a class that can be imported; move it to a module"
            raise FuruConfigError(msg)
        if self.module == "__main__":
            msg = (
                f"{self.qualname} is defined in __main__: its artifacts could not be found from anywhere else; "
                f"move the class to a module and import it"
            )
            cell = "in a notebook, begin the cell of the class with `%%writefile study.py` and run it"
            hints = [f"{cell}; then `from study import {self.qualname}` in another cell"]
            raise FuruConfigError(msg, hints=hints)


def check_config(value: object, argument: str) -> None:
    """Refuse what is no config where one is asked for; the usual slip is the class in the place of an instance.

    Raises:
        FuruConfigError: names the argument and what was given.
    """
    if isinstance(value, Config):
        return
    given = f"the class {value.__qualname__} itself" if isinstance(value, type) else type(value).__qualname__
    raise FuruConfigError(f"{argument} must be a config, not {given}", issues=[(argument, f"is {given}")])


def check_class_name(name: object) -> None:
    """Refuse a class option `name` that is not a plain relative path.

    Raises:
        FuruConfigError: it is empty, absolute, or has other characters than letters, digits, `_ . - /`.
    """
    if not isinstance(name, str) or not _NAME.fullmatch(name) or ".." in name:
        msg = f"name={name!r} is not a plain path such as 'acme/train' (letters, digits, '_', '-', '.')"
        raise FuruConfigError(msg)


def field_specs(cls: type) -> tuple[FieldSpec, ...]:
    """The public fields of a pydantic dataclass: those that can be set and don't begin with `_`.

    Defaults are asked of pydantic, which also knows those in `Annotated[...]` and in `pydantic.Field(...)`.
    """
    known: Mapping[str, Any] = cls.__pydantic_fields__  # type: ignore[attr-defined]
    return tuple(
        FieldSpec(
            f.name,
            f.type if isinstance(f.type, str) else getattr(f.type, "__qualname__", repr(f.type)),
            f.metadata.get(_METADATA_KEY, True),
            known[f.name].default,
            known[f.name].default_factory,
        )
        for f in dataclasses.fields(cls)
        if f.init and not f.name.startswith("_")
    )
