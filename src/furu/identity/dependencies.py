"""Which configs a config needs: those found in its fields, then those that `_dependencies()` names."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from pydantic import BaseModel

from furu.errors import FuruConfigError
from furu.identity.encode import HASH_ATTRIBUTE, model_fields
from furu.identity.fields import Config

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

_LEAVES: Final = frozenset({type(None), bool, int, float, str, bytes, complex})
_SEQUENCES: Final = (list, tuple)
_SETS: Final = (set, frozenset)


def field_dependencies(config: Config) -> list[Config]:
    """Configs in the fields, in declaration order, through lists, tuples, sets, dicts, dataclasses and models."""
    found: list[Config] = []
    for field in type(config).__furu_class__.fields:
        value = getattr(config, field.name)
        if type(value) not in _LEAVES:
            found += _Walk().configs_in(value)
    return found


def configs_in(value: object) -> list[Config]:
    """Configs in a value of any kind, in order; those inside of them are not looked for."""
    return _Walk().configs_in(value)


def unhashed_in(values: object) -> list[Config]:
    """Configs in `values` whose hash is not known yet, in any order: to ask a set for its order is to hash it."""
    found = _Walk(is_ordered=False).configs_in(values)
    return [config for config in found if HASH_ATTRIBUTE not in config.__dict__]


def declared_dependencies(config: Config) -> list[Config]:
    """Configs that `_dependencies()` names.

    Raises:
        FuruConfigError: (a `TypeError`) it names something that is no config; says where and what.
    """
    answer = config._dependencies()
    if answer is None:
        return []
    return _Walk(otherwise=_refuse).configs_in(answer, f"{type(config).__qualname__}._dependencies()")


def direct_dependencies(config: Config) -> list[Config]:
    """Fields first, then declared ones; each once, the config itself left out."""
    found = field_dependencies(config)
    if type(config).__furu_class__.declares_dependencies:
        found += declared_dependencies(config)
    unique: dict[str, Config] = {}
    for dependency in found:
        unique.setdefault(dependency.furu_hash, dependency)
    unique.pop(config.furu_hash, None)
    return list(unique.values())


def all_dependencies(config: Config) -> list[Config]:
    """Direct and indirect ones in pre-order, each once; works with a stack of its own, so depth is no limit."""
    seen = {config.furu_hash}
    ordered = []
    waiting = list(reversed(direct_dependencies(config)))
    while waiting:
        current = waiting.pop()
        if current.furu_hash in seen:
            continue
        seen.add(current.furu_hash)
        ordered.append(current)
        waiting.extend(reversed(direct_dependencies(current)))
    return ordered


def _nothing(_value: object, _path: str) -> None:
    """Values that aren't configs are just data."""


def _refuse(value: object, path: str) -> None:
    given = f"the class {value.__qualname__} itself" if isinstance(value, type) else type(value).__qualname__
    raise FuruConfigError(f"{path} must name configs, not {given}", issues=[(path, f"is {given}")])


class _Walk:
    """Through a value, to the configs in it.

    Args:
        otherwise: told of each leaf that is no config, and of its path.
        is_ordered: configs of a set come in the order of their hashes, which is the same in every process.
    """

    def __init__(self, otherwise: Callable[[object, str], None] = _nothing, *, is_ordered: bool = True) -> None:
        self._otherwise = otherwise
        self._is_ordered = is_ordered

    def configs_in(self, value: Any, path: str = "") -> list[Config]:
        found: list[Config] = []
        self._collect(value, path, found)
        return found

    def _collect(self, value: Any, path: str, found: list[Config]) -> None:
        if isinstance(value, Config):
            found.append(value)
        elif isinstance(value, _SEQUENCES):
            self._collect_items(value, path, found)
        elif isinstance(value, _SETS):
            members: list[Config] = []
            for item in value:
                self._collect(item, f"{path}{{…}}", members)
            found += sorted(members, key=lambda config: config.furu_hash) if self._is_ordered else members
        elif isinstance(value, Mapping):
            for key, item in value.items():
                if type(key) not in _LEAVES:
                    found += _Walk(is_ordered=self._is_ordered).configs_in(key)
                self._collect(item, f"{path}[{key!r}]", found)
        elif (steps := _steps(value)) is not None:
            for step, item in steps:
                self._collect(item, path + step, found)
        else:
            self._otherwise(value, path)

    def _collect_items(self, values: Iterable[Any], path: str, found: list[Config]) -> None:
        if self._otherwise is not _nothing:
            for index, item in enumerate(values):
                self._collect(item, f"{path}[{index}]", found)
            return
        for item in values:  # nobody asks for the path
            if type(item) not in _LEAVES:
                self._collect(item, path, found)


def _steps(value: Any) -> Iterable[tuple[str, Any]] | None:
    """The fields of `value`, each with its step of the path; None for a leaf."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return ((f".{field.name}", getattr(value, field.name)) for field in dataclasses.fields(value))
    if isinstance(value, BaseModel):
        return ((f".{name}", item) for name, item in model_fields(value))
    return None
