"""A Slurm that is played, and nodes that behave well until a test tells them otherwise."""

from __future__ import annotations

import os

import pytest

from tests.support import graphs
from tests.support.installed import PACKAGES
from tests.support.pools import LiveSlurm, in_process
from tests.support.zygote import PROJECT


@pytest.fixture(autouse=True)
def no_orders(tmp_path, monkeypatch):
    """Also a directory for what nodes in other processes note, and for these the way to our modules."""
    monkeypatch.setenv("DEEDS", str(tmp_path))
    monkeypatch.setenv("FURU_LOG_LEVEL", "ERROR")
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(PACKAGES), str(PROJECT)]))
    graphs.forget()
    yield
    graphs.forget()


@pytest.fixture
def slurm():
    slurm = LiveSlurm()
    yield slurm
    slurm.end_all()


@pytest.fixture
def real_workers():
    slurm = in_process()
    yield slurm
    slurm.end_all()
