"""The cluster that the other tests here run on: it is real, it is confined to this machine, and it goes away."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.slurm.cluster import packages
from tests.slurm.cluster.cluster import Cluster
from tests.slurm.cluster.daemons import find_job_processes, wait_until

ROOT = Path(__file__).parents[2]
pytestmark = [pytest.mark.slurm, pytest.mark.slow, pytest.mark.xdist_group("slurm")]


def submit(cluster: Cluster, script: str, *options: str) -> str:
    return cluster.run("sbatch", "--parsable", "--output=/dev/null", *options, "--wrap", script).strip()


def state_of(cluster: Cluster, job_id: str) -> str:
    return cluster.run("squeue", "-h", "-t", "all", "-o", "%T", "-j", job_id).strip()


def wait_for_state(cluster: Cluster, job_id: str, state: str, timeout_sec: float = 20) -> None:
    reached = wait_until(lambda: state_of(cluster, job_id) == state, timeout_sec=timeout_sec)
    assert reached, f"{job_id} is {state_of(cluster, job_id)}, not {state}"


def listening_addresses(pids: set[int]) -> set[str]:
    """Local addresses (hexadecimal) of the listening TCP sockets that these processes hold."""
    inodes = set()
    for pid in pids:
        for entry in Path(f"/proc/{pid}/fd").iterdir():
            target = os.readlink(entry)
            if target.startswith("socket:["):
                inodes.add(target[8:-1])
    addresses = set()
    for table in ("tcp", "tcp6"):
        for line in Path(f"/proc/net/{table}").read_text().splitlines()[1:]:
            fields = line.split()
            if fields[3] == "0A" and fields[9] in inodes:
                addresses.add(fields[1].partition(":")[0])
    return addresses


def test_every_partition_runs_jobs(slurm_cluster, tmp_path):
    jobs = {}
    for partition in ("cpu", "urgent", "gpu"):
        out = tmp_path / partition
        gres = ["--gpus-per-node=1"] if partition == "gpu" else []
        script = f"echo $SLURMD_NODENAME $CUDA_VISIBLE_DEVICES > {out}"
        jobs[partition] = submit(slurm_cluster, script, f"--partition={partition}", *gres)
    for job_id in jobs.values():
        wait_for_state(slurm_cluster, job_id, "COMPLETED")
    assert "g1 0\n" == (tmp_path / "gpu").read_text()
    assert {"c1", "c2"} >= {(tmp_path / partition).read_text().strip() for partition in ("cpu", "urgent")}


def test_accounting_is_on_or_off(each_slurm_cluster):
    done = subprocess.run(["sacct", "-n"], capture_output=True, text=True, check=False)
    assert each_slurm_cluster.accounting == (done.returncode == 0)
    assert each_slurm_cluster.accounting != ("accounting storage is disabled" in done.stderr)


def test_nothing_listens_beyond_loopback(slurm_cluster):
    assert {"0100007F"} == listening_addresses(set(slurm_cluster.pids.values()))


def test_up_twice_is_up_once(slurm_cluster):
    before = slurm_cluster.pids
    slurm_cluster.up()
    assert before == slurm_cluster.pids


def test_a_node_set_down_stays_down_until_resumed_and_its_job_runs_again(slurm_cluster):
    job_id = submit(slurm_cluster, "sleep 60", "--nodelist=c1")
    wait_for_state(slurm_cluster, job_id, "RUNNING")
    slurm_cluster.set_node_down("c1")
    wait_for_state(slurm_cluster, job_id, "PENDING")
    assert "c1" not in slurm_cluster.idle_nodes()
    slurm_cluster.resume_node("c1")
    assert "c1" in slurm_cluster.idle_nodes()


def test_the_controller_can_go_away_and_come_back_knowing_its_jobs(slurm_cluster):
    job_id = submit(slurm_cluster, "sleep 60")
    wait_for_state(slurm_cluster, job_id, "RUNNING")
    slurm_cluster.stop_controller()
    assert 0 != subprocess.run(["squeue"], capture_output=True, timeout=60, check=False).returncode
    slurm_cluster.start_controller()
    assert "RUNNING" == state_of(slurm_cluster, job_id)


def test_a_killed_node_can_be_started_again(slurm_cluster):
    job_id = submit(slurm_cluster, "exec sleep 987", "--nodelist=c2")
    wait_for_state(slurm_cluster, job_id, "RUNNING")
    assert wait_until(lambda: find_job_processes(slurm_cluster.slurm_conf, node="c2") != [], timeout_sec=10)
    slurm_cluster.kill_node("c2")
    assert wait_until(lambda: find_job_processes(slurm_cluster.slurm_conf, node="c2") == [], timeout_sec=10)
    slurm_cluster.run("scancel", job_id)
    slurm_cluster.start_node("c2")
    assert "c2" in slurm_cluster.idle_nodes()


def is_running(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_down_leaves_no_process_no_job_and_no_directory(slurm_clusters):
    cluster = Cluster(accounting=False, cpu_nodes=1, gpu_nodes=0)
    with cluster:
        job_id = submit(cluster, "trap '' TERM; setsid sleep 988 & sleep 989")
        wait_for_state(cluster, job_id, "RUNNING")
        pids = set(cluster.pids.values())
    assert set() == {pid for pid in pids if is_running(pid)}
    assert [] == find_job_processes(cluster.slurm_conf)
    assert not cluster.directory.exists()


def test_two_clusters_do_not_harm_each_other(slurm_cluster):
    job_id = submit(slurm_cluster, "sleep 60")
    wait_for_state(slurm_cluster, job_id, "RUNNING")
    with Cluster(accounting=False) as other:
        other_job = submit(other, "true")
        wait_for_state(other, other_job, "COMPLETED")
        assert job_id != other_job
    assert "RUNNING" == state_of(slurm_cluster, job_id)
    wait_for_state(slurm_cluster, submit(slurm_cluster, "true"), "COMPLETED")


def test_daemons_die_with_the_process_that_started_them(slurm_clusters, tmp_path):
    """Not even SIGKILL of the test run leaves any behind."""
    code = (
        "import pathlib, sys, time\n"
        "from tests.slurm.cluster import Cluster\n"
        "cluster = Cluster(pathlib.Path(sys.argv[1]), accounting=False, gpu_nodes=0)\n"
        "cluster.up()\n"
        "print(*cluster.pids.values(), flush=True)\n"
        "time.sleep(60)\n"
    )
    argv = [sys.executable, "-c", code, str(tmp_path)]
    with subprocess.Popen(argv, cwd=ROOT, stdout=subprocess.PIPE, text=True) as starter:
        pids = {int(word) for word in starter.stdout.readline().split()}
        assert pids
        starter.send_signal(signal.SIGKILL)
    assert wait_until(lambda: not any(is_running(pid) for pid in pids), timeout_sec=10)


def test_every_package_of_the_list_is_recognised(slurm_clusters):
    assert [] == packages.missing()
    assert set(packages.COMMAND_OF) | set(packages.PLUGIN_OF) == set(packages.read_list())
