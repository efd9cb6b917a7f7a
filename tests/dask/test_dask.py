"""`run_futures` over Dask: a real cluster of two worker processes on this machine, each with its resources."""

from __future__ import annotations

import os
import signal
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest

import furu
from furu.execution import FuruRunError, run_futures
from tests.lifecycle.steps import endings
from tests.support.deeds import Deed, Undeclared, created
from tests.support.graphs import PATIENCE_SEC, Heard

if TYPE_CHECKING:
    from collections.abc import Iterator
    from concurrent.futures import Executor
    from pathlib import Path

pytestmark = [
    pytest.mark.dask,
    pytest.mark.slow,
    pytest.mark.xdist_group("dask"),
    pytest.mark.filterwarnings("default"),  # of Dask's own
]


@pytest.fixture(scope="module")
def noted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where nodes note what they did; the same for all tests, since workers start only once."""
    return tmp_path_factory.mktemp("noted")


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory, noted: Path) -> Iterator[Any]:
    """Two single-threaded workers, one with a GPU; everything on the loopback, and no dashboard."""
    distributed = pytest.importorskip("distributed")  # here, since it costs a second even where this folder is left out
    directory = tmp_path_factory.mktemp("dask")
    environment = {"PYTHONPATH": os.pathsep.join(path for path in sys.path if path), "DEEDS": str(noted)}
    options = {"host": "127.0.0.1", "nthreads": 1, "dashboard": False, "local_directory": str(directory)}
    workers = {
        name: {"cls": distributed.Nanny, "options": {**options, "env": environment, "resources": resources}}
        for name, resources in {"w0": {"cpu": 1}, "w1": {"cpu": 1, "gpu": 1}}.items()
    }
    scheduler = {
        "cls": distributed.Scheduler,
        "options": {"host": "127.0.0.1", "port": 0, "dashboard": False, "allowed_failures": 0},
    }
    with (
        distributed.SpecCluster(workers=workers, scheduler=scheduler, silence_logs=50) as cluster,
        distributed.Client(cluster) as client,
    ):
        client.wait_for_workers(2, timeout=60)
        yield client


@pytest.fixture(autouse=True)
def nothing_noted(noted: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DEEDS", str(noted))
    monkeypatch.setenv("FURU_LOG_LEVEL", "ERROR")
    for path in noted.iterdir():
        path.unlink()


@pytest.fixture
def executors(client: Any) -> dict[str, Executor]:
    return {
        "default": client.get_executor(resources={"cpu": 1}),
        "gpu": client.get_executor(resources={"gpu": 1}),
    }


def test_a_graph_runs_on_both_workers_by_spec_key(executors):
    leaves = [Deed(name=f"n{number}", deed="await two") for number in range(2)]
    on_gpu = Place(name="g", needs=tuple(leaves), key="gpu")
    run_futures([Deed(name="-top", needs=(on_gpu,))], executors)
    assert "w1" == on_gpu.get()
    assert ["-top", "n0", "n1"] == sorted(created())


class Place(furu.Furu[str]):
    """Its result is the name of the Dask worker that computed it."""

    name: str
    needs: tuple[furu.Furu[Any], ...] = ()
    key: str = furu.field(default="default", identity=False)

    def _executor_spec_key(self) -> str:
        return self.key

    def _create(self) -> str:
        import distributed

        for need in self.needs:
            need.get()
        return str(distributed.get_worker().name)


def test_a_failed_node_is_really_computed_again(executors, monkeypatch):
    """Not answered from what Dask remembers of the first attempt."""
    monkeypatch.setenv("FURU_MAX_COMPUTE_RETRIES", "2")
    with pytest.raises(furu.FuruComputeError, match="told to fail"):
        run_futures([Deed(name="a", deed="fail")], executors)
    assert ["a"] * 3 == created()


def test_an_undeclared_dependency_surfaces_as_itself(executors):
    with pytest.raises(furu.FuruMissingArtifact):
        run_futures([Undeclared()], executors)


def test_a_worker_that_is_killed_costs_its_node_an_attempt(executors, noted):
    victim = Deed(name="victim", deed="be a victim once")
    top = Deed(name="-top", needs=(victim, Deed(name="other")))
    heard = Heard()
    with ThreadPoolExecutor(1) as pool:
        run = pool.submit(run_futures, [top], executors, reporter=heard, poll_interval_sec=0.05)
        os.kill(_victim(noted), signal.SIGKILL)
        run.result(2 * PATIENCE_SEC)
    assert ["crashed", "ok"] == endings(victim)
    assert "victimother-top" == top.get()
    assert 2 == created().count("victim")


def _victim(directory: Path) -> int:
    for _ in range(6000):
        for path in directory.glob("victim *"):
            return int(path.name.removeprefix("victim "))
        threading.Event().wait(0.01)
    raise TimeoutError


def test_a_node_that_kills_every_worker_is_given_up_and_others_go_on(executors):
    good = [Deed(name=f"good{number}") for number in range(3)]
    with pytest.raises(FuruRunError) as caught:
        run_futures([Deed(name="bad", deed="exit"), *good], executors, on_error="continue", poll_interval_sec=0.05)
    assert [f"Deed({Deed(name='bad').furu_hash})"] == list(caught.value.failed)
    assert "KilledWorker" in str(caught.value)
    assert all(each.exists() for each in good)
