"""What all tests of evolution need: the notes of their configs, and the store as bytes."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable


@pytest.fixture(autouse=True)
def _noted(notes: list[str]) -> None:
    """Nothing was computed yet."""


@pytest.fixture
def tree(own_store: Path) -> Callable[[], dict[str, bytes | None]]:
    """Everything below `data/`: bytes by name; None for a directory."""
    top = own_store / "data"
    return lambda: {
        str(path.relative_to(top)): path.read_bytes() if path.is_file() else None for path in sorted(top.rglob("*"))
    }
