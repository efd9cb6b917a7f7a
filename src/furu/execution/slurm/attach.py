"""Looking after the jobs of a submission, from whatever process and as often as one likes.

attach_slurm_dag(run_id)
    look    one question to Slurm for all open jobs; the store for those that ended -> what became of each node
    wait    until nothing is open
    cancel  what is open
"""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

from furu import clock, config
from furu.config import settings
from furu.errors import FuruCorruptRecord, FuruStoreError, FuruWaitTimeout
from furu.execution.run import FuruRunError
from furu.execution.slurm.hooks import RunHooks
from furu.execution.slurm.jobs import WAITING, JobEnding, JobState
from furu.execution.slurm.report import OPEN, DagNode, DagReport, NodeState
from furu.execution.slurm.text import base_job_id
from furu.execution.slurm.watch import WATCH, ask_slurm
from furu.lifecycle.artifact import Artifact
from furu.lifecycle.lease import THIS_PROCESS
from furu.lifecycle.schedulers import JobSight, record_ending
from furu.storage.layout import HASH, ArtifactPaths, Ending, RootPaths
from furu.storage.records import EndedJobRecord, ErrorRecord, parse_object, parse_own

if TYPE_CHECKING:
    from collections.abc import Iterable

    from furu.execution.reporting.reporter import Reporter
    from furu.execution.slurm.client import Slurm

_JOB_ID: Final = re.compile(r"[\w-]+")
_SHORTEST_SEC: Final = 0.2
_LONGEST_SEC: Final = 15.0
_SHARE: Final = 0.05


def attach_slurm_dag(run_id: str, *, slurm: Slurm | None = None) -> SlurmDag:
    """Look after the jobs of a submission.

    Args:
        run_id: `SlurmDagSubmission.run_id`.
        slurm: what to ask from now on in this process; default is what is asked already, or the commands on PATH.

    Raises:
        FuruStoreError: there is no such submission below this root.
    """
    if slurm is not None:
        ask_slurm(slurm)
    paths = RootPaths(str(settings().path)).run(run_id)
    content = THIS_PROCESS.disk.read(paths.jobs)
    if content is None:
        msg = f"there is no record of jobs of run {run_id!r}; a submission that found everything done has none"
        raise FuruStoreError(msg, path=Path(paths.jobs))
    lines = content[: content.rfind(b"\n") + 1].splitlines()
    return SlurmDag(run_id, [_node(line, paths.jobs) for line in lines])


def _node(line: bytes, path: str) -> DagNode:
    """A line of jobs.jsonl; what it names is written to, so it must lie in a store."""
    facts = parse_object(line, path)
    try:
        furu_hash, directory = facts["hash"], facts["directory"]
        node = DagNode(furu_hash, facts["node"], facts["spec_key"], facts["job_id"], directory, tuple(facts["deps"]))
        is_sound = all(type(each) is str for each in (node.name, node.spec_key, node.job_id, *node.deps))
        is_ours = bool(HASH.fullmatch(furu_hash)) and directory.endswith(f"/{furu_hash}") and _is_below_root(directory)
    except (AttributeError, KeyError, TypeError) as error:
        raise FuruCorruptRecord(f"{path} is damaged: {error!r}", path=Path(path)) from None
    if not (is_sound and is_ours and _JOB_ID.fullmatch(node.job_id)):
        raise FuruCorruptRecord(f"{path} is damaged: {directory} is no artifact of this store", path=Path(path))
    return node


def _is_below_root(directory: str) -> bool:
    is_below = any(directory.startswith(f"{root}/data/") for root in (config.root(), config.version_controlled_root()))
    return is_below and not {"..", "."} & set(directory.split("/"))


class SlurmDag:
    """The jobs of a submission. Not thread-safe.

    Args:
        run_id: of the submission.
        nodes: what is known of each node so far.
    """

    def __init__(self, run_id: str, nodes: Iterable[DagNode]) -> None:
        self.run_id = run_id
        self._nodes = {node.furu_hash: node for node in nodes}

    def look(self) -> DagReport:
        """What became of each node, as of now."""
        open_nodes = [node for node in self._nodes.values() if node.state in OPEN]
        sights = WATCH.look([node.job_id for node in open_nodes])
        for node in open_nodes:
            self._nodes[node.furu_hash] = _seen(node, sights[node.job_id])
        return DagReport(self.run_id, dict(self._nodes))

    def wait(self, *, timeout_sec: float | None = None, reporter: Reporter | None = None) -> DagReport:
        """Wait until every node is done, has failed or can't run any more.

        The pause between two looks grows with the time waited, up to 15 s.

        Args:
            timeout_sec: how long to wait at most.
            reporter: is told what happens, as by `run_local`.

        Raises:
            FuruRunError: nodes failed, or were skipped because of that.
            FuruWaitTimeout: that took too long; the jobs go on.
        """
        began = clock.monotonic()
        hooks = RunHooks(self.run_id, reporter) if reporter is not None else None
        while True:
            report = self.look()
            if hooks is not None:
                hooks.tell(report)
            if report.is_finished:
                break
            waited_sec = clock.monotonic() - began
            if timeout_sec is not None and waited_sec >= timeout_sec:
                raise self._timeout(report, waited_sec)
            pause_sec = min(_LONGEST_SEC, max(_SHORTEST_SEC, waited_sec * _SHARE))
            clock.sleep(pause_sec if timeout_sec is None else min(pause_sec, timeout_sec - waited_sec))
        if hooks is not None:
            hooks.end(report)
        failed, skipped = report.with_state(NodeState.FAILED), report.with_state(NodeState.SKIPPED)
        if failed or skipped:
            raise FuruRunError(
                failed={node.name: node.because for node in failed},
                skipped={node.name: report.causes_of(node.furu_hash) for node in skipped},
            )
        return report

    def cancel(self) -> None:
        """End what runs and take the rest out of the queue.

        Raises:
            FuruSlurmError: Slurm refused.
        """
        # An element of a waiting array that is cancelled alone counts as ended well, so arrays go as a whole.
        ids = {base_job_id(node.job_id) for node in self.look().nodes.values() if node.state in OPEN}
        if ids:
            WATCH.slurm.cancel(sorted(ids))

    def _timeout(self, report: DagReport, waited_sec: float) -> FuruWaitTimeout:
        first = next(node for node in report.nodes.values() if node.state in OPEN)
        return FuruWaitTimeout(
            f"waited {waited_sec:.1f} s; {report}",
            node=first.name,
            furu_dir=Path(first.furu_dir),
            owner=f"Slurm job {first.job_id}",
            waited_sec=waited_sec,
            hints=["the jobs go on; attach_slurm_dag looks after them again"],
        )


def _seen(node: DagNode, sight: JobSight) -> DagNode:
    """What became of a node, now that Slurm was asked: while the job lives its word counts, else the store's."""
    if sight.verdict == "alive":
        state = NodeState.QUEUED if sight.state in WAITING else NodeState.RUNNING
        return replace(node, state=state, because=sight.state)
    paths = ArtifactPaths(node.furu_dir)
    artifact = Artifact(paths, THIS_PROCESS)
    if artifact.success_by_listing() is not None:
        if sight.ended is not None:
            _record(paths, sight.ended)
        return replace(node, state=NodeState.DONE, because="it is published")
    ended = _ended(paths, node.job_id, sight)
    if ended is None:
        return replace(node, state=NodeState.QUEUED, because="nobody can say what its job does")
    if ended.ending == JobEnding.DEPENDENCY_NEVER_SATISFIED:
        because = "a job that it depends on did not end well"
        return replace(node, state=NodeState.SKIPPED, because=because, ending=ended.ending)
    return replace(node, state=NodeState.FAILED, because=_why(node, ended, artifact), ending=ended.ending)


def _ended(paths: ArtifactPaths, job_id: str, sight: JobSight) -> EndedJobRecord | None:
    """How the job ended; what it said itself comes first, since it knows a time limit from a more urgent job."""
    content = THIS_PROCESS.disk.read(paths.ended_job(job_id))
    if content is not None:
        return parse_own(EndedJobRecord, content, paths.ended_job(job_id), "job_id")
    if sight.ended is not None:
        _record(paths, sight.ended)
        return sight.ended
    if WATCH.ending(job_id) is JobEnding.UNKNOWN and Artifact(paths, THIS_PROCESS).holder() is None:
        return EndedJobRecord(job_id, JobEnding.UNKNOWN, JobState.UNKNOWN, "", "", "", clock.unix())
    return None


def _record(paths: ArtifactPaths, ended: EndedJobRecord) -> None:
    if THIS_PROCESS.disk.read(paths.ended_job(ended.job_id)) is None:
        record_ending(paths, ended, THIS_PROCESS)


def _why(node: DagNode, ended: EndedJobRecord, artifact: Artifact) -> str:
    facts = [f"{name} {value}" for name, value in (("on", ended.node), ("exit code", ended.exit_code)) if value]
    how = f"Slurm job {node.job_id} ended: {ended.ending}" + (f" ({', '.join(facts)})" if facts else "")
    newest = artifact.newest_ended()
    if newest is not None and newest.ending is Ending.FAILED:
        path = artifact.paths.ended(newest.token, Ending.FAILED).error
        content = THIS_PROCESS.disk.read(path)
        if content is not None:
            error = parse_own(ErrorRecord, content, path, "token")
            return f"{error.type}: {error.message}; {how}"
    return f"{how}, and nothing is published" if ended.ending == JobEnding.OK else how
