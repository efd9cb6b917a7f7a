"""For all tests: how hard hypothesis looks, a store of each test's own, and what configs of `tests.support` noted."""

from __future__ import annotations

import os
import signal
from typing import TYPE_CHECKING

import pytest

from tests import hypothesis_profiles
from tests.support import computed

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

hypothesis_profiles.register()

# A shell that starts the tests in the background has them ignore Ctrl-C, and so would every process they start.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Tests on the cluster first: they all go to one worker, and the others have enough to do meanwhile."""
    items.sort(key=lambda item: item.get_closest_marker("slurm") is None)


@pytest.fixture(autouse=True)
def own_store(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A root of the test's own, set by the environment, so that processes which a test starts share it."""
    for name in [name for name in os.environ if name.startswith("FURU_") and not name.startswith("FURU_TEST_")]:
        monkeypatch.delenv(name)
    root = tmp_path_factory.mktemp("store", numbered=True)
    monkeypatch.setenv("FURU_PATH", str(root))
    monkeypatch.setenv("FURU_RECORD_GIT", "ignore")
    monkeypatch.setenv("FURU_FSYNC", "0")
    return root


@pytest.fixture
def notes() -> Iterator[list[str]]:
    """What configs of `tests.support.computed` did in this process, a line each; behave well until told otherwise."""
    computed.forget()
    yield computed.NOTES
    computed.forget()
