"""A user's project in a directory of its own: modules that are written, imported, edited and imported again."""

from __future__ import annotations

import importlib
import sys
import textwrap
from importlib.util import cache_from_source
from pathlib import Path
from typing import TYPE_CHECKING

from furu.lifecycle import defaults
from furu.storage import code

if TYPE_CHECKING:
    from types import ModuleType


class Project:
    """Modules below a directory on `sys.path`; every `write` is like a new process with the edited files."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._names: set[str] = set()

    def write(self, **modules: str) -> None:
        """Write modules (`package__module` for one in a package) and forget what was imported of the project."""
        for name, source in modules.items():
            path = self._directory.joinpath(*name.split("__")).with_suffix(".py")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(textwrap.dedent(source))
            # Python takes the bytecode of a file for current that has the old one's size and second.
            Path(cache_from_source(path)).unlink(missing_ok=True)
            self._names.add(name.split("__")[0])
        self.forget()

    def load(self, name: str) -> ModuleType:
        """Import one of the modules."""
        return importlib.import_module(name)

    def forget(self) -> None:
        """As if the process were new: for imports, and for sources that were read."""
        for name in [name for name in sys.modules if name.split(".")[0] in self._names]:
            del sys.modules[name]
        importlib.invalidate_caches()
        code.forget_sources()
        defaults.forget_checked()
