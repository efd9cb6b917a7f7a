"""Bring a throw-away Slurm up, break parts of it, take it down."""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
import signal
import subprocess
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Self

from tests.slurm.cluster import config as files
from tests.slurm.cluster.config import CLUSTER_NAME, GPUS_PER_NODE, ClusterConfig
from tests.slurm.cluster.daemons import (
    Daemon,
    find_job_processes,
    kill_job_processes,
    remove_freezers,
    stop_all,
    wait_until,
)
from tests.slurm.cluster.loopback import LoopbackName, is_loopback, short_host_name
from tests.slurm.cluster.packages import SEARCH_PATH
from tests.slurm.cluster.ports import PortBlock

if TYPE_CHECKING:
    from types import TracebackType

FREEZER = Path("/sys/fs/cgroup/freezer")
SYSTEM_TABLES = Path("/usr/share/mysql")
FOREIGN_VARIABLES = ("SLURM_", "SLURMD_", "SBATCH_", "SRUN_", "SQUEUE_", "SACCT_", "SALLOC_", "SCANCEL_")


class ClusterError(RuntimeError):
    """A daemon did not come up; the message ends with the tails of the logs."""


class Cluster:
    """Nodes c1.. in partitions `cpu` (default) and `urgent` (it preempts `cpu`), g1.. with 2 fake GPUs each in `gpu`.

    up()  munged → MariaDB → slurmdbd (these two only with accounting) → slurmctld → a slurmd per node → all idle
    down()  jobs → slurmds → slurmctld → what jobs left behind → slurmdbd, MariaDB, munged

    Needs root. Calling `up()` or `down()` twice is the same as once.
    """

    def __init__(
        self,
        directory: Path | None = None,
        *,
        accounting: bool = True,
        cpu_nodes: int = 2,
        gpu_nodes: int = 1,
        cpus_per_node: int = 4,
    ) -> None:
        self._is_ours = directory is None
        self.directory = Path(tempfile.mkdtemp(prefix="furu-slurm-")) if directory is None else directory.resolve()
        self.accounting = accounting
        self.cpu_nodes = tuple(f"c{number}" for number in range(1, cpu_nodes + 1))
        self.gpu_nodes = tuple(f"g{number}" for number in range(1, gpu_nodes + 1))
        self._cpus_per_node = cpus_per_node
        self._daemons: dict[str, Daemon] = {}
        self._ports: PortBlock | None = None
        self._loopback: LoopbackName | None = None

    def __enter__(self) -> Self:
        self.up()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.down()

    @property
    def nodes(self) -> tuple[str, ...]:
        return self.cpu_nodes + self.gpu_nodes

    @property
    def slurm_conf(self) -> Path:
        return self.directory / "etc" / "slurm.conf"

    @property
    def is_up(self) -> bool:
        return bool(self._daemons) and all(daemon.is_alive() for daemon in self._daemons.values())

    @property
    def pids(self) -> dict[str, int]:
        """Pid of each daemon, by name: `munged`, `slurmctld`, `slurmd.c1` ..."""
        return {name: daemon.pid for name, daemon in self._daemons.items()}

    def environ(self) -> dict[str, str]:
        """Our environment with this cluster as the one that sbatch and its friends talk to."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith(FOREIGN_VARIABLES)}
        return {**kept, "PATH": SEARCH_PATH, "SLURM_CONF": str(self.slurm_conf)}

    def run(self, *argv: str, check: bool = True, stdin: str = "", timeout_sec: float = 20) -> str:
        """Run a Slurm command against this cluster; its standard output."""
        done = subprocess.run(
            argv, env=self.environ(), input=stdin, capture_output=True, text=True, timeout=timeout_sec, check=False
        )
        if check and done.returncode != 0:
            msg = f"{' '.join(argv)} ended with {done.returncode}: {done.stderr.strip()}"
            raise ClusterError(msg)
        return done.stdout

    # ---------------------------------------------------------------- up and down

    def up(self) -> None:
        """Start everything and wait until all nodes are idle."""
        if self.is_up:
            return
        self.down()
        try:
            self._start_all()
        except BaseException:
            self.down(keep_logs=True)
            raise

    def _start_all(self) -> None:
        cluster = self._write_files()
        self._start("munged", *self._munged_argv(), "--foreground", "--force")
        if self.accounting:
            self._start_accounting(cluster)
        else:
            self._wait_for("munged", self._munge_answers)
        self.start_controller()
        for node in self.nodes:
            self.start_node(node, wait=False)
        self._wait_for("the nodes", lambda: self.idle_nodes() == set(self.nodes), timeout_sec=60)

    def down(self, *, keep_logs: bool = False) -> None:
        """Stop every daemon by its pid, and whatever jobs left running; delete the directory if we made it."""
        if self._daemons:
            if "slurmctld" in self._daemons:
                self._end_jobs()
            # Nodes before the controller: a node waits for its controller to hear that a job is over.
            for prefix in ("slurmd.", "slurmctld"):
                names = [name for name in self._daemons if name.startswith(prefix)]
                stop_all([self._daemons.pop(name) for name in names], signal.SIGTERM, timeout_sec=8)
            kill_job_processes(self.slurm_conf)
            wait_until(lambda: not find_job_processes(self.slurm_conf), timeout_sec=5)
            # The database is thrown away, so nothing is gained by letting it end in good order.
            stop_all(self._daemons.values(), signal.SIGKILL, timeout_sec=5)
            self._daemons.clear()
            remove_freezers(FREEZER, self.nodes)
        if self._ports is not None:
            self._ports.release()
            self._ports = None
        if self._loopback is not None:
            self._loopback.restore()
            self._loopback = None
        if self._is_ours and not keep_logs:
            shutil.rmtree(self.directory, ignore_errors=True)

    def _end_jobs(self) -> None:
        """Cancel what waits, kill what runs; the step daemons then end in good order and clean up after themselves."""
        if self._daemons["slurmctld"].is_alive():
            with contextlib.suppress(subprocess.TimeoutExpired):
                ids = self.run("squeue", "-h", "-o", "%A", check=False).split()
                if ids:
                    self.run("scancel", *sorted(set(ids)), check=False)
        kill_job_processes(self.slurm_conf, step_daemons=False)
        wait_until(lambda: not find_job_processes(self.slurm_conf), timeout_sec=3)

    # ---------------------------------------------------------------- pieces of up()

    def _write_files(self) -> ClusterConfig:
        host = short_host_name()
        if not is_loopback(host):
            self._loopback = LoopbackName(host)
        self._ports = PortBlock()
        for name in ("etc", "run", "log", "state", "spool", "dev", "munge", "db"):
            shutil.rmtree(self.directory / name, ignore_errors=True)
            (self.directory / name).mkdir(parents=True)
        self.directory.chmod(0o755)  # munged refuses a socket that other users can't reach
        config = ClusterConfig(
            directory=self.directory,
            host=host,
            first_port=self._ports.first,
            # Ids must not repeat: a job's log folder is named by its id, and clusters of one machine share the freezer.
            first_job_id=self._ports.number * 500_000 + int(time.time()) % 400_000 + 1,
            accounting=self.accounting,
            cpu_nodes=self.cpu_nodes,
            gpu_nodes=self.gpu_nodes,
            cpus_per_node=self._cpus_per_node,
            has_freezer=os.access(FREEZER / "release_agent", os.W_OK),
        )
        self.slurm_conf.write_text(files.render_slurm_conf(config))
        (self.directory / "etc" / "gres.conf").write_text(files.render_gres_conf(config))
        if config.has_freezer:
            (self.directory / "etc" / "cgroup.conf").write_text(files.render_cgroup_conf())
        for number in range(GPUS_PER_NODE):
            (self.directory / "dev" / f"gpu{number}").symlink_to("/dev/null")
        key = self.directory / "munge" / "key"
        key.touch(0o600)
        key.write_bytes(secrets.token_bytes(128))
        return config

    def _munged_argv(self) -> list[str]:
        names = {"key-file": "key", "socket": "socket", "pid-file": "pid", "log-file": "log", "seed-file": "seed"}
        return ["munged", *(f"--{option}={self.directory / 'munge' / name}" for option, name in names.items())]

    def _start_accounting(self, config: ClusterConfig) -> None:
        password = secrets.token_hex(16)
        data, init = self.directory / "db" / "data", self.directory / "db" / "init.sql"
        data.mkdir()
        init.touch(0o600)
        init.write_text(files.render_database_init(password))
        dbd_conf = self.directory / "etc" / "slurmdbd.conf"
        dbd_conf.touch(0o600)
        dbd_conf.write_text(files.render_slurmdbd_conf(config, password))
        small = ["--innodb-log-file-size=8M", "--innodb-buffer-pool-size=64M", "--performance-schema=OFF"]
        base = ["mariadbd", "--no-defaults", "--user=root", f"--datadir={data}", *small]
        self._bootstrap_database(base)
        self._start(
            "mariadbd",
            *base,
            "--bind-address=127.0.0.1",
            f"--port={config.database_port}",
            f"--socket={self.directory}/db/socket",
            f"--init-file={init}",
            "--skip-name-resolve",
            "--innodb-lock-wait-timeout=900",
            "--innodb-flush-log-at-trx-commit=0",
        )
        self._wait_for("mariadbd", (self.directory / "db" / "socket").exists, timeout_sec=30)
        self._wait_for("munged", self._munge_answers)
        self._start("slurmdbd", "slurmdbd", "-D")
        self._wait_for("slurmdbd", lambda: self._succeeds("sacctmgr", "-n", "list", "cluster"), timeout_sec=30)
        # On a busy disk the tables take long, and the first try may end in an "unspecified error".
        self._wait_for("the cluster's record", self._is_recorded, timeout_sec=60)

    def _is_recorded(self) -> bool:
        added = self._succeeds("sacctmgr", "-i", "add", "cluster", CLUSTER_NAME)
        return added or CLUSTER_NAME in self.run("sacctmgr", "-n", "list", "cluster", "format=cluster", check=False)

    def _bootstrap_database(self, base: list[str]) -> None:
        # mariadb-install-db needs a program of the full server package; feeding it the same tables does as well.
        lines = ["create database mysql;", "use mysql;", "set @auth_root_socket='root';", "set @skip_auth_anonymous=1;"]
        tables = [(SYSTEM_TABLES / f"mysql_system_tables{part}.sql").read_text() for part in ("", "_data")]
        self.run(*base, "--bootstrap", stdin="\n".join([*lines, *tables]), timeout_sec=60)

    def _munge_answers(self) -> bool:
        return self._succeeds("munge", "-n", "-S", str(self.directory / "munge" / "socket"))

    def _succeeds(self, *argv: str) -> bool:
        done = subprocess.run(argv, env=self.environ(), capture_output=True, timeout=20, check=False)
        return done.returncode == 0

    def _start(self, name: str, *argv: str) -> None:
        log = self.directory / "log" / f"{name}.out"
        self._daemons[name] = Daemon(name, argv, log=log, environ=self.environ())

    def _wait_for(self, what: str, is_true: object, *, timeout_sec: float = 10) -> None:
        assert callable(is_true)
        if not wait_until(lambda: bool(is_true()), timeout_sec=timeout_sec):
            msg = f"{what} did not come up within {timeout_sec:.0f} s\n{self.read_log_tails()}"
            raise ClusterError(msg)

    def read_log_tails(self, lines: int = 8) -> str:
        """The last lines of every log."""
        tails = []
        for path in sorted((self.directory / "log").glob("*")):
            text = path.read_text(errors="replace").splitlines()[-lines:]
            tails += [f"== {path.name}", *text]
        return "\n".join(tails)

    # ---------------------------------------------------------------- what tests do to it

    def idle_nodes(self) -> set[str]:
        """Nodes that run nothing and accept jobs."""
        return set(self.run("sinfo", "-h", "-N", "-t", "idle", "-o", "%N", check=False).split())

    def cancel_all(self, *, timeout_sec: float = 20) -> None:
        """Cancel every job and wait until the queue is empty."""
        ids = self.run("squeue", "-h", "-o", "%A").split()
        if not ids:
            return
        self.run("scancel", *sorted(set(ids)), check=False)
        if not wait_until(lambda: not self.run("squeue", "-h", "-o", "%A").split(), timeout_sec=timeout_sec):
            msg = "jobs still there: " + self.run("squeue")
            raise ClusterError(msg)

    def reset(self) -> None:
        """No job, every daemon alive, every node idle: what each test starts from."""
        if "slurmctld" in self._daemons and not self._daemons["slurmctld"].is_alive():
            self.start_controller()
        for node in self.nodes:
            if not self._daemons[f"slurmd.{node}"].is_alive():
                self.start_node(node, wait=False)
        self.cancel_all()
        if self.idle_nodes() != set(self.nodes):
            for node in set(self.nodes) - self.idle_nodes():
                self.run("scontrol", "update", f"nodename={node}", "state=resume", check=False)
            self._wait_for("the nodes", lambda: self.idle_nodes() == set(self.nodes), timeout_sec=40)

    def set_node_down(self, node: str) -> None:
        """What an administrator does: jobs of `node` end as NODE_FAIL (and are requeued) at once."""
        self.run("scontrol", "update", f"nodename={node}", "state=down", "reason=test")

    def resume_node(self, node: str) -> None:
        """Undo `set_node_down`."""
        self.run("scontrol", "update", f"nodename={node}", "state=resume")
        self._wait_for(node, lambda: node in self.idle_nodes(), timeout_sec=20)

    def kill_node(self, node: str) -> None:
        """Power failure: slurmd and all that jobs run on `node` get SIGKILL; Slurm notices after 15 to 30 s."""
        self._stop(f"slurmd.{node}", signal.SIGKILL)
        kill_job_processes(self.slurm_conf, node=node)

    def start_node(self, node: str, *, wait: bool = True) -> None:
        """Boot `node` (again)."""
        (self.directory / "spool" / node).mkdir(exist_ok=True)
        self._start(f"slurmd.{node}", "slurmd", "-D", "-N", node)
        if wait:
            self._wait_for(node, lambda: node in self.idle_nodes(), timeout_sec=40)

    def stop_controller(self) -> None:
        """slurmctld away: every command fails, running jobs go on."""
        self._stop("slurmctld", signal.SIGTERM)

    def start_controller(self) -> None:
        """slurmctld back, with what it knew."""
        self._start("slurmctld", "slurmctld", "-D", "-i")
        self._wait_for("slurmctld", lambda: self._succeeds("scontrol", "ping"), timeout_sec=20)

    def _stop(self, name: str, number: signal.Signals) -> None:
        stop_all([self._daemons[name]], number, timeout_sec=10)
