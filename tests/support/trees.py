"""A directory as a value, so that two moments can be compared."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


def tree(top: Path) -> dict[str, bytes]:
    """All files below `top`: bytes by name. Empty directories mean nothing to furu."""
    found = {}
    for directory, _, names in os.walk(top):
        for name in names:
            with open(f"{directory}/{name}", "rb") as file:
                found[os.path.relpath(f"{directory}/{name}", top)] = file.read()
    return found
