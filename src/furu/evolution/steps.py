"""The steps of a migration: functions from the encoded fields of a stored config to those of the next shape. Pure.

Fields are what config.json holds: a name and canonical JSON for each. A step that can't be carried out on them raises
`StepRefused` with the reason; it never guesses.
"""

from __future__ import annotations

import abc
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, cast

from furu.errors import FuruError
from furu.identity.decode import decode
from furu.identity.dependencies import configs_in
from furu.identity.digest import encode_any
from furu.identity.encode import Json, canonical_text, class_path, encode
from furu.identity.fields import Config

Fields = Mapping[str, Json]
Configs = dict[str, Config]

_NAMED: Final = ("$enum", "$dataclass", "$model", "$namedtuple")


class StepRefused(FuruError):
    """A step doesn't fit the fields it was given; the message says why."""


class ValueRefused(StepRefused):
    """The fields have the right names, but a value isn't one that the step allows."""


class Step(abc.ABC):
    """One change of a config's fields."""

    @abc.abstractmethod
    def apply(self, fields: Fields, configs: Configs | None = None) -> dict[str, Json]:
        """The fields after the step; those given stay as they are.

        Args:
            fields: encoded values by name.
            configs: the configs that `$config` references in them stand for; a step that puts a config into a field
                adds it here.

        Raises:
            StepRefused: the fields are not what the step is for.
        """


@dataclass(frozen=True)
class Rename(Step):
    """The field `old` is called `new` now."""

    old: str
    new: str

    def apply(self, fields: Fields, configs: Configs | None = None) -> dict[str, Json]:  # noqa: ARG002
        _check_present(fields, self.old)
        _check_absent(fields, self.new)
        return {self.new if name == self.old else name: value for name, value in fields.items()}


@dataclass(frozen=True)
class Add(Step):
    """A new field, with the value that all results from before it were made with.

    Attributes:
        name: the field.
        value: any value a field can have; encoded as it is, so say `0.0` for a float.
    """

    name: str
    value: Any

    def apply(self, fields: Fields, configs: Configs | None = None) -> dict[str, Json]:
        _check_absent(fields, self.name)
        return {**fields, self.name: _encode(self.value, configs)}


@dataclass(frozen=True)
class Drop(Step):
    """A field is gone. Allowed only for results made with the one value that the code now takes for granted.

    Attributes:
        name: the field.
        only_if: that value, or a function that tells whether a value will do.
    """

    name: str
    only_if: Any

    def apply(self, fields: Fields, configs: Configs | None = None) -> dict[str, Json]:
        _check_present(fields, self.name)
        value = fields[self.name]
        if callable(self.only_if):
            is_fine = bool(_call(f"Drop({self.name!r})", self.only_if, value, configs))
            wanted = "its only_if() says no"
        else:
            expected = _encode(self.only_if, configs)
            is_fine = canonical_text(value) == canonical_text(expected)
            wanted = f"only {_show(expected)} may be dropped"
        if not is_fine:
            raise ValueRefused(f"{self.name!r} was {_show(value)}, and {wanted}: the result would mean something else")
        return {name: value for name, value in fields.items() if name != self.name}


@dataclass(frozen=True)
class Map(Step):
    """The values of a field are written otherwise now.

    Attributes:
        name: the field.
        values: new values by old ones, where an old value that isn't listed is refused; or a function.
    """

    name: str
    values: Mapping[Any, Any] | Callable[[Any], Any]

    def apply(self, fields: Fields, configs: Configs | None = None) -> dict[str, Json]:
        _check_present(fields, self.name)
        value = fields[self.name]
        if callable(self.values):
            return {**fields, self.name: _encode(_call(f"Map({self.name!r})", self.values, value, configs), configs)}
        text = canonical_text(value)
        for old, new in self.values.items():
            if canonical_text(_encode(old, configs)) == text:
                return {**fields, self.name: _encode(new, configs)}
        raise ValueRefused(f"{self.name!r} was {_show(value)}, which Map({self.name!r}) doesn't list")


@dataclass(frozen=True)
class Inside(Step):
    """Steps on the fields of a plain dataclass, model or named tuple that is the value of a field.

    Also through lists and tuples of such; None stays None.

    Attributes:
        name: the field of the config.
        steps: carried out on each such value.
    """

    name: str
    steps: Sequence[Step]

    def apply(self, fields: Fields, configs: Configs | None = None) -> dict[str, Json]:
        _check_present(fields, self.name)
        return {**fields, self.name: self._within(fields[self.name], configs)}

    def _within(self, value: Json, configs: Configs | None) -> Json:
        if value is None:
            return None
        if isinstance(value, list):
            return [self._within(item, configs) for item in value]
        if isinstance(value, dict) and "$tuple" in value:
            return {"$tuple": self._within(value["$tuple"], configs)}
        if isinstance(value, dict) and isinstance(value.get("fields"), dict):
            return {**value, "fields": apply_all(self.steps, value["fields"], configs)}
        raise StepRefused(f"{self.name!r} is {_show(value)}, which has no fields")


@dataclass(frozen=True)
class MovedType(Step):
    """A plain class (an enum, dataclass, model or named tuple) whose instances are in fields was renamed or moved.

    Attributes:
        old: `module:Class` or `module.Class`, as it was.
        new: the class.
    """

    old: str
    new: type

    def apply(self, fields: Fields, configs: Configs | None = None) -> dict[str, Json]:  # noqa: ARG002
        return cast("dict[str, Json]", self._renamed(dict(fields)))

    def _renamed(self, value: Json) -> Json:
        if isinstance(value, list):
            return [self._renamed(item) for item in value]
        if not isinstance(value, dict):
            return value
        renamed = {key: self._renamed(item) for key, item in value.items()}
        for tag in _NAMED:
            if isinstance(path := value.get(tag), str) and path.replace(":", ".") == self.old.replace(":", "."):
                renamed[tag] = class_path(self.new)
        return renamed


def apply_all(steps: Iterable[Step], fields: Fields, configs: Configs | None = None) -> dict[str, Json]:
    """All steps, in order.

    Raises:
        StepRefused: one of them doesn't fit.
    """
    current = dict(fields)
    for step in steps:
        current = step.apply(current, configs)
    return current


def _encode(value: object, configs: Configs | None) -> Json:
    encoded = encode_any(value)
    if configs is not None:
        configs.update((encode(each)["$config"], each) for each in configs_in(value))
    return encoded


def _call(name: str, function: Callable[[Any], Any], value: Json, configs: Configs | None) -> Any:
    try:
        return function(decode(value, configs))
    except Exception as error:
        raise ValueRefused(f"{name} on {_show(value)}: {type(error).__name__}: {error}") from error


def _check_present(fields: Fields, name: str) -> None:
    if name not in fields:
        raise StepRefused(f"has no field {name!r}; its fields are: {_names(fields)}")


def _check_absent(fields: Fields, name: str) -> None:
    if name in fields:
        raise StepRefused(f"has a field {name!r} already; its fields are: {_names(fields)}")


def _names(fields: Fields) -> str:
    return ", ".join(sorted(fields)) or "none"


def _show(value: Json, limit: int = 80) -> str:
    text = canonical_text(value)
    return text if len(text) <= limit else text[: limit - 1] + "…"
