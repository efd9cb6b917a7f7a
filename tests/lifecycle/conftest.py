"""A store that isn't there yet, and processes that share it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.support.scripts import Script

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path


@pytest.fixture(autouse=True)
def store(own_store: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The root, for this process and for those that it starts; nothing is there yet. No wait is for ever."""
    monkeypatch.setenv("FURU_MAX_WAIT_SECS", "25")
    monkeypatch.setenv("FURU_PATH", str(own_store / "store"))
    return own_store / "store"


@pytest.fixture
def start() -> Iterator[Callable[..., Script]]:
    """Starts a process on Python source that may use everything in `steps`; environment variables by keyword."""
    scripts = []

    def start(source: str, **environment: str) -> Script:
        lines = "import furu, signal, threading\nfrom tests.lifecycle.steps import *\n" + source
        scripts.append(Script(lines, **environment))
        return scripts[-1]

    yield start
    for script in scripts:
        script.close()
