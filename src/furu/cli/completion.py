"""What a shell may complete: targets, hashes and runs. Sources are read, never imported, and the index isn't refreshed.

A completion that can't be had is none: an error would be printed into the line that is being typed.
"""

from __future__ import annotations

import ast
import os
import re
from typing import TYPE_CHECKING, Final

from click.shell_completion import CompletionItem

from furu import config
from furu.errors import FuruError
from furu.execution.reporting.run_record import list_runs
from furu.index.search import query

if TYPE_CHECKING:
    import click

_MOST: Final = 100
_HEX: Final = re.compile(r"[0-9a-f]{1,32}")


def runs(_context: click.Context, _parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """The runs that begin with what was typed."""
    return _items(list_runs(config.root()), incomplete)


def hashes(_context: click.Context, _parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """The hashes that begin with what was typed, as the index knew last."""
    if not _HEX.fullmatch(incomplete):
        return []
    try:
        rows = query(f"hash:{incomplete}", limit=_MOST, is_fresh=False)
    except FuruError:
        return []
    return [CompletionItem(row.furu_hash, help=f"{row.class_name} {row.status.value}") for row in rows]


def targets(context: click.Context, _parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Modules below the present directory, then the classes of one."""
    module, colon, name = incomplete.rpartition(":")
    before: tuple[str, ...] = context.params.get("arguments") or ()
    if not colon and before[-1:] == (":",):
        # bash takes the colon for a word of its own, and completes what stands behind it.
        return _items(_classes(before[-2] if len(before) > 1 else ""), incomplete)
    if not colon and incomplete == ":":
        return []
    if colon:
        return [CompletionItem(f"{module}:{each}") for each in _classes(module) if each.startswith(name)]
    return _items(_modules(), incomplete)


def hashes_or_targets(context: click.Context, parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Either."""
    return hashes(context, parameter, incomplete) + targets(context, parameter, incomplete)


def _items(names: list[str], incomplete: str) -> list[CompletionItem]:
    return [CompletionItem(name) for name in names if name.startswith(incomplete)][:_MOST]


def _modules() -> list[str]:
    """Modules of the present directory and of its packages, one level deep."""
    found = []
    for entry in sorted(os.scandir("."), key=lambda each: each.name):
        if entry.name.endswith(".py"):
            found.append(entry.name[:-3])
        elif entry.name.isidentifier() and os.path.isfile(f"{entry.path}/__init__.py"):
            inside = sorted(name[:-3] for name in os.listdir(entry.path) if name.endswith(".py"))
            found += [entry.name, *(f"{entry.name}.{name}" for name in inside if name != "__init__")]
    return [name for name in found if all(part.isidentifier() for part in name.split("."))]


def _classes(module: str) -> list[str]:
    """Classes and functions of a module, by its source."""
    path = module.replace(".", "/")
    for file in (f"{path}.py", f"{path}/__init__.py"):
        try:
            with open(file, encoding="utf-8") as source:
                body = ast.parse(source.read()).body
        except (OSError, ValueError, SyntaxError):
            continue
        kinds = (ast.ClassDef, ast.FunctionDef)
        return sorted(each.name for each in body if isinstance(each, kinds) and not each.name.startswith("_"))
    return []
