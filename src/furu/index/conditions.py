"""Conditions of a query as SQL. Every value is a parameter; what is put into the text is chosen here, or a path."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

from furu.index.query import DURATIONS, FLAGS, duration_sec

if TYPE_CHECKING:
    from collections.abc import Sequence

    from furu.index.query import Condition, Query, Value

_LOWER: Final = "lower({}) LIKE ? ESCAPE '\\'"
_WORD_COLUMNS: Final = ("namespace", "hash", "error", "config", "tags", "note")


class Clause(NamedTuple):
    """A piece of SQL with the values of its question marks."""

    sql: str
    values: tuple[Any, ...] = ()


def where(query: Query, now: float) -> Clause:
    """All conditions.

    Args:
        query: what to look for.
        now: seconds since the epoch, for ages.
    """
    return _join([_clause(condition, now) for condition in query.conditions], "AND") or Clause("1")


def _clause(condition: Condition, now: float) -> Clause:
    if not condition.name:
        return _word(condition.values[0])
    if not condition.is_fact:
        return _field(condition)
    if condition.name in DURATIONS:
        sec = duration_sec(condition.values[0].text)
        if condition.name == "age":
            return Clause(f"(? - at) {condition.operator} ?", (now, sec))
        return Clause(f"took {condition.operator} ?", (sec,))
    return _negated(condition, [_fact(condition.name, condition.operator, value) for value in condition.values])


def _word(value: Value) -> Clause:
    pattern = _pattern(value.text)
    clauses = [Clause(_LOWER.format(column), (pattern,)) for column in _WORD_COLUMNS]
    return _join(clauses, "OR") or Clause("1")


def _fact(name: str, operator: str, value: Value) -> Clause:
    if name in FLAGS:
        return Clause(f"{name} = ?", (value.word == "true",))
    if name == "tag" and operator != "~":  # that there are any is what an index is on
        return Clause("(tags IS NOT NULL AND instr(tags, ?) > 0)", (f",{value.text},",))
    if name == "tag":
        name = "tags"
    if operator == "~" or name == "note":  # nobody remembers a note to the letter
        return Clause(_LOWER.format(name), (_pattern(value.text),))
    if name == "hash":
        return Clause("hash LIKE ? ESCAPE '\\'", (_escaped(value.text.lower()) + "%",))
    if name == "namespace":
        inside = _escaped(value.text) + "/%"
        return Clause("(namespace = ? OR namespace LIKE ? ESCAPE '\\')", (value.text, inside))
    if name == "error":  # by its class, with or without the module's name
        beginning = _escaped(value.text) + ":%"
        return Clause("(error LIKE ? ESCAPE '\\' OR error LIKE ? ESCAPE '\\')", (beginning, f"%.{beginning}"))
    return Clause(f"{name} = ?", (value.text,))


def _field(condition: Condition) -> Clause:
    path = quoted_path(condition.steps)
    clauses = [_compare(path, condition.operator, value) for value in condition.values]
    return _negated(condition, clauses, Clause(f"json_type(config, {path}) IS NOT NULL"))


def _negated(condition: Condition, clauses: list[Clause], presence: Clause | None = None) -> Clause:
    joined = _join(clauses, "OR") or Clause("0")
    if condition.operator != "!=":
        return joined
    negation = Clause(f"NOT coalesce({joined.sql}, 0)", joined.values)
    return negation if presence is None else _join([presence, negation], "AND") or negation


def _compare(path: str, operator: str, value: Value) -> Clause:
    """One comparison by the type of what is stored: numbers with numbers, text with text."""
    if operator == "~":
        return Clause(_LOWER.format(f"json_extract(config, {path})"), (_pattern(value.text),))
    sign = "=" if operator == "!=" else operator
    extracted = f"json_extract(config, {path})"
    text = Clause(f"(json_type(config, {path}) = 'text' AND {extracted} {sign} ?)", (value.text,))
    number, word = value.number, value.word
    if number is not None:
        is_number = f"json_type(config, {path}) IN ('integer', 'real')"
        same = Clause(f"({is_number} AND {extracted} {sign} ?)", (_bounded(number),))
        return _join([same, text], "OR") or text
    if word is not None and sign == "=":
        return _join([Clause(f"json_type(config, {path}) = ?", (word,)), text], "OR") or text
    return text


def _bounded(number: float) -> float:
    """SQLite's integers have 64 bits, and JSON's larger ones become floats in it."""
    return number if abs(number) < 1 << 63 else float(number)


def json_path(steps: Sequence[str | int]) -> str:
    """SQLite's way to name a place in JSON; names have no quotes in them, the query language sees to it."""
    return "$" + "".join(f"[{step}]" if isinstance(step, int) else f'."{step}"' for step in steps)


def quoted_path(steps: Sequence[str | int]) -> str:
    """The same as SQL text: SQLite uses an index on an expression only where it finds that very text."""
    return "'" + json_path(steps).replace("'", "''") + "'"


def _pattern(text: str) -> str:
    return f"%{_escaped(text.lower())}%"


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")


def _join(clauses: list[Clause], operator: str) -> Clause | None:
    if len(clauses) < 2:  # noqa: PLR2004 -- nothing to join
        return clauses[0] if clauses else None
    sql = f" {operator} ".join(clause.sql for clause in clauses)
    return Clause(f"({sql})", tuple(value for clause in clauses for value in clause.values))
