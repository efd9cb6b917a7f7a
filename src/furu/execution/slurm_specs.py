"""Resources as a project writes them: `[tool.furu.slurm.<spec key>]` of pyproject.toml, and `--spec` of `furu run`."""

from __future__ import annotations

import dataclasses
import difflib
import re
from typing import TYPE_CHECKING, Any, Final

from furu.config.project import read_slurm_tables
from furu.errors import FuruConfigError
from furu.execution.slurm_spec import SlurmSpec

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

_FIELDS: Final = tuple(sorted(field.name for field in dataclasses.fields(SlurmSpec)))
_PREFIX: Final = "slurm_"
# `gpu=partition:gpu,gpus:1`, and the other way round for who guesses so.
_OPTION: Final = re.compile(r"(?P<key>[^=:,]+)[=:](?P<items>.+)")
_ITEM: Final = re.compile(r"(?P<name>[^=:,]+)[=:](?P<value>[^,]+)")
_EXAMPLE: Final = "gpu=partition:gpu,gpus:1,time_min:240"


def project_specs(options: Iterable[str] = ()) -> dict[str, SlurmSpec]:
    """The specs of the project around the present directory, for `submit_slurm_dag` and `run_slurm_pool`.

    Args:
        options: more, each as `--spec` takes it: `"gpu=partition:gpu,gpus:1"`. Values said here win over the table's of
            the same spec key, one by one.

    Raises:
        FuruConfigError: (a `ValueError`) names every name and value that can't be used, and where it stands.
        FuruSettingsError: pyproject.toml can't be read.
    """
    tables = read_slurm_tables()
    places = {key: f"[tool.furu.slurm.{key}]" for key in tables}
    for text in options:
        key, values = _parse(text)
        tables.setdefault(key, {}).update(values)
        places[key] = f"{places[key]} and --spec {text}" if key in places else f"--spec {text}"
    issues: list[tuple[str, str]] = []
    specs = {}
    for key, table in tables.items():
        try:
            specs[key] = _spec(table)
        except FuruConfigError as error:
            issues.extend((f"{places[key]}: {field}", text) for field, text in error.issues)
    if issues:
        message = "\n  ".join(["resources can't be used:", *(f"{place}: {text}" for place, text in issues)])
        raise FuruConfigError(message, issues=issues)
    return specs


def _parse(text: str) -> tuple[str, dict[str, Any]]:
    match = _OPTION.fullmatch(text)
    items = [(item, _ITEM.fullmatch(item)) for item in match["items"].split(",")] if match else []
    values = {found["name"].strip(): _value(found["value"]) for _, found in items if found}
    wrong = [item for item, found in items if not found]
    if match is None or wrong:
        what = f"{wrong[0]!r} is no name with a value" if wrong else "there is no spec key with names and values"
        issue = ("--spec", f"{what} in {text!r}")
        raise FuruConfigError(f"--spec {text}: {what}; write it as {_EXAMPLE}", issues=[issue])
    return match["key"].strip(), values


def _value(text: str) -> int | float | str:
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return text.strip()


def _spec(table: Mapping[str, Any]) -> SlurmSpec:
    """The spec of a table; parameters of submitit that stand among its own go into `extra`."""
    if issues := list(_name_issues(table)):
        raise FuruConfigError("", issues=issues)
    own = {name: value for name, value in table.items() if name in _FIELDS}
    more = {name: value for name, value in table.items() if name not in _FIELDS}
    extra = own.get("extra", {})
    if more and isinstance(extra, dict):
        own["extra"] = {**extra, **more}
    return SlurmSpec(**own)


def _name_issues(table: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for name in table:
        if name in _FIELDS or name.startswith(_PREFIX):
            continue
        near = [each for each in _FIELDS if each.startswith(name) or name.startswith(each)]
        near = near or difflib.get_close_matches(name, _FIELDS, n=1)
        hint = f"did you mean {near[0]}? " if near else f"did you mean {_PREFIX}{name}? "
        yield name, f"unknown; {hint}Names are: {', '.join(_FIELDS)}, and {_PREFIX}... as submitit has them"
