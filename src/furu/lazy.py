"""Names of a package that are loaded when they are first used, so that importing it costs little."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


def load_from(module: str, homes: Mapping[str, str]) -> Callable[[str], Any]:
    """The `__getattr__` of a module whose names live elsewhere.

    Args:
        module: its `__name__`.
        homes: for each name the module that has it.
    """

    def load(name: str) -> Any:
        try:
            home = homes[name]
        except KeyError:
            msg = f"module {module!r} has no attribute {name!r}"
            raise AttributeError(msg) from None
        return getattr(importlib.import_module(home), name)

    return load
