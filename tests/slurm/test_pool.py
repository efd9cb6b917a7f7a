"""Pools on a real Slurm: the graph, and every way in which a part of it can go away."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

import pytest

from furu.errors import FuruMissingArtifact
from furu.execution import build_plan
from furu.execution.slurm.client import SlurmClient
from furu.execution.slurm_pool import run_slurm_pool
from furu.execution.slurm_spec import SlurmSpec
from furu.lifecycle.computable import artifact_paths
from tests.slurm.cluster.daemons import wait_until
from tests.support import deeds
from tests.support.deeds import Deed
from tests.support.graphs import Heard
from tests.support.installed import PACKAGES
from tests.support.pool_graph import STUDY, Cheat, Images, Slow
from tests.support.scripts import Script

pytestmark = [pytest.mark.slurm, pytest.mark.slow, pytest.mark.xdist_group("slurm"), pytest.mark.timeout(150)]

PROJECT = Path(__file__).parents[2]
SPECS = {"default": SlurmSpec(time_min=60), "gpu": SlurmSpec(partition="gpu", gpus=1, time_min=60)}
QUICK = {"idle_timeout_sec": 5.0, "poll_interval_sec": 0.2, "stale_running_sec": 10.0}
SOURCE = """
import furu
from furu.execution import *
from furu.execution.slurm_pool import run_slurm_pool
from furu.execution.slurm_spec import SlurmSpec
from tests.support.deeds import *
from tests.support.pool_graph import *
SPECS = {"default": SlurmSpec(time_min=60), "gpu": SlurmSpec(partition="gpu", gpus=1, time_min=60)}
QUICK = {"idle_timeout_sec": 5.0, "poll_interval_sec": 0.2, "stale_running_sec": 10.0}
"""


@pytest.fixture(autouse=True)
def place(tmp_path, monkeypatch):
    monkeypatch.setenv("DEEDS", str(tmp_path))
    monkeypatch.setenv("FURU_LOG_LEVEL", "ERROR")
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(PACKAGES), str(PROJECT)]))
    return tmp_path


def pool(roots, **more):
    return run_slurm_pool(roots, **{"specs": SPECS, **QUICK, **more})


def jobs_of(cluster) -> set[str]:
    """Every job that Slurm still remembers."""
    return set(cluster.run("squeue", "-h", "-r", "-t", "all", "-o", "%F_%K").split())


def endings_of(obj) -> list[str]:
    return sorted(path.name.partition(".")[2] for path in Path(artifact_paths(obj).attempts).iterdir())


@pytest.mark.parametrize("slurm", [None, SlurmClient()], ids=["submitit", "sbatch"])
def test_a_study_with_models_on_gpus(slurm_cluster, slurm):
    before = jobs_of(slurm_cluster)
    result = pool([STUDY], slurm=slurm)
    assert 10 == len(deeds.created()) == len(set(deeds.created()))
    assert ["gpu"] * 6 == STUDY.get()
    for model in STUDY.models:
        found = model.get()
        assert ("cpu", "gpu") == (found["data"], found["partition"])
        assert found["gpus"] in ("0", "1")
    assert len(jobs_of(slurm_cluster) - before) <= 3 + 6 + 1
    for key in SPECS:
        assert list((result.submitit_root / "workers" / key / result.run_id).iterdir())
    assert wait_until(lambda: not slurm_cluster.run("squeue", "-h").strip(), timeout_sec=20)


def test_a_gpu_node_that_asks_for_what_it_did_not_declare_computes_nothing(slurm_cluster):
    with pytest.raises(FuruMissingArtifact, match="Missing artifact Images"):
        pool([Cheat()])
    assert [] == deeds.created()
    assert not Images(part=99).exists()


def test_s244_thirty_nodes_over_four_workers(each_slurm_cluster):
    before = jobs_of(each_slurm_cluster)
    pool([Deed(name=f"n{number}", deed="nap") for number in range(30)], max_workers_total=4)
    assert 30 == len(deeds.created()) == len(set(deeds.created()))
    assert 4 == len(deeds.pids()) == len(jobs_of(each_slurm_cluster) - before)


def test_a_worker_killed_by_sigkill(each_slurm_cluster):
    heard = Heard()
    pool([Deed(name="a", deed="kill once"), Deed(name="b")], reporter=heard, max_workers_total=2)
    assert ["a", "a", "b"] == sorted(deeds.created())
    assert ["crashed", "ok"] == endings_of(Deed(name="a", deed="kill once"))
    assert "end a worker lost" in heard.events


def test_scancel_of_a_worker_ends_its_attempt_as_preempted(slurm_cluster, place):
    node = Slow(name="a")
    with Running("run_slurm_pool([Slow(name='a')], specs=SPECS, **QUICK)") as script:
        assert wait_until(lambda: list(place.glob("job a *")) != [], timeout_sec=30)
        slurm_cluster.run("scancel", next(place.glob("job a *")).name.split()[-1])
        assert 0 == script.finish(60), script.story()
    assert "a" == node.get()
    assert ["ok", "preempted"] == endings_of(node)


def test_a_node_set_down(slurm_cluster, place):
    with Running("run_slurm_pool([Slow(name='a'), Slow(name='b')], specs=SPECS, **QUICK)") as script:
        assert wait_until(lambda: len(list(place.glob("on * *"))) == 2, timeout_sec=30)
        down = next(place.glob("on a *")).name.split()[2]
        slurm_cluster.set_node_down(down)
        (place / "go b").touch()
        assert wait_until(lambda: deeds.created().count("a") == 2, timeout_sec=60), script.story()
        (place / "go a").touch()
        assert 0 == script.finish(60), script.story()
    assert "a" == Slow(name="a").get()
    slurm_cluster.resume_node(down)


class TestControllerKilled:
    def test_started_again_it_goes_on_with_the_workers_that_are_there(self, slurm_cluster, place):
        roots = "[Slow(name='a'), *[Deed(name=f'n{number}', deed='nap') for number in range(10)]]"
        call = f"run_slurm_pool({roots}, specs=SPECS, **{{**QUICK, 'idle_timeout_sec': 30}}, max_workers_total=2)"
        with Running(call) as script:
            assert wait_until(lambda: len(deeds.created()) >= 3, timeout_sec=30)
            script.kill()
        jobs = jobs_of(slurm_cluster)
        # On its own the other worker does all that was queued.
        assert wait_until(lambda: len(deeds.created()) == 11, timeout_sec=30)
        (place / "go a").touch()
        roots = [Slow(name="a"), *[Deed(name=f"n{number}", deed="nap") for number in range(10)]]
        pool(roots, max_workers_total=2)
        assert 11 == len(deeds.created()) == len(set(deeds.created()))
        assert jobs == jobs_of(slurm_cluster)

    def test_workers_do_what_only_becomes_ready_for_the_next_controller(self, slurm_cluster, place):
        top = "Deed(name='top', needs=(Slow(name='a'),))"
        call = f"run_slurm_pool([{top}], specs=SPECS, **{{**QUICK, 'idle_timeout_sec': 40}})"
        with Running(call) as script:
            assert wait_until(lambda: deeds.created() == ["a"], timeout_sec=30)
            script.kill()
        jobs = jobs_of(slurm_cluster)
        with Running(call) as script:
            (place / "go a").touch()
            assert 0 == script.finish(60), script.story()
        assert ["a", "top"] == deeds.created()
        assert jobs == jobs_of(slurm_cluster)
        assert wait_until(lambda: not slurm_cluster.run("squeue", "-h").strip(), timeout_sec=20)

    def test_workers_without_a_controller_leave_when_they_are_idle(self, slurm_cluster):
        roots = "[Deed(name=f'n{number}', deed='nap') for number in range(6)]"
        call = f"run_slurm_pool({roots}, specs=SPECS, **{{**QUICK, 'idle_timeout_sec': 2}}, max_workers_total=2)"
        with Running(call) as script:
            assert wait_until(lambda: len(deeds.created()) >= 1, timeout_sec=30)
            script.kill()
        assert wait_until(lambda: not slurm_cluster.run("squeue", "-h").strip(), timeout_sec=30)
        assert 6 == len(deeds.created()) == len(set(deeds.created()))


def test_two_pools_and_a_local_run_at_once_compute_each_artifact_once(slurm_cluster):
    graph = (
        "data = [Deed(name=f'd{number}', deed='nap') for number in range(8)]\n"
        "pairs = [(data[number % 8], data[(number + 1) % 8]) for number in range(16)]\n"
        "roots = [Deed(name=f'r{number}', needs=pair, deed='nap') for number, pair in enumerate(pairs)]\n"
    )
    call = graph + "run_slurm_pool(roots, specs=SPECS, **QUICK, max_workers_total=2)"
    with Running(call) as first, Running(call) as second, Running(graph + "run_local(roots, max_workers=2)") as local:
        for script in (first, second, local):
            assert 0 == script.finish(90), script.story()
    assert 24 == len(deeds.created()) == len(set(deeds.created()))
    data = [Deed(name=f"d{number}", deed="nap") for number in range(8)]
    roots = [Deed(name=f"r{n}", needs=(data[n % 8], data[(n + 1) % 8]), deed="nap") for n in range(16)]
    assert {"done"} == {node.status.value for node in build_plan(roots).nodes.values()}
    for root in roots:
        assert ["ok"] == [ending for ending in endings_of(root) if ending != "noop"]


class Running(Script):
    """A controller in a process of its own."""

    def __init__(self, source: str) -> None:
        super().__init__(SOURCE + source)

    def __enter__(self):
        return self

    def __exit__(self, *error: object) -> None:
        self.close()


def test_the_slurm_controller_away_for_a_while(slurm_cluster, place):
    """No answer proves nothing: the worker that is there goes on, and the run waits."""
    top = "Deed(name='top', needs=(Slow(name='a'),), key='gpu')"
    with Running(f"run_slurm_pool([{top}], specs=SPECS, **QUICK)") as script:
        assert wait_until(lambda: deeds.created() == ["a"], timeout_sec=30)
        slurm_cluster.stop_controller()
        (place / "go a").touch()
        assert wait_until(lambda: Slow(name="a").exists(), timeout_sec=20)
        slurm_cluster.start_controller()
        assert 0 == script.finish(90), script.story()
    assert ["a", "top"] == deeds.created()


def test_signal_to_the_controller_leaves_the_workers_at_work(slurm_cluster, place):
    with Running("run_slurm_pool([Slow(name='a')], specs=SPECS, **QUICK)") as script:
        assert wait_until(lambda: deeds.created() == ["a"], timeout_sec=30)
        script.send(signal.SIGINT)
        assert 0 != script.finish(30)
    (place / "go a").touch()
    assert wait_until(lambda: Slow(name="a").exists(), timeout_sec=20)
    assert ["ok"] == endings_of(Slow(name="a"))


def test_waiting_workers_are_cancelled_when_the_run_is_over(slurm_cluster):
    """Four CPUs of `gpu` leave place for two workers with a GPU each."""
    nodes = [Deed(name=f"n{number}", deed="nap", key="gpu") for number in range(30)]
    before = jobs_of(slurm_cluster)
    pool(nodes, max_workers_total=6)
    assert 30 == len(deeds.created()) == len(set(deeds.created()))
    assert 2 == len(deeds.pids())
    assert len(jobs_of(slurm_cluster) - before) <= 6
    assert wait_until(lambda: not slurm_cluster.run("squeue", "-h").strip(), timeout_sec=10)


def test_a_requeued_worker_comes_back_under_its_id(slurm_cluster, place):
    before = jobs_of(slurm_cluster)
    with Running("run_slurm_pool([Slow(name='a')], specs=SPECS, **QUICK)") as script:
        assert wait_until(lambda: list(place.glob("job a *")) != [], timeout_sec=30)
        slurm_cluster.run("scontrol", "requeue", next(place.glob("job a *")).name.split()[-1])
        assert 0 == script.finish(90), script.story()
    assert ["a", "a"] == deeds.created()
    assert ["ok", "preempted"] == endings_of(Slow(name="a"))
    assert len(jobs_of(slurm_cluster) - before) <= 2


def test_preempted_by_a_more_urgent_job(slurm_cluster, place):
    with Running("run_slurm_pool([Slow(name='a')], specs=SPECS, **QUICK)") as script:
        assert wait_until(lambda: list(place.glob("on a *")) != [], timeout_sec=30)
        time.sleep(1)  # a step that was only just launched is killed without a warning
        options = ["--partition=urgent", "--exclusive", "--output=/dev/null", "--wrap=true"]
        slurm_cluster.run("sbatch", f"--nodelist={next(place.glob('on a *')).name.split()[2]}", *options)
        assert 0 == script.finish(90), script.story()
    assert ["a", "a"] == deeds.created()
    # A worker has its handlers before it takes a node, and a node notes "on" after that. So where the attempt ended as
    # crashed, no signal that can be caught came in time: Slurm may kill a young step at once, and this cluster kills
    # KillWait = 2 s after its warning, which a busy machine can use up. Nobody can write "preempted" then.
    assert endings_of(Slow(name="a")) in (["ok", "preempted"], ["crashed", "ok"])
    assert wait_until(lambda: not slurm_cluster.run("squeue", "-h").strip(), timeout_sec=20)
