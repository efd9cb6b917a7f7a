"""When there can be no cluster, the reason is said; a machine is changed only with leave."""

from __future__ import annotations

import pytest

from tests.slurm.cluster import packages, pytest_plugin
from tests.slurm.cluster.loopback import is_loopback


class Machine:
    """What the fixtures see of a machine."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.installed: list[str] = []
        self.apt_error: Exception | None = None
        self._monkeypatch = monkeypatch
        self.has(uid=0, absent=[], loopback=True, leave=False)

    def has(self, *, uid=0, absent=(), loopback=True, leave=False) -> None:
        self._monkeypatch.setattr(pytest_plugin.os, "geteuid", lambda: uid)
        self._monkeypatch.setattr(pytest_plugin, "is_loopback", lambda host: loopback)
        self._monkeypatch.setattr(pytest_plugin, "MAY_SET_UP", leave)
        self._monkeypatch.setattr(packages, "missing", lambda: list(absent))
        self._monkeypatch.setattr(packages, "install", self.install)

    def install(self, names: list[str]) -> None:
        if self.apt_error:
            raise self.apt_error
        self.installed += names


@pytest.fixture
def machine(monkeypatch):
    return Machine(monkeypatch)


CASES = [
    pytest.param({}, None, id="all-there"),
    pytest.param({"uid": 1000}, "a Slurm cluster needs root", id="not-root"),
    pytest.param({"absent": ["munge"]}, "missing munge; FURU_TEST_SLURM_SETUP=1 allows", id="package-missing"),
    pytest.param({"loopback": False}, "must resolve to 127.0.0.1", id="name-not-loopback"),
    pytest.param({"loopback": False, "leave": True}, None, id="name-not-loopback-with-leave"),
]


@pytest.mark.parametrize(("state", "obstacle"), CASES)
def test_obstacles(machine, state, obstacle):
    machine.has(**state)
    found = pytest_plugin.find_obstacle()
    assert (found is None) if obstacle is None else (obstacle in found)
    assert [] == machine.installed


def test_missing_packages_are_installed_with_leave(machine):
    machine.has(absent=["munge", "slurmd"], leave=True)
    assert pytest_plugin.find_obstacle() is None
    assert ["munge", "slurmd"] == machine.installed


def test_what_apt_said_is_told(machine):
    machine.has(absent=["munge"], leave=True)
    machine.apt_error = packages.InstallError("E: no network")
    assert "can't install munge: E: no network" == pytest_plugin.find_obstacle()


def test_loopback_is_judged_by_the_address():
    assert is_loopback("localhost")
    assert not is_loopback("no-such-host.invalid")
