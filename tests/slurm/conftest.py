"""The cluster fixtures, for every test of this folder."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pytest


def pytest_configure(config: pytest.Config) -> None:
    # Only the topmost conftest may name plugins, and this is not it.
    config.pluginmanager.import_plugin("tests.slurm.cluster.pytest_plugin")
