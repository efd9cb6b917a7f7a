"""What a command shall work on: `package.module:Class field=value ...`. This is where user code is imported."""

from __future__ import annotations

import difflib
import importlib
import os
import sys
from typing import TYPE_CHECKING, Any

import click

from furu.cli.overrides import build, combinations, is_override
from furu.core.furu import Furu
from furu.errors import FuruError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from types import ModuleType

METAVAR = "TARGET [FIELD=VALUE]... [TARGET [FIELD=VALUE]...]..."

importing = click.option("--import", "modules", multiple=True, metavar="MODULE", help="Import this first.")
"""The option of commands that look at all stored configs, whose classes may have moved since."""


def read_targets(arguments: Sequence[str]) -> list[Furu[Any]]:
    """The configs that the arguments name: of a class, one for each combination of a sweep.

    A target may also be a config, a list of them, or a function without arguments that gives these.

    Raises:
        click.UsageError: a target can't be found.
        FuruConfigError: a field isn't there, or a value doesn't fit.
    """
    groups: list[tuple[str, list[str]]] = []
    for argument in arguments:
        if is_override(argument):
            if not groups:
                msg = f"{argument} comes before the class it is for: package.module:Class {argument}"
                raise click.UsageError(msg)
            groups[-1][1].append(argument)
        else:
            groups.append((argument, []))
    return [config for target, overrides in groups for config in _configs(target, overrides)]


def _configs(target: str, overrides: list[str]) -> list[Furu[Any]]:
    found = _find(target)
    if isinstance(found, type) and issubclass(found, Furu):
        return [build(found, given) for given in combinations(overrides)]
    if isinstance(found, Furu):
        return [build(type(found), given, found) for given in combinations(overrides)] if overrides else [found]
    if overrides:
        msg = f"{target} is no config class, so {overrides[0]} can't be said of it"
        raise click.UsageError(msg)
    made = found() if callable(found) and not isinstance(found, type) else found
    listed = [made] if isinstance(made, Furu) else list(made) if isinstance(made, list | tuple | set) else []
    if not listed or not all(isinstance(each, Furu) for each in listed):
        msg = f"{target} is a {type(made).__qualname__}, not a config class, a config, or a list of configs"
        raise click.UsageError(msg)
    return listed


def _find(target: str) -> Any:
    module_name, colon, name = target.partition(":")
    if not colon or not name:
        msg = f"{target!r} is no target: write package.module:Class"
        raise click.UsageError(msg)
    module = import_module(module_name)
    found: Any = module
    for part in name.split("."):
        if not hasattr(found, part):
            names = _class_names(module)
            near = difflib.get_close_matches(name, names, n=2)
            hint = f"; did you mean {' or '.join(near)}?" if near else ""
            msg = f"{module_name} has no {name}{hint} Its configs are: {', '.join(names) or 'none'}"
            raise click.UsageError(msg)
        found = getattr(found, part)
    return found


def _class_names(module: ModuleType) -> list[str]:
    members = [(name, each) for name, each in vars(module).items() if isinstance(each, type) and each is not Furu]
    return sorted(name for name, each in members if issubclass(each, Furu))


def import_module(name: str) -> ModuleType:
    """A module of the user's, also from the directory that the command was called in.

    Raises:
        click.UsageError: it can't be imported.
    """
    if os.getcwd() not in sys.path:
        sys.path.insert(0, os.getcwd())
    try:
        return importlib.import_module(name)
    except FuruError:
        raise
    except ModuleNotFoundError as error:
        if error.name is not None and (name == error.name or name.startswith(f"{error.name}.")):
            msg = f"there is no module {name!r}; looked in the directory {os.getcwd()} and in what is installed"
            raise click.UsageError(msg) from error
        msg = f"{name} can't be imported: {error}"
        raise click.UsageError(msg) from error
    except Exception as error:
        msg = f"{name} can't be imported: {type(error).__name__}: {error}"
        raise click.UsageError(msg) from error


def import_all(modules: Iterable[str], action: Callable[[], Any]) -> Any:
    """What `action` gives after the modules were imported, with the present directory on the path."""
    if os.getcwd() not in sys.path:
        sys.path.insert(0, os.getcwd())
    for name in modules:
        import_module(name)
    return action()
