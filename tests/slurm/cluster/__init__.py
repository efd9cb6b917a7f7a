"""A real Slurm of several nodes on this one machine, for tests and benchmarks.

    with Cluster(directory, accounting=True) as cluster:      # 2 cpu nodes, 1 gpu node, partitions cpu, gpu, urgent
        subprocess.run(["sbatch", ...], env=cluster.environ())

All daemons are children of the calling process, listen on loopback only and die with it.
"""

from __future__ import annotations

from tests.slurm.cluster.cluster import Cluster, ClusterError

__all__ = ["Cluster", "ClusterError"]
