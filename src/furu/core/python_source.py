"""A config as Python source: what to paste into a notebook to have it again."""

from __future__ import annotations

import dataclasses
import enum
import math
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel

from furu.identity.digest import is_default
from furu.identity.encode import model_fields
from furu.identity.fields import Config

if TYPE_CHECKING:
    from collections.abc import Iterable


def python_source(config: Config) -> str:
    """Imports and one expression that evaluates to an equal config; fields at their default are left out."""
    imports: set[str] = set()
    expression = _source(config, imports)
    return "\n".join([*sorted(imports), "", expression])


def _source(value: Any, imports: set[str]) -> str:
    if type(value).__module__ == "numpy":
        value = value.item()  # only scalars have an identity, and it is that of the Python number
    cls = type(value)
    if isinstance(value, Config):
        pairs = [
            (field.name, getattr(value, field.name))
            for field in cls.__furu_class__.fields
            if not is_default(value, field)
        ]
        return _call(cls, pairs, imports)
    if isinstance(value, enum.Enum):
        # A combined flag has no name of its own.
        member = f"({value.value!r})" if isinstance(value, enum.Flag) else f"[{value.name!r}]"
        return _imported(cls, imports) + member
    if isinstance(value, BaseModel):
        return _call(cls, model_fields(value), imports)
    if isinstance(value, tuple) and hasattr(value, "_fields"):
        return _call(cls, zip(value._fields, value, strict=True), imports)
    if dataclasses.is_dataclass(value):
        return _call(cls, [(f.name, getattr(value, f.name)) for f in dataclasses.fields(value) if f.init], imports)
    if cls is dict:
        return "{" + ", ".join(f"{_source(k, imports)}: {_source(v, imports)}" for k, v in value.items()) + "}"
    if cls in (list, tuple, set, frozenset):
        return _container(value, imports)
    if cls is float and not math.isfinite(value):
        return f"float({str(value)!r})"
    return _atom(value, imports)


def _imported(cls: type, imports: set[str]) -> str:
    outermost = cls.__qualname__.partition(".")[0]
    imports.add(f"from {cls.__module__} import {outermost}")
    return cls.__qualname__


def _call(cls: type, pairs: Iterable[tuple[str, Any]], imports: set[str]) -> str:
    arguments = ", ".join(f"{name}={_source(value, imports)}" for name, value in pairs)
    return f"{_imported(cls, imports)}({arguments})"


def _container(values: Any, imports: set[str]) -> str:
    items = [_source(value, imports) for value in values]
    if isinstance(values, list):
        return f"[{', '.join(items)}]"
    if isinstance(values, tuple):
        return f"({', '.join(items)}{',' if len(items) == 1 else ''})"
    return f"{type(values).__name__}([{', '.join(sorted(items))}])"


def _atom(value: Any, imports: set[str]) -> str:
    """A leaf by its `repr`, which for these types is an expression once its name is imported."""
    text = repr(value)
    if type(value).__module__ == "builtins":
        return text
    name = text.partition("(")[0]
    module = "pathlib" if name.endswith("Path") else type(value).__module__
    if name.startswith("datetime."):
        imports.update(f"import {each}" for each in ("datetime", "zoneinfo") if f"{each}." in text)
        return text
    imports.add(f"from {module} import {name}")
    return text
