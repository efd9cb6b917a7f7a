"""Configs as plain nested JSON, for looking and comparing: what the encoding says about types is left out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from furu.identity.encode import Json

MAX_LEAVES: Final = 1_000
"""Values in one config, nested ones included, beyond which nested configs stay references."""

MAX_DEPTH: Final = 24
MAX_CHARS: Final = 2_000

_SEQUENCES: Final = ("$tuple", "$set", "$frozenset")


class Plain:
    """A plain value with its size, so that what holds it can tell whether it still has room for it.

    Attributes:
        value: JSON without tags.
        leaves: how many values there are in it.
        depth: how deep it is.
    """

    __slots__ = ("depth", "leaves", "value")

    def __init__(self, value: Any, leaves: int, depth: int) -> None:
        self.value, self.leaves, self.depth = value, leaves, depth


def plain_fields(fields: Mapping[str, Json], find: Callable[[str], Plain | None]) -> Plain:
    """A config's fields.

    Args:
        fields: encoded values by name.
        find: gives the fields of the config that a reference stands for, or None where they aren't known.
    """
    plain = _mapping({name: _plain(value, find) for name, value in fields.items()})
    if plain.leaves > MAX_LEAVES:
        plain = _mapping({name: _plain(value, lambda _: None) for name, value in fields.items()})
    return plain


def _leaf(value: Any) -> Plain:
    if isinstance(value, str) and len(value) > MAX_CHARS:
        value = value[:MAX_CHARS] + "…"
    return Plain(value, 1, 0)


def _plain(value: Json, find: Callable[[str], Plain | None]) -> Plain:
    if isinstance(value, list):
        return _sequence([_plain(item, find) for item in value])
    if not isinstance(value, dict):
        return _leaf(value)
    tag = next((key for key in value if key[:1] == "$"), None)
    if tag is None:
        return _mapping({key: _plain(item, find) for key, item in value.items()})
    if tag == "$config":
        return _nested(str(value[tag]), find)
    if tag in _SEQUENCES:
        return _sequence([_plain(item, find) for item in value[tag]])
    if tag == "$dict":
        return _mapping({str(_plain(key, find).value): _plain(item, find) for key, item in value[tag]})
    if "fields" in value:
        return _mapping({key: _plain(item, find) for key, item in value["fields"].items()})
    if tag == "$enum":
        return _leaf(value["member"])
    return _leaf(value[tag])


def _nested(reference: str, find: Callable[[str], Plain | None]) -> Plain:
    found = find(reference)
    if found is None or found.depth >= MAX_DEPTH:
        return _leaf(reference)
    return found


def _sequence(items: list[Plain]) -> Plain:
    return Plain([item.value for item in items], _leaves(items), _depth(items))


def _mapping(items: dict[str, Plain]) -> Plain:
    values = list(items.values())
    return Plain({key: item.value for key, item in items.items()}, _leaves(values), _depth(values))


def _leaves(items: list[Plain]) -> int:
    return 1 + sum(item.leaves for item in items)


def _depth(items: list[Plain]) -> int:
    return 1 + max((item.depth for item in items), default=0)


def leaves(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """The paths of a plain value, as queries write them, with what stands there; empty containers are leaves."""
    if isinstance(value, dict) and value:
        for key, item in value.items():
            yield from leaves(item, f"{path}.{key}" if path else key)
    elif isinstance(value, list) and value and any(isinstance(item, dict | list) for item in value):
        for index, item in enumerate(value):
            yield from leaves(item, f"{path}[{index}]")
    else:
        yield path, value
