"""The query language of `furu ls`, `furu.query()` and whatever else lists artifacts.

    lr=3e-4 data.vocab>=16000 status:failed class:Train words

Conditions stand side by side and all must hold. A field of a config is compared by `= != < <= > >= ~`, a fact about the
artifact by the same or by `:`, which means `=`. Several values with commas between them mean any of them. A bare word
is looked for in class, hash, config, error, tags and note.
"""

from __future__ import annotations

import difflib
import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, NamedTuple

from furu.errors import FuruError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

DURATIONS: Final = ("age", "took")
FLAGS: Final = ("pinned",)
FACTS: Final = (
    *("class", "status", "hash", "namespace", "version", "host", "user", "backend", "error", "tag", "note"),
    *FLAGS,
    *DURATIONS,
)
"""What can be asked about an artifact beside the fields of its config."""

_CONFIG: Final = "config."
_OPERATORS: Final = ("!=", "<=", ">=", "=", "<", ">", "~", ":")
_NAME: Final = re.compile(r"[A-Za-z_][\w-]*(?:\.[\w-]+|\[\d{1,9}\])*")
_OPERATOR: Final = re.compile("|".join(map(re.escape, _OPERATORS)))
_VALUE: Final = re.compile(r'"(?:[^"\\]|\\.)*"|\'[^\']*\'|[^\s,"\']+')
_NUMBER: Final = re.compile(r"[+-]?(\d[\d_]*\.?\d*|\.\d+)([eE][+-]?\d+)?")
_INTEGER: Final = re.compile(r"[+-]?\d{1,100}")  # longer ones are compared as floats anyway
_DURATION: Final = re.compile(r"(?P<number>\d+(\.\d+)?)(?P<unit>s|m|h|d|w)?")
_SEC: Final = {"s": 1, None: 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}
_STEP: Final = re.compile(r"\.?([\w-]+)|\[(\d+)\]")

# SQLite refuses deep expressions and long patterns; nobody types as much.
_MAX_CHARS: Final = 10_000
_MAX_CONDITIONS: Final = 100
_MAX_VALUES: Final = 200


class FuruQueryError(FuruError, ValueError):
    """A query can't be understood.

    Attributes:
        query: as it was given.
        position: where the trouble begins, from 0.
    """

    def __init__(self, message: str, *, query: str, position: int, hints: Iterable[str] = ()) -> None:
        super().__init__(f"{message}\n  {query}\n  {' ' * position}^", hints=hints)
        self.query, self.position = query, position


class Value(NamedTuple):
    """A value as it was written.

    Attributes:
        text: without its quotes.
        is_quoted: it is text, whatever it looks like.
    """

    text: str
    is_quoted: bool = False

    @property
    def number(self) -> int | float | None:
        """The number it stands for; None for anything else."""
        if self.is_quoted or not _NUMBER.fullmatch(self.text):
            return None
        digits = self.text.replace("_", "")
        return int(digits) if _INTEGER.fullmatch(digits) else float(digits)

    @property
    def word(self) -> str | None:
        """`true`, `false` or `null` if it stands for one of these."""
        word = None if self.is_quoted else self.text.lower()
        return "null" if word == "none" else word if word in ("true", "false", "null") else None


@dataclass(frozen=True)
class Condition:
    """One condition.

    Attributes:
        name: of a fact, or the path of a field; empty for a bare word.
        is_fact: it is a fact.
        operator: one of `= != < <= > >= ~`.
        values: any of them; only one for an order.
        position: where it begins in the query.
    """

    name: str
    is_fact: bool
    operator: str
    values: tuple[Value, ...]
    position: int

    @property
    def steps(self) -> tuple[str | int, ...]:
        """A field's path: names, and positions in lists."""
        return tuple(
            match[1] if match[1] is not None else int(match[2])
            for match in _STEP.finditer(self.name.removeprefix(_CONFIG) if self.name.startswith(_CONFIG) else self.name)
        )


@dataclass(frozen=True)
class Query:
    """Conditions that must all hold.

    Attributes:
        text: what was parsed.
        conditions: in the order of the text.
    """

    text: str = ""
    conditions: tuple[Condition, ...] = ()


def parse(text: str) -> Query:
    """The query that `text` says.

    Raises:
        FuruQueryError: it says none; shows where, and what would be right.
    """
    if len(text) > _MAX_CHARS:
        raise FuruQueryError(f"more than {_MAX_CHARS} characters", query=text[:80] + "…", position=80)
    conditions: list[Condition] = []
    position = 0
    while position < len(text):
        if text[position].isspace():
            position += 1
            continue
        if len(conditions) == _MAX_CONDITIONS:
            raise FuruQueryError(f"more than {_MAX_CONDITIONS} conditions", query=text, position=position)
        condition, position = _condition(text, position)
        conditions.append(condition)
    return Query(text, tuple(conditions))


def parse_all(texts: Sequence[str]) -> Query:
    """The query that several pieces say together, as a command line gives them."""
    return parse(" ".join(texts))


def duration_sec(text: str) -> float | None:
    """Seconds of `90`, `10m`, `2h`, `3d`, `1w`; None for anything else."""
    match = _DURATION.fullmatch(text)
    return float(match["number"]) * _SEC[match["unit"]] if match else None


def unknown_field(query: Query, condition: Condition, known: Iterable[str]) -> FuruQueryError:
    """The error for a field that no stored config has."""
    names = sorted(known)
    near = difflib.get_close_matches(condition.name.removeprefix(_CONFIG), names, n=3)
    last = condition.name.rpartition(".")[2]
    alike = set(difflib.get_close_matches(last, {name.rpartition(".")[2] for name in names}, n=2))
    near += [name for name in names if name.rpartition(".")[2] in alike and name not in near]
    hints = [f"did you mean {' or '.join(near[:4])}?"] if near else []
    hints.append(f"fields are: {', '.join(names[:40])}{', …' if len(names) > 40 else ''}")  # noqa: PLR2004
    message = f"no stored config has a field {condition.name!r}"
    return FuruQueryError(message, query=query.text, position=condition.position, hints=hints)


def _condition(text: str, start: int) -> tuple[Condition, int]:
    name = _NAME.match(text, start)
    operator = _OPERATOR.match(text, name.end()) if name else None
    if name is None or operator is None:
        return _word(text, start)
    values, end = _values(text, operator.end())
    is_fact = name[0] in FACTS
    if operator[0] == ":" and not is_fact:
        raise _no_fact(text, name[0], start, values)
    condition = Condition(name[0], is_fact, "=" if operator[0] == ":" else operator[0], values, start)
    _check(text, condition, operator.end())
    return condition, end


def _word(text: str, start: int) -> tuple[Condition, int]:
    value = _VALUE.match(text, start)
    if value is None or _OPERATOR.match(text, start):
        message = "a quote is not closed" if text[start] in "\"'" else "a condition can't begin here"
        hints = ["a condition is name=value, without spaces"]
        raise FuruQueryError(message, query=text, position=start, hints=hints)
    end = value.end()
    if end < len(text) and not text[end].isspace():
        hints = ["a condition is name=value, without spaces; put text with signs in it into quotes"]
        raise FuruQueryError("a word ends here, and no other begins", query=text, position=end, hints=hints)
    return Condition("", is_fact=False, operator="~", values=(_unquoted(value[0]),), position=start), end


def _values(text: str, start: int) -> tuple[tuple[Value, ...], int]:
    values: list[Value] = []
    position = start
    while True:
        if len(values) == _MAX_VALUES:
            raise FuruQueryError(f"more than {_MAX_VALUES} values", query=text, position=position)
        match = _VALUE.match(text, position)
        if match is None:
            is_open = position < len(text) and text[position] in "\"'"
            message = "a quote is not closed" if is_open else "a value is missing"
            raise FuruQueryError(message, query=text, position=position, hints=["there are no spaces around operators"])
        values.append(_unquoted(match[0]))
        position = match.end()
        if position == len(text) or text[position].isspace():
            return tuple(values), position
        if text[position] != ",":
            hints = ['text with quotes or commas in it goes into quotes: name="a, b"']
            raise FuruQueryError("a value ends here", query=text, position=position, hints=hints)
        position += 1


def _unquoted(text: str) -> Value:
    if text[0] == "'":
        return Value(text[1:-1], is_quoted=True)
    if text[0] != '"':
        return Value(text)
    try:
        return Value(json.loads(text), is_quoted=True)
    except ValueError:
        return Value(text[1:-1], is_quoted=True)


def _no_fact(text: str, name: str, position: int, values: tuple[Value, ...]) -> FuruQueryError:
    near = difflib.get_close_matches(name, FACTS, n=1)
    hints = [f"did you mean {near[0]}:{values[0].text}?"] if near else []
    hints += [f"a field is compared with =, as {name}={values[0].text}", f"facts are: {', '.join(FACTS)}"]
    return FuruQueryError(f"{name!r} is no fact about an artifact", query=text, position=position, hints=hints)


def _check(text: str, condition: Condition, at: int) -> None:
    is_order = condition.operator in ("<", "<=", ">", ">=")
    if is_order and len(condition.values) > 1:
        raise FuruQueryError(f"{condition.operator} takes one value", query=text, position=at)
    if not condition.is_fact:
        return
    if condition.name in DURATIONS:
        if not is_order or duration_sec(condition.values[0].text) is None:
            hints = [f"as {condition.name}>10m, in s, m, h, d or w"]
            raise FuruQueryError(f"{condition.name} is compared with a duration", query=text, position=at, hints=hints)
    elif condition.name in FLAGS and any(value.word not in ("true", "false") for value in condition.values):
        hints = [f"as {condition.name}:true", f"a field of that name is config.{condition.name}"]
        raise FuruQueryError(f"{condition.name} is true or false", query=text, position=at, hints=hints)
    elif is_order:
        hints = [f"as {condition.name}:{condition.values[0].text}", f"a field of that name is config.{condition.name}"]
        raise FuruQueryError(f"{condition.name} has no order", query=text, position=at, hints=hints)


def check_statuses(query: Query, known: Sequence[str]) -> None:
    """Refuse statuses that there are none of.

    Raises:
        FuruQueryError: names the right ones.
    """
    for condition in query.conditions:
        if condition.is_fact and condition.name == "status" and condition.operator != "~":
            wrong = [value.text for value in condition.values if value.text not in known]
            if wrong:
                hints = [f"statuses are: {', '.join(known)}", "a field of that name is config.status"]
                message = f"{wrong[0]!r} is no status"
                raise FuruQueryError(message, query=query.text, position=condition.position, hints=hints)
