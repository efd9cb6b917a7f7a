"""Which field paths differ between two configs, in nested configs too; by their documents, without their classes."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from furu.identity.decode import encode_graph
from furu.identity.encode import canonical_text

if TYPE_CHECKING:
    from collections.abc import Iterator

    from furu.identity.encode import Json
    from furu.identity.fields import Config

Find = Callable[[str], dict[str, Any] | None]

_SHOWN_CHARS: Final = 60


class _Absent:
    """What stands on the side that has no such path."""

    def __repr__(self) -> str:
        return "(absent)"


ABSENT: Final = _Absent()


class Difference(NamedTuple):
    """One path with two values.

    Attributes:
        path: as in `data.split.seed`, `models[0].depth`, `options['k']`.
        left: the encoded value on the one side, or `ABSENT`.
        right: on the other.
    """

    path: str
    left: object
    right: object

    def __str__(self) -> str:
        return f"{self.path}: {_show(self.left)} → {_show(self.right)}"


def diff(left: Config, right: Config) -> list[Difference]:
    """The field paths in which two configs differ, with both values; fields that are no part of the identity too.

    Args:
        left: a config.
        right: another one; of another class, that is the only difference.
    """
    ours, theirs = encode_graph(left), encode_graph(right)
    return list(differences(ours, theirs, ours["configs"].get, theirs["configs"].get))


def differences(
    left: dict[str, Any],
    right: dict[str, Any],
    find_left: Find,
    find_right: Find,
) -> Iterator[Difference]:
    """The same for two documents.

    Args:
        left: a config's document.
        right: another one.
        find_left: gives the document that a reference of `left` stands for, or None where it isn't known.
        find_right: the same for `right`.
    """
    if left["namespace"] != right["namespace"]:
        yield Difference("class", left["namespace"], right["namespace"])
        return
    if left.get("version") != right.get("version"):
        yield Difference("version", left.get("version"), right.get("version"))
    ours, theirs = left["fields"], right["fields"]
    for name in _keys(ours, theirs):
        yield from _in_values(name, ours.get(name, ABSENT), theirs.get(name, ABSENT), find_left, find_right)


def _in_values(path: str, left: Json, right: Json, find_left: Find, find_right: Find) -> Iterator[Difference]:
    # Equal references are equal graphs: nothing below them is ever looked at.
    if _text(left) == _text(right):
        return
    pairs = _parts(path, left, right)
    if pairs is None and _is_reference(left) and _is_reference(right):
        yield from _in_configs(path, left, right, find_left, find_right)
    elif pairs is None:
        yield Difference(path, left, right)
    else:
        for step, ours, theirs in pairs:
            yield from _in_values(step, ours, theirs, find_left, find_right)


def _parts(path: str, left: Json, right: Json) -> list[tuple[str, Json, Json]] | None:
    """Two values piece by piece, with the path of each; None where they can only be compared whole."""
    if isinstance(left, list) and isinstance(right, list):
        longest = range(max(len(left), len(right)))
        return [(f"{path}[{index}]", _item(left, index), _item(right, index)) for index in longest]
    if not isinstance(left, dict) or not isinstance(right, dict):
        return None
    if "$tuple" in left and "$tuple" in right:
        return _parts(path, left["$tuple"], right["$tuple"])
    if "fields" in left and "fields" in right:
        ours, theirs = left["fields"], right["fields"]
        if {**left, "fields": None} != {**right, "fields": None}:
            return None  # of different classes
        return [(f"{path}.{key}", ours.get(key, ABSENT), theirs.get(key, ABSENT)) for key in _keys(ours, theirs)]
    if any(key.startswith("$") for key in (*left, *right)):
        return None
    return [(f"{path}[{key!r}]", left.get(key, ABSENT), right.get(key, ABSENT)) for key in _keys(left, right)]


def _keys(left: dict[str, Json], right: dict[str, Json]) -> list[str]:
    return list(dict.fromkeys([*left, *right]))


def _item(values: list[Json], index: int) -> Json:
    return values[index] if index < len(values) else ABSENT


def _is_reference(value: Json) -> bool:
    return isinstance(value, dict) and "$config" in value


def _in_configs(path: str, left: Json, right: Json, find_left: Find, find_right: Find) -> Iterator[Difference]:
    ours, theirs = find_left(left["$config"]), find_right(right["$config"])
    if ours is None or theirs is None:
        yield Difference(path, left, right)
        return
    for each in differences(ours, theirs, find_left, find_right):
        yield each._replace(path=f"{path}.{each.path}")


def _text(value: Json) -> str | None:
    return None if value is ABSENT else canonical_text(value)


def _show(value: Json) -> str:
    if value is ABSENT:
        return repr(value)
    text = canonical_text(value)
    return text if len(text) <= _SHOWN_CHARS else text[: _SHOWN_CHARS - 1] + "…"
