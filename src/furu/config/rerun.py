"""Entries of `always_rerun`: what they look like, and which class they mean."""

from __future__ import annotations

import importlib
import importlib.util
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterable

ALL: Final = "ALL"


def parse_always_rerun(value: str | Iterable[str]) -> frozenset[str]:
    """`"module.Class,module.Other"`, or the entries themselves, as a set; `ALL` in any case becomes `"ALL"`.

    Raises:
        ValueError: an entry isn't of that form, or ALL doesn't stand alone; names every bad one.
    """
    entries = [entry.strip() for entry in (value.split(",") if isinstance(value, str) else value)]
    entries = [ALL if entry.upper() == ALL else entry for entry in entries if entry]
    if ALL in entries and set(entries) != {ALL}:
        raise ValueError("ALL stands alone, or leave it out and name the classes")
    if malformed := [entry for entry in entries if entry != ALL and not _is_class_path(entry)]:
        raise ValueError(f"{', '.join(map(repr, malformed))} isn't of the form module.Class")
    return frozenset(entries)


def _is_class_path(entry: str) -> bool:
    parts = entry.split(".")
    return len(parts) > 1 and all(part.isidentifier() for part in parts)


def find_class(entry: str) -> type[Any]:
    """The class that `module.Class` or `module.Outer.Class` names; imports the module.

    Raises:
        LookupError: there is no such module, or no such class in it.
        ImportError: the module is there and can't be imported.
    """
    parts = entry.split(".")
    module_parts = _split_module(parts)
    if not module_parts:
        raise LookupError(f"there is no module {parts[0]!r}")
    found: Any = importlib.import_module(".".join(module_parts))
    for name in parts[len(module_parts) :]:
        if not hasattr(found, name):
            raise LookupError(f"{getattr(found, '__name__', found)!r} has no {name!r}")
        found = getattr(found, name)
    if not isinstance(found, type):
        raise LookupError("it is not a class")  # noqa: TRY004 - the entry is at fault, not an argument
    return found


def _split_module(parts: list[str]) -> list[str]:
    """The longest beginning of `parts` that is a module, leaving one part for the class."""
    module: list[str] = []
    for part in parts[:-1]:
        try:
            if importlib.util.find_spec(".".join([*module, part])) is None:
                break
        except ModuleNotFoundError:  # the last part found is a plain module: what follows are classes
            break
        except ValueError:  # __main__ of a script has no spec, and is imported already
            pass
        module.append(part)
    return module
