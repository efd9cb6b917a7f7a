"""Stores that nobody computed, and their dashboards: one for each test, or one for all that only look."""

from __future__ import annotations

import pytest

from tests.support.serving import served
from tests.support.stored import Stored, config


def pytest_configure(config):
    # Only the topmost conftest may name plugins, and this is not it.
    config.pluginmanager.import_plugin("schemathesis.pytest.plugin")


@pytest.fixture(scope="session")
def index_directory(tmp_path_factory):
    # For the whole run: servers of several tests watch between these, too.
    directory = str(tmp_path_factory.mktemp("index"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("FURU_INDEX_DIR", directory)
        yield directory


@pytest.fixture(autouse=True)
def own_index(own_store, index_directory, monkeypatch):
    monkeypatch.setenv("FURU_INDEX_DIR", index_directory)


def fill_lab(stored: Stored) -> dict[str, str]:
    """Some artifacts; their references by name."""
    toy = stored.add("lab/Data", name="toy", vocab=100)
    return {
        "toy": toy,
        "good": stored.add("lab/Train", lr=3e-4, seed=1, width=64, data=config(toy)),
        "other": stored.add("lab/Train", lr=0.01, seed=1, width=64, data=config(toy)),
        "bad": stored.add("lab/Train", "failed", lr=0.1, seed=2, width=64, data=config(toy)),
    }


@pytest.fixture
def stored(own_store):
    return Stored(own_store)


@pytest.fixture
def dashboard(stored, own_index):
    """Serves what is stored when the test first asks for it, and what comes later."""
    with served(str(stored.root)) as found:
        yield found


@pytest.fixture
def client(dashboard):
    with dashboard.client() as found:
        yield found


@pytest.fixture(scope="module")
def shared_store(tmp_path_factory, index_directory):
    return Stored(tmp_path_factory.mktemp("shared-store"))


@pytest.fixture(scope="module")
def lab(shared_store):
    return fill_lab(shared_store)


@pytest.fixture(scope="module")
def lab_dashboard(shared_store, lab):
    """Serves the lab for all tests of a module, which change nothing."""
    with served(str(shared_store.root)) as found:
        yield found


@pytest.fixture(scope="module")
def lab_client(lab_dashboard):
    with lab_dashboard.client() as found:
        yield found
