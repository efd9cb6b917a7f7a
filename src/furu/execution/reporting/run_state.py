"""How a run stands, by its record alone: nothing is asked of Slurm, and no class is imported."""

from __future__ import annotations

import os
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from furu.execution.reporting.run_record import read_run
from furu.storage.layout import RootPaths
from furu.storage.pool_layout import PoolPaths
from furu.storage.process import is_running, this_process

if TYPE_CHECKING:
    from furu.execution.reporting.run_record import RunRecord
    from furu.storage.layout import RunPaths

_DONE: Final = "done"


class RunState(StrEnum):
    """How a run stands."""

    DONE = "done"
    FAILED = "failed"
    INTERRUPTED = "interrupted"
    """It ended before its time, by a signal or an error of the run itself."""
    RUNNING = "running"
    KILLED = "killed"
    """Its process is gone, and no end is on record."""
    SUBMITTED = "submitted"
    """Slurm has its jobs, or had: `furu attach` asks."""
    UNKNOWN = "unknown"
    """No end is on record, and its process can't be seen from here."""


class Backend(StrEnum):
    """What computes the nodes."""

    LOCAL = "local"
    SLURM_DAG = "slurm-dag"
    SLURM_POOL = "slurm-pool"


@dataclass(frozen=True)
class RunSummary:
    """A run in a line.

    Attributes:
        record: all there is on record.
        state: how it stands.
        backend: what computes its nodes.
        done: nodes that it was to compute and that have a result: by now, or when it ended.
        failed: nodes that failed for good in this run.
        total: nodes that it was to compute.
    """

    record: RunRecord
    state: RunState
    backend: Backend
    done: int
    failed: int
    total: int


def summarize_run(root: str, run_id: str) -> RunSummary:
    """How a run stands.

    Args:
        root: of the store.
        run_id: its name.

    Raises:
        FuruStoreError: there is no record of it, or it can't be read.
    """
    paths = RootPaths(root).run(run_id)
    record = read_run(paths)
    backend = _backend(paths)
    wanted = {each: node for each, node in record.nodes.items() if node.status != _DONE}
    end = record.end
    if end is not None and {"succeeded", "failed"} <= end.facts.keys():
        # It counted itself; to ask for every node of many large runs takes its time.
        done, failed = int(end.facts["succeeded"]), int(end.facts["failed"])
    else:
        there = {each for each, node in wanted.items() if _has_result(root, node.namespace, each)}
        done, failed = len(there), len({event.node for event in record.failures()} - there)
    state = _state(record, backend, is_complete=done == len(wanted))
    return RunSummary(record, state, backend, done, failed, len(wanted))


def _has_result(root: str, namespace: str, furu_hash: str) -> bool:
    return os.path.exists(RootPaths(root).artifact(namespace, furu_hash).success)


def _backend(paths: RunPaths) -> Backend:
    if os.path.exists(paths.jobs):
        return Backend.SLURM_DAG
    return Backend.SLURM_POOL if os.path.exists(PoolPaths(f"{paths.base}/pool").record) else Backend.LOCAL


def _state(record: RunRecord, backend: Backend, *, is_complete: bool) -> RunState:
    end = record.end
    if end is not None:
        if end.facts.get("failed"):
            return RunState.FAILED
        return RunState.INTERRUPTED if "error_type" in end.facts else RunState.DONE
    if is_complete:
        return RunState.DONE
    if backend is Backend.SLURM_DAG:
        return RunState.SUBMITTED
    me, process = this_process(), record.process
    if all(process.get(name) == getattr(me, name) for name in ("boot", "pid_namespace")):
        return RunState.RUNNING if is_running(process["pid"], process["started"]) else RunState.KILLED
    return RunState.UNKNOWN
