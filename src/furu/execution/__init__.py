"""Running many artifacts: plans, executors and their contexts.

Names are loaded when they are first used, so that `import furu` stays cheap.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from furu.lazy import load_from

if TYPE_CHECKING:
    from furu.execution.context import EXEC_CONTEXT, ExecContext, in_executor
    from furu.execution.futures import FuruMissingExecutor, run_futures
    from furu.execution.local import run_local
    from furu.execution.owners import FuruFailedDependencies, FuruStaleOwner
    from furu.execution.plan import DependencyPlan, PlanNode, Status, build_plan, ready_todo, topo_order_todo
    from furu.execution.pool.adopt import FuruPoolAlive, FuruPoolTaken
    from furu.execution.pool.staff import FuruPoolError
    from furu.execution.processes import FuruWorkerError
    from furu.execution.reporting.reporter import Reporter
    from furu.execution.run import FuruRunError, FuruUnguardedScript
    from furu.execution.scheduling.arguments import FuruArgumentError
    from furu.execution.slurm.attach import SlurmDag, attach_slurm_dag
    from furu.execution.slurm.report import DagNode, DagReport, NodeState
    from furu.execution.slurm_dag import FuruForeignOwner, SlurmDagSubmission, submit_slurm_dag
    from furu.execution.slurm_pool import SlurmPoolResult, run_slurm_pool
    from furu.execution.slurm_spec import FuruMissingSpec, SlurmSpec
    from furu.execution.slurm_specs import project_specs

_HOMES: Final = {
    "EXEC_CONTEXT": "context",
    "ExecContext": "context",
    "in_executor": "context",
    "run_futures": "futures",
    "run_local": "local",
    "DependencyPlan": "plan",
    "PlanNode": "plan",
    "Status": "plan",
    "build_plan": "plan",
    "ready_todo": "plan",
    "topo_order_todo": "plan",
    "Reporter": "reporting.reporter",
    "FuruArgumentError": "scheduling.arguments",
    "FuruFailedDependencies": "owners",
    "FuruMissingExecutor": "futures",
    "FuruStaleOwner": "owners",
    "FuruUnguardedScript": "run",
    "FuruWorkerError": "processes",
    "FuruRunError": "run",
    "SlurmDag": "slurm.attach",
    "attach_slurm_dag": "slurm.attach",
    "FuruForeignOwner": "slurm_dag",
    "SlurmDagSubmission": "slurm_dag",
    "submit_slurm_dag": "slurm_dag",
    "FuruPoolAlive": "pool.adopt",
    "FuruPoolTaken": "pool.adopt",
    "FuruPoolError": "pool.staff",
    "SlurmPoolResult": "slurm_pool",
    "run_slurm_pool": "slurm_pool",
    "DagNode": "slurm.report",
    "DagReport": "slurm.report",
    "NodeState": "slurm.report",
    "FuruMissingSpec": "slurm_spec",
    "project_specs": "slurm_specs",
    "SlurmSpec": "slurm_spec",
}

__all__ = [
    "EXEC_CONTEXT",
    "DagNode",
    "DagReport",
    "DependencyPlan",
    "ExecContext",
    "FuruArgumentError",
    "FuruFailedDependencies",
    "FuruForeignOwner",
    "FuruMissingExecutor",
    "FuruMissingSpec",
    "FuruPoolAlive",
    "FuruPoolError",
    "FuruPoolTaken",
    "FuruRunError",
    "FuruStaleOwner",
    "FuruUnguardedScript",
    "FuruWorkerError",
    "NodeState",
    "PlanNode",
    "Reporter",
    "SlurmDag",
    "SlurmDagSubmission",
    "SlurmPoolResult",
    "SlurmSpec",
    "Status",
    "attach_slurm_dag",
    "build_plan",
    "in_executor",
    "project_specs",
    "ready_todo",
    "run_futures",
    "run_local",
    "run_slurm_pool",
    "submit_slurm_dag",
    "topo_order_todo",
]

__getattr__ = load_from(__name__, {name: f"{__name__}.{home}" for name, home in _HOMES.items()})


def __dir__() -> list[str]:
    return sorted(__all__)
