"""Fixtures: one cluster per run and accounting mode, up when first asked for, down at the end of the run.

tests/slurm/conftest.py loads them; other test modules by `pytest_plugins = ["tests.slurm.cluster.pytest_plugin"]`.
Mark such tests `slurm`, `slow` and `xdist_group("slurm")`: `--dist=loadgroup` keeps them on one worker, so one cluster.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from tests.slurm.cluster import packages
from tests.slurm.cluster.cluster import FOREIGN_VARIABLES, Cluster, ClusterError
from tests.slurm.cluster.loopback import is_loopback, short_host_name

if TYPE_CHECKING:
    from collections.abc import Iterator

SKIPPED = pytest.StashKey[str]()
SETUP = "FURU_TEST_SLURM_SETUP"


def _is_set(name: str) -> bool:
    return os.environ.get(name, "").lower() in {"1", "true", "yes"}


IS_CI = _is_set("CI")
# May the fixtures install packages and put a line into /etc/hosts? Read now: during a test FURU_* is hidden.
MAY_SET_UP = IS_CI or _is_set(SETUP)


def find_obstacle() -> str | None:
    """Why no cluster can be had on this machine; None if one can."""
    if os.geteuid() != 0:
        return "a Slurm cluster needs root"
    if not MAY_SET_UP and not is_loopback(short_host_name()):
        return f"the host name must resolve to 127.0.0.1 in /etc/hosts; {SETUP}=1 allows the tests to see to it"
    if absent := packages.missing():
        if not MAY_SET_UP:
            return f"missing {' '.join(absent)}; {SETUP}=1 allows the tests to install them"
        try:
            packages.install(absent)
        except (OSError, RuntimeError, packages.InstallError) as error:
            return f"can't install {' '.join(absent)}: {error}"
    return None


class Clusters:
    """The clusters of this run, by accounting mode."""

    def __init__(self) -> None:
        self._by_accounting: dict[bool, Cluster] = {}

    def get(self, *, accounting: bool) -> Cluster:
        """An idle cluster; brought up when first asked for."""
        if accounting not in self._by_accounting:
            cluster = Cluster(accounting=accounting)
            try:
                cluster.up()
            except ClusterError:
                cluster = Cluster(accounting=accounting)
                cluster.up()  # once more: a machine that is busy with other tests may be too slow for it
            self._by_accounting[accounting] = cluster
        cluster = self._by_accounting[accounting]
        cluster.reset()
        return cluster

    def down(self) -> None:
        for cluster in self._by_accounting.values():
            cluster.down()


@pytest.fixture(scope="session")
def slurm_clusters(request: pytest.FixtureRequest) -> Iterator[Clusters]:
    if obstacle := find_obstacle():
        if IS_CI:
            pytest.fail(f"no Slurm cluster: {obstacle}")
        request.config.stash[SKIPPED] = obstacle
        pytest.skip(f"NO SLURM CLUSTER: {obstacle}")
    clusters = Clusters()
    yield clusters
    clusters.down()


def _lend(clusters: Clusters, monkeypatch: pytest.MonkeyPatch, *, accounting: bool) -> Iterator[Cluster]:
    cluster = clusters.get(accounting=accounting)
    for name in [name for name in os.environ if name.startswith(FOREIGN_VARIABLES)]:
        monkeypatch.delenv(name)
    for name in ("SLURM_CONF", "PATH"):
        monkeypatch.setenv(name, cluster.environ()[name])
    yield cluster
    cluster.reset()


@pytest.fixture
def slurm_cluster(slurm_clusters: Clusters, monkeypatch: pytest.MonkeyPatch) -> Iterator[Cluster]:
    """An idle cluster with accounting; this process's sbatch, squeue, submitit ... talk to it during the test."""
    yield from _lend(slurm_clusters, monkeypatch, accounting=True)


@pytest.fixture
def slurm_cluster_without_accounting(slurm_clusters: Clusters, monkeypatch: pytest.MonkeyPatch) -> Iterator[Cluster]:
    """The same without slurmdbd: `sacct` fails."""
    yield from _lend(slurm_clusters, monkeypatch, accounting=False)


@pytest.fixture(params=[True, False], ids=["accounting", "no-accounting"])
def each_slurm_cluster(
    request: pytest.FixtureRequest, slurm_clusters: Clusters, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Cluster]:
    """Both, one after the other."""
    yield from _lend(slurm_clusters, monkeypatch, accounting=request.param)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    if obstacle := config.stash.get(SKIPPED, None):
        terminalreporter.write_sep("!", "NOT TESTED ON A REAL SLURM", red=True, bold=True)
        terminalreporter.write_line(obstacle, red=True)
