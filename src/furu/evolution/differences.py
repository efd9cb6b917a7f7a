"""Which field paths differ between two configs, in nested configs too; by their documents, without their classes."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from furu.identity.decode import encode_graph
from furu.identity.encode import canonical_text
from furu.identity.fields import check_config

if TYPE_CHECKING:
    from collections.abc import Iterator

    from furu.identity.encode import Json
    from furu.identity.fields import Config

Find = Callable[[str], dict[str, Any] | None]

_Pair = tuple[str, Any, Any]  # a path and what is there on each side

_SHOWN_CHARS: Final = 60
_MOST_REPEATS: Final = 200


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
    check_config(left, "left")
    check_config(right, "right")
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
    return _Comparison(find_left, find_right).of_configs(left, right)


class _Comparison:
    """One walk over two documents: with a stack of its own, since a chain of configs may be longer than Python's.

    Configs that are shared would be compared once for each way that leads to them. That is what people want to see,
    until there are very many: then a pair that was compared before is one difference, as a whole.
    """

    def __init__(self, find_left: Find, find_right: Find) -> None:
        self._find_left = find_left
        self._find_right = find_right
        self._compared: set[tuple[str, str]] = set()
        self._repeats_left = _MOST_REPEATS

    def of_configs(self, left: dict[str, Any], right: dict[str, Any]) -> Iterator[Difference]:
        found, waiting = _in_documents("", left, right)
        yield from found
        while waiting:
            path, ours, theirs = waiting.pop()
            # Equal references are equal graphs: nothing below them is ever looked at.
            if _text(ours) == _text(theirs):
                continue
            pairs = _parts(path, ours, theirs)
            if pairs is not None:
                waiting.extend(reversed(pairs))
            elif (documents := self._documents(ours, theirs)) is None:
                yield Difference(path, ours, theirs)
            else:
                found, below = _in_documents(f"{path}.", *documents)
                yield from found
                waiting.extend(below)

    def _documents(self, left: Json, right: Json) -> tuple[dict[str, Any], dict[str, Any]] | None:
        """What two references stand for; None where they can only be compared whole."""
        if not _is_reference(left) or not _is_reference(right):
            return None
        pair = (left["$config"], right["$config"])
        if pair in self._compared:
            if not self._repeats_left:
                return None
            self._repeats_left -= 1
        self._compared.add(pair)
        ours, theirs = self._find_left(pair[0]), self._find_right(pair[1])
        return None if ours is None or theirs is None else (ours, theirs)


def _in_documents(prefix: str, left: dict[str, Any], right: dict[str, Any]) -> tuple[list[Difference], list[_Pair]]:
    """What two documents differ in by themselves, and their fields, the last one first."""
    if left["namespace"] != right["namespace"]:
        return [Difference(f"{prefix}class", left["namespace"], right["namespace"])], []
    found = []
    if left.get("version") != right.get("version"):
        found.append(Difference(f"{prefix}version", left.get("version"), right.get("version")))
    ours, theirs = left["fields"], right["fields"]
    names = reversed(_keys(ours, theirs))
    return found, [(f"{prefix}{name}", ours.get(name, ABSENT), theirs.get(name, ABSENT)) for name in names]


def _parts(path: str, left: Json, right: Json) -> list[_Pair] | None:
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


def _text(value: Json) -> str | None:
    return None if value is ABSENT else canonical_text(value)


def _show(value: Json) -> str:
    if value is ABSENT:
        return repr(value)
    text = canonical_text(value)
    return text if len(text) <= _SHOWN_CHARS else text[: _SHOWN_CHARS - 1] + "…"
