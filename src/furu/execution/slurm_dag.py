"""One batch job for each node of a graph: `submit_slurm_dag` queues them and returns; Slurm keeps the order.

submit_slurm_dag
    plan -> every check -> payloads -> level by level: jobs, each after those of its dependencies
    a job -> its record in the artifact's directory, so that nobody computes meanwhile what waits in the queue

What is done is told by the store: a node whose dependencies are published gets a job without `afterok`, for Slurm takes
a job that it has forgotten for one that ended well.
"""

from __future__ import annotations

import json
import logging
import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from furu import clock, config, logs
from furu.errors import FuruComputeError, FuruError
from furu.execution.context import BATCH_BACKEND
from furu.execution.owners import FuruFailedDependencies
from furu.execution.payload import PayloadWriter
from furu.execution.plan import DependencyPlan, PlanNode, Status, build_plan, topo_order_todo
from furu.execution.reporting.run_log import write_plan
from furu.execution.run import Task, new_run_id
from furu.execution.scheduling.outcomes import Start
from furu.execution.slurm.attach import SlurmDag, attach_slurm_dag
from furu.execution.slurm.groups import ARRAY_FROM, Group, Waiting, group_level
from furu.execution.slurm.submit import JobProgram, Submission, submitter
from furu.execution.slurm.text import base_job_id
from furu.execution.slurm.watch import ask_slurm
from furu.execution.slurm_spec import check_specs
from furu.lifecycle.artifact import Artifact
from furu.lifecycle.computable import artifact_paths
from furu.lifecycle.compute import record_identity
from furu.lifecycle.lease import THIS_PROCESS
from furu.lifecycle.schedulers import NO_JOBS, look_at_jobs, record_job
from furu.storage.layout import RootPaths
from furu.storage.records import VERSION, JobRecord
from furu.storage.submitit_layout import SubmititPaths

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from furu.core.furu import Furu
    from furu.execution.slurm.client import Slurm
    from furu.execution.slurm.submit import Submitter
    from furu.execution.slurm_spec import SlurmSpec

_LOG: Final = logging.getLogger("furu")

_PROGRAM: Final = "furu.execution.slurm.job"
_HASH_SHOWN: Final = 8


class FuruForeignOwner(FuruError, RuntimeError):
    """Something outside of Slurm computes nodes of the plan right now, and no job can wait for that.

    Attributes:
        owners: `Class(hash)` of each node -> who computes it.
    """

    def __init__(self, owners: Mapping[str, str]) -> None:
        self.owners = dict(owners)
        listed = "; ".join(f"{node}: {because}" for node, because in self.owners.items())
        hints = ["run_slurm_pool waits for other owners", "or submit again when they are through"]
        super().__init__(f"no Slurm job can depend on what another backend computes: {listed}", hints=hints)


@dataclass(frozen=True)
class SlurmDagSubmission:
    """What was submitted.

    Attributes:
        plan: what was found to do.
        job_id_by_hash: the job of each node that is not done, including live ones of earlier submissions.
        root_job_ids: the same of the roots only.
        run_id: name of the submission; `attach_slurm_dag` takes it.
    """

    plan: DependencyPlan
    job_id_by_hash: dict[str, str]
    root_job_ids: dict[str, str]
    run_id: str

    def attach(self) -> SlurmDag:
        """Look after the jobs."""
        return attach_slurm_dag(self.run_id)


def submit_slurm_dag(
    roots: Iterable[Furu[Any]],
    *,
    specs: Mapping[str, SlurmSpec],
    submitit_root: str | Path | None = None,
    slurm: Slurm | None = None,
) -> SlurmDagSubmission:
    """Queue a job for every node that `roots` need and that is missing, and return.

    A job starts when those of its dependencies ended well, and is cancelled when that can't happen any more. What is
    published needs no job, and what is queued or runs already is not submitted twice, so the same call again goes on
    where failures left off.

    Args:
        roots: configs.
        specs: spec key -> resources; must have `"default"`.
        submitit_root: where the jobs' logs go, below `nodes/<spec key>/`; default is `FURU_SUBMITIT_PATH`.
        slurm: what to submit to, and to ask from now on in this process; default is submitit where it is installed,
            else the commands on PATH.

    Raises:
        FuruMissingSpec: (a `KeyError`) names all spec keys that `specs` lacks, and who wants them.
        FuruConfigError: a value of `specs` is no SlurmSpec.
        FuruFailedDependencies: nodes failed before and `FURU_RETRY_FAILED` is off.
        FuruForeignOwner: something outside of Slurm computes nodes of the plan right now.
        ValueError: a class can't be imported by a job: it is local, or in `__main__`.
        FuruComputeError: a job was refused; the cause is Slurm's answer. The jobs before it stay queued.
    """
    logs.console()
    if slurm is not None:
        ask_slurm(slurm)
    plan = build_plan(roots)
    todo = plan.with_status(Status.TODO)
    check_specs(specs, _wanted(todo))
    if failed := plan.with_status(Status.FAILED):
        raise FuruFailedDependencies([node.name for node in failed])
    job_ids = _live_jobs(plan)
    run_id = new_run_id()
    if job_ids or todo:
        path = submitit_root if submitit_root is not None else config.settings().submitit_path
        submission = _Submission(
            plan, run_id, specs=specs, submitit_root=os.path.abspath(path), jobs=submitter(slurm), job_ids=job_ids
        )
        submission.submit(topo_order_todo(plan))
    root_job_ids = {each.furu_hash: job_ids[each.furu_hash] for each in plan.roots if each.furu_hash in job_ids}
    return SlurmDagSubmission(plan, job_ids, root_job_ids, run_id)


def _wanted(nodes: Iterable[PlanNode]) -> dict[str, list[str]]:
    wanted: dict[str, list[str]] = {}
    for node in nodes:
        wanted.setdefault(node.spec_key, []).append(node.name)
    return wanted


def _live_jobs(plan: DependencyPlan) -> dict[str, str]:
    """The jobs of the nodes in progress, by hash.

    Raises:
        FuruForeignOwner: there is none for some of them.
    """
    nodes = {furu_hash: node for furu_hash, node in plan.nodes.items() if node.status is Status.IN_PROGRESS}
    paths = {furu_hash: artifact_paths(node.obj) for furu_hash, node in nodes.items()}
    jobs = look_at_jobs(paths.values(), THIS_PROCESS, stale_after_sec=config.settings().stale_after_sec)
    found = {furu_hash: jobs.get(paths[furu_hash].base, NO_JOBS).live for furu_hash in nodes}
    # What ended since the plan was made is published, or would be submitted by the next call.
    foreign = {
        node.name: node.because
        for furu_hash, node in nodes.items()
        if found[furu_hash] is None and Artifact(paths[furu_hash], THIS_PROCESS).success_by_listing() is None
    }
    if foreign:
        raise FuruForeignOwner(foreign)
    return {furu_hash: live.record.job_id for furu_hash, live in found.items() if live is not None}


class _Submission:
    """One call of `submit_slurm_dag`, when everything has been checked."""

    def __init__(
        self,
        plan: DependencyPlan,
        run_id: str,
        *,
        specs: Mapping[str, SlurmSpec],
        submitit_root: str,
        jobs: Submitter,
        job_ids: dict[str, str],
    ) -> None:
        self._plan = plan
        self._run_id = run_id
        self._specs = specs
        self._folders = SubmititPaths(submitit_root)
        self._jobs = jobs
        self._job_ids = job_ids  # grows
        self._paths = RootPaths(str(config.settings().path)).run(run_id)
        self._writer = PayloadWriter(run_id, BATCH_BACKEND)
        self._arrays: dict[str, int] = {}  # by id: how many jobs

    def submit(self, order: Sequence[str]) -> None:
        nodes = self._plan.nodes
        self._writer.add(nodes[furu_hash].obj for furu_hash in order)
        write_plan(self._run_id, self._plan, at=clock.unix(), participant=THIS_PROCESS)
        self._note(list(self._job_ids))
        if order:
            THIS_PROCESS.disk.make_directories(self._paths.payloads)
        for furu_hash in order:
            self._write_payload(nodes[furu_hash])
        number = 0
        for level in _levels(self._plan, order):
            for group in self._groups(level):
                self._submit_group(group)
                number += 1
        if order:
            _LOG.info("run %s: %d jobs in %d submissions", self._run_id, len(order), number)

    def _groups(self, level: Sequence[str]) -> Iterator[Group]:
        waiting = [Waiting(each, self._plan.nodes[each].spec_key, frozenset(self._parents(each))) for each in level]
        largest = self._jobs.largest_array() if len(level) >= ARRAY_FROM else 1
        return group_level(waiting, self._arrays, largest=largest)

    def _parents(self, furu_hash: str) -> list[str]:
        return [self._job_ids[dep] for dep in self._plan.nodes[furu_hash].deps_pending if dep in self._job_ids]

    def _submit_group(self, group: Group) -> None:
        nodes = [self._plan.nodes[furu_hash] for furu_hash in group.nodes]
        first = nodes[0]
        cls = type(first.obj).__name__
        jobs = Submission(
            [JobProgram(_PROGRAM, (self._paths.payload(node.obj.furu_hash),)) for node in nodes],
            self._specs[first.spec_key],
            name=f"{cls}-{first.obj.furu_hash[:_HASH_SHOWN]}" if len(nodes) == 1 else f"{cls}-and-more",
            log_dir=self._log_dir(first),
            after_ok=group.after_ok,
            after_corresponding=group.after_corresponding,
        )
        try:
            job_ids = self._jobs.submit(jobs)
        except Exception as error:
            raise self._refused(nodes, error) from error
        if len(nodes) > 1:
            self._arrays[base_job_id(job_ids[0])] = len(nodes)
        for node, job_id in zip(nodes, job_ids, strict=True):
            self._job_ids[node.obj.furu_hash] = job_id
            self._record(node, job_id)
        self._note(group.nodes)

    def _refused(self, nodes: Sequence[PlanNode], error: Exception) -> FuruComputeError:
        node = nodes[0]
        furu_dir = Path(artifact_paths(node.obj).base)
        more = f" and {len(nodes) - 1} more" if len(nodes) > 1 else ""
        return FuruComputeError(
            f"the job of {node.name}{more} in {furu_dir} was not submitted: {error}",
            node=node.name,
            furu_dir=furu_dir,
            hints=[
                f"{len(self._job_ids)} jobs of run {self._run_id} are queued; the same call again keeps them",
                "after a time-out Slurm may have queued the job: see squeue",
            ],
        )

    def _log_dir(self, node: PlanNode) -> str:
        return self._folders.nodes(node.spec_key, self._run_id)

    def _write_payload(self, node: PlanNode) -> None:
        start = Start(node.obj.furu_hash, 1, node.spec_key, None)
        fields = json.loads(self._writer.payload(Task(start, node.obj)))
        content = json.dumps({**fields, "run_id": self._run_id, "log_dir": self._log_dir(node)})
        THIS_PROCESS.disk.write_new(self._paths.payload(node.obj.furu_hash), content.encode("ascii"))

    def _record(self, node: PlanNode, job_id: str) -> None:
        record_identity(node.obj, THIS_PROCESS, sync=config.settings().fsync)
        record = JobRecord(
            scheduler="slurm",
            cluster=os.environ.get("SLURM_CLUSTER_NAME", ""),
            job_id=job_id,
            spec_key=node.spec_key,
            run_id=self._run_id,
            submitted_at=clock.unix(),
            log_dir=self._log_dir(node),
        )
        record_job(artifact_paths(node.obj), record, THIS_PROCESS)

    def _note(self, hashes: Iterable[str]) -> None:
        """For whoever attaches to this run."""
        lines = [_job_line(self._plan.nodes[each], self._job_ids[each]) for each in hashes]
        if lines:
            THIS_PROCESS.disk.append(self._paths.jobs, "".join(lines).encode("ascii"))


def _levels(plan: DependencyPlan, order: Sequence[str]) -> list[list[str]]:
    """The nodes by the longest way to what is there, in the order given."""
    depth: dict[str, int] = {}
    levels: list[list[str]] = []
    for furu_hash in order:
        deps = [depth[dep] for dep in plan.nodes[furu_hash].deps_pending if dep in depth]
        depth[furu_hash] = level = 1 + max(deps, default=-1)
        if level == len(levels):
            levels.append([])
        levels[level].append(furu_hash)
    return levels


def _job_line(node: PlanNode, job_id: str) -> str:
    facts = {
        "v": VERSION,
        "hash": node.obj.furu_hash,
        "node": node.name,
        "spec_key": node.spec_key,
        "job_id": job_id,
        "directory": artifact_paths(node.obj).base,
        "deps": node.deps_pending,
    }
    return json.dumps(facts) + "\n"
