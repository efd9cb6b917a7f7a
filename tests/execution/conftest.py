"""Nodes behave well until a test tells them otherwise; processes that share the test's store."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.support import graphs
from tests.support.scripts import Script

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path


@pytest.fixture(autouse=True)
def no_orders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Also a directory for what nodes in other processes note."""
    monkeypatch.setenv("DEEDS", str(tmp_path))
    monkeypatch.setenv("FURU_LOG_LEVEL", "ERROR")
    graphs.forget()
    yield
    graphs.forget()


@pytest.fixture
def start() -> Iterator[Callable[..., Script]]:
    """Starts a process on Python source that may use everything in `deeds`; environment variables by keyword."""
    scripts = []

    def start(source: str, **environment: str) -> Script:
        lines = "import furu\nfrom furu.execution import *\nfrom tests.support.deeds import *\n" + source
        scripts.append(Script(lines, **environment))
        return scripts[-1]

    yield start
    for script in scripts:
        script.close()
