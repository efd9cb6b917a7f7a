"""The configuration files of a throw-away cluster, as text."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

PORTS = 50  # a cluster owns this many ports in a row
CLUSTER_NAME = "furutest"
GPUS_PER_NODE = 2

# The defaults (a scheduling pass every 30 to 60 s, 120 s until a requeued job may start again, 300 s until
# a node counts as lost) are for sites of thousands of nodes; these make the same things happen within seconds.
FAST_TIMERS = """\
SchedulerParameters=batch_sched_delay=0,sched_interval=1,bf_interval=1
KillWait=2
SlurmdTimeout=10
SlurmctldTimeout=10
MessageTimeout=5
MinJobAge=3600
CompleteWait=0
EpilogMsgTime=0
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class ClusterConfig:
    """Everything the files are made from."""

    directory: Path
    host: str
    first_port: int
    first_job_id: int
    accounting: bool
    cpu_nodes: tuple[str, ...]
    gpu_nodes: tuple[str, ...]
    cpus_per_node: int
    has_freezer: bool

    @property
    def nodes(self) -> tuple[str, ...]:
        return self.cpu_nodes + self.gpu_nodes

    @property
    def munge_socket(self) -> Path:
        return self.directory / "munge" / "socket"

    @property
    def database_port(self) -> int:
        return self.first_port + 2


def render_slurm_conf(config: ClusterConfig) -> str:
    """slurm.conf: who listens where, fast timers, nodes and partitions."""
    directory, port = config.directory, config.first_port
    proctrack = "cgroup" if config.has_freezer else "linuxproc"
    return f"""\
ClusterName={CLUSTER_NAME}
SlurmctldHost={config.host}(127.0.0.1)
SlurmctldPort={port}
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
AuthInfo=socket={config.munge_socket},cred_expire=5
CredType=cred/munge
CommunicationParameters=NoInAddrAny,NoCtldInAddrAny
StateSaveLocation={directory}/state
SlurmctldPidFile={directory}/run/slurmctld.pid
SlurmctldLogFile={directory}/log/slurmctld.log
SlurmdPidFile={directory}/run/slurmd.%n.pid
SlurmdLogFile={directory}/log/slurmd.%n.log
SlurmdSpoolDir={directory}/spool/%n
SlurmdParameters=config_overrides
ProctrackType=proctrack/{proctrack}
TaskPlugin=task/none
SwitchType=switch/none
MpiDefault=none
FirstJobId={config.first_job_id}
MailProg=/bin/true
RebootProgram=/bin/true
JobAcctGatherType=jobacct_gather/linux
JobAcctGatherFrequency=task=5
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU_Memory
DefMemPerCPU=256
GresTypes=gpu
ReturnToService=1
PreemptType=preempt/partition_prio
PreemptMode=REQUEUE
SlurmctldParameters=preempt_send_user_signal
PropagateResourceLimits=NONE
{FAST_TIMERS}{_accounting(config)}{_nodes(config)}{_partitions(config)}"""


def _accounting(config: ClusterConfig) -> str:
    if not config.accounting:
        return "AccountingStorageType=accounting_storage/none\n"
    return f"""\
AccountingStorageType=accounting_storage/slurmdbd
AccountingStorageHost=127.0.0.1
AccountingStoragePort={config.first_port + 1}
AccountingStoragePass={config.munge_socket}
AccountingStorageTRES=gres/gpu
"""


def _nodes(config: ClusterConfig) -> str:
    lines = ""
    for number, node in enumerate(config.nodes):
        gres = f" Gres=gpu:{GPUS_PER_NODE}" if node in config.gpu_nodes else ""
        lines += (
            f"NodeName={node} NodeHostname={config.host} NodeAddr=127.0.0.1 Port={config.first_port + 10 + number} "
            f"CPUs={config.cpus_per_node} RealMemory=4096{gres} State=UNKNOWN\n"
        )
    return lines


def _partitions(config: ClusterConfig) -> str:
    lines = ""
    if config.cpu_nodes:
        nodes = ",".join(config.cpu_nodes)
        lines += f"PartitionName=cpu Nodes={nodes} Default=YES MaxTime=INFINITE PriorityTier=1 State=UP\n"
        lines += f"PartitionName=urgent Nodes={nodes} MaxTime=INFINITE PriorityTier=10 State=UP\n"
    if config.gpu_nodes:
        lines += f"PartitionName=gpu Nodes={','.join(config.gpu_nodes)} MaxTime=INFINITE State=UP\n"
    return lines


def render_gres_conf(config: ClusterConfig) -> str:
    """gres.conf: GPUs that are links to /dev/null (Slurm wants character devices)."""
    devices = f"{config.directory}/dev/gpu[0-{GPUS_PER_NODE - 1}]"
    return "".join(f"NodeName={node} Name=gpu File={devices}\n" for node in config.gpu_nodes)


def render_cgroup_conf() -> str:
    """cgroup.conf: only the freezer, so that no process of a job outlives it."""
    return "CgroupPlugin=cgroup/v1\nCgroupMountpoint=/sys/fs/cgroup\nCgroupAutomount=no\n"


def render_slurmdbd_conf(config: ClusterConfig, password: str) -> str:
    """slurmdbd.conf: the accounting daemon in front of a private MariaDB."""
    return f"""\
AuthType=auth/munge
AuthInfo=socket={config.munge_socket}
DbdHost={config.host}
DbdAddr=127.0.0.1
DbdPort={config.first_port + 1}
SlurmUser=root
CommunicationParameters=NoInAddrAny
StorageType=accounting_storage/mysql
StorageHost=127.0.0.1
StoragePort={config.database_port}
StorageUser=slurm
StoragePass={password}
StorageLoc=slurm_acct
LogFile={config.directory}/log/slurmdbd.log
PidFile={config.directory}/run/slurmdbd.pid
DebugLevel=info
"""


def render_database_init(password: str) -> str:
    """SQL that MariaDB runs when it starts: one database, one user."""
    return (
        "CREATE DATABASE IF NOT EXISTS slurm_acct;\n"
        f"CREATE OR REPLACE USER 'slurm'@'127.0.0.1' IDENTIFIED BY '{password}';\n"
        "GRANT ALL ON slurm_acct.* TO 'slurm'@'127.0.0.1';\n"
    )
