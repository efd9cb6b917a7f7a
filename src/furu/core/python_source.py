"""A config as Python source: what to paste into a notebook to have it again."""

from __future__ import annotations

import dataclasses
import enum
import math
import re
from collections import Counter
from typing import TYPE_CHECKING, Any, Final

from pydantic import BaseModel

from furu.identity.digest import is_default
from furu.identity.encode import model_fields
from furu.identity.fields import Config

if TYPE_CHECKING:
    from collections.abc import Iterable

# Stands for a nested config in the text of the one that holds it; no literal has this character in it.
_MARK: Final = re.compile("\0([0-9]+)\0")
_NESTED: Final = 20  # Python's parser takes no more than some dozen brackets inside each other


def python_source(config: Config) -> str:
    """Imports and one expression that evaluates to an equal config; fields at their default are left out.

    Before the expression nested configs that occur more than once get a name, so that the text grows with the graph
    and not with the ways through it; so do those that are nested very deeply.
    """
    imports: set[str] = set()
    parts = _parts(config, imports)
    uses = Counter(mark for text in parts.values() for mark in _MARK.findall(text))
    names: dict[str, str] = {}
    texts: dict[str, str] = {}
    depths: dict[str, int] = {}
    lines = []
    for key, text in parts.items():
        mark = str(key)
        depths[mark] = 1 + max((0 if each in names else depths[each] for each in _MARK.findall(text)), default=0)
        texts[mark] = _MARK.sub(lambda found: names.get(found[1]) or texts[found[1]], text)
        if key != id(config) and (uses[mark] > 1 or depths[mark] >= _NESTED):
            names[mark] = f"{text.partition('(')[0].rpartition('.')[2].lower()}_{len(names) + 1}"
            lines.append(f"{names[mark]} = {texts[mark]}")
    return "\n".join([*sorted(imports), "", *lines, texts[str(id(config))]])


def _parts(config: Config, imports: set[str]) -> dict[int, str]:
    """Every config below as an expression in which marks stand for the configs it holds, those before it."""
    written: dict[int, str] = {}
    parts: dict[int, str] = {}
    waiting = [config]
    while waiting:
        current = waiting[-1]
        key = id(current)
        if key in written:
            parts.setdefault(key, written[key])
            waiting.pop()
            continue
        pairs = [
            (field.name, getattr(current, field.name))
            for field in type(current).__furu_class__.fields
            if not is_default(current, field)
        ]
        nested: list[Config] = []
        written[key] = _Source(imports, nested).call(type(current), pairs)
        waiting.extend(each for each in nested if id(each) not in written)
    return parts


class _Source:
    """Writes values; notes what must be imported for them, and which configs they hold."""

    def __init__(self, imports: set[str], nested: list[Config]) -> None:
        self._imports = imports
        self._nested = nested

    def value(self, value: Any) -> str:
        if type(value).__module__ == "numpy":
            value = value.item()  # only scalars have an identity, and it is that of the Python number
        cls = type(value)
        if isinstance(value, Config):
            self._nested.append(value)
            return f"\0{id(value)}\0"
        if isinstance(value, enum.Enum):
            # A combined flag has no name of its own.
            member = f"({value.value!r})" if isinstance(value, enum.Flag) else f"[{value.name!r}]"
            return self._imported(cls) + member
        if isinstance(value, BaseModel):
            return self.call(cls, model_fields(value))
        if isinstance(value, tuple) and hasattr(value, "_fields"):
            return self.call(cls, zip(value._fields, value, strict=True))
        if dataclasses.is_dataclass(value):
            return self.call(cls, [(f.name, getattr(value, f.name)) for f in dataclasses.fields(value) if f.init])
        if cls is dict:
            return "{" + ", ".join(f"{self.value(k)}: {self.value(v)}" for k, v in value.items()) + "}"
        if cls in (list, tuple, set, frozenset):
            return self._container(value)
        if cls is float and not math.isfinite(value):
            return f"float({str(value)!r})"
        return self._atom(value)

    def call(self, cls: type, pairs: Iterable[tuple[str, Any]]) -> str:
        arguments = ", ".join(f"{name}={self.value(value)}" for name, value in pairs)
        return f"{self._imported(cls)}({arguments})"

    def _imported(self, cls: type) -> str:
        outermost = cls.__qualname__.partition(".")[0]
        self._imports.add(f"from {cls.__module__} import {outermost}")
        return cls.__qualname__

    def _container(self, values: Any) -> str:
        items = [self.value(value) for value in values]
        if isinstance(values, list):
            return f"[{', '.join(items)}]"
        if isinstance(values, tuple):
            return f"({', '.join(items)}{',' if len(items) == 1 else ''})"
        return f"{type(values).__name__}([{', '.join(sorted(items))}])"

    def _atom(self, value: Any) -> str:
        """A leaf by its `repr`, which for these types is an expression once its name is imported."""
        text = repr(value)
        if type(value).__module__ == "builtins":
            return text
        name = text.partition("(")[0]
        module = "pathlib" if name.endswith("Path") else type(value).__module__
        if name.startswith("datetime."):
            self._imports.update(f"import {each}" for each in ("datetime", "zoneinfo") if f"{each}." in text)
            return text
        self._imports.add(f"from {module} import {name}")
        return text
