"""Arguments of executors: what they accept, and what the error says."""

from __future__ import annotations

import pickle
from typing import Any

import pytest

from furu.execution.scheduling.arguments import (
    FuruArgumentError,
    FuruArgumentTypeError,
    FuruArgumentValueError,
    check_count,
    check_limits,
    check_on_error,
    check_seconds,
    check_window_size,
)

WINDOWS = "window_size must be 'dfs' (one root at a time), 'bfs' (all roots) or a whole number of roots >= 1, not "


@pytest.mark.parametrize(
    ("check", "value", "expected"),
    [
        pytest.param(check_window_size, "dfs", 1, id="dfs is one root at a time"),
        pytest.param(check_window_size, "bfs", None, id="bfs is all"),
        pytest.param(check_window_size, 3, 3, id="three roots"),
        pytest.param(check_limits, None, {}, id="no limits"),
        pytest.param(check_limits, {"gpu": 1, "cpu": 8}, {"gpu": 1, "cpu": 8}, id="limits"),
        pytest.param(check_on_error, "stop", "stop", id="stop"),
        pytest.param(check_on_error, "continue", "continue", id="continue"),
    ],
)
def test_accepted(check: Any, value: object, expected: object) -> None:
    assert expected == check(value)


def test_counts_and_seconds_are_given_back() -> None:
    assert check_count(1, "max_workers") == 1
    assert check_count(0, "max_retries", at_least=0) == 0
    assert check_seconds(0, "poll_interval_sec") == 0.0
    assert check_seconds(2.5, "poll_interval_sec") == 2.5


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        pytest.param(True, TypeError, id="bool"),
        pytest.param(2.0, TypeError, id="float"),
        pytest.param(None, TypeError, id="None"),
        pytest.param(0, ValueError, id="zero"),
        pytest.param(-1, ValueError, id="negative"),
        pytest.param("depth", ValueError, id="unknown word"),
        pytest.param("", ValueError, id="empty"),
        pytest.param("3", ValueError, id="number as text"),
    ],
)
def test_window_sizes_refused(value: object, kind: type[Exception]) -> None:
    with pytest.raises(FuruArgumentError) as caught:
        check_window_size(value)
    assert isinstance(caught.value, kind)
    assert caught.value.message == WINDOWS + repr(value)


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        pytest.param(True, FuruArgumentTypeError, id="bool"),
        pytest.param(1.0, FuruArgumentTypeError, id="float"),
        pytest.param("4", FuruArgumentTypeError, id="text"),
        pytest.param(0, FuruArgumentValueError, id="zero"),
        pytest.param(-2, FuruArgumentValueError, id="negative"),
    ],
)
def test_counts_refused(value: object, kind: type[FuruArgumentError]) -> None:
    with pytest.raises(kind) as caught:
        check_count(value, "max_workers")
    assert str(caught.value) == f"max_workers must be a whole number >= 1, not {value!r}"
    assert (caught.value.argument, caught.value.value) == ("max_workers", value)


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        pytest.param(False, FuruArgumentTypeError, id="bool"),
        pytest.param("1", FuruArgumentTypeError, id="text"),
        pytest.param(-0.1, FuruArgumentValueError, id="negative"),
        pytest.param(float("inf"), FuruArgumentValueError, id="infinite"),
        pytest.param(float("nan"), FuruArgumentValueError, id="nan"),
    ],
)
def test_seconds_refused(value: object, kind: type[FuruArgumentError]) -> None:
    with pytest.raises(kind) as caught:
        check_seconds(value, "poll_interval_sec")
    assert str(caught.value) == f"poll_interval_sec must be a finite number >= 0, not {value!r}"


@pytest.mark.parametrize(
    ("value", "message"),
    [
        pytest.param(3, "limits must be a mapping of spec keys to whole numbers >= 1, not 3", id="no mapping"),
        pytest.param({1: 1}, "a key of limits must be a spec key (str), not 1", id="key of another type"),
        pytest.param({"": 1}, "a key of limits must be a spec key with at least one character, not ''", id="empty key"),
        pytest.param({"gpu": 0}, "limits['gpu'] must be a whole number >= 1, not 0", id="zero"),
        pytest.param({"gpu": True}, "limits['gpu'] must be a whole number >= 1, not True", id="bool"),
    ],
)
def test_limits_refused(value: object, message: str) -> None:
    with pytest.raises(FuruArgumentError) as caught:
        check_limits(value)
    assert str(caught.value) == message


@pytest.mark.parametrize(("value", "kind"), [("ignore", ValueError), (True, TypeError), (None, TypeError)])
def test_on_error_refused(value: object, kind: type[Exception]) -> None:
    with pytest.raises(FuruArgumentError) as caught:
        check_on_error(value)
    assert isinstance(caught.value, kind)
    assert "'stop' (start nothing new) or 'continue' (finish what can be finished)" in str(caught.value)


def test_errors_travel_between_processes() -> None:
    with pytest.raises(FuruArgumentValueError) as caught:
        check_count(0, "max_workers")
    again = pickle.loads(pickle.dumps(caught.value))
    assert (type(again), str(again), again.value) == (FuruArgumentValueError, str(caught.value), 0)
