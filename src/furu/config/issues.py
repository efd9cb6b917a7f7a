"""The text of a bad setting: where it was said, its value, and what is accepted."""

from __future__ import annotations

import os
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any

from furu.config.project import TABLE, read_project_table
from furu.config.variables import VARIABLES
from furu.errors import FuruSettingsError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pydantic import ValidationError


def describe_validation(error: ValidationError, overrides: Mapping[str, Any]) -> FuruSettingsError:
    """Every field that `error` complains about, in one error."""
    issues: dict[str, str] = {}
    for detail in error.errors(include_url=False):
        if detail["type"] != "default_factory_not_called":  # follows from another field's issue
            issues.setdefault(str(detail["loc"][0]), _describe_problem(detail))
    return describe_issues(issues, overrides)


def describe_issues(issues: Mapping[str, str], overrides: Mapping[str, Any]) -> FuruSettingsError:
    """One error for `issues`, field -> what is wrong with it."""
    order = [*VARIABLES, *sorted(issues.keys() - VARIABLES.keys())]
    places = {field: _find_place(field, overrides) for field in order if field in issues}
    lines = [f"{said}: {issues[field]}" for field, (_, said) in places.items()]
    message = lines[0] if len(lines) == 1 else "\n  ".join([f"{len(lines)} settings can't be used:", *lines])
    return FuruSettingsError(message, variable=", ".join(name for name, _ in places.values()))


def _describe_problem(detail: Any) -> str:
    field = str(detail["loc"][0])
    if field not in VARIABLES:
        close = get_close_matches(field, VARIABLES, n=1)
        suggestion = f"; did you mean {close[0]}?" if close else "."
        return f"there is no such setting{suggestion} There are {', '.join(VARIABLES)}"
    reason = f"{detail['ctx']['error']}; " if detail["type"] == "value_error" else ""
    return f"{reason}expected {VARIABLES[field].accepts}"


def _find_place(field: str, overrides: Mapping[str, Any]) -> tuple[str, str]:
    """The name under which `field` was said, and that name with its value, as the user wrote them."""
    if field in overrides:
        return field, f"{field}={overrides[field]!r} in furu.configure() or furu.using()"
    variable = VARIABLES[field].name if field in VARIABLES else ""
    if raw := os.environ.get(variable, "").strip():
        return variable, f"{variable}={raw!r}"
    return f"{TABLE} {field}", f"{TABLE} {field} = {read_project_table().get(field)!r}"
