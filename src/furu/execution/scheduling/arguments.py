"""Checks of what people pass to an executor: before any work, and naming the argument and what it accepts."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Final, Literal

from furu.errors import FuruError

if TYPE_CHECKING:
    from collections.abc import Iterable

WindowSize = Literal["dfs", "bfs"] | int
OnError = Literal["stop", "continue"]

_ROOTS_AT_ONCE: Final[Mapping[str, int | None]] = {"dfs": 1, "bfs": None}
_ON_ERROR: Final[tuple[OnError, ...]] = ("stop", "continue")


class FuruArgumentError(FuruError):
    """An argument of an executor is not what it accepts.

    Attributes:
        argument: its name.
        value: what was given.
    """

    def __init__(self, *, argument: str, value: object, accepts: str, hints: Iterable[str] = ()) -> None:
        super().__init__(f"{argument} must be {accepts}, not {value!r}", hints=hints)
        self.argument = argument
        self.value = value


class FuruArgumentTypeError(FuruArgumentError, TypeError):
    """An argument has a type that it does not accept."""


class FuruArgumentValueError(FuruArgumentError, ValueError):
    """An argument has the right type and a value that it does not accept."""


def check_window_size(value: object) -> int | None:
    """How many roots may be open at once, None for all.

    Raises:
        FuruArgumentTypeError: neither a str nor an int (a bool is none).
        FuruArgumentValueError: an unknown word, or less than 1.
    """
    accepts = "'dfs' (one root at a time), 'bfs' (all roots) or a whole number of roots >= 1"
    if isinstance(value, str):
        if value not in _ROOTS_AT_ONCE:
            raise FuruArgumentValueError(argument="window_size", value=value, accepts=accepts)
        return _ROOTS_AT_ONCE[value]
    return _checked(value, "window_size", at_least=1, accepts=accepts)


def check_count(value: object, argument: str, *, at_least: int = 1) -> int:
    """A whole number, `at_least` or more: `max_workers`, `max_workers_total`, a number of retries.

    Raises:
        FuruArgumentTypeError: no int (a bool is none).
        FuruArgumentValueError: too small.
    """
    return _checked(value, argument, at_least=at_least, accepts=f"a whole number >= {at_least}")


def check_seconds(value: object, argument: str) -> float:
    """A finite number of seconds, 0 or more.

    Raises:
        FuruArgumentTypeError: no number (a bool is none).
        FuruArgumentValueError: negative, infinite or nan.
    """
    accepts = "a finite number >= 0"
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise FuruArgumentTypeError(argument=argument, value=value, accepts=accepts)
    if not math.isfinite(value) or value < 0:
        raise FuruArgumentValueError(argument=argument, value=value, accepts=accepts)
    return float(value)


def check_limits(value: object, argument: str = "limits") -> dict[str, int]:
    """How many nodes of a spec key may run at once: `{"gpu": 1}`; None for no limits.

    Raises:
        FuruArgumentTypeError: no mapping of str to int.
        FuruArgumentValueError: an empty key, or a limit below 1 (nodes of that key could never run).
    """
    accepts = "a mapping of spec keys to whole numbers >= 1"
    if value is None:
        return {}
    if not isinstance(value, Mapping):
        raise FuruArgumentTypeError(argument=argument, value=value, accepts=accepts)
    limits = {}
    for key, limit in value.items():
        if not isinstance(key, str):
            raise FuruArgumentTypeError(argument=f"a key of {argument}", value=key, accepts="a spec key (str)")
        if not key:
            raise FuruArgumentValueError(
                argument=f"a key of {argument}", value=key, accepts="a spec key with at least one character"
            )
        limits[key] = check_count(limit, f"{argument}[{key!r}]")
    return limits


def check_on_error(value: object) -> OnError:
    """What a run does after the first failure.

    Raises:
        FuruArgumentTypeError: no str.
        FuruArgumentValueError: an unknown word.
    """
    accepts = "'stop' (start nothing new) or 'continue' (finish what can be finished)"
    if not isinstance(value, str):
        raise FuruArgumentTypeError(argument="on_error", value=value, accepts=accepts)
    for word in _ON_ERROR:
        if word == value:
            return word
    raise FuruArgumentValueError(argument="on_error", value=value, accepts=accepts)


def _checked(value: object, argument: str, *, at_least: int, accepts: str) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise FuruArgumentTypeError(argument=argument, value=value, accepts=accepts)
    if value < at_least:
        raise FuruArgumentValueError(argument=argument, value=value, accepts=accepts)
    return value
