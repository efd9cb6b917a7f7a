"""Results that tests put in the place of computed ones."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from typing import Any, Final

from pydantic import BaseModel

from furu.config import is_using
from furu.core.furu import Furu
from furu.errors import FuruConfigError
from furu.lifecycle.overrides import overriding
from furu.testing.isolation import isolated_root

# `.name`, `[3]`, `[name]`, `["any.thing"]`; the first name goes without its dot.
_STEP: Final = re.compile(
    r"""(?P<dot>\.?)(?P<name>[^.\[\]'"]+)|\[(?P<key>[^\[\]'"]+)\]|\[(?P<quote>['"])(?P<text>.*?)(?P=quote)\]"""
)


@contextmanager
def override_results(results: Mapping[Furu[Any], Any]) -> Iterator[None]:
    """Inside a `with`, `get()` of these configs, and of equal ones, gives these values; `exists()` is True.

    In all threads of this process, and in both modes; other processes don't know of it. The values are given out as
    they are, neither copied nor stored. What is computed from them must not be taken for the real thing later: unless
    `furu_root`, `isolated_root()` or `furu.using(path=...)` is in force, a temporary store is, inside the `with`.

    Args:
        results: the value for each config.

    Raises:
        FuruConfigError: a key is not a config.
    """
    given: object = results
    if not isinstance(given, Mapping):
        raise FuruConfigError(
            f"results to override are given as {{config: value}}, not as a {type(given).__qualname__}"
        )
    keys: list[object] = list(results)
    wrong = [key for key in keys if not isinstance(key, Furu)]
    if wrong:
        msg = f"results can be overridden of configs only, not of {', '.join(map(repr, wrong))}"
        raise FuruConfigError(msg, issues=[(repr(key), "is no config") for key in wrong])
    by_hash = {config.furu_hash: value for config, value in results.items()}
    with ExitStack() as stack:
        if not is_using("path"):
            stack.enter_context(isolated_root())
        stack.enter_context(overriding(by_hash))
        yield


def override_results_for(config: Furu[Any], results: Mapping[str, Any]) -> AbstractContextManager[None]:
    """As `override_results()`, with configs named by their path from `config`.

    A path goes through fields, indices and keys: `"data.split"`, `"models[0]"`, `"members[low].data"`,
    `'members["a.b"]'`.

    Args:
        config: where the paths begin.
        results: the value for each path.

    Raises:
        FuruConfigError: names every path that leads to no config, and what there is instead; or two paths lead to
            the same config with different values.
    """
    found: dict[Furu[Any], tuple[str, Any]] = {}
    issues = []
    for path, value in results.items():
        try:
            target = _config_at(config, path)
        except LookupError as error:
            issues.append((path, str(error.args[0])))
            continue
        other, other_value = found.setdefault(target, (path, value))
        if other_value is not value:
            issues.append((path, f"is the same config as {other!r}, which has another value"))
    if issues:
        lines = (f"  {path!r}: {text}" for path, text in issues)
        msg = "\n".join([f"results below {type(config).__qualname__} can't be overridden:", *lines])
        raise FuruConfigError(msg, issues=issues)
    return override_results({target: value for target, (_, value) in found.items()})


def _config_at(config: Furu[Any], path: str) -> Furu[Any]:
    value: Any = config
    place = type(config).__qualname__
    for step, place_of_step in _steps(path):
        entries = _entries(value)
        if step not in entries:
            there = f"there are: {', '.join(entries)}" if entries else "there is nothing that a path can name"
            msg = f"{place}, a {type(value).__qualname__}, has no {step!r}; {there}"
            raise LookupError(msg)
        value, place = entries[step], place_of_step
    if isinstance(value, Furu):
        return value
    msg = f"is a {type(value).__qualname__}, not a config"
    raise LookupError(msg)


def _steps(path: str) -> list[tuple[str, str]]:
    """The names, indices and keys in a path, in order, each with the path that ends there."""
    steps: list[tuple[str, str]] = []
    end = 0
    while (match := _STEP.match(path, end)) and (match["name"] is None or bool(match["dot"]) == bool(steps)):
        end = match.end()
        steps.append((match["name"] or match["key"] or match["text"], path[:end]))
    if end < len(path) or not steps:
        msg = 'is not a path such as "data.split", "models[0]" or "members[low]"'
        raise LookupError(msg)
    return steps


def _entries(value: Any) -> dict[str, Any]:
    """What a path can name inside a value, by the text that names it."""
    if isinstance(value, Furu):
        return {field.name: getattr(value, field.name) for field in value.__furu_class__.fields}
    if isinstance(value, BaseModel):
        return dict(value)
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}
    if isinstance(value, Mapping):
        others = {str(key): item for key, item in value.items() if not isinstance(key, str)}
        return others | {key: item for key, item in value.items() if isinstance(key, str)}
    if isinstance(value, Sequence) and not isinstance(value, (str, bytes)):
        return {str(index): item for index, item in enumerate(value)}
    return {}
